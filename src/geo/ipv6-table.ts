/**
 * Compiles the IPv6 half of a network tree: a /16 leads to a leaf or to a trie whose nodes decide four bits each. It ends at
 * {@link SCOPE6_MAX}. Subtrees that say the same are stored once.
 *
 * A node is words: a bit per child in the lower half of the first, a bit per run of equal leaves in its upper half, then
 * the children's positions, then a row in an octet per run, padded to whole words. The run of a leaf is found by
 * counting bits up to its own.
 */
import { INDEX_SLOTS, SCOPE6_MAX, STRIDE } from './layout.ts';
import { indexScopes } from './ipv4-table.ts';
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
export interface Ipv6Table {
  readonly index: Int32Array;
  readonly scopes: Uint8Array;
  readonly nodes: Uint32Array;
}

/** Slots of a node. */
const SLOTS = 1 << STRIDE;

export function compileIpv6(tree: NetworkTree): Ipv6Table {
  const trie = new TrieStore(tree);
  const index = new Int32Array(INDEX_SLOTS);
  const uniform = new Int16Array(INDEX_SLOTS).fill(-1);
  for (let slot = 0; slot < INDEX_SLOTS; slot++) {
    const branch = isNowhere(slot) ? leafOf(NOWHERE_ROW) : descend(tree, tree.root6, slot, 16);
    const built = trie.build(branch, 16);
    index[slot] = built;
    if (built < 0 && !WRAPPING.has(slot)) uniform[slot] = rowOf(built);
  }
  const scopes = indexScopes(uniform);
  for (const [slot, scope] of WRAPPING) scopes[slot] = scope;
  return { index, scopes, nodes: trie.words() };
}

/**
 * /16 networks in which IPv4 addresses are wrapped (`::ffff:0:0/96`, `64:ff9b::/96`, `2002::/16`), and the prefix length from which on a
 * network there is for certain all wrapped or all not. What is wrapped is looked up as IPv4 (client-place.ts).
 */
const WRAPPING: ReadonlyMap<number, number> = new Map([
  [0x0000, 96],
  [0x0064, 96],
  [0x2002, 48],
]);

/** Networks that tell nothing of a place (IANA IPv6 Special-Purpose Address Registry): unspecified, local, link-local, multicast. */
function isNowhere(slot: number): boolean {
  const isUniqueLocal = slot >>> 9 === 0xfc00 >>> 9;
  const isLinkLocal = slot >>> 6 === 0xfe80 >>> 6;
  return slot === 0 || slot === 0x0064 || isUniqueLocal || isLinkLocal || slot >>> 8 === 0xff;
}

/** The nodes of the trie, each once. */
class TrieStore {
  readonly #tree: NetworkTree;
  readonly #positions = new Map<string, number>();
  #words = new Uint32Array(1 << 16);
  #used = 0;

  constructor(tree: NetworkTree) {
    this.#tree = tree;
  }

  /**
   * Builds what stands below a branch.
   *
   * @param depth - bits of the address that lead to it
   * @returns the position of its node, or a leaf
   */
  build(branch: Branch, depth: number): Branch {
    if (branch < 0) return branch;
    if (depth === SCOPE6_MAX) return leafOf(majorityRow(this.#tree, branch, 128 - depth));
    const slots: Branch[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      slots.push(this.build(descend(this.#tree, branch, slot, STRIDE), depth + STRIDE));
    }
    const [first] = slots;
    return first! < 0 && slots.every((slot) => slot === first) ? first! : this.#place(slots);
  }

  words(): Uint32Array {
    return this.#words.subarray(0, this.#used);
  }

  #place(slots: readonly Branch[]): number {
    const key = slots.join();
    const known = this.#positions.get(key);
    if (known !== undefined) return known;
    const position = this.#append(encodeNode(slots));
    this.#positions.set(key, position);
    return position;
  }

  #append(node: readonly number[]): number {
    const position = this.#used;
    this.#used += node.length;
    if (this.#used > this.#words.length) {
      const words = new Uint32Array(this.#words.length * 2);
      words.set(this.#words);
      this.#words = words;
    }
    this.#words.set(node, position);
    return position;
  }
}

function encodeNode(slots: readonly Branch[]): number[] {
  const children = slots.filter((slot) => slot >= 0);
  const rows: number[] = [];
  let masks = 0;
  let last: Branch | undefined;
  slots.forEach((slot, i) => {
    if (slot >= 0) masks |= 1 << i;
    else if (slot !== last) {
      masks |= 1 << (SLOTS + i);
      rows.push(rowOf(slot));
      last = slot;
    }
  });
  const packed = [];
  for (let i = 0; i < rows.length; i += 4) {
    packed.push(
      ((rows[i] ?? 0) |
        ((rows[i + 1] ?? 0) << 8) |
        ((rows[i + 2] ?? 0) << 16) |
        ((rows[i + 3] ?? 0) << 24)) >>>
        0,
    );
  }
  return [masks >>> 0, ...children, ...packed];
}
