/** Whether what is shown is true at this moment, said in the head of the page and, where it is not, above everything. */

import { h, type ComponentChild } from 'preact';
import { formatSpan, formatTime } from './format.ts';
import { heardMs, link, nowMs } from './store.ts';

/** In the head: live, or not. */
export function LinkState(): ComponentChild {
  const words = { connecting: 'connecting…', live: 'live', stale: 'stale', away: 'paused' } as const;
  const state = link.value;
  return h(
    'p',
    { class: `link ${state}`, role: 'status' },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    words[state],
  );
}

/** Above the view, where it is stale. */
export function StaleBar(): ComponentChild {
  if (link.value !== 'stale' || heardMs.value === 0) return null;
  const since = formatTime(heardMs.value, nowMs.value);
  const span = formatSpan(nowMs.value - heardMs.value);
  return h(
    'p',
    { class: 'stale-bar', role: 'alert' },
    h('strong', null, `Stale since ${since}`),
    h('span', { 'aria-hidden': 'true' }, ` (${span}) `),
    ' · connecting again. What is shown is as it was then; DNS answers do not depend on this page.',
  );
}
