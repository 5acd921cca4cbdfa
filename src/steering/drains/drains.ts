/**
 * The drains of one server: which are in force, from when to when, and how far the newest has come about. Owns orders and ends,
 * expiry, and what is told of each. Where they are kept is drain-file.ts and, for all replicas together, a {@link SharedDrains};
 * what they do to answers is the zone builder's.
 *
 * ```
 *   operators, drills ──► order, end ──┬─► file in the state folder ─┐
 *                                      └─► shared object ◄── GitOps  ├──► rules in force ──► zone builder ──► rollout
 *                                               └────────────────────┘
 * ```
 *
 * A drain ends by the wall clock, since it is ordered in its terms and replicas share it; the clock is looked at at least once a
 * minute, so that a step of it is noticed.
 */

import { createHash } from 'node:crypto';
import type { Journal } from '../../journal/entry.ts';
import type { Clock, Log } from '../../log.ts';
import { reasonOf } from '../../state/layout.ts';
import type { Timer, Timers } from '../../timers.ts';
import type { DrainEffect } from '../../zonebuilder/builder.ts';
import {
  drainKey,
  type DrainIndex,
  type DrainRule,
  type DrainTarget,
  drainText,
  indexDrains,
} from '../../zonebuilder/drains.ts';
import type { Cause } from '../../zonebuilder/facts.ts';
import type { NameChange } from '../../zonebuilder/what-if.ts';
import { type Forecast, objectionTo } from './check-order.ts';
import {
  type Drain,
  type DrainOrder,
  type DrainOutcome,
  DRAINS_MAX,
  DrainTakenError,
  type DrainScope,
  type EndOutcome,
  inForce,
  type Refusal,
  rulesOf,
  withDrain,
  withNewDrain,
  withoutDrain,
} from './drain.ts';
import { tellAll, tellDifferences, tellServed, tellSettled } from './drain-events.ts';
import { type DrainKeep, type KeptDrains, NOTHING_KEPT, type OldAnswers } from './drain-file.ts';
import type { Replicas } from './replicas.ts';
import { Rollout, type RolloutStatus } from './rollout.ts';
import { matching, resolveTarget } from './targets.ts';

/** The domain that is served, as far as drains are concerned. */
export interface DrainedDomain extends Forecast {
  setDrains(rules: Iterable<DrainRule>, cause: Cause): DrainEffect;
  hasService(name: string): boolean;
  readonly federations: readonly string[];
}

/** How the shared object is. */
export interface SharedStatus {
  /** What it is called: `ConfigMap dns/fedns-drains`. */
  readonly where: string;
  /** Why it cannot be read at present; what was read last is in force. */
  readonly trouble?: string;
  /** Why what it says is not in force; what it said before is. */
  readonly fault?: string;
  /** Since when it is so, in milliseconds since the epoch. */
  readonly sinceMs?: number;
}

/** Where all replicas read their drains. */
export interface SharedDrains {
  /** @param onDrains - told of every content that is understood */
  start(onDrains: (drains: readonly Drain[]) => void): void;
  /**
   * Changes the list as it is there at the moment.
   *
   * @returns what is there now
   * @throws an error with a message for the operator; then nothing has changed
   */
  change(edit: (drains: readonly Drain[]) => readonly Drain[]): Promise<readonly Drain[]>;
  status(): SharedStatus;
  stop(): Promise<void>;
}

export interface DrainsOptions {
  /** A reload exchanges it. */
  readonly domain: () => DrainedDomain;
  readonly keep: DrainKeep;
  /** Absent: this server drains alone. */
  readonly shared?: SharedDrains;
  /** The other servers that steer by the same drains. Absent: none is known. */
  readonly replicas?: (own: () => RolloutStatus) => Replicas;
  /** Resolves once no worker answers from what was before the call. */
  readonly served: () => Promise<void>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly journal: Pick<Journal, 'note'>;
}

/** Longest time between two looks at the wall clock while a drain is to end. */
const LOOK_MS_MAX = 60_000;
const DIGEST_CHARACTERS = 16;

