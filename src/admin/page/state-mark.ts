/** A state as it is drawn: a shape and a tone of its own, and its word beside it for everybody who does not see either. */

import { h, type ComponentChild } from 'preact';
import type { Health, State } from './health.ts';

/** Shapes within 12 by 12. */
const SHAPES: Readonly<Record<Health, () => ComponentChild>> = {
  ok: () => h('circle', { cx: 6, cy: 6, r: 5 }),
  warn: () => h('path', { d: 'M6 .8 11.6 11H.4Z' }),
  held: () => h('path', { d: 'M6 1a5 5 0 1 0 0 10 5 5 0 0 0 0-10Zm0 1.6v6.8a3.4 3.4 0 0 1 0-6.8Z' }),
  idle: () =>
    h('path', { d: 'M6 1a5 5 0 1 0 0 10 5 5 0 0 0 0-10Zm0 1.7a3.3 3.3 0 1 1 0 6.6 3.3 3.3 0 0 1 0-6.6Z' }),
  drained: () => h('path', { d: 'M1.2 1.2h9.6v9.6H1.2Zm1.6 1.6v6.4h6.4V2.8Zm1 2.4h4.4v1.6H3.8Z' }),
  down: () => h('path', { d: 'M3 1 6 4l3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3-3-3Z' }),
};

/** The shape alone; its word has to stand elsewhere. */
export function Mark({ health }: { readonly health: Health }): ComponentChild {
  return h(
    'svg',
    { class: `mark ${health}`, viewBox: '0 0 12 12', width: 12, height: 12, 'aria-hidden': 'true' },
    SHAPES[health](),
  );
}

/** Shape and word. */
export function StateMark({ state: { health, word, why } }: { readonly state: State }): ComponentChild {
  return h('span', { class: 'state', title: why }, h(Mark, { health }), h('span', { class: 'word' }, word));
}
