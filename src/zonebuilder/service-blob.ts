/** Encodes what the image holds of one Service, or of an empty non-terminal, as one immutable blob. */
import { Blob, BlobKind, LEVEL_OCTETS, PORT_HEADER_OCTETS } from './layout.ts';
import type { FamilyLevels } from './levels.ts';
import type { ShardPort } from './facts.ts';

/**
 * Most addresses that one level answers with, per family. 2,000 AAAA records are 56,000 octets, so that a reply over
 * TCP always has room for them, a CNAME chain and EDNS options.
 */
export const LEVEL_ADDRESSES_MAX = 2000;

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

/** Encodes a Service. */
export function encodeService(content: ServiceContent): Buffer {
  const { key, v4, v6 } = content;
  const ports = content.ports.slice(0, PORTS_MAX).map(encodePort);
  const levelsAt = even(Blob.key + key.length);
  const portsAt = levelsAt + (v4.slices.length + v6.slices.length) * LEVEL_OCTETS;
  const v4At = ports.reduce((sum, port) => sum + port.length, portsAt);
  const v6At = v4At + v4.pool.length * 4;
  const blob = Buffer.alloc(v6At + v6.pool.length * 16);
  blob.writeUInt32LE(content.ttlSeconds, Blob.ttl);
  blob.writeUInt32LE(blob.length, Blob.octets);
  blob[Blob.kind] = BlobKind.service;
  blob[Blob.keyOctets] = key.length;
  blob[Blob.ports] = ports.length;
  blob.writeUInt16LE(v4.slices.length, Blob.v4Levels);
  blob.writeUInt16LE(v6.slices.length, Blob.v6Levels);
  blob.writeUInt16LE(levelsAt, Blob.levelsAt);
  blob.writeUInt16LE(portsAt, Blob.portsAt);
  blob.writeUInt32LE(v4At, Blob.v4At);
  blob.writeUInt32LE(v6At, Blob.v6At);
  key.copy(blob, Blob.key);
  writeLevels(blob, levelsAt, v4);
  writeLevels(blob, levelsAt + v4.slices.length * LEVEL_OCTETS, v6);
  Buffer.concat(ports).copy(blob, portsAt);
  blob.write(v4.pool.join(''), v4At, 'hex');
  blob.write(v6.pool.join(''), v6At, 'hex');
  return blob;
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

function writeLevels(blob: Buffer, levelsAt: number, family: FamilyLevels): void {
  family.slices.forEach(({ location, start, count }, i) => {
    const at = levelsAt + i * LEVEL_OCTETS;
    blob.writeUInt16LE(location, at);
    blob.writeUInt16LE(start, at + 2);
    blob.writeUInt16LE(Math.min(count, LEVEL_ADDRESSES_MAX), at + 4);
  });
}

function encodePort({ name, protocol, port }: ShardPort): Buffer {
  const labels = [`_${name.toLowerCase()}`, `_${protocol}`];
  const wireName = Buffer.concat(
    labels.map((label) => Buffer.from(String.fromCharCode(label.length) + label, 'latin1')),
  );
  const encoded = Buffer.alloc(even(PORT_HEADER_OCTETS + wireName.length));
  encoded.writeUInt16LE(port, 0);
  encoded.writeUInt16LE(wireName.length, 2);
  wireName.copy(encoded, PORT_HEADER_OCTETS);
  return encoded;
}

function even(octets: number): number {
  return (octets + 1) & ~1;
}
