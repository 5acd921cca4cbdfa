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

/** Tables with other networks of clients; those of the databases are as before. */
export function withClients(
  memory: SharedArrayBuffer,
  { clients4, clients6 }: Pick<GeoParts, 'clients4' | 'clients6'>,
  version: number,
): SharedArrayBuffer {
  const header = new Uint32Array(memory, 0, GEO_HEADER_WORDS);
  // The parts stand one behind the other; padding at the end of one does no harm.
  const octets = (from: number, to: number): Uint8Array =>
    new Uint8Array(memory, header[from]!, header[to]! - header[from]!);
  const bits16 = (from: number, to: number): Uint16Array =>
    new Uint16Array(memory, header[from]!, (header[to]! - header[from]!) / 2);
  const v4 = {
    index: bits16(GeoHeader.v4Index, GeoHeader.v4Scopes),
    scopes: octets(GeoHeader.v4Scopes, GeoHeader.v4Blocks),
    blocks: bits16(GeoHeader.v4Blocks, GeoHeader.v6Index),
  };
  const index6 = octets(GeoHeader.v6Index, GeoHeader.v6Scopes);
  const nodes6 = octets(GeoHeader.v6Nodes, GeoHeader.v4Clients);
  const v6 = {
    index: new Int32Array(memory, index6.byteOffset, index6.length / 4),
    scopes: octets(GeoHeader.v6Scopes, GeoHeader.v6Nodes),
    nodes: new Uint32Array(memory, nodes6.byteOffset, nodes6.length / 4),
  };
  return joinTables({ v4, v6, clients4, clients6 }, version);
}

function padded(octets: number): number {
  return (octets + 3) & ~3;
}
