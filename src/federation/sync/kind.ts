/**
 * What a federated kind is: the seam between the engine, which reads, compares, writes and reports, and the kinds
 * (src/federation/kinds), which know what their objects mean. A kind is a table of pure functions over plain objects:
 * it sends nothing, keeps nothing, and must not throw for any object that an API server can hold.
 *
 * ```
 *   federated object ──► divide(object, members) ──► one share per cluster, problems
 *          │                                                  │
 *          └──────────────► desire(object, share) ◄───────────┘ ──► what fedns applies in that cluster
 *   member's object ──► see() ──► Seen (all that is kept of it) ──► divide, status
 *          └──────────► surplus(member's object, desired) ──► JSON patch of what an apply cannot take away
 * ```
 */

import type { JsonPatch } from '../api/object-client.ts';
import type { KubeObject as AnyObject, ResourceType } from '../api/object.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** An object of a kind that is federated: each has a spec or fields of its own, and most a status. */
export type KubeObject = AnyObject & { readonly spec?: Fields; readonly status?: Fields };

/** How long a cluster that is out of contact counts as it was last seen, in milliseconds: what Federation v1 waited. */
export const AWAY_MS = 60_000;

/** A member cluster as a kind sees it when it divides or sums up: of those that the object is placed in. */
export interface MemberView<Seen> {
  readonly cluster: string;
  /**
   * Whether it counts: its objects of this kind have been listed since this process started, and it is in contact or was so
   * within {@link AWAY_MS}. Replicas of a cluster that does not count are given to the others, so the engine neither divides nor
   * sums up before each member counts or has been away for that long: a restart must not move what runs.
   */
  readonly ready: boolean;
  readonly region?: string;
  readonly zones: readonly string[];
  /** Absent: the cluster has no such object. */
  readonly seen?: Seen;
  /**
   * Whether what fedns applies there for the federated object's present `metadata.generation` stands there, and `seen` is of
   * it or of a later version. What a status says of this generation rests on it.
   */
  readonly upToDate: boolean;
  /** What the last {@link Inquiry} brought; absent: none has been made, or it is no longer due. */
  readonly answer?: unknown;
}

/** Something about the object itself that its author has to mend: a condition and a Warning Event at the federation endpoint. */
export interface Problem {
  /** CamelCase, the reason of condition and Event. */
  readonly reason: string;
  readonly message: string;
}

/** How an object is divided among clusters. `Share` is plain JSON: two shares are the same when their JSON is. */
export interface Division<Share> {
  /** By cluster. A cluster without entry gets the object with the share `undefined`. */
  readonly shares: ReadonlyMap<string, Share>;
  readonly problems: readonly Problem[];
}

/**
 * What no watch tells and only a request does, such as which Pods of a cluster stay unschedulable. The engine asks again
 * every `everyMs` for as long as it is due; an answer that differs by its JSON makes it divide anew.
 */
export interface Inquiry<Seen> {
  readonly everyMs: number;
  /** Whether the member is worth a question: normally no, in a federation at rest nothing is asked. */
  readonly due: (federated: KubeObject, seen: Seen) => boolean;
  /** The path of a list in the member, with its query; the engine reads it with its own limits. */
  readonly path: (federated: KubeObject) => string;
  /** @param nowMs - milliseconds since the epoch @returns plain JSON; undefined: nothing worth keeping */
  readonly read: (items: readonly KubeObject[], federated: KubeObject, seen: Seen, nowMs: number) => unknown;
}

/** A kind that is federated. */
export interface FederatedKind<Seen = unknown, Share = unknown> {
  readonly type: ResourceType;
  /** Why an object of the federation endpoint is of that server only and goes nowhere; absent or undefined: it is federated. */
  readonly staysHome?: (object: KubeObject) => string | undefined;
  /** All that is kept in memory of a member's object: few fields, as there may be a hundred thousand. */
  readonly see: (memberObject: KubeObject) => Seen;
  /** Absent: every cluster gets the same. */
  readonly divide?: (
    federated: KubeObject,
    members: readonly MemberView<Seen>[],
    nowMs: number,
  ) => Division<Share>;
  /** How long events of members are gathered before the object is divided anew, in milliseconds. Default: 1000. */
  readonly divideAfterMs?: number;
  readonly inquiry?: Inquiry<Seen>;
  /**
   * What fedns applies, beside apiVersion, kind, name, namespace, labels and annotations, which the engine adds: the
   * fields that the federated object has a say in, without status and whatever a cluster allots itself.
   *
   * @param share - of this cluster; undefined where the kind does not divide, or has not yet
   */
  readonly desire: (federated: KubeObject, share: Share | undefined) => Fields;
  /**
   * Whether a member's object that has everything of `desired` must be changed all the same: foreign entries of a list or a
   * map that is the federated object's as a whole, which a server-side apply leaves alone. @returns empty: nothing
   */
  readonly surplus?: (memberObject: KubeObject, desired: Fields) => JsonPatch;
  /**
   * The federated object's status as far as this kind knows it, without the engine's own condition. Applied server-side, so
   * whatever is left out is given up. Absent: the kind has no status of its own. `conditions` of the kind stand beside the
   * engine's own.
   *
   * @param nowMs - milliseconds since the epoch, for conditions that change
   */
  readonly status?: (federated: KubeObject, members: readonly MemberView<Seen>[], nowMs: number) => Fields;
  /** Whether the status has `conditions`, a list by `type`; where not, the engine's condition is an annotation. */
  readonly hasConditions: boolean;
  /**
   * Its objects hold others, which go with them: one that was there before fedns is left where it is, and one in which there
   * is something foreign is not deleted. Default: no.
   */
  readonly holdsOthers?: boolean;
}

/** Any kind, for tables: what a kind keeps is its own business. */
export type AnyKind = FederatedKind<any, any>;
