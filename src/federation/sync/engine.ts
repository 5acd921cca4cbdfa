/**
 * The engine of `fedns federate`: joins the endpoint, the members and the work between them. What is to be done about an object
 * in a cluster is site.ts, how it is done bring.ts, what is told of it report.ts; here is when.
 *
 * ```
 *   Endpoint ─► store ──┬─► WorkQueue per member ─► bring / takeAway ─► Member.copies ─┐
 *                       │        ▲        RemovalGate holds what is too much at once    │
 *                       └────────┴── divide (later) ◄── what copies show ◄──────────────┤
 *   Endpoint ◄── finalizer, status, conditions, Events ◄── report (later) ◄─────────────┘
 * ```
 */

import type { Clock, Log } from '../../log.ts';
import type { Random, Timer, Timers } from '../../timers.ts';
import type { ApiClient } from '../../watchers/api/api-client.ts';
import { asApiError } from '../../watchers/api-error.ts';
import type { Credentials } from '../../watchers/credentials/credentials.ts';
import { ObjectClient } from '../api/object-client.ts';
import { bring, contested, release, takeAway, type BringResult, type Deed } from './bring.ts';
import { Contests } from './contests.ts';
import type { Copy } from './copies.ts';
import { Endpoint } from './endpoint.ts';
import { standingConditions, writeFinalizer, writeStatus } from './endpoint-writer.ts';
import { EventRecorder } from './event-recorder.ts';
import {
  namespaceOfKey,
  nextRevision,
  revisionIn,
  type Federated,
  type Selection,
  type Share,
} from './federated.ts';
import { AWAY_MS, type AnyKind, type Problem } from './kind.ts';
import { hasFinalizer, ORPHAN_ANNOTATION } from './marks.ts';
import { Member, type Labelling, type MemberSpec } from './member.ts';
import { CLUSTERS_ANNOTATION, SELECTOR_ANNOTATION, unknownNames } from './placement.ts';
import { type Hold, RemovalGate, type RemovalLimits } from './removal-gate.ts';
import { conditionsOf, heldText, propagation, type Standing } from './report.ts';
import { isSettledFor, isWantedIn, mayHaveOne, standingOf, taskOf, viewOf, type Site } from './site.ts';
import { Sweep } from './sweep.ts';
import { DONE, WorkQueue, type WorkResult } from './work-queue.ts';

/** How long news of an object is gathered before its condition is written, in milliseconds. */
const REPORT_MS = 500;
/** How long a condition that would only say that work is under way is put off. */
const UNDER_WAY_MS = 4_000;
const DIVIDE_AFTER_MS = 1_000;
/** How often an object that is to go is looked at, in milliseconds. */
const GOING_MS = 3_000;
/** What is due is looked for so often, in milliseconds. */
const TICK_MS = 250;
/** Requests at a time that write at the endpoint. */
const ENDPOINT_WRITES = 8;

export interface FederationOptions {
  /** Of the federation endpoint; closed by whoever made it. */
  readonly client: ApiClient;
  readonly kinds: readonly AnyKind[];
  readonly selection: Selection;
  readonly limits: RemovalLimits;
  readonly writesPerCluster: number;
  /** How long a member that is out of contact counts. Default: {@link AWAY_MS}. */
  readonly awayMs?: number;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Removals of a cluster have begun to wait, or no longer do. */
  readonly onHolds?: () => void;
}

/** How the federation does, for metrics and people. */
export interface FederationState {
  readonly endpointTrouble: string | undefined;
  readonly objects: number;
  readonly eventsLost: number;
  readonly members: readonly MemberState[];
}

export interface MemberState {
  readonly name: string;
  readonly reachable: boolean;
  readonly copies: number;
  readonly waiting: number;
  readonly failing: number;
  readonly hold: Hold | undefined;
}

