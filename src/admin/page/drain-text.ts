/** How drains are told on the page. */

import type { Drain, DrainTarget } from '../drains.ts';
import { formatSpan } from './format.ts';

/** `zone us-a.us`, `service web.shop.f in gce-1`. */
export function targetText({ kind, name, cluster }: DrainTarget): string {
  return cluster === undefined ? `${kind} ${name}` : `${kind} ${name} in ${cluster}`;
}

/** Until when. */
export function endText({ untilMs }: Pick<Drain, 'untilMs'>, nowMs: number): string {
  return untilMs === undefined ? 'until it is ended' : `${formatSpan(untilMs - nowMs)} left`;
}
