/**
 * The guard: a FactSink in front of a FactSink that does not believe at once that what was served is gone, where nobody has
 * said that it does not work. Owns which facts are withheld and when they are passed on; what counts as evidence is in
 * guard-evidence.ts, how much is too much in withdrawals.ts, how long in guard-stops.ts.
 *
 * ```
 *   sources ──► guard ──► relay ──► domain
 *                 └── asks what is served ──┘
 * ```
 *
 * **Evidence.** A shard leaves for one of two reasons. Either its cluster *says* so: endpoints that are not ready, a slice
 * without endpoints (scaled to zero), a Service that is there and is not to be published. Or it is *missing*: the Service, all
 * its slices, or its addresses are not there any more. What is said is followed at once, however much it is, and so is what the
 * operator does: a drain is no fact, a cluster that leaves the configuration is removed as such, and a filter of the
 * configuration leaves the Service where it is. Silence of a whole cluster is the outage governor's business (watchers/health);
 * a list that comes back empty has had its grace in watchers/objects when it reaches the guard.
 *
 * **Withheld** is what is missing and
 * - `empty`: would leave a Service without any healthy shard;
 * - `fraction`: is too much of all healthy shards, or of one region's, within the window;
 * - `older`: is what an earlier version of an object says, when a later one was seen. This alone holds additions back, too.
 *
 * What is served stays, marked as held. Of a shard only the newest fact is kept, so that never more is withheld than there are
 * shards. A stop is what a rule withholds of one cluster from one moment on.
 *
 * **Let go** is a shard
 * - by evidence: the next fact that is no such loss is passed on at once, be it healthy again or said to be down;
 * - by time: it stayed missing for `holdSeconds` while its cluster was in contact; time out of contact does not count;
 * - by the operator; then the cluster may go on losing shards for a window, so that a slow deletion is released once;
 * - with its cluster, when that leaves the configuration, or with the guard, when that is turned off.
 *
 * **Where it stays right.** Over a reload: the guard stands before the relay, and facts that are moved to another domain keep
 * their mark. Over a restart: the mark is in the snapshot with its time, so that a first list without the shard goes on with the
 * same hold. At a first start nothing is served, and nothing can be lost. In a rolling update a Service keeps its slices. A
 * Service deleted in one of three clusters is followed at once; deleted in the last one, its name keeps the old answer for
 * `holdSeconds`, which costs clients no more than a name without addresses. Fractions count from `minShards` losses on, so that
 * with a few Services only `empty` can hold. A drained shard is not healthy, so what a drained cluster loses is followed.
 */

import type { Timer, Timers } from '../timers.ts';
import type { Cause, ClusterState, FactSink, ShardId, ShardState } from '../zonebuilder/facts.ts';
import { isUp, lossOf, nameOf, type Loss } from './guard-evidence.ts';
import { GuardStops, type GuardRelease, type GuardRule, type Stop, type Withheld } from './guard-stops.ts';
import { Withdrawals, type WithdrawalLimits } from './withdrawals.ts';

/** The `guard` settings. */
export interface GuardSettings extends WithdrawalLimits {
  readonly enabled: boolean;
  /** How long something is to stay missing until it is believed, in seconds. */
  readonly holdSeconds: number;
}

/** A shard as it counts in the answers. */
export interface ServedShard {
  readonly state: ShardState;
  readonly isHealthy: boolean;
  /** No other shard of its Service is healthy. */
  readonly isAlone: boolean;
}

/** What the guard asks of the domain that is served. */
export interface Served {
  shard(id: ShardId): ServedShard | undefined;
  /** The shards of a cluster, healthy or not. */
  shardIds(cluster: string): Iterable<ShardId>;
  /** How many shards are healthy, by region; '' for clusters without one. */
  healthyByRegion(): ReadonlyMap<string, number>;
  stateOf(cluster: string): ClusterState | undefined;
}

export interface GuardOptions {
  readonly settings: GuardSettings;
  readonly sink: FactSink;
  /** The domain behind the sink, which a reload exchanges. */
  readonly served: () => Served;
  readonly timers: Timers;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Whether a cluster lacks what a shard was made of, so that it is gone and not merely unpublished. */
  readonly lacks: (id: ShardId) => boolean;
  /** A stop begins: more shards may join it. */
  readonly onStop?: (stop: Stop) => void;
  /** The last shard of a stop was let go; {@link Stop.released} says why. */
  readonly onEnd?: (stop: Stop) => void;
}