export class Federation {
  readonly #options: FederationOptions;
  readonly #endpoint: Endpoint;
  readonly #objects: ObjectClient;
  readonly #events: EventRecorder;
  readonly #writer: WorkQueue;
  readonly #sites = new Map<string, Site>();
  readonly #kinds: ReadonlyMap<string, AnyKind>;
  readonly #reports = new Sweep();
  readonly #divisions = new Sweep();
  /** Members and kinds out of contact, until they no longer count: whatever else is asked of an object does not bring that forward. */
  readonly #leaving = new Sweep();
  /** Since when news of an object waits to be told. */
  readonly #newsSinceMs = new Map<string, number>();
  /** Clusters by what was done there, by key, until it is told. */
  readonly #deeds = new Map<string, Map<Deed, Set<string>>>();
  readonly #deedCounts = new Map<string, number>();
  readonly #stopped = new AbortController();
  #timer: Timer | undefined;
  #wasReadable = false;

  constructor(options: FederationOptions) {
    const { client, kinds, timers, random, clock } = options;
    this.#options = options;
    this.#kinds = new Map(kinds.map((kind) => [kind.type.kind, kind]));
    this.#objects = new ObjectClient({ client, signal: this.#stopped.signal });
    this.#events = new EventRecorder(this.#objects, clock);
    this.#writer = new WorkQueue({
      parallel: ENDPOINT_WRITES,
      timers,
      random,
      run: (key) => this.#tell(key),
    });
    this.#endpoint = new Endpoint({
      ...options,
      onObject: (key, before) => this.#onFederated(key, before),
      onState: () => this.#onEndpoint(),
    });
  }

  start(): void {
    this.#endpoint.start();
    this.#arm();
  }

  /** Leaves no timer and no socket behind; what is under way is cut off. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#timer?.cancel();
    this.#writer.stop();
    this.#events.stop();
    const sites = [...this.#sites.values()];
    for (const { queue } of sites) queue.stop();
    await Promise.all([this.#endpoint.stop(), ...sites.map(({ member }) => member.stop())]);
  }

  /** A cluster has joined. */
  join(spec: MemberSpec, credentials: Credentials): void {
    const { kinds, limits, writesPerCluster, timers, clock, random, selection } = this.#options;
    const { name } = spec;
    const member = new Member({
      spec,
      credentials,
      kinds,
      standard: { federation: selection.federation, federated: (key) => this.#endpoint.store.get(key) },
      writes: writesPerCluster,
      onUid: () => this.#separate(),
      timers,
      clock,
      random,
      onCopy: (key, before) => this.#onCopy(name, key, before),
      onState: () => this.#onMember(name),
    });
    const run = (key: string): Promise<WorkResult> => this.#work(name, key);
    this.#sites.set(name, {
      member,
      queue: new WorkQueue({ parallel: writesPerCluster, timers, random, run }),
      gate: new RemovalGate(limits),
      contests: new Contests(),
      troubles: new Map(),
      asked: new Map(),
      asking: new Set(),
      current: new Set(),
    });
    // What a member has is compared with what the endpoint wants: that is read first.
    if (this.#wasReadable) member.start();
    this.#revise();
  }

  /** A cluster has left: what fedns has made there stays, and is nobody's concern here. */
  async leave(name: string): Promise<void> {
    const site = this.#sites.get(name);
    if (site === undefined) return;
    this.#sites.delete(name);
    site.queue.stop();
    await site.member.stop();
    this.#separate();
    this.#revise();
  }

  /** Labels of clusters have changed, by which objects are placed. */
  relabel(labellingOf: (name: string) => Labelling): void {
    for (const { member } of this.#sites.values())
      member.spec = { ...member.spec, ...labellingOf(member.name) };
    for (const name of this.#sites.keys()) this.#review(name);
    this.#revise();
  }

  /** Removals that wait, by cluster. */
  holds(): Map<string, Hold> {
    return new Map([...this.#sites].flatMap(([name, { gate }]) => (gate.hold ? [[name, gate.hold]] : [])));
  }

  /** Carries out the removals that wait in a cluster. */
  confirm(name: string): void {
    const site = this.#sites.get(name);
    if (site === undefined) return;
    const keys = site.gate.confirm();
    this.#options.log.warn(
      { cluster: name, removals: keys.length },
      'removals that had waited are confirmed',
    );
    for (const key of keys) site.queue.add(key, true);
    this.#options.onHolds?.();
  }

  state(): FederationState {
    const members = this.#members().map(({ member, queue, gate }) => ({
      name: member.name,
      reachable: member.isReachable,
      copies: member.copies.size,
      waiting: queue.size,
      failing: queue.failing,
      hold: gate.hold,
    }));
    return {
      endpointTrouble: this.#endpoint.trouble,
      objects: this.#endpoint.store.size,
      eventsLost: this.#events.lost,
      members,
    };
  }

  /** What has been done since the start, by cluster and deed, for metrics. */
  deeds(): ReadonlyMap<string, number> {
    return this.#deedCounts;
  }

  get #nowMs(): number {
    return this.#options.timers.now();
  }

  get #awayMs(): number {
    return this.#options.awayMs ?? AWAY_MS;
  }

  /** Clusters that have copies. */
  #members(): Site[] {
    return [...this.#sites.values()].filter(({ member }) => member.apart === undefined);
  }

  /** One server is one member, whatever names it has been given: two would undo what the other does. The first counts. */
  #separate(): void {
    const names = new Map<string, string>();
    for (const { member } of this.#sites.values()) {
      const { name, uid } = member;
      const apart = uid === undefined ? undefined : whyApart(names.get(uid), uid === this.#endpoint.uid);
      if (uid !== undefined && !names.has(uid)) names.set(uid, name);
      if (apart === member.apart) continue;
      member.apart = apart;
      this.#onMember(name);
    }
  }

  #onEndpoint(): void {
    const { isReadable, trouble } = this.#endpoint;
    if (isReadable === this.#wasReadable) return;
    this.#wasReadable = isReadable;
    const { log } = this.#options;
    if (isReadable) log.info({ objects: this.#endpoint.store.size }, 'the federation endpoint is read');
    else
      log.warn(
        { reason: trouble },
        'the federation endpoint cannot be read: nothing is changed in the members',
      );
    this.#writer.open(isReadable);
    for (const { member } of this.#sites.values()) if (isReadable) member.start();
    for (const name of this.#sites.keys()) this.#onMember(name);
  }

  #onFederated(key: string, before: Federated | undefined): void {
    const now = this.#endpoint.store.get(key);
    const isSame = now !== undefined && before !== undefined && isSameWork(before, now);
    for (const site of this.#sites.values()) if (!isSame) this.#reconsider(site, key, true);
    if (now === undefined) {
      this.#newsSinceMs.delete(key);
      this.#deeds.delete(key);
      return;
    }
    if (now.kind.divide !== undefined) this.#divisions.ask(key, this.#nowMs);
    if (now.isWanted !== hasFinalizer(now.object)) this.#writer.add(key, !isSame);
    this.#reportLater(key);
  }

  #onCopy(name: string, key: string, before: Copy | undefined): void {
    const site = this.#sites.get(name);
    if (site === undefined) return;
    const copy = site.member.copies.get(key);
    this.#reconsider(site, key, copy === undefined);
    const federated = this.#endpoint.store.get(key);
    if (copy === undefined) this.#nudgeHolder(site, key);
    // Whatever stands in a namespace was waiting for it.
    if (copy !== undefined && before === undefined && this.#kindOf(key)?.holdsOthers === true)
      this.#admit(site, key);
    if (federated === undefined || isSameSight(before, copy)) return;
    this.#followUp(site, federated, copy);
    this.#reportLater(key);
  }

  /** A Namespace that is to go waits for what is in it. */
  #nudgeHolder({ queue, troubles }: Site, key: string): void {
    const holder = `Namespace /${namespaceOfKey(key)}`;
    if (troubles.get(holder)?.reason === 'HoldsFederated') queue.nudge((other) => other === holder);
  }

  #admit({ queue }: Site, key: string): void {
    const namespace = key.slice(key.indexOf('/') + 1);
    queue.nudge((other) => namespaceOfKey(other) === namespace);
  }

  /** What a kind that divides or asks makes of a change in a member. */
  #followUp(site: Site, { key, kind, object }: Federated, copy: Copy | undefined): void {
    const isAsking = copy !== undefined && kind.inquiry?.due(object, copy.seen) === true;
    if (isAsking) site.asking.add(key);
    else if (site.asking.delete(key)) site.asked.delete(key);
    if (kind.divide !== undefined)
      this.#divisions.ask(key, this.#nowMs + (kind.divideAfterMs ?? DIVIDE_AFTER_MS));
  }

  /** @param fresh - there is news: what failed before is tried again at once */
  #reconsider({ member, queue, gate, troubles }: Site, key: string, fresh: boolean): void {
    const federated = this.#endpoint.store.get(key);
    const task = taskOf(member, federated, member.copies.get(key));
    if (task !== 'remove') gate.forget(key);
    if (task !== 'rest') return queue.add(key, fresh);
    troubles.delete(key);
    queue.drop(key);
  }

  #onMember(name: string): void {
    const site = this.#sites.get(name);
    if (site === undefined) return;
    const { member, queue, current } = site;
    for (const kind of this.#options.kinds) {
      const isCurrent = member.isCurrent(kind);
      if (isCurrent === current.has(kind)) continue;
      if (isCurrent) current.add(kind);
      else current.delete(kind);
      this.#onKind(site, kind, isCurrent);
    }
    queue.open(this.#wasReadable && member.isReachable && member.apart === undefined);
  }

  #onKind(site: Site, kind: AnyKind, isCurrent: boolean): void {
    const { member } = site;
    const fields = { cluster: member.name, kind: kind.type.kind };
    if (isCurrent) this.#options.log.info(fields, 'a kind of a member cluster is followed');
    else
      this.#options.log.warn(
        { ...fields, reason: member.trouble(kind) },
        'a kind of a member cluster cannot be followed: what is to be done there waits',
      );
    if (isCurrent) this.#review(member.name, kind);
    // Away, it still counts for a while: then it is looked at again.
    else this.#leaving.ask(leavingKey(member, kind), this.#nowMs + this.#awayMs);
    for (const federated of this.#endpoint.store.values())
      if (federated.kind === kind && (isCurrent || isOfInterest(federated))) this.#look(federated);
  }

  /** A member no longer counts, unless it has been back meanwhile. */
  #leaveOut({ member }: Site, kind: AnyKind): void {
    const sinceMs = member.awaySinceMs(kind);
    if (sinceMs === undefined) return;
    const dueMs = sinceMs + this.#awayMs;
    if (this.#nowMs < dueMs) return this.#leaving.ask(leavingKey(member, kind), dueMs);
    for (const federated of this.#endpoint.store.values()) if (federated.kind === kind) this.#look(federated);
  }

  #look({ key, kind }: Federated): void {
    if (kind.divide !== undefined) this.#divisions.ask(key, this.#nowMs);
    this.#reports.ask(key, this.#nowMs + REPORT_MS);
  }

  /** Looks at everything in one member: it may have been away, or have joined just now. */
  #review(name: string, only?: AnyKind): void {
    const site = this.#sites.get(name);
    if (site === undefined) return;
    for (const { key, kind } of this.#endpoint.store.values())
      if (only === undefined || kind === only) this.#reconsider(site, key, true);
    for (const key of site.member.copies.keys())
      if ((only === undefined || this.#kindOf(key) === only) && !this.#endpoint.store.has(key))
        this.#reconsider(site, key, true);
  }

  /** The members, or what places objects in them, have changed. */
  #revise(): void {
    for (const { key, kind } of this.#endpoint.store.values()) {
      if (kind.divide !== undefined) this.#divisions.ask(key, this.#nowMs);
      this.#reportLater(key);
    }
  }

  #kindOf(key: string): AnyKind | undefined {
    return this.#kinds.get(key.slice(0, key.indexOf(' ')));
  }

  /** One piece of work in one member. */
  async #work(name: string, key: string): Promise<WorkResult> {
    const site = this.#sites.get(name);
    const kind = this.#kindOf(key);
    if (site === undefined || kind === undefined) return DONE;
    // Whatever is left undone here is looked at anew once this has changed.
    if (!this.#wasReadable || !site.member.isCurrent(kind)) return DONE;
    try {
      const result = await this.#carryOut(site, kind, key);
      if (result !== undefined) return this.#settle(site, key, result);
      // Whoever is deleted waits for all work to be over.
      if (this.#endpoint.store.get(key)?.isWanted === false) this.#reportLater(key);
      return DONE;
    } catch (error) {
      this.#options.log.error(
        { cluster: name, object: key, error },
        'nobody caught this: a bug, please report it',
      );
      return { kind: 'retry', firstMs: 5_000, maxMs: 300_000, atLeastMs: 0 };
    }
  }

  async #carryOut(site: Site, kind: AnyKind, key: string): Promise<BringResult | undefined> {
    const { member, gate } = site;
    const federated = this.#endpoint.store.get(key);
    const copy = member.copies.get(key);
    switch (taskOf(member, federated, copy)) {
      case 'rest':
        return undefined;
      case 'bring':
        return this.#bring(site, federated!, copy);
      case 'release':
        return release(member, kind, copy!);
      case 'remove':
        if (!gate.ask(key, this.#nowMs)) return undefined;
        return takeAway(member, kind, copy!, {
          isKnown: federated !== undefined,
          kinds: this.#options.kinds,
        });
    }
  }

  /** Not as fast as somebody else undoes it. */
  async #bring(site: Site, federated: Federated, copy: Copy | undefined): Promise<BringResult> {
    const { member, contests } = site;
    const { key } = federated;
    const revision = revisionIn(federated, member.name);
    const waitMs = contests.waitMs(key, revision, this.#nowMs);
    if (waitMs > 0) return contested(copy, waitMs);
    const result = await bring(member, federated, this.#options.selection.federation);
    if ('deed' in result) contests.note(key, revision, this.#nowMs);
    return result;
  }

  #settle(site: Site, key: string, result: BringResult): WorkResult {
    const { member, gate, troubles } = site;
    const federated = this.#endpoint.store.get(key);
    if ('trouble' in result) {
      const { trouble } = result;
      // A server in trouble is told of as such, once, and not for each object.
      if (trouble.work.kind !== 'serverTrouble') this.#noteTrouble(site, key, federated, trouble);
      return trouble.work;
    }
    troubles.delete(key);
    const { deed } = result;
    if (deed === 'Removed' || deed === 'Released') {
      gate.forget(key);
      this.#nudgeHolder(site, key);
    }
    if (deed !== undefined) this.#noteDeed(member.name, key, deed);
    this.#reportLater(key);
    return DONE;
  }

  #noteTrouble(
    { member, troubles }: Site,
    key: string,
    federated: Federated | undefined,
    trouble: { readonly reason: string; readonly message: string; readonly work: WorkResult },
  ): void {
    const isNews = troubles.get(key)?.message !== trouble.message;
    troubles.set(key, trouble);
    if (!isNews) return;
    const { reason, message } = trouble;
    this.#options.log.warn(
      { cluster: member.name, object: key, reason, message },
      'an object is not as it should be',
    );
    if (federated !== undefined && !PASSING.has(reason))
      this.#events.record(federated, { type: 'Warning', reason, message: `${member.name}: ${message}` });
    this.#reportLater(key);
  }

  #noteDeed(cluster: string, key: string, deed: Deed): void {
    const count = `${cluster} ${deed}`;
    this.#deedCounts.set(count, (this.#deedCounts.get(count) ?? 0) + 1);
    this.#options.log.debug({ cluster, object: key, deed }, 'an object of a member cluster was written');
    // Of an object that the endpoint no longer has, there is nobody to tell.
    if (!this.#endpoint.store.has(key)) return;
    const deeds = this.#deeds.get(key) ?? new Map<Deed, Set<string>>();
    this.#deeds.set(key, deeds.set(deed, (deeds.get(deed) ?? new Set()).add(cluster)));
  }

  #reportLater(key: string): void {
    const nowMs = this.#nowMs;
    if (!this.#newsSinceMs.has(key)) this.#newsSinceMs.set(key, nowMs);
    this.#reports.ask(key, nowMs + REPORT_MS);
  }

  #arm(): void {
    this.#timer = this.#options.timers.after(TICK_MS, () => {
      this.#tick();
      this.#arm();
    });
  }

  #tick(): void {
    if (!this.#wasReadable) return;
    const nowMs = this.#nowMs;
    for (const key of this.#leaving.take(nowMs)) {
      const [name = '', kind = ''] = key.split(' ');
      const site = this.#sites.get(name);
      if (site !== undefined) this.#leaveOut(site, this.#kinds.get(kind)!);
    }
    for (const key of this.#divisions.take(nowMs)) this.#divide(key);
    for (const key of this.#reports.take(nowMs)) this.#writer.add(key, true);
    for (const site of this.#sites.values()) {
      this.#decide(site, nowMs);
      if (site.asking.size > 0) this.#inquire(site);
    }
  }

  /** Lets removals go that are not too many. */
  #decide({ member, queue, gate }: Site, nowMs: number): void {
    if (gate.waiting === 0 && gate.hold === undefined) return;
    const before = gate.hold;
    for (const key of gate.decide(member.copies.size, nowMs)) queue.add(key, true);
    const now = gate.hold;
    if (now?.removals === before?.removals) return;
    if (now !== undefined && before === undefined)
      this.#options.log.error(
        { cluster: member.name, removals: now.removals, objects: now.objects },
        `${member.name}: ${heldText(now)}`,
      );
    this.#options.onHolds?.();
    for (const key of this.#endpoint.store.keys()) if (gate.holds(key)) this.#reportLater(key);
  }

  #divide(key: string): void {
    const federated = this.#endpoint.store.get(key);
    if (federated === undefined || federated.kind.divide === undefined || !federated.isWanted) return;
    const { kind, object } = federated;
    if (!this.#isSettled(kind)) return this.#divisions.ask(key, this.#nowMs + DIVIDE_AFTER_MS);
    const views = this.#viewsOf(federated);
    const { shares, problems } = kind.divide!(object, views, this.#options.clock());
    const divided = new Map(
      views.map(({ cluster }) => [cluster, shareOf(shares.get(cluster), federated.shares?.get(cluster))]),
    );
    const dividedAt = object.metadata.generation;
    this.#endpoint.store.set(key, {
      ...federated,
      shares: divided,
      problems,
      ...(dividedAt !== undefined && { dividedAt }),
    });
    for (const site of this.#sites.values())
      if (divided.get(site.member.name) !== federated.shares?.get(site.member.name))
        this.#reconsider(site, key, true);
    this.#reportLater(key);
  }

  #isSettled(kind: AnyKind): boolean {
    const [nowMs, awayMs] = [this.#nowMs, this.#awayMs];
    return this.#members().every((site) => isSettledFor(site, kind, nowMs, awayMs));
  }

  /** The clusters that an object is placed in. */
  #viewsOf(federated: Federated): ReturnType<typeof viewOf>[] {
    const [nowMs, awayMs] = [this.#nowMs, this.#awayMs];
    return this.#members()
      .filter(({ member }) => isWantedIn(member, federated, member.copies.get(federated.key)))
      .map((site) => viewOf(site, federated, nowMs, awayMs));
  }

  #inquire(site: Site): void {
    for (const key of site.asking) {
      const federated = this.#endpoint.store.get(key);
      const inquiry = federated?.kind.inquiry;
      if (federated === undefined || inquiry === undefined) site.asking.delete(key);
      else if (this.#nowMs - (site.asked.get(key)?.atMs ?? -Infinity) >= inquiry.everyMs)
        void this.#inquireOnce(site, federated);
    }
  }

  async #inquireOnce(site: Site, { key, kind, object }: Federated): Promise<void> {
    const { asked, member } = site;
    const before = asked.get(key);
    // Noted before, so that it is not asked twice; what was known counts until there is more.
    asked.set(key, { answer: undefined, text: '', ...before, atMs: this.#nowMs });
    try {
      const items = await member.ask(kind.inquiry!.path(object));
      const copy = member.copies.get(key);
      if (copy === undefined || !site.asking.has(key)) return;
      const answer = kind.inquiry!.read(items, object, copy.seen, this.#options.clock());
      const text = JSON.stringify(answer) ?? '';
      asked.set(key, { atMs: this.#nowMs, answer, text });
      if (text !== (before?.text ?? '')) this.#divisions.ask(key, this.#nowMs);
    } catch (error) {
      const { message } = asApiError(error, 'NOT_JSON');
      this.#options.log.debug(
        { cluster: member.name, object: key, reason: message },
        'a question found no answer',
      );
    }
  }

  /** Writes at the endpoint what is to be known of an object. */
  async #tell(key: string): Promise<WorkResult> {
    const federated = this.#endpoint.store.get(key);
    if (federated === undefined) return DONE;
    const { isWanted, object, kind } = federated;
    if (isWanted && !hasFinalizer(object))
      return this.#take(federated, await writeFinalizer(this.#objects, federated, true));
    if (!isWanted && hasFinalizer(object) && this.#isGone(federated)) {
      this.#tellDeeds(federated);
      return this.#take(federated, await writeFinalizer(this.#objects, federated, false));
    }
    // What is deleted is looked at again until it is gone, whatever else happens.
    if (!isWanted) this.#reports.ask(key, this.#nowMs + GOING_MS);
    const standings = this.#standings(federated);
    if (this.#isPassing(key, standings) || !this.#isSettled(kind)) {
      this.#reports.ask(key, this.#nowMs + REPORT_MS * 2);
      return DONE;
    }
    this.#newsSinceMs.delete(key);
    this.#tellDeeds(federated);
    return this.#tellStatus(federated, standings);
  }

  async #tellStatus(federated: Federated, standings: ReadonlyMap<string, Standing>): Promise<WorkResult> {
    const { kind, object, isWanted } = federated;
    const nowMs = this.#options.clock();
    const problems = this.#problemsOf(federated);
    for (const { reason, message } of problems)
      this.#events.record(federated, { type: 'Warning', reason, message });
    const conditions = conditionsOf(
      propagation(standings, !isWanted),
      problems,
      standingConditions(federated),
      nowMs,
    );
    const status = isWanted ? kind.status?.(object, this.#viewsOf(federated), nowMs) : undefined;
    const written = await writeStatus(this.#objects, federated, status, conditions);
    return written === undefined ? DONE : this.#take(federated, written);
  }

  #take(federated: Federated, written: Awaited<ReturnType<typeof writeFinalizer>>): WorkResult {
    if (written.ok) {
      this.#endpoint.observe(federated.kind, written.value);
      return DONE;
    }
    const { cause, message, retryAfterMs } = written.failure;
    if (cause === 'absent' || this.#stopped.signal.aborted) return DONE;
    if (cause !== 'changed')
      this.#options.log.warn(
        { object: federated.key, reason: message },
        'the endpoint did not take what was to be told',
      );
    if (cause === 'unreachable' || cause === 'busy')
      return { kind: 'serverTrouble', atLeastMs: retryAfterMs };
    return { kind: 'retry', firstMs: 250, maxMs: 60_000, atLeastMs: retryAfterMs };
  }

  #tellDeeds(federated: Federated): void {
    const deeds = this.#deeds.get(federated.key);
    this.#deeds.delete(federated.key);
    for (const [deed, clusters] of deeds ?? []) {
      const message = `${deed} in ${[...clusters].toSorted().join(', ')}`;
      this.#events.record(federated, { type: 'Normal', reason: deed, message });
    }
  }

  #standings(federated: Federated): Map<string, Standing> {
    return new Map(this.#members().map((site) => [site.member.name, standingOf(site, federated)]));
  }

  /** Whether a condition would only say that work is under way, and it has not been so for long. */
  #isPassing(key: string, standings: ReadonlyMap<string, Standing>): boolean {
    const isUnderWay = [...standings.values()].some(({ kind }) => kind === 'coming');
    return isUnderWay && this.#nowMs - (this.#newsSinceMs.get(key) ?? -Infinity) < UNDER_WAY_MS;
  }

  /** Whether no cluster has a copy any more, as far as can be known. */
  #isGone(federated: Federated): boolean {
    return this.#members().every(
      ({ member, queue }) =>
        !member.copies.has(federated.key) && !mayHaveOne(member, federated) && !queue.has(federated.key),
    );
  }

  #problemsOf({ placement, problems }: Federated): readonly Problem[] {
    if (placement.kind === 'unknown') return [placement.problem, ...problems];
    const unknown = unknownNames(placement, new Set(this.#sites.keys()));
    if (unknown.length === 0) return problems;
    const message = `fedns.io/clusters names what is no member cluster: ${unknown.slice(0, 8).join(', ')}`;
    return [...problems, { reason: 'UnknownCluster', message }];
  }
}

