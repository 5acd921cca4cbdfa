/**
 * A binary tree of networks as tables are compiled from: the bits of an address lead from the root to a leaf, and a leaf
 * carries a row. Where the tree comes from (a database, a list of networks) its maker knows.
 */

/** The row of addresses of which nothing is known. Never the first region: those clients get what everybody gets. */
export const UNKNOWN_ROW = 255;

/**
 * The row of addresses that tell nothing of where their owner is, whatever a database says: private, loopback, link-local,
 * multicast. As a client subnet they are as good as none.
 */
export const NOWHERE_ROW = 254;

/** Rows that a table of places can hold beside these two. */
export const ROWS_MAX = 254;

/** All values of a row. */
export const ROW_VALUES = 256;

/** What a step in a {@link NetworkTree} comes to: a node (0 and up), or a leaf with a row (see {@link leafOf}). */
export type Branch = number;

/** A tree of networks. Nodes are numbers of its own. */
export interface NetworkTree {
  /** Where 0.0.0.0/0 hangs. */
  readonly root4: Branch;
  /** Where ::/0 hangs. */
  readonly root6: Branch;
  /** Follows one bit of an address from a node. */
  readonly step: (node: number, bit: number) => Branch;
}

/** The branch of a leaf. */
export function leafOf(row: number): Branch {
  return -1 - row;
}

/** The row of a leaf. */
export function rowOf(leaf: Branch): number {
  return -1 - leaf;
}

/**
 * Where a number of leading bits lead.
 *
 * @param bits - the leading bits of an address as one number, `count` (at most 32) of them
 * @returns the leaf or node they end at; a leaf also where fewer bits reach it
 */
export function descend(tree: NetworkTree, from: Branch, bits: number, count: number): Branch {
  let at = from;
  for (let i = count - 1; i >= 0 && at >= 0; i--) at = tree.step(at, (bits >>> i) & 1);
  return at;
}

/** How many of the addresses below a branch have each row. */
const weights = new Float64Array(ROW_VALUES);

/**
 * The row that most addresses below a branch have, where a table ends before the tree does.
 *
 * @param depthMax - bits that are looked at; a real tree ends before
 */
export function majorityRow(tree: NetworkTree, branch: Branch, depthMax: number): number {
  if (branch < 0) return rowOf(branch);
  weights.fill(0);
  weigh(tree, branch, 1, depthMax);
  let best = UNKNOWN_ROW;
  for (let row = 0; row < ROW_VALUES; row++) if (weights[row]! > weights[best]!) best = row;
  return best;
}

function weigh(tree: NetworkTree, branch: Branch, weight: number, depth: number): void {
  if (branch < 0) weights[rowOf(branch)]! += weight;
  else if (depth > 0) {
    weigh(tree, tree.step(branch, 0), weight / 2, depth - 1);
    weigh(tree, tree.step(branch, 1), weight / 2, depth - 1);
  }
}
