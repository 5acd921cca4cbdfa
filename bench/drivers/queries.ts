/**
 * The queries of a benchmark: which names are asked for in which mix, as dnsperf and kxdpgun read them and as packets.
 */

import { writeFile } from 'node:fs/promises';
import { FEDERATION, namespaceOf, seeded } from '../federation.ts';
import { DOMAIN } from '../domain.ts';
import type { ZoneNames } from '../zone.ts';

/** What is asked for: names with addresses, aliases, names that do not exist, or names with addresses and EDNS. */
export const MIXES = ['hit', 'chain', 'nxdomain', 'edns'] as const;
export type Mix = (typeof MIXES)[number];

/** Queries in a file: enough that names come back only after every cache has seen others. */
const QUERIES_MAX = 1_000_000;
const QUERIES_PER_NAME = 4;

/** Picks the names to be asked for, in random order, with repetition. */
export function pickNames(mix: Mix, names: ZoneNames, seed: number): string[] {
  const random = seeded(seed);
  const pool = mix === 'chain' ? names.chains : names.hits;
  const count = Math.min(QUERIES_MAX, Math.max(10_000, pool.length * QUERIES_PER_NAME));
  const picked = Array.from({ length: count }, () => pool[Math.floor(random() * pool.length)]!);
  return mix === 'nxdomain' ? picked.map((_, i) => absentName(i)) : picked;
}

function absentName(i: number): string {
  return `absent-${(i * 7919) % 100_003}.${namespaceOf(i % 1000)}.${FEDERATION}.svc.${DOMAIN}.`;
}

export async function writeQueries(names: readonly string[], path: string): Promise<void> {
  await writeFile(path, names.map((name) => `${name} A\n`).join(''));
}

/** Packets, each behind its length in 2 octets (host order little-endian), as pace.c reads them. */
export async function writePackets(names: readonly string[], edns: boolean, path: string): Promise<void> {
  const packets: Buffer[] = [];
  for (const name of names) {
    const packet = encodeQuery(0, name, 1, edns);
    const length = Buffer.alloc(2);
    length.writeUInt16LE(packet.length);
    packets.push(length, packet);
  }
  await writeFile(path, Buffer.concat(packets));
}

/** A query (RFC 1035 section 4.1), with an OPT record where asked for (RFC 6891 section 6.1.2). */
export function encodeQuery(id: number, name: string, type: number, edns: boolean): Buffer {
  const labels = name.replace(/\.$/, '').split('.');
  const question = labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')]));
  const header = Buffer.from([id >> 8, id & 255, 0, 0, 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0]);
  const opt = edns ? Buffer.from([0, 0, 41, 1232 >> 8, 1232 & 255, 0, 0, 0, 0, 0, 0]) : Buffer.alloc(0);
  return Buffer.concat([header, ...question, Buffer.from([0, 0, type, 0, 1]), opt]);
}