/** Troubles that end by themselves: they are in the condition while they last, and no Event. */
const PASSING: ReadonlySet<string> = new Set([
  'Changed',
  'Deleting',
  'HoldsFederated',
  'NamespaceAbsent',
  'NamespaceTerminating',
]);

function whyApart(first: string | undefined, isEndpoint: boolean): string | undefined {
  if (isEndpoint) return 'it is the federation endpoint itself, whose objects are the federated ones';
  return first === undefined ? undefined : `it is the member ${first} by another name`;
}

/** Names of clusters have no blanks. */
function leavingKey({ name }: Member, { type }: AnyKind): string {
  return `${name} ${type.kind}`;
}

/** Whether the same is to be done of both in every cluster. */
function isSameWork(before: Federated, now: Federated): boolean {
  return (
    before.revision === now.revision &&
    before.isWanted === now.isWanted &&
    hasFinalizer(before.object) === hasFinalizer(now.object) &&
    placementText(before) === placementText(now)
  );
}

/** What is written on an object about where its copies go, and what becomes of them. */
function placementText({ object: { metadata } }: Federated): string {
  const names = [SELECTOR_ANNOTATION, CLUSTERS_ANNOTATION, ORPHAN_ANNOTATION];
  return JSON.stringify(names.map((name) => metadata.annotations?.[name]));
}

/** Whether a copy shows the same as before. */
function isSameSight(before: Copy | undefined, now: Copy | undefined): boolean {
  if (before === undefined || now === undefined) return before === now;
  return (
    before.difference === now.difference &&
    before.against === now.against &&
    before.isDeleting === now.isDeleting &&
    JSON.stringify(before.seen) === JSON.stringify(now.seen)
  );
}

/** A cluster that cannot be followed matters at once to what is to be changed or removed there. */
function isOfInterest({ isWanted }: Federated): boolean {
  return !isWanted;
}

/** The share as before where it is the same, so that nothing follows from it. */
function shareOf(value: unknown, before: Share | undefined): Share {
  const text = JSON.stringify(value) ?? '';
  return before?.text === text ? before : { value, text, revision: nextRevision() };
}
