/** Encodes what the image holds of one Service, or of an empty non-terminal, as one immutable blob. */
import { Blob, BlobKind, LEVEL_OCTETS, PORT_HEADER_OCTETS } from './layout.ts';
import type { FamilyLevels } from './levels.ts';
import { LEVEL_ADDRESSES_MAX } from './levels.ts';
import type { ShardPort } from './facts.ts';

/** Most named ports of a Service; a Service with more loses the rest of its SRV names, nothing else. */
export const PORTS_MAX = 100;

/** The content of a Service's blob. */
export interface ServiceContent {
  /** Lower-case wire form of `S.N.F`, no root label. */
  readonly key: Buffer;
  readonly ttlSeconds: number;
  readonly v4: FamilyLevels;
  readonly v6: FamilyLevels;
  readonly ports: readonly ShardPort[];
}

/** Where blobs are encoded; grows to the largest Service. */
let scratch = Buffer.alloc(4096);

/**
 * Encodes a Service.
 *
 * @returns octets that stay as they are until the next call
 */
export function encodeService(content: ServiceContent): Buffer {
  const { key, v4, v6 } = content;
  const ports = content.ports.length > PORTS_MAX ? content.ports.slice(0, PORTS_MAX) : content.ports;
  const levelsAt = even(Blob.key + key.length);
  const portsAt = levelsAt + (v4.slices.length + v6.slices.length) * LEVEL_OCTETS;
  const v4At = ports.reduce((at, port) => at + portOctets(port), portsAt);
  const v6At = v4At + v4.pool.length * 4;
  const octets = v6At + v6.pool.length * 16;
  if (octets > scratch.length) scratch = Buffer.alloc(octets * 2);
  scratch.fill(0, 0, portsAt);
  scratch.writeUInt32LE(content.ttlSeconds, Blob.ttl);
  scratch.writeUInt32LE(octets, Blob.octets);
  scratch[Blob.kind] = BlobKind.service;
  scratch[Blob.keyOctets] = key.length;
  scratch[Blob.ports] = ports.length;
  scratch.writeUInt16LE(v4.slices.length, Blob.v4Levels);
  scratch.writeUInt16LE(v6.slices.length, Blob.v6Levels);
  scratch.writeUInt16LE(levelsAt, Blob.levelsAt);
  scratch.writeUInt16LE(portsAt, Blob.portsAt);
  scratch.writeUInt32LE(v4At, Blob.v4At);
  scratch.writeUInt32LE(v6At, Blob.v6At);
  scratch.set(key, Blob.key);
  writeLevels(levelsAt, v4);
  writeLevels(levelsAt + v4.slices.length * LEVEL_OCTETS, v6);
  ports.reduce((at, port) => at + writePort(at, port), portsAt);
  scratch.write(v4.pool.join(''), v4At, 'latin1');
  scratch.write(v6.pool.join(''), v6At, 'latin1');
  return scratch.subarray(0, octets);
}

/** Encodes an empty non-terminal: it only says that its name exists. */
export function encodeEmptyNonTerminal(key: Buffer): Buffer {
  const blob = Buffer.alloc(Blob.key + key.length);
  blob[Blob.kind] = BlobKind.emptyNonTerminal;
  blob.writeUInt32LE(blob.length, Blob.octets);
  blob[Blob.keyOctets] = key.length;
  key.copy(blob, Blob.key);
  return blob;
}

function writeLevels(levelsAt: number, family: FamilyLevels): void {
  let at = levelsAt;
  for (const { location, start, count } of family.slices) {
    scratch.writeUInt16LE(location, at);
    scratch.writeUInt16LE(start, at + 2);
    scratch.writeUInt16LE(Math.min(count, LEVEL_ADDRESSES_MAX), at + 4);
    at += LEVEL_OCTETS;
  }
}

/** Two labels, each with an underscore and a length octet. */
function portNameOctets({ name, protocol }: ShardPort): number {
  return name.length + protocol.length + 4;
}

function portOctets(port: ShardPort): number {
  return even(PORT_HEADER_OCTETS + portNameOctets(port));
}

function writePort(at: number, port: ShardPort): number {
  const { name, protocol } = port;
  scratch.writeUInt16LE(port.port, at);
  scratch.writeUInt16LE(portNameOctets(port), at + 2);
  let to = at + PORT_HEADER_OCTETS;
  for (const label of [name.toLowerCase(), protocol]) {
    scratch[to] = label.length + 1;
    to += 1 + scratch.write(`_${label}`, to + 1, 'latin1');
  }
  scratch[to] = 0;
  return portOctets(port);
}

function even(octets: number): number {
  return (octets + 1) & ~1;
}
