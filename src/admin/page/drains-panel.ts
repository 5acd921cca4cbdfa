/** What is drained at the moment, until when, why, and whether every replica answers by it. */

import { h, type ComponentChild } from 'preact';
import type { Drain, SteeringView } from '../drains.ts';
import { endText, targetText } from './drain-text.ts';
import { Blank, Panel } from './panel.ts';
import { hrefOf } from './router.ts';
import { Mark } from './state-mark.ts';
import { drains, nowMs } from './store.ts';

/** @param isQuiet - nothing where nothing is drained */
export function DrainsPanel({ isQuiet = false }: { readonly isQuiet?: boolean }): ComponentChild {
  const view = drains.value;
  if (view === undefined || (isQuiet && view.drains.length === 0)) return null;
  return h(
    Panel,
    { title: 'Drains', class: 'drains', aside: h(Rollout, { steering: view.steering }) },
    view.drains.length === 0
      ? h(Blank, null, 'Nothing is drained.')
      : h(
          'ul',
          null,
          view.drains.map((drain) => h(DrainLine, { key: targetText(drain), drain })),
        ),
    h(Trouble, { steering: view.steering }),
  );
}

function DrainLine({ drain }: { readonly drain: Drain }): ComponentChild {
  const { percent, reason, by, scope, kind, name, cluster = '' } = drain;
  const facts = [endText(drain, nowMs.value), reason, by && `by ${by}`, scope === 'shared' && 'all replicas'];
  const end = hrefOf({ view: 'steer', kind, name, cluster, end: 'true' });
  return h(
    'li',
    null,
    h(Mark, { health: 'drained' }),
    h(
      'div',
      null,
      h('span', { class: 'name' }, targetText(drain), percent > 0 ? ` to ${percent} %` : ''),
      h('div', { class: 'quiet' }, facts.filter(Boolean).join(' · ')),
    ),
    h('a', { href: end, 'aria-label': `End the drain of ${targetText(drain)}` }, 'End…'),
  );
}

/** How far what was ordered last has come. */
function Rollout({ steering }: { readonly steering: SteeringView }): ComponentChild {
  const { isServedByAll, isSettled, oldAnswersSeconds } = steering;
  if (!isServedByAll) return 'not served by every replica yet';
  return isSettled
    ? 'served, and no old answer is left'
    : `served; the last old answer ends in ${oldAnswersSeconds} s`;
}

/** Replicas that are behind, and a shared object that cannot be read. */
function Trouble({
  steering: { replicas = [], shared },
}: {
  readonly steering: SteeringView;
}): ComponentChild {
  const behind = replicas.filter(({ state }) => state !== 'served');
  const lines = [
    ...behind.map(
      ({ address, state, error }) => `${address}: ${state}${error === undefined ? '' : `, ${error}`}`,
    ),
    ...[shared?.trouble, shared?.fault].filter((text) => text !== undefined),
  ];
  return lines.map((text) => h('p', { key: text, class: 'note' }, text));
}
