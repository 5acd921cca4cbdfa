/**
 * Federation v1's division. The rest goes out in rounds: each cluster, the heaviest first, takes its part of what the round
 * began with, rounded up. So the lightest cluster may find nothing left: 9 over four equal clusters are 3, 3, 3 and 0.
 */

import {
  divisionOf,
  giveMinimums,
  keepRunning,
  sharesOf,
  type Division,
  type DivisionTask,
  type Share,
} from './shares.ts';

/** Divides as Federation v1 did, to the replica. */
export function divideAsV1(task: DivisionTask): Division {
  const shares = sharesOf(task);
  let left = keepRunning(shares, task, giveMinimums(shares, task.replicas));
  let round: Round = { open: shares, left, changed: true };
  // Each round places all that is left, or fills a cluster, or sets off a part of what runs: it ends.
  while (round.changed && round.left > 0) round = playRound(round);
  left = round.left;
  return divisionOf(task, shares, left);
}

interface Round {
  /** Clusters that are not full. */
  readonly open: readonly Share[];
  readonly left: number;
  /** Whether it gave anybody anything. */
  readonly changed: boolean;
}

function playRound({ open, left: atStart }: Round): Round {
  const weights = open.reduce((sum, { preferences }) => sum + BigInt(preferences.weight), 0n);
  if (weights <= 0n) return { open, left: atStart, changed: false };
  const stillOpen: Share[] = [];
  let left = atStart;
  let changed = false;
  for (const share of open) {
    const { planned: before, kept } = share;
    const full = give(share, Math.min(partOf(atStart, share, weights), left));
    if (!full) stillOpen.push(share);
    left -= share.planned - before;
    changed ||= share.planned > before || share.kept < kept;
  }
  return { open: stillOpen, left, changed };
}

/** Rounded up. A product of replicas and weight may be more than a double holds. */
function partOf(replicas: number, { preferences }: Share, weights: bigint): number {
  const product = BigInt(replicas) * BigInt(preferences.weight);
  return Number((product + weights - 1n) / weights);
}

/** Gives a cluster its part, of which it may run some already. @returns whether it can take no more */
function give(share: Share, part: number): boolean {
  const running = Math.min(part, share.kept);
  share.kept -= running;
  const wanted = share.planned + part - running;
  const allowed = Math.min(wanted, share.max);
  share.planned = Math.min(allowed, share.capacity);
  if (allowed > share.capacity) share.overflow = allowed - share.capacity;
  return share.planned < wanted;
}
