/** Owns how the drains of a server are put together: where they are kept, which domain they act on, and what is shown of them. */

import type { DrainControl, DrainsView } from '../admin/drains.ts';
import type { Journal } from '../journal/entry.ts';
import type { Clock, Log } from '../log.ts';
import type { StateLayout } from '../state/layout.ts';
import { drainFile, FORGETFUL } from '../steering/drains/drain-file.ts';
import { Drains, type SharedDrains } from '../steering/drains/drains.ts';
import { Peers, type PeersOptions } from '../steering/shared/peers.ts';
import { systemTimers } from '../timers.ts';
import type { DataPlane, ServedDomain } from './parts.ts';

export interface DrainKeeperOptions {
  /** Undefined: nothing outlasts the process. */
  readonly layout: StateLayout | undefined;
  readonly domain: () => ServedDomain;
  readonly dataPlane: () => DataPlane | undefined;
  /** Undefined: this server drains alone. */
  readonly shared: SharedDrains | undefined;
  /** Admin servers of the replicas. */
  readonly peers: PeersOptions['peers'];
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Pick<Journal, 'note'>;
}

export function makeDrains(options: DrainKeeperOptions): Drains {
  const { layout, domain, dataPlane, shared, peers, clock, log, journal } = options;
  return new Drains({
    domain,
    keep: layout === undefined ? FORGETFUL : drainFile(layout.drains, clock, log),
    ...(shared !== undefined && { shared }),
    ...(peers.length > 0 && { replicas: (own) => new Peers({ peers, own, timers: systemTimers }) }),
    // Before there are workers, nobody answers by anything.
    served: () => dataPlane()?.settled() ?? Promise.resolve(),
    clock,
    timers: systemTimers,
    log,
    journal,
  });
}

export function drainControl(drains: Drains, clock: Clock): DrainControl {
  return {
    nowMs: clock,
    view: () => viewOf(drains),
    rollout: () => drains.rollout(),
    order: (order) => drains.order(order),
    end: (target, by) => drains.end(target, by),
    preview: (order) => drains.preview(order),
    previewEnd: (target) => drains.previewEnd(target),
  };
}

function viewOf(drains: Drains): DrainsView {
  const rollout = drains.rollout();
  const shared = drains.shared();
  const replicas = drains.replicas();
  return {
    drains: drains.list(),
    steering: {
      ...rollout,
      isServedByAll: replicas?.isServedByAll ?? rollout.isServed,
      isSettled: replicas?.isSettled ?? (rollout.isServed && rollout.oldAnswersSeconds === 0),
      ...(replicas !== undefined && { replicas: replicas.list() }),
      ...(shared !== undefined && { shared }),
    },
  };
}
