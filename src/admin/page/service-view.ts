/** The view of one Service: who answers for it at each place at this moment, by what chain, and from which shards. */

import { h, type ComponentChild } from 'preact';
import { useEffect } from 'preact/hooks';
import type { JournalEntry } from '../../journal/entry.ts';
import type { PlaceAnswer, ServicePlace, ServiceReport, ShardRow } from '../services.ts';
import { Changes } from './changes-panel.ts';
import { countOf, formatSpan } from './format.ts';
import type { Health, State } from './health.ts';
import { Failure, HeadRow, Loading, Panel, ScrollBox } from './panel.ts';
import { hrefOf } from './router.ts';
import { StateMark } from './state-mark.ts';
import { drains, nowMs, onServiceChange, picture } from './store.ts';
import { useAsk } from './use-ask.ts';
import { WorldMap } from './world-panel.ts';

export function ServiceView({ name }: { readonly name: string }): ComponentChild {
  const { reply, fault, again } = useAsk<ServiceReport>('service', { name });
  useEffect(() => onServiceChange(name, again), [name]);
  return h(
    'div',
    { class: 'service' },
    h(Title, { name, report: reply }),
    fault === undefined ? null : h(Failure, { text: fault, retry: again }),
    reply === undefined
      ? fault === undefined && h(Loading, { what: 'The Service is being asked for' })
      : h(Report, { report: reply }),
  );
}

function Title({
  name,
  report,
}: {
  readonly name: string;
  readonly report: ServiceReport | undefined;
}): ComponentChild {
  const [service = '', namespace = '', federation = ''] = name.split('.');
  return h(
    'div',
    { class: 'title' },
    h('h1', null, service, h('span', { class: 'quiet' }, `.${namespace}.${federation}`)),
    report === undefined ? null : h(Facts, { report }),
    h(SteerLink, { name }),
  );
}

function SteerLink({ name }: { readonly name: string }): ComponentChild {
  if (drains.value === undefined) return null;
  return h('a', { href: hrefOf({ view: 'steer', kind: 'service', name, cluster: '', end: '' }) }, 'Drain…');
}

function Facts({ report }: { readonly report: ServiceReport }): ComponentChild {
  const counted = report.shards.filter(({ counts }) => counts).length;
  const facts = [
    ['Shards that count', `${counted} of ${report.shards.length}`],
    ['Policy', report.policy],
    ['TTL', `${report.ttlSeconds} s`],
    ['Ports', report.ports.join(', ') || 'none named'],
  ];
  return h(
    'dl',
    { class: 'facts' },
    facts.map(([term, text]) => h('div', { key: term }, h('dt', null, term), h('dd', null, text))),
  );
}

function Report({ report }: { readonly report: ServiceReport }): ComponentChild {
  return h(
    'div',
    { class: 'columns' },
    report.notices.map((notice) => h('p', { key: notice, class: 'note' }, notice)),
    h('div', { class: 'column' }, h(Places, { report }), h(ServiceChanges, { report })),
    h('div', { class: 'column' }, h(ServiceMap, { report }), h(Shards, { report })),
  );
}

/** How each way to be answered looks. */
const ANSWERS: Readonly<Record<PlaceAnswer, State>> = {
  itself: { health: 'ok', word: 'answers itself' },
  above: { health: 'warn', word: 'from above' },
  static: { health: 'held', word: 'configuration', why: 'a record of the configuration has this name' },
  awaited: {
    health: 'idle',
    word: 'SERVFAIL',
    why: 'a cluster that may have a healthy shard was not read yet',
  },
  nobody: { health: 'down', word: 'nobody', why: 'no shard counts here or above' },
};

function Places({ report }: { readonly report: ServiceReport }): ComponentChild {
  const places = sortPlaces(report.places);
  return h(
    Panel,
    { title: 'Who answers where', class: 'places', aside: `serial ${report.serial}` },
    h(
      ScrollBox,
      { label: 'Who answers where' },
      h(
        'table',
        { class: 'tree' },
        h('caption', { class: 'unseen' }, 'What each place answers with at this moment'),
        h(HeadRow, { titles: ['Place', 'Answer', 'Addresses'] }),
        h(
          'tbody',
          null,
          places.map((place) => h(PlaceLine, { key: place.place, place })),
        ),
      ),
    ),
  );
}

