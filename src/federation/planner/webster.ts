/**
 * Division by Webster's method (Sainte-Laguë): each replica goes to the cluster with the largest weight / (2 × replicas + 1),
 * so that none gets far from its part: 9 over four equal clusters are 3, 2, 2 and 2. Minimums, what runs, ties and
 * overflow are as in v1.ts; a cluster of weight 0 gets no more than its minimum and what runs.
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

/** Halvings of an interval of doubles until it is as narrow as it gets. */
const HALVINGS = 128;
/** So much below the level that was found, no rounding error has made a replica too many. */
const BELOW = 1 - 1e-9;

/** Divides by Webster's method. */
export function divideByWebster(task: DivisionTask): Division {
  const { shares, left } = apportion(task);
  const ideal = new Map(
    apportion({ ...task, capacity: new Map() }).shares.map((share) => [share.cluster, share.planned]),
  );
  for (const share of shares) {
    share.overflow =
      share.capacity === Infinity ? 0 : Math.max(0, ideal.get(share.cluster)! - share.capacity);
  }
  return divisionOf(task, shares, left);
}

function apportion(task: DivisionTask): { shares: readonly Share[]; left: number } {
  const shares = sharesOf(task);
  const minimums = trimToMax(shares, giveMinimums(shares, task.replicas));
  const atStart = keepRunning(shares, task, minimums);
  const open = shares.filter((share) => share.preferences.weight > 0 && room(share) > 0);
  let left = atStart - giveMost(open, atStart);
  for (let next = neediest(open); left > 0 && next !== undefined; next = neediest(open)) {
    next.planned += 1;
    left -= 1;
  }
  return { shares, left };
}

/** A minimum above the maximum is no more than the maximum. @returns replicas that are left */
function trimToMax(shares: readonly Share[], replicas: number): number {
  let left = replicas;
  for (const share of shares) {
    const over = Math.max(0, share.planned - share.max);
    share.planned -= over;
    left += over;
  }
  return left;
}

function room({ planned, max, capacity }: Share): number {
  return Math.min(max, capacity) - planned;
}

/**
 * Gives at once nearly all of what one by one would give the same clusters: a million replicas take no million steps.
 *
 * @returns replicas that were given
 */
function giveMost(open: readonly Share[], left: number): number {
  const level = BELOW * highestLevel(open, left);
  let given = 0;
  for (const share of open) {
    const more = moreAt(share, level);
    share.planned += more;
    given += more;
  }
  return given;
}

/** The highest level at which no more than `left` are given. */
function highestLevel(open: readonly Share[], left: number): number {
  let low = 0;
  // At this level a cluster alone would take all of them.
  let high = open.reduce((sum, { planned }) => sum + planned, left) + 1;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    const given = open.reduce((sum, share) => sum + moreAt(share, middle), 0);
    if (given <= left) low = middle;
    else high = middle;
  }
  return low;
}

/** At a level a cluster has level × weight replicas, rounded to the nearest; no fewer than it has, no more than fit. */
function moreAt(share: Share, level: number): number {
  const replicas = Math.floor(level * share.preferences.weight + 0.5);
  return Math.max(0, Math.min(replicas - share.planned, room(share)));
}

/** The cluster that the next replica goes to; among equals, the first in order. */
function neediest(open: readonly Share[]): Share | undefined {
  let found: Share | undefined;
  for (const share of open) {
    if (room(share) > 0 && (found === undefined || needsMore(share, found))) found = share;
  }
  return found;
}

function needsMore(a: Share, b: Share): boolean {
  return claim(a, b) > claim(b, a);
}

/** Weight of one against the replicas of the other, which compares quotients without dividing. */
function claim({ preferences }: Share, { planned }: Share): bigint {
  return BigInt(preferences.weight) * (2n * BigInt(planned) + 1n);
}
