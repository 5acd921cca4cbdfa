/** The federation as a table that opens and closes: regions, their zones, the clusters in them. */

import { signal } from '@preact/signals';
import { h, type ComponentChild } from 'preact';
import { NO_REGION, type Branch } from './federation-tree.ts';
import { countOf, formatSpan } from './format.ts';
import { HeadRow, Loading, Panel, ScrollBox } from './panel.ts';
import { hrefOf } from './router.ts';
import { StateMark } from './state-mark.ts';
import { drains, nowMs, tree } from './store.ts';

/** Regions that are closed; it stays so while the page is open. */
const closed = signal<ReadonlySet<string>>(new Set());

/** Clusters from which on regions begin closed: more than a screen of them tells nothing at a glance. */
const CLOSED_FROM = 60;

export function FederationTable(): ComponentChild {
  const root = tree.value;
  return h(
    Panel,
    { title: 'Federation', class: 'federation', aside: root && countOf(root.clusters.length, 'cluster') },
    root === undefined ? h(Loading, { what: 'The clusters are being asked for' }) : h(Table, { root }),
  );
}

const TITLES = ['Place', 'State', 'Shards', 'Heard'];

function Table({ root }: { readonly root: Branch }): ComponentChild {
  return h(
    ScrollBox,
    { label: 'Regions, zones and clusters' },
    h(
      'table',
      { class: 'tree' },
      h('caption', { class: 'unseen' }, 'Regions, zones and clusters, and how they are'),
      h(HeadRow, { titles: drains.value === undefined ? TITLES : [...TITLES, ''] }),
      h('tbody', null, h(Row, { branch: root, depth: 0 })),
      root.children.map((region) =>
        h(Region, { key: region.key, region, many: root.clusters.length >= CLOSED_FROM }),
      ),
    ),
  );
}

function Region({ region, many }: { readonly region: Branch; readonly many: boolean }): ComponentChild {
  const isOpen = closed.value.has(region.key) === many;
  return h(
    'tbody',
    null,
    h(Row, { branch: region, depth: 1, isOpen, toggle: () => toggle(region.key) }),
    isOpen ? region.children.flatMap((child) => rowsBelow(child, 2)) : null,
  );
}

function toggle(key: string): void {
  const next = new Set(closed.value);
  if (!next.delete(key)) next.add(key);
  closed.value = next;
}

function rowsBelow(branch: Branch, depth: number): ComponentChild[] {
  const rows = [h(Row, { key: branch.key, branch, depth })];
  return [...rows, ...branch.children.flatMap((child) => rowsBelow(child, depth + 1))];
}

interface RowProps {
  readonly branch: Branch;
  readonly depth: number;
  readonly isOpen?: boolean;
  readonly toggle?: () => void;
}

function Row(props: RowProps): ComponentChild {
  const { branch, depth } = props;
  return h(
    'tr',
    { class: `depth-${depth} ${branch.kind}`, id: `place-${branch.key}` },
    h('th', { scope: 'row' }, h(Name, props)),
    h('td', null, h(StateMark, { state: branch.state })),
    h('td', { class: 'number' }, h(Shards, { branch })),
    h('td', { class: 'number quiet' }, heardText(branch)),
    drains.value === undefined ? null : h('td', { class: 'act' }, h(DrainLink, { branch })),
  );
}

function Name({ branch, isOpen, toggle: onClick }: RowProps): ComponentChild {
  const { kind, name, clusters } = branch;
  if (onClick === undefined)
    return h('span', { class: 'name', title: titleOf(branch) }, name, h(OnlyCluster, { branch }));
  return h(
    'button',
    { type: 'button', class: 'fold', 'aria-expanded': isOpen === true, onClick },
    h('span', { class: 'arrow', 'aria-hidden': 'true' }),
    h('span', { class: 'name' }, name),
    kind === 'region' && isOpen !== true
      ? h('span', { class: 'quiet' }, ` ${countOf(clusters.length, 'cluster')}`)
      : null,
  );
}

/** The cluster of a zone that has one. */
function OnlyCluster({ branch: { kind, clusters, children } }: { readonly branch: Branch }): ComponentChild {
  if (kind !== 'zone' || children.length > 0) return null;
  return h('span', { class: 'only' }, clusters[0]!.name);
}

function titleOf({ clusters, children }: Branch): string | undefined {
  const [cluster] = clusters;
  if (children.length > 0 || cluster === undefined) return undefined;
  const { kind: source, version, lastError, advice } = cluster;
  return [source, version, lastError, advice].filter((part) => part !== undefined).join(' · ');
}

/** Those in the answers, of those known. */
function Shards({ branch: { healthyShards, shards } }: { readonly branch: Branch }): ComponentChild {
  const lack = healthyShards === shards ? '' : healthyShards === 0 ? 'none' : 'some';
  return h('span', { class: lack }, h('b', null, healthyShards), h('span', { class: 'quiet' }, `/${shards}`));
}

/** How old the picture is: of a place, that of the cluster heard longest ago. */
function heardText({ heardMs }: Branch): string {
  return heardMs === undefined ? 'never' : formatSpan(Math.max(0, nowMs.value - heardMs));
}

/** To where it is drained, or its drain ended. */
function DrainLink({ branch: { kind, key, name } }: { readonly branch: Branch }): ComponentChild {
  if (kind === 'global' || name === NO_REGION) return null;
  const target = kind === 'zone' ? key : name;
  const isDrained =
    drains.value?.drains.some((drain) => drain.kind === kind && drain.name === target) === true;
  const href = hrefOf({ view: 'steer', kind, name: target, cluster: '', end: isDrained ? 'true' : '' });
  const word = isDrained ? 'Undrain' : 'Drain';
  return h('a', { href, 'aria-label': `${word} ${kind} ${name}` }, `${word}…`);
}
