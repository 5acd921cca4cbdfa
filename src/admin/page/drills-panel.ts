/** Drills and plans: what runs or waits, and when what is next. They are begun and approved by `fedns drill` and `fedns plan`. */

import { h, type ComponentChild } from 'preact';
import type { DrillRow, PlanRow } from '../drills-control.ts';
import { formatSpan, formatUntil } from './format.ts';
import { Panel } from './panel.ts';
import { Mark } from './state-mark.ts';
import { drills, nowMs } from './store.ts';

export function DrillsPanel(): ComponentChild {
  const known = drills.value;
  if (known === undefined || known.drills.length + known.plans.length === 0) return null;
  return h(
    Panel,
    { title: 'Drills and plans', class: 'drains', aside: 'fedns drill, fedns plan' },
    h(
      'ul',
      null,
      known.drills.map((row) => h(DrillLine, { key: `drill ${row.name}`, row })),
      known.plans.map((row) => h(PlanLine, { key: `plan ${row.name}`, row })),
    ),
  );
}

function DrillLine({
  row: { name, what, running, nextMs, last },
}: {
  readonly row: DrillRow;
}): ComponentChild {
  const now = nowMs.value;
  const state =
    running === undefined
      ? `next ${formatUntil(nextMs - now)}`
      : `drains ${what}, ${formatSpan(running.untilMs - now)} left, begun by ${running.by}`;
  const before = last === undefined ? '' : ` · last: ${last.outcome}`;
  return h(Line, { isBusy: running !== undefined, name: `drill ${name}`, text: `${state}${before}` });
}

function PlanLine({ row: { name, condition, waiting, steps } }: { readonly row: PlanRow }): ComponentChild {
  const step = waiting === undefined ? undefined : steps[waiting - 1];
  const text =
    step === undefined ? condition : `step ${waiting} of ${steps.length} waits for an approval: ${step.text}`;
  return h(Line, { isBusy: condition === 'waiting', name: `plan ${name}`, text });
}

function Line(props: {
  readonly isBusy: boolean;
  readonly name: string;
  readonly text: string;
}): ComponentChild {
  return h(
    'li',
    null,
    h(Mark, { health: props.isBusy ? 'drained' : 'idle' }),
    h('div', null, h('span', { class: 'name' }, props.name), h('div', { class: 'quiet' }, props.text)),
  );
}
