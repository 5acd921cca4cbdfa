/**
 * Clients of the benchmark and where they are: tables in which every /16 is in one of the guide's regions, whatever the real
 * world says, and subnets as resolvers tell them.
 */

import { compileClients } from '../src/geo/client-networks.ts';
import { compileIpv4 } from '../src/geo/ipv4-table.ts';
import { compileIpv6 } from '../src/geo/ipv6-table.ts';
import { leafOf, type NetworkTree } from '../src/geo/network-tree.ts';
import type { Point } from '../src/geo/great-circle.ts';
import { knownRegion } from '../src/geo/regions-table.ts';
import { joinTables } from '../src/geo/tables.ts';
import { compileInThread } from '../src/serve/geo/compile-job.ts';
import type { RowOrders } from '../src/zonebuilder/orders.ts';
import { placeClusters, seeded } from './federation.ts';

const VERSION = 1;
const SLASH16 = 1 << 16;

/** The guide's regions, each nearest to the clients of one row, then the others in turn. */
export function makeOrders(): RowOrders {
  const regions = [...new Set(placeClusters(13).map(({ region }) => region))];
  const rows = [...regions.keys()].map((first) =>
    [...regions.slice(first), ...regions.slice(0, first)].map((region) => ({
      kind: 'region' as const,
      region,
    })),
  );
  return { version: VERSION, rows };
}

/** Where the guide's regions are. */
export function regionPoints(): { readonly region: string; readonly point: Point }[] {
  const regions = [...new Set(placeClusters(13).map(({ region }) => region))];
  return regions.map((region) => ({ region, point: knownRegion(region)!.point }));
}

/** Tables of a real database, and what their rows mean among the guide's regions. */
export async function compileRegions(
  path: string,
): Promise<{ memory: SharedArrayBuffer; orders: RowOrders }> {
  const known = regionPoints();
  const places = known.map(({ region, point }) => ({ location: region, point, countries: [] }));
  const order = { paths: [path], places, clients: [], version: VERSION, builtMs: {} };
  const outcome = await compileInThread(order, new AbortController().signal);
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  const { memory, orders } = outcome.tables;
  const rows = orders.map((row) =>
    row.map((place) => ({ kind: 'region' as const, region: known[place]!.region })),
  );
  return { memory, orders: { version: VERSION, rows } };
}

/** Tables for these orders. */
export function makeTables({ rows }: RowOrders): SharedArrayBuffer {
  const random = seeded(2);
  const rowOf = Array.from({ length: SLASH16 }, () => Math.floor(random() * rows.length));
  // A node is the bits that lead to it behind a one.
  const tree: NetworkTree = {
    root4: 1,
    root6: 1,
    step: (node, bit) => {
      const next = node * 2 + bit;
      return next < SLASH16 ? next : leafOf(rowOf[next - SLASH16]!);
    },
  };
  const parts = { v4: compileIpv4(tree), v6: compileIpv6(tree) };
  return joinTables(
    { ...parts, clients4: compileClients([], 32), clients6: compileClients([], 128) },
    VERSION,
  );
}

/** A query with a client subnet (RFC 7871) in its OPT record, in place of one without options. */
export function withSubnet(query: Buffer, random: () => number): Buffer {
  const network = [1 + random() * 220, random() * 256, random() * 256].map(Math.floor);
  const option = Buffer.from([0, 8, 0, 7, 0, 1, 24, 0, ...network]);
  const packet = Buffer.concat([query, option]);
  packet.writeUInt16BE(option.length, query.length - 2);
  return packet;
}
