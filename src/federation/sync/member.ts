/**
 * One member cluster as the federation sees it: what fedns has there, by list and watch of what carries its label, and whether
 * it can be reached. What is to be there and how it gets there is the engine's business.
 */

import type { Clock } from '../../log.ts';
import type { Random, Timers } from '../../timers.ts';
import { ApiClient } from '../../watchers/api/api-client.ts';
import { ApiError } from '../../watchers/api-error.ts';
import { parseJson } from '../../watchers/api/list-scanner.ts';
import type { Listing } from '../../watchers/api/list-pages.ts';
import { ListWatch } from '../../watchers/api/list-watch.ts';
import { ServerIdentity } from '../../watchers/api/server-identity.ts';
import type { Credentials } from '../../watchers/credentials/credentials.ts';
import { keepCredentials } from '../api/kept-credentials.ts';
import { ObjectClient } from '../api/object-client.ts';
import { copyOf, isOlder, type Copy, type Standard } from './copies.ts';
import { OBJECT_OCTETS_MAX, OBJECTS_MAX } from './endpoint.ts';
import { keyOf } from './federated.ts';
import type { AnyKind, KubeObject } from './kind.ts';
import { MANAGED_LABEL } from './marks.ts';
import { isUnread, resourceOf, type Unread } from './resource.ts';

/** A member cluster as it is told of. */
export interface MemberSpec {
  readonly name: string;
  readonly region?: string;
  readonly zones: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Those of its Cluster object have not been read: what is placed by them stays where it is. */
  readonly areLabelsPartial: boolean;
}

/** By what objects are placed in a member. */
export type Labelling = Pick<MemberSpec, 'labels' | 'areLabelsPartial'>;

export interface MemberOptions {
  readonly spec: MemberSpec;
  readonly credentials: Credentials;
  readonly kinds: readonly AnyKind[];
  readonly standard: Omit<Standard, 'cluster'>;
  /** Requests that write at a time: connections are for these and the watches. */
  readonly writes: number;
  /** It has said which server it is. */
  readonly onUid: () => void;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  /** @param before - what was known of it */
  readonly onCopy: (key: string, before: Copy | undefined) => void;
  /** A kind has been listed, or the member is in or out of contact. */
  readonly onState: () => void;
}

type Item = Copy | Unread | undefined;

/** A watched kind of one member. */
interface KindPart {
  readonly kind: AnyKind;
  readonly loop: ListWatch<Item>;
  isListed: boolean;
}

export class Member {
  readonly copies = new Map<string, Copy>();
  readonly objects: ObjectClient;
  readonly #options: MemberOptions;
  readonly #client: ApiClient;
  readonly #standard: Standard;
  readonly #parts: ReadonlyMap<AnyKind, KindPart>;
  readonly #identity: ServerIdentity;
  readonly #stopped = new AbortController();
  /** Differences that no apply has undone, by key. */
  readonly #accepted = new Map<string, string>();
  /** Since when what is not listed has not been: the start, or the moment when another server answered. */
  #unreadSinceMs: number;
  #uid: string | undefined;
  #isStarted = false;
  spec: MemberSpec;
  /** Why it has no copies: it is the endpoint itself, or another member. Undefined: it has. */
  apart: string | undefined;

