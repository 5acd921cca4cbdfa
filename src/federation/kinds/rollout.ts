/** The conditions of a Deployment in several clusters: it is available where it is in each, and has failed where it has in one. */

import type { Fields, KubeObject, MemberView } from '../sync/kind.ts';

/** A condition of a Deployment. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly lastUpdateTime: string;
}

/** What is kept of a member's conditions. */
export interface RolloutConditions {
  readonly isAvailable: boolean;
  /** The reason of its condition Progressing. */
  readonly progress: string;
}

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;
type Members = readonly MemberView<RolloutConditions>[];

/** Of the clusters that count. */
export function conditionsOf({ status }: KubeObject, members: Members, nowMs: number): readonly Condition[] {
  const counting = members.filter(({ ready }) => ready);
  const now = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  const verdicts = { Available: availability(counting), Progressing: progress(counting) };
  return Object.entries(verdicts).map(([type, verdict]) => {
    const before = conditionOf(status, type);
    const isSame = before?.status === verdict.status;
    const isUnchanged = isSame && before.reason === verdict.reason && before.message === verdict.message;
    return {
      type,
      ...verdict,
      lastTransitionTime: isSame ? before.lastTransitionTime : now,
      lastUpdateTime: isUnchanged ? before.lastUpdateTime : now,
    };
  });
}

/** The condition of a type that an object's status has. */
export function conditionOf(status: Fields | undefined, type: string): Condition | undefined {
  const conditions = status?.['conditions'];
  return Array.isArray(conditions)
    ? (conditions as Condition[]).find((each) => each.type === type)
    : undefined;
}

function availability(members: Members): Verdict {
  const missing = namesOf(members, (seen) => seen?.isAvailable !== true);
  if (members.length > 0 && missing === '')
    return {
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Each cluster has minimum availability.',
    };
  const where = missing === '' ? 'There is no cluster.' : `Without minimum availability: ${missing}.`;
  return { status: 'False', reason: 'MinimumReplicasUnavailable', message: where };
}

/** The reasons are those of the Deployment controller: kubectl knows them. */
function progress(members: Members): Verdict {
  const failed = namesOf(members, (seen) => seen?.progress === 'ProgressDeadlineExceeded');
  if (failed !== '')
    return { status: 'False', reason: 'ProgressDeadlineExceeded', message: `No progress: ${failed}.` };
  const missing = namesOf(members, (seen) => seen?.progress !== 'NewReplicaSetAvailable');
  return missing === ''
    ? { status: 'True', reason: 'NewReplicaSetAvailable', message: 'Each cluster has progressed.' }
    : { status: 'True', reason: 'ReplicaSetUpdated', message: `Progressing: ${missing}.` };
}

function namesOf(members: Members, is: (seen: RolloutConditions | undefined) => boolean): string {
  const names = members.filter(({ seen }) => is(seen)).map(({ cluster }) => cluster);
  return names.toSorted().join(', ');
}