/** A region before its zones. */
function sortPlaces(places: readonly ServicePlace[]): readonly ServicePlace[] {
  return places.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey({ place }: ServicePlace): string {
  return place.split('.').toReversed().join(' ');
}

const DEPTHS = { global: 0, region: 1, zone: 2 } as const;

interface PlaceProps {
  readonly place: ServicePlace;
}

function PlaceLine({ place }: PlaceProps): ComponentChild {
  const explain = hrefOf({ view: 'explain', name: place.name, type: 'A', client: '' });
  return h(
    'tr',
    { class: `depth-${DEPTHS[place.kind]} ${place.kind}` },
    h(
      'th',
      { scope: 'row' },
      h('a', { class: 'name', href: explain, title: `Explain ${place.name}` }, shortName(place.place)),
    ),
    h('td', null, h(StateMark, { state: ANSWERS[place.answer] }), h(Chain, { place })),
    h('td', { class: 'addresses' }, h(PlaceAddresses, { place })),
  );
}

/** Where its aliases lead. */
function Chain({ place: { chain } }: PlaceProps): ComponentChild {
  if (chain.length === 0) return null;
  return h(
    'span',
    { class: 'chain' },
    chain.map((step) => h('span', { key: step }, ` → ${shortName(step)}`)),
  );
}

function shortName(place: string): string {
  return place === '' ? 'global' : (place.split('.')[0] ?? place);
}

/** Its own; what an alias leads to stands there. */
function PlaceAddresses({ place: { answer, chain, addresses } }: PlaceProps): ComponentChild {
  if (answer !== 'above') return h(Addresses, { addresses });
  const text = `${countOf(addresses.length, 'address', 'addresses')} of ${shortName(chain.at(-1) ?? '')}`;
  return h('span', { class: 'quiet', title: addresses.join('\n') }, text);
}

/** Addresses that stand in a cell; the rest is counted. */
const ADDRESSES_SHOWN = 4;

function Addresses({ addresses }: { readonly addresses: readonly string[] }): ComponentChild {
  const more = addresses.length - ADDRESSES_SHOWN;
  return h(
    'span',
    { title: addresses.join('\n') },
    addresses.slice(0, ADDRESSES_SHOWN).map((address) => h('code', { key: address }, address)),
    more > 0 ? h('span', { class: 'quiet' }, `and ${more} more`) : null,
  );
}

/** Only regions that the Service has a name in, as it is answered there. */
function ServiceMap({ report }: { readonly report: ServiceReport }): ComponentChild {
  const points = new Map(picture.value?.regions.map(({ name, point }) => [name, point]));
  const pins = report.places.flatMap((place) => {
    const point = points.get(place.place);
    const { health, word } = ANSWERS[place.answer];
    return point === undefined ? [] : [{ name: place.place, point, health, text: word }];
  });
  if (pins.length === 0) return null;
  return h(Panel, { title: 'By region', class: 'world' }, h(WorldMap, { pins }));
}

function Shards({ report: { shards } }: { readonly report: ServiceReport }): ComponentChild {
  return h(
    Panel,
    { title: 'Shards', class: 'shards', aside: countOf(shards.length, 'cluster') },
    h(
      ScrollBox,
      { label: 'Shards' },
      h(
        'table',
        null,
        h(
          'thead',
          null,
          h(
            'tr',
            null,
            ['Cluster', 'Verdict', 'Addresses', 'Changed'].map((title) =>
              h('th', { key: title, scope: 'col' }, title),
            ),
          ),
        ),
        h(
          'tbody',
          null,
          shards.map((shard) => h(ShardLine, { key: shard.cluster, shard })),
        ),
      ),
    ),
  );
}

function ShardLine({ shard }: { readonly shard: ShardRow }): ComponentChild {
  const health: Health = shard.counts ? 'ok' : shard.reason === 'drained' ? 'drained' : 'down';
  const where = [shard.region ?? 'no region', ...shard.zones].join(', ');
  return h(
    'tr',
    null,
    h('th', { scope: 'row', title: where }, h('span', { class: 'name' }, shard.cluster)),
    h('td', null, h(StateMark, { state: { health, word: shard.why } })),
    h('td', { class: 'addresses' }, h(Addresses, { addresses: shard.addresses })),
    h('td', { class: 'number quiet' }, formatSpan(nowMs.value - shard.changedMs)),
  );
}

/** Entries of the journal that are asked for. */
const ENTRIES = 10;

/** What became of the Service lately; a server that keeps no journal says nothing. */
function ServiceChanges({ report: { name, serial } }: { readonly report: ServiceReport }): ComponentChild {
  const { reply, again } = useAsk<readonly JournalEntry[]>('journal', {
    name: `${name}.svc.${domain()}`,
    last: String(ENTRIES),
  });
  useEffect(again, [serial]);
  if (reply === undefined) return null;
  return h(
    Panel,
    { title: 'Its last changes', class: 'changes' },
    h(Changes, { entries: reply.toReversed() }),
  );
}

function domain(): string {
  return picture.value?.domain ?? '';
}
