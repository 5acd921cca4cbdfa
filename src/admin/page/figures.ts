/** The figures at the top of the overview: what somebody wants to know first. */

import { h, type ComponentChild } from 'preact';
import { formatCount } from './format.ts';
import { Mark } from './state-mark.ts';
import type { Health } from './health.ts';
import { samples, tick, tree } from './store.ts';

interface Figure {
  readonly label: string;
  readonly value: string;
  readonly of?: string;
  readonly health?: Health;
}

export function Figures(): ComponentChild {
  return h(
    'dl',
    { class: 'figures' },
    figuresOf().map(({ label, value, of, health }) =>
      h(
        'div',
        { key: label },
        h('dt', null, label),
        h(
          'dd',
          null,
          health === undefined ? null : h(Mark, { health }),
          h('span', { class: 'value' }, value),
          of === undefined ? null : h('span', { class: 'of' }, of),
        ),
      ),
    ),
  );
}

function figuresOf(): readonly Figure[] {
  const root = tree.value;
  const now = tick.value;
  const last = samples.value.at(-1);
  const changes = samples.value.reduce((sum, sample) => sum + total(sample.changes), 0);
  const well = root?.clusters.filter(({ status }) => status === 'available' || status === 'held').length ?? 0;
  const clusters = root?.clusters.length ?? 0;
  return [
    {
      label: 'Clusters that count',
      value: String(well),
      of: ` of ${clusters}`,
      health: clusters === 0 ? 'idle' : well === clusters ? 'ok' : well === 0 ? 'down' : 'warn',
    },
    {
      label: 'Shards in answers',
      value: formatCount(root?.healthyShards ?? 0),
      of: ` of ${formatCount(root?.shards ?? 0)}`,
    },
    { label: 'Services', value: formatCount(now?.services ?? 0) },
    { label: 'Replies a second', value: last === undefined ? '–' : formatCount(total(last.replies)) },
    { label: 'Changes in 5 min', value: formatCount(changes) },
    { label: 'SOA serial', value: String(now?.serial ?? '–') },
  ];
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
