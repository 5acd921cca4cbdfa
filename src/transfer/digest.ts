/**
 * A digest of all records, by which replicas and secondaries can be compared: each record's SHA-256 in canonical form (RFC 4034 section
 * 6), summed up. A sum does not depend on the order, and a change costs what changed: a digest over the sorted zone, as ZONEMD's
 * (RFC 8976), would cost the whole zone for every readiness probe. The sums tell accidents apart, not forgeries.
 */
import { hash } from 'node:crypto';
import { Type } from '../zonebuilder/dns.ts';
import { PLACEHOLDER_TYPE } from '../zonebuilder/records.ts';
import { typeCode } from '../zonebuilder/rr-types.ts';
import { canonical, type WireRecord } from './wire-record.ts';

/** Words of 32 bits that are summed up each for itself. */
const WORDS = 8;
/** What stands for a name without records is served to nobody, and the SOA is each server's own. */
const LEFT_OUT: ReadonlySet<number> = new Set([typeCode(PLACEHOLDER_TYPE)!, Type.SOA]);

export class RecordDigest {
  readonly #sums = new Uint32Array(WORDS);
  #records = 0;

  /** Records in the digest. */
  get records(): number {
    return this.#records;
  }

  /** 64 hexadecimal digits. */
  get text(): string {
    return Array.from(this.#sums, (sum) => sum.toString(16).padStart(8, '0')).join('');
  }

  add(record: WireRecord): void {
    this.#count(record, 1);
  }

  remove(record: WireRecord): void {
    this.#count(record, -1);
  }

  /** Takes in what another digest has. */
  join(other: RecordDigest): void {
    for (let i = 0; i < WORDS; i++) this.#sums[i]! += other.#sums[i]!;
    this.#records += other.#records;
  }

  #count(record: WireRecord, by: 1 | -1): void {
    if (LEFT_OUT.has(record.type)) return;
    const octets = hash('sha256', canonical(record), 'buffer');
    for (let i = 0; i < WORDS; i++) this.#sums[i]! += octets.readUInt32BE(i * 4) * by;
    this.#records += by;
  }
}