/** Counts since the start. */
export interface GuardTally {
  readonly withheld: ReadonlyMap<GuardRule, number>;
  readonly released: ReadonlyMap<GuardRelease, number>;
}

/** A fact that takes something away, or an older one. */
interface Case {
  readonly id: ShardId;
  readonly loss: Loss;
  /** Undefined: the shard is gone. */
  readonly state: ShardState | undefined;
  readonly cause: Cause;
}

const NONE_HELD: ReadonlyMap<string, ShardState> = new Map();

export class Guard implements FactSink {
  readonly #options: GuardOptions;
  #settings: GuardSettings;
  readonly #stops: GuardStops;
  readonly #withdrawals: Withdrawals;
  /** By cluster and name of the Service. */
  readonly #withheld = new Map<string, Map<string, Withheld>>();
  /** Clusters whose losses the operator has let go, with the end of that on the monotonic clock. */
  readonly #excused = new Map<string, number>();
  readonly #tally = { withheld: new Map<GuardRule, number>(), released: new Map<GuardRelease, number>() };
  #timer: Timer | undefined;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#stops = new GuardStops(options.timers);
    this.#withdrawals = new Withdrawals(options.timers);
  }

  get settings(): GuardSettings {
    return this.#settings;
  }

  get tally(): GuardTally {
    return this.#tally;
  }

  /** How often a shard was withheld or let go, since the start. */
  get changes(): number {
    const { withheld, released } = this.#tally;
    return [...withheld.values(), ...released.values()].reduce((sum, shards) => sum + shards, 0);
  }

  /** What is withheld, the oldest first. */
  stops(): readonly Stop[] {
    return this.#stops.list();
  }

  /** Time in contact that a stop still takes, in milliseconds. */
  leftMs(stop: Stop): number {
    return this.#stops.leftMs(stop);
  }

  /** Shards withheld of a cluster. */
  held(cluster: string): number {
    return this.#withheld.get(cluster)?.size ?? 0;
  }

  /** Takes other settings. Turned off, it lets go of everything. */
  configure(settings: GuardSettings): void {
    this.#settings = settings;
    if (!settings.enabled) for (const stop of this.stops()) this.#release(stop, 'off');
  }

  /**
   * Lets go of one stop, or of all.
   *
   * @returns how many shards were let go; undefined when there is no such stop
   */
  release(id?: string): number | undefined {
    const stops = this.stops().filter((stop) => id === undefined || stop.id === id);
    if (id !== undefined && stops.length === 0) return undefined;
    const untilMs = this.#options.timers.now() + this.#settings.windowSeconds * 1000;
    let shards = 0;
    for (const stop of stops) {
      shards += stop.shards.size;
      this.#excused.set(stop.cluster, untilMs);
      this.#release(stop, 'operator');
    }
    return shards;
  }

  /** Ends waiting. What is withheld stays so. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  batch(cause: Cause, work: () => void): void {
    const { sink } = this.#options;
    if (sink.batch === undefined) work();
    else sink.batch(cause, work);
  }

  setCluster(state: ClusterState): void {
    this.#options.sink.setCluster(state);
    if (this.#withheld.size === 0) return;
    this.#stops.setRunning(state.name, state.status === 'available');
    this.#wait();
  }

  removeCluster(name: string): void {
    for (const stop of this.#stops.of(name)) this.#forget(stop, 'removed');
    this.#excused.delete(name);
    this.#options.sink.removeCluster(name);
  }

  upsertShard(shard: ShardState): void {
    const loss = lossOf(shard);
    if (loss !== undefined && this.#holds({ id: shard, loss, state: shard, cause: shard.cause })) return;
    if (this.#withheld.size > 0) this.#settle(shard, whyPassed(shard));
    this.#options.sink.upsertShard(shard);
  }

  removeShard(id: ShardId, cause: Cause): void {
    const isLost = this.#settings.enabled && this.#options.lacks(id);
    if (isLost && this.#holds({ id, loss: 'service', state: undefined, cause })) return;
    if (this.#withheld.size > 0) this.#settle(id, isLost ? 'unserved' : 'evidence');
    this.#options.sink.removeShard(id, cause);
  }

  /** What a list lacks, and what it says without evidence, is judged together. */
  replaceShards(cluster: string, shards: readonly ShardState[], cause: Cause): void {
    const cases = this.#settings.enabled ? [...casesIn(shards), ...this.#absent(cluster, shards, cause)] : [];
    const held = cases.length === 0 ? NONE_HELD : this.#judge(cluster, cases);
    const passed = held.size === 0 ? shards : shards.filter((shard) => !held.has(nameOf(shard)));
    this.#settleAll(cluster, passed, held);
    this.#options.sink.replaceShards(cluster, [...passed, ...held.values()], cause);
  }

  /** Shards that are served and that a list lacks, because their objects are not there. */
  *#absent(cluster: string, shards: readonly ShardState[], cause: Cause): Generator<Case> {
    let listed: ReadonlySet<string> | undefined;
    for (const id of this.#options.served().shardIds(cluster)) {
      // Made for the second list of a cluster and not for its first, which takes nothing away.
      listed ??= new Set(shards.map(nameOf));
      if (!listed.has(nameOf(id)) && this.#options.lacks(id))
        yield { id, loss: 'service', state: undefined, cause };
    }
  }

  /** Ends what is withheld of a cluster and does not go on after a list. */
  #settleAll(cluster: string, passed: readonly ShardState[], held: ReadonlyMap<string, ShardState>): void {
    const withheld = this.#withheld.get(cluster);
    if (withheld === undefined || withheld.size === held.size) return;
    for (const shard of passed) this.#settle(shard, whyPassed(shard));
    for (const [name, { id }] of withheld) if (!held.has(name)) this.#settle(id, 'evidence');
  }

  /** Whether a single fact is withheld. What is served instead is marked. */
  #holds(one: Case): boolean {
    if (!this.#settings.enabled) return false;
    const name = nameOf(one.id);
    const isKnown = this.#withheld.get(one.id.cluster)?.has(name) === true;
    const marked = this.#judge(one.id.cluster, [one]).get(name);
    if (marked !== undefined && !isKnown) this.#options.sink.upsertShard(marked);
    return marked !== undefined;
  }

  /** @returns what stays served of shards whose fact is withheld, marked, by name */
  #judge(cluster: string, cases: readonly Case[]): ReadonlyMap<string, ShardState> {
    const held = new Map<string, ShardState>();
    const open: (Case & { readonly served: ServedShard })[] = [];
    for (const one of cases) {
      const served = this.#options.served().shard(one.id);
      if (served === undefined || (!served.isHealthy && one.loss !== 'older')) continue;
      const known = this.#withheld.get(cluster)?.get(nameOf(one.id));
      if (known === undefined) open.push({ ...one, served });
      else {
        known.state = one.state;
        known.cause = one.cause;
        held.set(nameOf(one.id), served.state);
      }
    }
    if (open.length > 0) this.#judgeNew(cluster, open, held);
    return held;
  }

  #judgeNew(
    cluster: string,
    cases: readonly (Case & { readonly served: ServedShard })[],
    held: Map<string, ShardState>,
  ): void {
    const { served } = this.#options;
    const region = served().stateOf(cluster)?.region ?? '';
    const losses = cases.filter(({ loss }) => loss !== 'older').length;
    const areTooMany = this.#withdrawals.areTooMany(
      losses,
      region,
      served().healthyByRegion(),
      this.#settings,
    );
    const opened = new Set<Stop>();
    let kept = 0;
    for (const one of cases) {
      const rule = this.#isExcused(cluster) ? undefined : ruleFor(one, areTooMany);
      if (rule === undefined) continue;
      if (one.loss !== 'older') kept++;
      const stop = this.#stopFor(rule, one, opened);
      held.set(nameOf(one.id), this.#withhold(one, stop));
    }
    this.#withdrawals.add(region, losses, losses - kept);
    for (const stop of opened) this.#options.onStop?.(stop);
    if (held.size > 0) this.#wait();
  }

  #isExcused(cluster: string): boolean {
    const untilMs = this.#excused.get(cluster);
    if (untilMs === undefined) return false;
    if (this.#options.timers.now() < untilMs) return true;
    this.#excused.delete(cluster);
    return false;
  }

  /** What was held before a restart goes on with the time that it had left. */
  #stopFor(
    rule: GuardRule,
    { id, loss, cause, served }: Case & { readonly served: ServedShard },
    opened: Set<Stop>,
  ): Stop {
    const { holdSeconds, windowSeconds } = this.#settings;
    const young = this.#stops.young(id.cluster, rule, windowSeconds * 1000);
    if (young !== undefined) return young;
    const nowMs = this.#options.clock();
    const sinceMs = served.state.held === true ? Math.min(served.state.cause.timeMs, nowMs) : nowMs;
    const stop = this.#stops.open({
      cluster: id.cluster,
      rule,
      sinceMs,
      loss,
      cause,
      leftMs: Math.max(0, holdSeconds * 1000 - (nowMs - sinceMs)),
      isRunning: this.#options.served().stateOf(id.cluster)?.status === 'available',
    });
    opened.add(stop);
    return stop;
  }

  /** @returns what stays served */
  #withhold({ id, state, cause, served }: Case & { readonly served: ServedShard }, stop: Stop): ShardState {
    const name = nameOf(id);
    const withheld = { id, stop, state, cause };
    stop.shards.set(name, withheld);
    const ofCluster = this.#withheld.get(id.cluster);
    if (ofCluster === undefined) this.#withheld.set(id.cluster, new Map([[name, withheld]]));
    else ofCluster.set(name, withheld);
    count(this.#tally.withheld, stop.rule);
    return { ...served.state, held: true, cause: { object: cause.object, timeMs: stop.sinceMs } };
  }

  /** A fact was passed on: what was withheld of the shard is out of date. */
  #settle(id: ShardId, why: GuardRelease): void {
    const withheld = this.#withheld.get(id.cluster)?.get(nameOf(id));
    if (withheld === undefined) return;
    this.#drop(withheld, why);
    this.#endIfEmpty(withheld.stop);
  }

  #drop({ id, stop }: Withheld, why: GuardRelease): void {
    const name = nameOf(id);
    const ofCluster = this.#withheld.get(id.cluster)!;
    ofCluster.delete(name);
    if (ofCluster.size === 0) this.#withheld.delete(id.cluster);
    stop.shards.delete(name);
    count(stop.released, why);
    count(this.#tally.released, why);
  }

  #endIfEmpty(stop: Stop): void {
    if (stop.shards.size > 0) return;
    this.#stops.close(stop);
    this.#options.onEnd?.(stop);
    this.#wait();
  }

  #forget(stop: Stop, why: GuardRelease): Withheld[] {
    const withheld = [...stop.shards.values()];
    for (const one of withheld) this.#drop(one, why);
    this.#endIfEmpty(stop);
    return withheld;
  }

  /** Passes on all that a stop withholds, as one change. */
  #release(stop: Stop, why: GuardRelease): void {
    const { sink, clock } = this.#options;
    const settledMs = clock();
    const withheld = this.#forget(stop, why);
    // A cluster that has left the configuration has left the domain before it leaves here.
    if (this.#options.served().stateOf(stop.cluster) === undefined) return;
    this.batch({ ...stop.cause, settledMs }, () => {
      for (const { id, state, cause } of withheld) {
        if (state === undefined) sink.removeShard(id, { ...cause, settledMs });
        else sink.upsertShard({ ...state, cause: { ...state.cause, settledMs } });
      }
    });
  }

  #wait(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const nextMs = this.#stops.nextMs();
    if (nextMs === Infinity) return;
    this.#timer = this.#options.timers.after(Math.max(1, nextMs), () => {
      for (const stop of this.#stops.due()) this.#release(stop, 'time');
      this.#wait();
    });
  }
}

function* casesIn(shards: readonly ShardState[]): Generator<Case> {
  for (const shard of shards) {
    const loss = lossOf(shard);
    if (loss !== undefined) yield { id: shard, loss, state: shard, cause: shard.cause };
  }
}

function ruleFor(
  { loss, served }: Case & { readonly served: ServedShard },
  areTooMany: boolean,
): GuardRule | undefined {
  if (loss === 'older') return 'older';
  if (served.isAlone) return 'empty';
  // A hold of before a restart was judged when it began.
  return areTooMany || served.state.held === true ? 'fraction' : undefined;
}

function whyPassed(shard: ShardState): GuardRelease {
  if (isUp(shard)) return 'recovered';
  return lossOf(shard) === undefined ? 'evidence' : 'unserved';
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
