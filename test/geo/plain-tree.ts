/** Networks as a list, looked up one by one: what compiled tables are compared with, and a tree of the same for the compilers. */
import { leafOf, UNKNOWN_ROW, type Branch, type NetworkTree } from '../../src/geo/network-tree.ts';

export interface PlainNetwork {
  readonly address: bigint;
  readonly prefix: number;
  readonly row: number;
}

/** A tree with a node per bit, as a database has. Of two equal networks the first counts. */
export function plainTree(v4: readonly PlainNetwork[], v6: readonly PlainNetwork[]): NetworkTree {
  const nodes: [Branch, Branch][] = [];
  return {
    root4: build(nodes, v4, 32),
    root6: build(nodes, v6, 128),
    step: (node, bit) => nodes[node]![bit]!,
  };
}

function build(nodes: [Branch, Branch][], networks: readonly PlainNetwork[], bits: number): Branch {
  let root: Branch = leafOf(UNKNOWN_ROW);
  for (const { address, prefix, row } of networks.toReversed().toSorted((a, b) => a.prefix - b.prefix)) {
    const put = (branch: Branch, depth: number): Branch => {
      if (depth === prefix) return leafOf(row);
      let node = branch;
      if (node < 0) node = nodes.push([branch, branch]) - 1;
      const bit = Number((address >> BigInt(bits - 1 - depth)) & 1n);
      nodes[node]![bit] = put(nodes[node]![bit]!, depth + 1);
      return node;
    };
    root = put(root, 0);
  }
  return root;
}

/** The row of the longest network that holds an address. */
export function plainRow(
  networks: readonly PlainNetwork[],
  address: bigint,
  bits: number,
): number | undefined {
  let best: PlainNetwork | undefined;
  for (const network of networks) {
    const shift = BigInt(bits - network.prefix);
    if (address >> shift !== network.address >> shift) continue;
    if (best === undefined || network.prefix > best.prefix) best = network;
  }
  return best?.row;
}
