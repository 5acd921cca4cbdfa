/** Owns how drains and how far they have come become metrics. */

import type { Registry } from 'prom-client';
import { DRAIN_KINDS, drainKey } from '../zonebuilder/drains.ts';
import type { DrainsView } from './drains.ts';
import { type Put, type ScrapedMetric, scrapedGauge } from './scraped.ts';

const STATES = ['served', 'behind', 'unreachable'] as const;

interface Family extends ScrapedMetric {
  readonly each: (view: DrainsView, put: Put, nowMs: number) => void;
}

const FAMILIES: readonly Family[] = [
  {
    name: 'fedns_drains',
    help: 'Drains in force, by what is drained.',
    labelNames: ['kind'],
    each: ({ drains }, put) => {
      for (const kind of DRAIN_KINDS) put({ kind }, drains.filter((drain) => drain.kind === kind).length);
    },
  },
  {
    name: 'fedns_drain_age_seconds',
    help: 'How long something has been drained.',
    labelNames: ['drain', 'scope'],
    each: ({ drains }, put, nowMs) => {
      for (const drain of drains)
        put({ drain: drainKey(drain), scope: drain.scope }, Math.max(0, nowMs - drain.sinceMs) / 1000);
    },
  },
  {
    name: 'fedns_drain_expiry_seconds',
    help: 'Time until a drain ends by itself, of those that do.',
    labelNames: ['drain', 'scope'],
    each: ({ drains }, put, nowMs) => {
      for (const drain of drains)
        if (drain.untilMs !== undefined)
          put({ drain: drainKey(drain), scope: drain.scope }, (drain.untilMs - nowMs) / 1000);
    },
  },
  {
    name: 'fedns_steering_served',
    help: '1 when every worker of this server answers by the drains in force.',
    labelNames: [],
    each: ({ steering }, put) => put({}, steering.isServed ? 1 : 0),
  },
  {
    name: 'fedns_steering_old_answers_seconds',
    help: 'Time until the last answer of this server from before the newest drain or undrain has run out of its TTL.',
    labelNames: [],
    each: ({ steering }, put) => put({}, steering.oldAnswersSeconds),
  },
  {
    name: 'fedns_steering_replicas',
    help: 'Other replicas that the configuration names, by whether they answer by the same drains.',
    labelNames: ['state'],
    each: ({ steering: { replicas } }, put) => {
      if (replicas === undefined) return;
      for (const state of STATES) put({ state }, replicas.filter((one) => one.state === state).length);
    },
  },
  {
    name: 'fedns_steering_shared_stale_seconds',
    help: 'How long the object that replicas share drains by has not been read or understood; 0: it is.',
    labelNames: [],
    each: ({ steering: { shared } }, put, nowMs) => {
      if (shared === undefined) return;
      put({}, shared.sinceMs === undefined ? 0 : Math.max(0, nowMs - shared.sinceMs) / 1000);
    },
  },
];

/** Registers one gauge per family; drains that are over leave no series behind. */
export function collectDrains(
  view: () => DrainsView | undefined,
  clock: () => number,
  registers: Registry[],
): void {
  for (const { each, ...metric } of FAMILIES) {
    scrapedGauge(metric, registers, (put) => {
      const now = view();
      if (now !== undefined) each(now, put, clock());
    });
  }
}
