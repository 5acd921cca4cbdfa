/** Puts the compiled parts into the one piece of shared memory that workers read (layout.ts). */
import type { ClientRanges } from './client-networks.ts';
import type { Ipv4Table } from './ipv4-table.ts';
import type { Ipv6Table } from './ipv6-table.ts';
import { GEO_HEADER_WORDS, GeoHeader } from './layout.ts';

/** All that is known of where clients are. */
export interface GeoParts {
  readonly v4: Ipv4Table;
  readonly v6: Ipv6Table;
  readonly clients4: ClientRanges;
  readonly clients6: ClientRanges;
}

/**
 * Joins the parts; each begins at a multiple of four octets.
 *
 * @param version - of the rows, see {@link GeoHeader.version}
 */
export function joinTables({ v4, v6, clients4, clients6 }: GeoParts, version: number): SharedArrayBuffer {
  const parts = [
    [GeoHeader.v4Index, v4.index],
    [GeoHeader.v4Scopes, v4.scopes],
    [GeoHeader.v4Blocks, v4.blocks],
    [GeoHeader.v6Index, v6.index],
    [GeoHeader.v6Scopes, v6.scopes],
    [GeoHeader.v6Nodes, v6.nodes],
    [GeoHeader.v4Clients, clients4.starts],
    [GeoHeader.v6Clients, clients6.starts],
    [GeoHeader.v4ClientRows, clients4.rows],
    [GeoHeader.v6ClientRows, clients6.rows],
  ] as const;
  const octets = parts.reduce((at, [, part]) => at + padded(part.byteLength), GEO_HEADER_WORDS * 4);
  const memory = new SharedArrayBuffer(octets);
  const header = new Uint32Array(memory, 0, GEO_HEADER_WORDS);
  let at = GEO_HEADER_WORDS * 4;
  for (const [word, part] of parts) {
    header[word] = at;
    new Uint8Array(memory).set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += padded(part.byteLength);
  }
  header[GeoHeader.v4ClientRanges] = clients4.rows.length;
  header[GeoHeader.v6ClientRanges] = clients6.rows.length;
  header[GeoHeader.version] = version;
  return memory;
}

function padded(octets: number): number {
  return (octets + 3) & ~3;
}
