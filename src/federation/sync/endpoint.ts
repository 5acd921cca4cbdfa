/**
 * The federation endpoint as it is read: all federated objects, by list and watch. While any of its kinds cannot be read, what
 * is known may be old, and nothing is to follow from it: `isReadable` says so. What follows is the engine's business.
 */

import type { Clock } from '../../log.ts';
import type { Random, Timers } from '../../timers.ts';
import type { ApiClient } from '../../watchers/api/api-client.ts';
import type { Listing } from '../../watchers/api/list-pages.ts';
import { ListWatch } from '../../watchers/api/list-watch.ts';
import { ServerIdentity } from '../../watchers/api/server-identity.ts';
import { federatedOf, keyOf, type Federated, type Selection } from './federated.ts';
import type { AnyKind, KubeObject } from './kind.ts';
import { isOlder } from './copies.ts';
import { isUnread, leanMetadata, resourceOf, type Unread } from './resource.ts';

/** etcd takes a megabyte and a half; `managedFields` and JSON make more of it. */
export const OBJECT_OCTETS_MAX = 8 * 1024 * 1024;
/** Objects of one kind at the endpoint: ten times what one federation is built for. */
export const OBJECTS_MAX = 100_000;

export interface EndpointOptions {
  readonly client: ApiClient;
  readonly kinds: readonly AnyKind[];
  readonly selection: Selection;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  /** It has come, changed or gone: `store` says what it is now. */
  readonly onObject: (key: string, before: Federated | undefined) => void;
  /** `isReadable` may have changed. */
  readonly onState: () => void;
}

export class Endpoint {
  readonly store = new Map<string, Federated>();
  readonly #options: EndpointOptions;
  readonly #loops: readonly ListWatch<KubeObject | Unread>[];
  readonly #listed = new Set<AnyKind>();
  readonly #identity: ServerIdentity;
  /** Why the lists are not to be believed, by kind. */
  readonly #truncated = new Set<AnyKind>();
  #uid: string | undefined;
  #otherServer = false;

  constructor(options: EndpointOptions) {
    this.#options = options;
    const { client, timers } = options;
    this.#identity = new ServerIdentity({
      client,
      timers,
      onOther: () => this.#meetOther(),
      onKnown: (uid) => {
        this.#uid ??= uid;
      },
    });
    this.#loops = options.kinds.map((kind) => this.#loopOf(kind));
  }

  /** The uid of its `kube-system`; undefined: it does not say. */
  get uid(): string | undefined {
    return this.#uid;
  }

  /** Whether everything has been read and is being followed. */
  get isReadable(): boolean {
    return this.trouble === undefined;
  }

  /** Why not, in one line. */
  get trouble(): string | undefined {
    if (this.#otherServer) return 'another API server answers than the one that fedns started with';
    const failing = this.#loops.find(({ state }) => state.failingSinceMs !== undefined)?.state;
    if (failing !== undefined) return failing.lastError?.message ?? 'it has not been read yet';
    if (this.#listed.size < this.#options.kinds.length) return 'it has not been read yet';
    if (this.#truncated.size > 0) return `it has more than ${OBJECTS_MAX} objects of one kind`;
    return undefined;
  }

  /** What a write was answered with, ahead of the watch. */
  observe(kind: AnyKind, { metadata, ...rest }: KubeObject): void {
    const object = { ...rest, metadata: leanMetadata(metadata) };
    const known = this.store.get(keyOf(kind, metadata));
    if (known !== undefined && !isNewer(object, known.object)) return;
    this.#take(kind, object);
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  async stop(): Promise<void> {
    this.#identity.stop();
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }

  /** An emptied or swapped endpoint is no reason to take anything away: a restart says that it is meant. */
  #meetOther(): void {
    this.#otherServer = true;
    this.#options.onState();
  }

  #loopOf(kind: AnyKind): ListWatch<KubeObject | Unread> {
    const { client, timers, clock, random, onState } = this.#options;
    return new ListWatch({
      resource: resourceOf(kind, (object) => object),
      client,
      objectOctetsMax: OBJECT_OCTETS_MAX,
      objectsMax: OBJECTS_MAX,
      timers,
      clock,
      random,
      checkServer: () => this.#identity.check(),
      onList: (listing) => this.#replace(kind, listing),
      onAudit: (listing) => this.#replace(kind, listing),
      onChange: (type, object) => this.#change(kind, type === 'DELETED', object),
      onState,
    });
  }

  #replace(kind: AnyKind, { objects, truncated }: Listing<KubeObject | Unread>): void {
    const present = new Set<string>();
    for (const object of objects) {
      present.add(keyOf(kind, isUnread(object) ? object : object.metadata));
      this.#take(kind, object);
    }
    if (truncated) this.#truncated.add(kind);
    else this.#truncated.delete(kind);
    for (const [key, { kind: of }] of this.store)
      if (of === kind && !truncated && !present.has(key)) this.#drop(key);
    this.#listed.add(kind);
    this.#options.onState();
  }

  #change(kind: AnyKind, deleted: boolean, object: KubeObject | Unread): void {
    if (!deleted) return this.#take(kind, object);
    if (!isUnread(object)) this.#drop(keyOf(kind, object.metadata));
  }

  #take(kind: AnyKind, object: KubeObject | Unread): void {
    // One too large to be read is there all the same: what was known of it goes on.
    if (isUnread(object)) return;
    const key = keyOf(kind, object.metadata);
    const before = this.store.get(key);
    if (before !== undefined && isNewer(before.object, object)) return;
    const now = federatedOf(kind, object, this.#options.selection, before);
    if (now === undefined) return this.#drop(key);
    this.store.set(key, now);
    this.#options.onObject(key, before);
  }

  #drop(key: string): void {
    const before = this.store.get(key);
    if (before === undefined) return;
    this.store.delete(key);
    this.#options.onObject(key, before);
  }
}

/** Replies to writes are ahead of the watch, which tells of what was before once more. */
function isNewer(one: KubeObject, other: KubeObject): boolean {
  return isOlder(versionOf(other), versionOf(one));
}

function versionOf({ metadata }: KubeObject): { readonly uid: string; readonly version: string } {
  return { uid: metadata.uid ?? '', version: metadata.resourceVersion ?? '' };
}
