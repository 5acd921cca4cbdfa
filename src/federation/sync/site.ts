/**
 * Owns what is to be done in one member cluster about one object, and how the cluster stands to it: pure decisions from the
 * federated object, the copy that is there, and what has gone wrong. Who carries them out is engine.ts.
 */

import type { Trouble } from './bring.ts';
import type { Contests } from './contests.ts';
import type { Copy } from './copies.ts';
import { awaitsDivision, revisionIn, type Federated } from './federated.ts';
import type { AnyKind, MemberView } from './kind.ts';
import { hasFinalizer, isOrphaning } from './marks.ts';
import type { Member } from './member.ts';
import { isPlaced } from './placement.ts';
import type { RemovalGate } from './removal-gate.ts';
import type { Standing } from './report.ts';
import type { WorkQueue } from './work-queue.ts';

/** What a kind has asked a member, and when. */
export interface Asked {
  readonly atMs: number;
  readonly answer: unknown;
  readonly text: string;
}

/** A member cluster with the work for it. */
export interface Site {
  readonly member: Member;
  readonly queue: WorkQueue;
  readonly gate: RemovalGate;
  readonly contests: Contests;
  /** What stands in the way, by key. */
  readonly troubles: Map<string, Trouble>;
  readonly asked: Map<string, Asked>;
  /** Keys of copies that are worth a question. */
  readonly asking: Set<string>;
  /** Kinds that were followed when it was looked at last. */
  readonly current: Set<AnyKind>;
}

export type Task = 'rest' | 'bring' | 'remove' | 'release';

/** What is to be done about an object. @param federated - absent: the endpoint has none */
export function taskOf(member: Member, federated: Federated | undefined, copy: Copy | undefined): Task {
  if (federated === undefined) return copy === undefined ? 'rest' : 'remove';
  if (isWantedIn(member, federated, copy)) {
    // Nothing is made before the endpoint holds the object until its copies are gone.
    if (!hasFinalizer(federated.object) || awaitsDivision(federated)) return 'rest';
    return copy !== undefined && stands(member, federated, copy) ? 'rest' : 'bring';
  }
  if (copy === undefined) return 'rest';
  return !federated.isWanted && isOrphaning(federated.object) ? 'release' : 'remove';
}

/** Where placement cannot be told, what is there is wanted and what is not there is not. */
export function isWantedIn(member: Member, federated: Federated, copy: Copy | undefined): boolean {
  return federated.isWanted && (isPlaced(federated.placement, member.spec) ?? copy !== undefined);
}

/** Whether the copy is as it should be. */
export function stands(member: Member, federated: Federated, copy: Copy): boolean {
  return (
    !copy.isDeleting && copy.difference === undefined && copy.against === revisionIn(federated, member.name)
  );
}

/** How a cluster stands to an object, for its condition. */
export function standingOf({ member, gate, troubles }: Site, federated: Federated): Standing {
  const { key, kind } = federated;
  const copy = member.copies.get(key);
  const isWanted = isWantedIn(member, federated, copy);
  if (!isWanted && copy === undefined)
    return mayHaveOne(member, federated) ? awayOf(member, kind) : { kind: 'none' };
  const trouble = troubles.get(key);
  if (trouble !== undefined) return { kind: 'trouble', reason: trouble.reason, message: trouble.message };
  if (isWanted && copy !== undefined && stands(member, federated, copy)) return { kind: 'there' };
  if (!isWanted && gate.hold !== undefined && gate.holds(key)) return { kind: 'held', hold: gate.hold };
  return member.isCurrent(kind) ? { kind: 'coming' } : awayOf(member, kind);
}

/** A cluster that was never read may have a copy from an earlier life of fedns, where the object was placed in it. */
export function mayHaveOne(member: Member, { kind, placement, isWanted }: Federated): boolean {
  return !isWanted && !member.isListed(kind) && isPlaced(placement, member.spec) !== false;
}

function awayOf(member: Member, kind: AnyKind): Standing {
  return { kind: 'away', message: member.trouble(kind) ?? 'not in contact' };
}

/** Whether the cluster's part of an object may be counted on, or has been away for long enough not to be waited for. */
export function isSettledFor({ member }: Site, kind: AnyKind, nowMs: number, awayMs: number): boolean {
  const sinceMs = member.awaySinceMs(kind);
  return member.isListed(kind) || sinceMs === undefined || nowMs - sinceMs >= awayMs;
}

/** A cluster as a kind sees it. */
export function viewOf(
  { member, asked }: Site,
  federated: Federated,
  nowMs: number,
  awayMs: number,
): MemberView<unknown> {
  const { key, kind } = federated;
  const copy = member.copies.get(key);
  const sinceMs = member.awaySinceMs(kind);
  const { region, zones, name } = member.spec;
  const answer = asked.get(key)?.answer;
  return {
    cluster: name,
    ready: member.isListed(kind) && (sinceMs === undefined || nowMs - sinceMs < awayMs),
    ...(region !== undefined && { region }),
    zones,
    ...(copy !== undefined && { seen: copy.seen }),
    upToDate: copy !== undefined && stands(member, federated, copy) && isDivided(federated),
    ...(answer !== undefined && { answer }),
  };
}

function isDivided({ kind, object, dividedAt }: Federated): boolean {
  return kind.divide === undefined || dividedAt === object.metadata.generation;
}
