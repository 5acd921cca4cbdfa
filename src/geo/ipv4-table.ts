/**
 * Compiles the IPv4 half of a network tree: a /16 leads to a block of 256 rows, one per /24, and equal blocks are stored once.
 * A /24 with several rows gets the one that most of its addresses have. Beside each row stands the scope within the block.
 */
import { BLOCK_CELLS, CELL_SCOPE_SHIFT, INDEX_SLOTS, NO_SCOPE, SCOPE4_MAX } from './layout.ts';
import {
  descend,
  leafOf,
  majorityRow,
  NOWHERE_ROW,
  rowOf,
  type Branch,
  type NetworkTree,
} from './network-tree.ts';

/** Compiled: see layout.ts. */
export interface Ipv4Table {
  readonly index: Uint16Array;
  readonly scopes: Uint8Array;
  readonly blocks: Uint16Array;
}

export function compileIpv4(tree: NetworkTree): Ipv4Table {
  const index = new Uint16Array(INDEX_SLOTS);
  const uniform = new Int16Array(INDEX_SLOTS);
  const blocks = new BlockStore();
  const block = Buffer.alloc(BLOCK_CELLS);
  const filled = (row: number): number => blocks.add(block.fill(row));
  // Most of a small table is of one row: its block is looked for once.
  const numbers = new Map<number, number>();
  for (let slot = 0; slot < INDEX_SLOTS; slot++) {
    const branch = isNowhere(slot) ? leafOf(NOWHERE_ROW) : descend(tree, tree.root4, slot, 16);
    if (branch < 0) {
      const row = rowOf(branch);
      uniform[slot] = row;
      index[slot] = numbers.get(row) ?? filled(row);
      numbers.set(row, index[slot]!);
      continue;
    }
    fillBlock(tree, branch, block, 0, BLOCK_CELLS);
    index[slot] = blocks.add(block);
    uniform[slot] = block.every((row) => row === block[0]) ? block[0]! : -1;
  }
  return { index, scopes: indexScopes(uniform), blocks: blocks.cells() };
}

/**
 * Networks that tell nothing of a place (IANA IPv4 Special-Purpose Address Registry, RFC 6890, and RFC 5771): first and last /16.
 * Smaller ones, such as those for documentation, are in no database anyway.
 */
const NOWHERE = [
  [0x0000, 0x00ff],
  [0x0a00, 0x0aff],
  [0x6440, 0x647f],
  [0x7f00, 0x7fff],
  [0xa9fe, 0xa9fe],
  [0xac10, 0xac1f],
  [0xc0a8, 0xc0a8],
  [0xe000, 0xffff],
] as const;

function isNowhere(slot: number): boolean {
  return NOWHERE.some(([first, last]) => slot >= first && slot <= last);
}

/** Fills the rows of the /24 networks below a branch. */
function fillBlock(tree: NetworkTree, branch: Branch, block: Buffer, at: number, count: number): void {
  if (branch < 0) block.fill(rowOf(branch), at, at + count);
  else if (count === 1) block[at] = majorityRow(tree, branch, 32 - SCOPE4_MAX);
  else {
    const half = count / 2;
    fillBlock(tree, tree.step(branch, 0), block, at, half);
    fillBlock(tree, tree.step(branch, 1), block, at + half, half);
  }
}

/**
 * The prefix length of the largest block with one row around each /16.
 *
 * @param uniform - the row of each /16, -1 where it has several
 */
export function indexScopes(uniform: Int16Array): Uint8Array {
  const scopes = new Uint8Array(INDEX_SLOTS).fill(NO_SCOPE);
  // Level by level from single /16 networks to the whole address space: a pair of equal halves is one larger block.
  const rows = Int16Array.from(uniform);
  for (let slot = 0; slot < INDEX_SLOTS; slot++) if (rows[slot]! >= 0) scopes[slot] = 16;
  for (let prefix = 15; prefix >= 0; prefix--) {
    const size = 1 << (16 - prefix);
    for (let start = 0; start < INDEX_SLOTS; start += size) {
      const row = rows[start]!;
      if (row !== rows[start + size / 2]!) rows[start] = -1;
      else if (row >= 0) scopes.fill(prefix, start, start + size);
    }
  }
  return scopes;
}

/** Puts the scopes above the rows of a piece of a block. Returns whether it has one row. */
function addScopes(cells: Uint16Array, at: number, count: number): boolean {
  const half = count / 2;
  let isUniform = true;
  if (count > 1) {
    const left = addScopes(cells, at, half);
    const right = addScopes(cells, at + half, half);
    isUniform = left && right && rowOfCell(cells[at]!) === rowOfCell(cells[at + half]!);
  }
  const prefix = SCOPE4_MAX - Math.log2(count);
  if (isUniform)
    for (let i = at; i < at + count; i++) cells[i] = (prefix << CELL_SCOPE_SHIFT) | rowOfCell(cells[i]!);
  return isUniform;
}

function rowOfCell(cell: number): number {
  return cell & ((1 << CELL_SCOPE_SHIFT) - 1);
}

/** Blocks, each once. */
class BlockStore {
  readonly #numbers = new Map<string, number>();
  readonly #blocks: string[] = [];

  add(block: Buffer): number {
    const key = block.toString('latin1');
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#blocks.length);
    return this.#blocks.push(key) - 1;
  }

  cells(): Uint16Array {
    const cells = new Uint16Array(this.#blocks.length * BLOCK_CELLS);
    this.#blocks.forEach((block, i) => {
      const at = i * BLOCK_CELLS;
      for (let cell = 0; cell < BLOCK_CELLS; cell++) cells[at + cell] = block.charCodeAt(cell);
      addScopes(cells, at, BLOCK_CELLS);
    });
    return cells;
  }
}
