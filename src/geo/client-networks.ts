/**
 * Networks of clients that are told to us, of Pods and Nodes of a cluster, as ranges that do not overlap: of nested networks the
 * longest prefix counts. Exact to the single address, unlike what is known from databases.
 */
import { NO_CLIENT } from './layout.ts';

/** A network and the row of the clients in it. */
export interface ClientNetwork {
  /** The first address: 4 octets of IPv4 or 16 of IPv6. */
  readonly address: Uint8Array;
  readonly prefix: number;
  readonly row: number;
}

/** Ranges of one family: each begins at its start and ends where the next begins. The first starts at 0. */
export interface ClientRanges {
  /** Words per start: 1 for IPv4, 4 for IPv6, most significant first. */
  readonly starts: Uint32Array;
  /** The row of each range, or {@link NO_CLIENT}. */
  readonly rows: Uint16Array;
}

interface Span {
  readonly first: bigint;
  readonly end: bigint;
  readonly row: number;
}

/**
 * Compiles the networks of one family. Of two equal networks the first counts.
 *
 * @param bits - 32 or 128; networks of the other family are left out
 */
export function compileClients(networks: readonly ClientNetwork[], bits: 32 | 128): ClientRanges {
  const spans = networks
    .filter(({ address }) => address.length * 8 === bits)
    .map((network) => spanOf(network, bits));
  // Wider ones first, and of equal ones the first last: whatever comes later paints over.
  const ordered = spans
    .map((span, i) => ({ span, i }))
    .toSorted((a, b) => compare(b.span.end - b.span.first, a.span.end - a.span.first) || b.i - a.i)
    .map(({ span }) => span);
  const edges = [...new Set([0n, ...ordered.flatMap(({ first, end }) => [first, end])])]
    .filter((edge) => edge < 1n << BigInt(bits))
    .toSorted(compare);
  const rows = new Array<number>(edges.length).fill(NO_CLIENT);
  const at = new Map(edges.map((edge, i) => [edge, i]));
  for (const { first, end, row } of ordered) rows.fill(row, at.get(first)!, at.get(end) ?? edges.length);
  return encode(edges, rows, bits / 32);
}

function spanOf({ address, prefix, row }: ClientNetwork, bits: number): Span {
  const size = 1n << BigInt(bits - prefix);
  const value = BigInt(`0x${Buffer.from(address).toString('hex')}`);
  const first = value - (value % size);
  return { first, end: first + size, row };
}

function encode(edges: readonly bigint[], rows: readonly number[], words: number): ClientRanges {
  const kept = edges.map((_, i) => i).filter((i) => i === 0 || rows[i] !== rows[i - 1]);
  const starts = new Uint32Array(kept.length * words);
  kept.forEach((edge, i) => {
    for (let word = 0; word < words; word++) {
      starts[i * words + word] = Number((edges[edge]! >> BigInt((words - 1 - word) * 32)) & 0xffffffffn);
    }
  });
  return { starts, rows: Uint16Array.from(kept, (i) => rows[i]!) };
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}
