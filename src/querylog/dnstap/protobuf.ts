/**
 * Writes fields of Protocol Buffers, as many kinds as a dnstap message has. Our own, since libraries build an object for each message
 * and then copy it: here the octets of a query go from the ring into the stream, some hundred thousand times a second.
 */

/** Where fields are written; `octets` must have room for them. */
export interface ProtoCursor {
  readonly octets: Buffer;
  at: number;
}

/** How a value is written (the lower three bits of a field's key). */
const WireType = { varint: 0, octets: 2, fixed32: 5 } as const;

/** Octets of the longest varint of a safe integer, and of a key with it. */
export const FIELD_OCTETS_MAX = 10;

/** @param value - a whole number of 0 to 2^53 */
export function writeVarint(cursor: ProtoCursor, value: number): void {
  let rest = value;
  while (rest > 0x7f) {
    cursor.octets[cursor.at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  cursor.octets[cursor.at++] = rest;
}

export function writeNumber(cursor: ProtoCursor, field: number, value: number): void {
  writeVarint(cursor, (field << 3) | WireType.varint);
  writeVarint(cursor, value);
}

export function writeFixed32(cursor: ProtoCursor, field: number, value: number): void {
  writeVarint(cursor, (field << 3) | WireType.fixed32);
  cursor.at = cursor.octets.writeUInt32LE(value, cursor.at);
}

/** Also strings, and messages in messages. */
export function writeOctets(
  cursor: ProtoCursor,
  field: number,
  source: Uint8Array,
  start: number,
  length: number,
): void {
  writeVarint(cursor, (field << 3) | WireType.octets);
  writeVarint(cursor, length);
  cursor.octets.set(source.subarray(start, start + length), cursor.at);
  cursor.at += length;
}