  constructor(options: MemberOptions) {
    const { credentials, kinds, timers, writes } = options;
    this.#options = options;
    this.spec = options.spec;
    this.#unreadSinceMs = timers.now();
    this.#standard = { ...options.standard, cluster: options.spec.name };
    this.#client = new ApiClient({
      credentials: keepCredentials(credentials, timers),
      timers,
      userAgent: 'fedns',
      socketsMax: writes + kinds.length + SPARE_SOCKETS,
      onServer: () => this.#relist(),
    });
    this.objects = new ObjectClient({ client: this.#client, signal: this.#stopped.signal });
    this.#identity = new ServerIdentity({
      client: this.#client,
      timers,
      onOther: () => this.#relist(),
      onKnown: (uid) => this.#meet(uid),
    });
    this.#parts = new Map(kinds.map((kind) => [kind, { kind, loop: this.#loopOf(kind), isListed: false }]));
  }

  get name(): string {
    return this.spec.name;
  }

  /** The uid of its `kube-system`; undefined: it has not said. */
  get uid(): string | undefined {
    return this.#uid;
  }

  /** Whether what it has of a kind is known and followed. */
  isCurrent(kind: AnyKind): boolean {
    const part = this.#parts.get(kind)!;
    return part.isListed && part.loop.state.failingSinceMs === undefined;
  }

  /** Whether a kind has been listed since the start. */
  isListed(kind: AnyKind): boolean {
    return this.#parts.get(kind)!.isListed;
  }

  /** Since when a kind cannot be followed, on the monotonic clock; undefined: it can. */
  awaySinceMs(kind: AnyKind): number | undefined {
    const { isListed, loop } = this.#parts.get(kind)!;
    return isListed ? loop.state.failingSinceMs : this.#unreadSinceMs;
  }

  /** Why a kind cannot be followed, in the server's words. */
  trouble(kind: AnyKind): string | undefined {
    const { isListed, loop } = this.#parts.get(kind)!;
    const { failingSinceMs, lastError } = loop.state;
    if (failingSinceMs === undefined && isListed) return undefined;
    return lastError?.message ?? 'it has not been read yet';
  }

  /** Whether any kind can be followed: writing is worth a try. */
  get isReachable(): boolean {
    return [...this.#parts.values()].some(({ kind }) => this.isCurrent(kind));
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (const { loop } of this.#parts.values()) loop.start();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#identity.stop();
    this.#options.credentials.close();
    this.#client.close();
    if (this.#isStarted) await Promise.all([...this.#parts.values()].map(({ loop }) => loop.stop()));
  }

  /**
   * Reads a list once, for a kind that asks for more than its own objects.
   *
   * @throws ApiError
   */
  async ask(path: string): Promise<readonly KubeObject[]> {
    const text = await this.#client.getText(
      path,
      'application/json',
      ASK_LIMITS,
      this.#stopped.signal,
      ASK_OCTETS_MAX,
    );
    const { items } = parseJson(Buffer.from(text)) as { items?: unknown };
    return Array.isArray(items) ? (items as KubeObject[]) : [];
  }

  /** What a write was answered with, ahead of the watch. @returns the copy as it is now */
  observe(kind: AnyKind, object: KubeObject): Copy | undefined {
    const copy = copyOf(kind, object, this.#standard);
    if (copy !== undefined) this.#put(copy);
    return copy;
  }

  /** What a write did away with. */
  forget(key: string, uid: string): void {
    if (this.copies.get(key)?.uid === uid) this.copies.delete(key);
  }

  /** The difference that no apply has undone counts for none, as long as it is the same. */
  accept(key: string): void {
    const copy = this.copies.get(key);
    if (copy?.difference === undefined) return;
    this.#accepted.set(key, copy.difference);
    this.copies.set(key, { ...copy, difference: undefined });
  }

  #loopOf(kind: AnyKind): ListWatch<Item> {
    const { timers, clock, random, onState, standard } = this.#options;
    return new ListWatch<Item>({
      resource: resourceOf<Item>(
        kind,
        (object) => copyOf(kind, object, this.#standard),
        `${MANAGED_LABEL}=${standard.federation}`,
      ),
      client: this.#client,
      objectOctetsMax: OBJECT_OCTETS_MAX,
      objectsMax: OBJECTS_MAX,
      timers,
      clock,
      random,
      checkServer: () => this.#check(),
      onList: (listing) => this.#replace(kind, listing),
      onAudit: (listing) => this.#replace(kind, listing),
      onChange: (type, item) => this.#change(type === 'DELETED', item),
      onState,
    });
  }

  async #check(): Promise<void> {
    await this.#identity.check();
    if (this.apart !== undefined) throw new ApiError('STATUS', this.apart);
  }

  #meet(uid: string): void {
    this.#uid = uid;
    this.#options.onUid();
  }

  /** Another server answers: what the one before had says nothing of this one. */
  #relist(): void {
    this.#unreadSinceMs = this.#options.timers.now();
    for (const part of this.#parts.values()) {
      part.isListed = false;
      part.loop.resync();
    }
    this.copies.clear();
    this.#options.onState();
  }

  #replace(kind: AnyKind, { objects, truncated }: Listing<Item>): void {
    const present = new Set<string>();
    for (const item of objects) {
      if (item === undefined) continue;
      present.add(isUnread(item) ? keyOf(kind, item) : item.key);
      if (!isUnread(item)) this.#put(item);
    }
    for (const key of this.copies.keys())
      if (isOfKind(key, kind) && !present.has(key) && !truncated) this.#drop(key);
    this.#parts.get(kind)!.isListed = true;
    this.#options.onState();
  }

  #change(deleted: boolean, item: Item): void {
    if (item === undefined || isUnread(item)) return;
    if (!deleted) return this.#put(item);
    const known = this.copies.get(item.key);
    if (known !== undefined && known.uid === item.uid) this.#drop(item.key);
  }

  #put(copy: Copy): void {
    const known = this.copies.get(copy.key);
    if (known !== undefined && isOlder(copy, known)) return;
    const isAccepted = copy.difference !== undefined && this.#accepted.get(copy.key) === copy.difference;
    if (copy.difference === undefined) this.#accepted.delete(copy.key);
    this.copies.set(copy.key, isAccepted ? { ...copy, difference: undefined } : copy);
    this.#options.onCopy(copy.key, known);
  }

  #drop(key: string): void {
    const before = this.copies.get(key);
    this.copies.delete(key);
    this.#accepted.delete(key);
    this.#options.onCopy(key, before);
  }
}

/** Above the 15 s that a busy API server lets a request wait before it says 429. */
const ASK_LIMITS = { headersMs: 20_000, idleMs: 15_000 };
/** A thousand Pods, each of some ten kilobytes. */
const ASK_OCTETS_MAX = 16 * 1024 * 1024;

/** For the identity and for what a kind asks besides. */
const SPARE_SOCKETS = 3;

function isOfKind(key: string, { type }: AnyKind): boolean {
  return key.startsWith(`${type.kind} `);
}