export class Drains {
  readonly #options: DrainsOptions;
  readonly #rollout: Rollout;
  readonly #replicas: Replicas | undefined;
  #kept: Readonly<Record<DrainScope, readonly Drain[]>> = NOTHING_KEPT;
  /** In force. */
  #drains: readonly Drain[] = [];
  #timer: Timer | undefined;
  /** Orders come one after the other: each is weighed against what is in force. */
  #last: Promise<unknown> = Promise.resolve();
  #saved: Promise<string | undefined> = Promise.resolve(undefined);
  /** Why what is in force is not what is kept; it is tried again. */
  #unkept: string | undefined;
  #stopped = false;

  constructor(options: DrainsOptions) {
    const { clock, timers, served } = options;
    this.#options = options;
    const events = {
      onServed: (status: RolloutStatus) => {
        tellServed(this.#drains, status, this.#replicas, options);
        void this.#save();
      },
      onSettled: (status: RolloutStatus) => tellSettled(this.#drains, status, this.#replicas, options),
    };
    this.#rollout = new Rollout({ clock, timers, served, ...events }, digestOf([]));
    this.#replicas = options.replicas?.(() => this.#rollout.status);
  }

  /** What is in force, the oldest first. */
  list(): readonly Drain[] {
    return this.#drains;
  }

  get rules(): DrainRule[] {
    return rulesOf(this.#drains);
  }

  /** How far the newest of them has come about. */
  rollout(): RolloutStatus {
    return this.#rollout.status;
  }

  replicas(): Replicas | undefined {
    return this.#replicas;
  }

  shared(): SharedStatus | undefined {
    return this.#options.shared?.status();
  }

  /** Takes back what the last run has left, before anything is answered. */
  async restore(): Promise<void> {
    const { keep, clock, domain, log } = this.#options;
    const { local, shared, oldAnswers } = await keep.load();
    this.#kept = { local, shared };
    const nowMs = clock();
    this.#drains = this.#newest(nowMs);
    this.#arm(nowMs);
    this.#rollout.adopt(digestOf(this.rules), secondsLeft(oldAnswers, nowMs));
    if (this.#drains.length === 0) return;
    domain().setDrains(this.rules, { object: 'drains of the last run', timeMs: nowMs });
    log.info({ drains: this.#drains.map(drainText) }, 'drains of the last run are in force');
  }

  /** Follows the shared object from now on. */
  start(): void {
    const { shared } = this.#options;
    this.#replicas?.start((what) => tellAll(what, this.#drains, this.#replicas!, this.#options));
    shared?.start((drains) => this.#takeShared(drains, shared.status().where));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#rollout.stop();
    this.#replicas?.stop();
    await this.#options.shared?.stop();
    await this.#last;
    await this.#saved;
  }

  /** Names whose answers an order would change, step by step. @returns the reason why nothing can be foretold */
  preview(order: DrainOrder): Iterable<NameChange | undefined> | Refusal {
    const target = this.#resolve(order);
    if ('kind' in target && 'message' in target) return target;
    const rule = { ...target, percent: order.percent ?? 0 };
    return this.#options.domain().changesUnder(this.#with(rule));
  }

  /** The same for the end of a drain. */
  previewEnd(asked: DrainTarget): Iterable<NameChange | undefined> | Refusal {
    const ended = matching(asked, this.#drains);
    if (ended.length === 0) return notDrained(asked);
    const keys = new Set(ended.map(drainKey));
    const left = this.#drains.filter((drain) => !keys.has(drainKey(drain)));
    return this.#options.domain().changesUnder(indexDrains(rulesOf(left)));
  }

  /** Drains something, or goes on with another end or another share. */
  order(order: DrainOrder): Promise<DrainOutcome> {
    return this.#inTurn(() => this.#order(order));
  }

  /** Ends the drain of something, wherever it is kept. */
  end(asked: DrainTarget, by?: string): Promise<EndOutcome> {
    return this.#inTurn(() => this.#end(asked, by));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #order(order: DrainOrder): Promise<DrainOutcome> {
    const { clock, domain, shared } = this.#options;
    const target = this.#resolve(order);
    if ('message' in target) return target;
    const { percent = 0, untilMs, reason, by, force = false } = order;
    const scope = order.scope ?? (shared === undefined ? 'local' : 'shared');
    if (scope === 'shared' && shared === undefined)
      return { kind: 'conflict', message: 'the configuration has no steering.configMap to share drains by' };
    if (untilMs !== undefined && untilMs <= clock())
      return { kind: 'conflict', message: 'the drain would end before it begins' };
    const drain: Drain = {
      ...target,
      percent,
      scope,
      sinceMs: clock(),
      ...(untilMs !== undefined && { untilMs }),
      ...(reason !== undefined && { reason }),
      ...(by !== undefined && { by }),
    };
    const objection = force ? undefined : await objectionTo(domain(), [...this.#with(drain).values()], drain);
    if (objection !== undefined) return objection;
    if (this.#kept[scope].length >= DRAINS_MAX)
      return { kind: 'conflict', message: `there are ${DRAINS_MAX} drains already` };
    const put = order.isNew === true ? withNewDrain : withDrain;
    const done = await this.#change(scope, (drains) => put(drains, drain, clock()), by);
    return 'message' in done ? done : { kind: 'set', drain, ...done };
  }

  async #end(asked: DrainTarget, by: string | undefined): Promise<EndOutcome> {
    const { clock } = this.#options;
    const drains = matching(asked, this.#drains);
    if (drains.length === 0) return notDrained(asked);
    let services = 0;
    const warnings: string[] = [];
    for (const drain of drains) {
      const done = await this.#change(drain.scope, (list) => withoutDrain(list, drain, clock()), by);
      if ('message' in done) return done;
      services += done.services;
      warnings.push(...done.warnings);
    }
    return { kind: 'ended', drains, services, warnings };
  }

  #resolve(order: DrainOrder): DrainTarget | Refusal {
    const domain = this.#options.domain();
    const resolved = resolveTarget(order, {
      clusters: domain.clusterStates(),
      federations: domain.federations,
      hasService: (name) => domain.hasService(name),
    });
    return 'fault' in resolved ? { kind: 'unknown', message: resolved.fault } : resolved.target;
  }

  /** All rules, were this one among them. */
  #with(rule: DrainRule): DrainIndex {
    return indexDrains([...this.rules, rule]);
  }

  async #change(
    scope: DrainScope,
    edit: (drains: readonly Drain[]) => readonly Drain[],
    by: string | undefined,
  ): Promise<{ readonly services: number; readonly warnings: readonly string[] } | Refusal> {
    try {
      if (scope === 'local') return await this.#changeLocal(edit(this.#kept.local), by);
      const drains = await this.#options.shared!.change(edit);
      return { services: this.#takeShared(drains, by ?? 'the admin address'), warnings: [] };
    } catch (error) {
      return (
        takenOf(error) ?? {
          kind: 'unkept',
          message: `${reasonOf(error)}; a local drain is of this server alone`,
        }
      );
    }
  }

  /** What cannot be written down is in force all the same: somebody wants it now. */
  async #changeLocal(
    local: readonly Drain[],
    by: string | undefined,
  ): Promise<{ readonly services: number; readonly warnings: readonly string[] }> {
    this.#kept = { ...this.#kept, local };
    const services = this.#apply(by ?? 'the admin address');
    const fault = await this.#save();
    return { services, warnings: fault === undefined ? [] : [`a restart would forget it: ${fault}`] };
  }

  #takeShared(told: readonly Drain[], by: string): number {
    if (this.#stopped) return 0;
    const shared = told.map((drain) => this.#kept.shared.find((known) => isSameOrder(known, drain)) ?? drain);
    const isSame = JSON.stringify(shared) === JSON.stringify(this.#kept.shared);
    this.#kept = { ...this.#kept, shared };
    const services = this.#apply(by);
    if (!isSame) void this.#save();
    return services;
  }

  /** One after the other, so that the newest is the last. @returns what went wrong, which is logged */
  #save(): Promise<string | undefined> {
    this.#saved = this.#saved.then(() => this.#saveNow());
    return this.#saved;
  }

  #oldAnswers(): Pick<KeptDrains, 'oldAnswers'> {
    const seconds = this.#rollout.status.oldAnswersSeconds;
    return seconds === 0 ? {} : { oldAnswers: { untilMs: this.#options.clock() + seconds * 1000, seconds } };
  }

  async #saveNow(): Promise<string | undefined> {
    const { keep, log, clock } = this.#options;
    const before = this.#unkept;
    try {
      await keep.save({ ...this.#kept, ...this.#oldAnswers() });
      this.#unkept = undefined;
      if (before !== undefined) log.info({}, 'drains are kept again');
    } catch (error) {
      const reason = reasonOf(error);
      this.#unkept = reason;
      if (reason !== before)
        log.warn({ code: 'DRAINS_UNKEPT', reason }, 'drains cannot be kept: a restart would forget them');
    }
    if (this.#unkept !== before) this.#arm(clock());
    return this.#unkept;
  }

  /**
   * Puts in force what is kept and has not ended.
   *
   * @param by - whose doing it is
   * @returns Services whose answers changed
   */
  #apply(by: string): number {
    const { clock, domain } = this.#options;
    const nowMs = clock();
    const before = this.#drains;
    this.#drains = this.#newest(nowMs);
    this.#arm(nowMs);
    const told = tellDifferences(before, this.#drains, { ...this.#options, by, nowMs });
    const digest = digestOf(this.rules);
    if (digest === this.#rollout.status.digest) return 0;
    const object = told.length === 0 ? 'drains' : told.join(', ');
    const effect = domain().setDrains(this.rules, { object, timeMs: nowMs });
    this.#rollout.begin(digest, effect.ttlSecondsMax);
    this.#replicas?.touch();
    return effect.services;
  }

  #newest(nowMs: number): Drain[] {
    const drains = inForce([...this.#kept.local, ...this.#kept.shared], nowMs);
    return drains.toSorted((a, b) => a.sinceMs - b.sinceMs);
  }

  #arm(nowMs: number): void {
    this.#timer?.cancel();
    const ends = this.#drains.flatMap(({ untilMs }) => untilMs ?? []);
    const isRetried = this.#unkept !== undefined && this.#options.keep.isForgetful !== true;
    if (this.#stopped || (ends.length === 0 && !isRetried)) return;
    const waitMs = Math.min(Math.max(Math.min(...ends) - nowMs, 1), LOOK_MS_MAX);
    this.#timer = this.#options.timers.after(waitMs, () => this.#look());
  }

  #look(): void {
    const ended = this.#kept.local.length;
    this.#apply('its end');
    const local = inForce(this.#kept.local, this.#options.clock());
    if (local.length === ended && this.#unkept === undefined) return;
    this.#kept = { ...this.#kept, local };
    void this.#save();
  }
}

/** The wall clock says how long ago it was, and may have been set back since. */
function secondsLeft(old: OldAnswers | undefined, nowMs: number): number {
  if (old === undefined) return 0;
  return Math.max(0, Math.min(old.seconds, Math.ceil((old.untilMs - nowMs) / 1000)));
}

/** What does not say since when it is would be another drain each time that it is read. */
function isSameOrder(a: Drain, b: Drain): boolean {
  return JSON.stringify({ ...a, sinceMs: 0 }) === JSON.stringify({ ...b, sinceMs: 0 });
}

function notDrained(asked: DrainTarget): Refusal {
  return { kind: 'unknown', message: `${drainKey(asked)} is not drained` };
}

/** Whether it was found where drains are kept that the target is drained already. */
function takenOf(error: unknown): Refusal | undefined {
  const found = [error, error instanceof Error ? error.cause : undefined].find(
    (each) => each instanceof DrainTakenError,
  );
  return found && { kind: 'conflict', message: found.message, takenBy: found.by };
}

/** The same for the same rules, in whatever order they stand. */
function digestOf(rules: readonly DrainRule[]): string {
  const text = rules
    .map((rule) => `${drainKey(rule)} ${rule.percent}`)
    .toSorted()
    .join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_CHARACTERS);
}
