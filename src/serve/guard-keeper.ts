/** Owns how the guard stands in a server: what it is made from, what it tells the log and the journal, and its view for operators. */

import type { GuardControl, GuardStatus, GuardStopView } from '../admin/guard-control.ts';
import type { Settings } from '../config/settings.ts';
import type { Journal } from '../journal/entry.ts';
import type { Clock, Log } from '../log.ts';
import { LOSSES } from '../steering/guard-evidence.ts';
import { GUARD_RELEASES, GUARD_RULES, type GuardRelease, type Stop } from '../steering/guard-stops.ts';
import { Guard, type GuardOptions } from '../steering/guard.ts';

/** Services named of a stop. */
const SERVICES_NAMED_MAX = 10;

export interface GuardKeeperOptions extends Pick<GuardOptions, 'sink' | 'served' | 'timers' | 'lacks'> {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  /** An operator's or the time's decision for an older history of a cluster. */
  readonly acceptVersions: (cluster: string) => void;
}

export class GuardKeeper {
  readonly guard: Guard;
  readonly control: GuardControl;
  readonly #options: GuardKeeperOptions;

  constructor(options: GuardKeeperOptions) {
    this.#options = options;
    this.guard = new Guard({
      ...options,
      settings: options.settings.guard,
      onStop: (stop) => this.#tellStop(stop),
      onEnd: (stop) => this.#tellEnd(stop),
    });
    this.control = {
      status: () => statusOf(this.guard),
      release: (id) => this.guard.release(id),
    };
  }

  adopt({ guard }: Settings): void {
    this.guard.configure(guard);
  }

  #tellStop(stop: Stop): void {
    const { log, journal, clock } = this.#options;
    const leftMs = this.guard.leftMs(stop);
    const { id, cluster, rule, shards } = stop;
    const why = GUARD_RULES[rule];
    const fields = { stop: id, cluster, rule, shards: shards.size, cause: stop.cause.object };
    const services = servicesOf(stop);
    const message = `the guard holds what was served, for ${why}: ${LOSSES[stop.loss]}`;
    log.warn({ ...fields, services, leftSeconds: Math.ceil(leftMs / 1000) }, message);
    journal.note({
      what: 'guardHeld',
      subject: `cluster ${cluster}`,
      why,
      untilMs: clock() + leftMs,
      text: `stop ${id}, from ${stop.cause.object} on: ${services.join(', ')}`,
    });
  }

  #tellEnd(stop: Stop): void {
    const { log, journal } = this.#options;
    const released = [...stop.released];
    const why = released.map(([reason, shards]) => `${shards} ${GUARD_RELEASES[reason]}`).join(', ');
    const fields = { stop: stop.id, cluster: stop.cluster, released: Object.fromEntries(released) };
    log.warn(fields, `the guard lets go: ${why}`);
    journal.note({
      what: 'guardReleased',
      subject: `cluster ${stop.cluster}`,
      why,
      text: `stop ${stop.id}`,
      ...(stop.released.has('operator') && { by: 'admin token' }),
    });
    if (stop.rule === 'older' && BELIEVED.some((reason) => stop.released.has(reason)))
      this.#options.acceptVersions(stop.cluster);
  }
}

/** Reasons after which the older history of a cluster is its history. */
const BELIEVED: readonly GuardRelease[] = ['time', 'operator'];

function statusOf(guard: Guard): GuardStatus {
  const stops = guard.stops().map((stop) => viewOf(stop, guard.leftMs(stop)));
  return {
    enabled: guard.settings.enabled,
    stops,
    shards: stops.reduce((sum, { shards }) => sum + shards, 0),
    withheld: Object.fromEntries(guard.tally.withheld),
    released: Object.fromEntries(guard.tally.released),
  };
}

function viewOf(stop: Stop, leftMs: number): GuardStopView {
  return {
    id: stop.id,
    cluster: stop.cluster,
    rule: stop.rule,
    why: GUARD_RULES[stop.rule],
    missing: LOSSES[stop.loss],
    cause: stop.cause.object,
    sinceMs: stop.sinceMs,
    shards: stop.shards.size,
    services: servicesOf(stop),
    isRunning: stop.runsFromMs !== undefined,
    leftSeconds: Math.ceil(leftMs / 1000),
  };
}

function servicesOf({ shards }: Stop): string[] {
  return [...shards.keys()].slice(0, SERVICES_NAMED_MAX);
}
