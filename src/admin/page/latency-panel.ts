/** How long changes took from their arrival to the first possible answer, as a histogram. */

import { h, type ComponentChild } from 'preact';
import { countOf, formatSeconds } from './format.ts';
import { Blank, Panel } from './panel.ts';
import { samples, tick, traffic } from './store.ts';

export function LatencyPanel(): ComponentChild {
  // Since the start; what the stream adds is in the samples.
  const view = traffic.value;
  if (view === undefined) return null;
  const recent = sumOf(
    samples.value.map(({ changes }) => changes),
    view.boundsSeconds.length + 1,
  );
  void tick.value;
  const count = total(recent);
  return h(
    Panel,
    { title: 'How long changes take', class: 'latency', aside: 'to the first answer, last 5 minutes' },
    count === 0
      ? h(
          Blank,
          null,
          `No change in the last 5 minutes; ${countOf(total(view.changesSinceStart), 'change')} since the start.`,
        )
      : [
          h('p', { key: 'words', class: 'words' }, summary(recent, view.boundsSeconds)),
          h(Bars, { key: 'bars', counts: recent, bounds: view.boundsSeconds }),
        ],
  );
}

function summary(counts: readonly number[], bounds: readonly number[]): string {
  const at = (share: number): string => boundText(bounds, quantile(counts, share));
  return `${countOf(total(counts), 'change')}: half within ${at(0.5)}, 99 of 100 within ${at(0.99)}`;
}

interface BarsProps {
  readonly counts: readonly number[];
  readonly bounds: readonly number[];
}

function Bars({ counts, bounds }: BarsProps): ComponentChild {
  const most = Math.max(...counts);
  const first = Math.max(0, counts.findIndex((count) => count > 0) - 1);
  const last = Math.min(counts.length - 1, counts.findLastIndex((count) => count > 0) + 1);
  const shown = counts.map((count, i) => ({ count, i })).slice(first, last + 1);
  return h(
    'table',
    { class: 'bars' },
    h('caption', { class: 'unseen' }, 'Changes by the time that they took'),
    h(
      'tbody',
      null,
      shown.map(({ count, i }) =>
        h(
          'tr',
          { key: i },
          h(
            'th',
            { scope: 'row' },
            i === bounds.length ? `over ${boundText(bounds, i)}` : `≤ ${boundText(bounds, i)}`,
          ),
          h(
            'td',
            null,
            h('span', { class: 'bar', style: { width: `${(count / most) * 100}%` }, 'aria-hidden': 'true' }),
          ),
          h('td', { class: 'number' }, count),
        ),
      ),
    ),
  );
}

function boundText(bounds: readonly number[], i: number): string {
  return formatSeconds(bounds[Math.min(i, bounds.length - 1)]!);
}

/** The bucket in which so large a share of all lies. */
function quantile(counts: readonly number[], share: number): number {
  const wanted = total(counts) * share;
  let seen = 0;
  return counts.findIndex((count) => (seen += count) >= wanted);
}

function sumOf(rows: readonly (readonly number[])[], length: number): number[] {
  return Array.from({ length }, (_, i) => total(rows.map((row) => row[i] ?? 0)));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
