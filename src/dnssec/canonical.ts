/**
 * Owns the canonical form of RRsets that signatures cover (RFC 4034 section 6): names in the rdata of the old types in lower
 * case, records in the order of their octets, each once. Rdata comes uncompressed, as everywhere in fedns but in replies.
 */
import { lowerWireName } from '../zonebuilder/names.ts';

/** A part of rdata: so many octets, a character-string, or a name. */
type Part = number | 'string' | 'name';

/**
 * Where names stand in the rdata of the types whose names are lowered: those of RFC 4034 section 6.2 without NSEC, which
 * RFC 6840 section 5.1 took out, since signers never did that. HINFO has no names, and A6 is gone (RFC 6563).
 * Names in all other types, such as SVCB, stay as they are.
 */
const LOWERED: ReadonlyMap<number, readonly Part[]> = new Map<number, readonly Part[]>([
  [2, ['name']], // NS
  [3, ['name']], // MD
  [4, ['name']], // MF
  [5, ['name']], // CNAME
  [6, ['name', 'name']], // SOA
  [7, ['name']], // MB
  [8, ['name']], // MG
  [9, ['name']], // MR
  [12, ['name']], // PTR
  [14, ['name', 'name']], // MINFO
  [15, [2, 'name']], // MX
  [17, ['name', 'name']], // RP
  [18, [2, 'name']], // AFSDB
  [21, [2, 'name']], // RT
  [24, [18, 'name']], // SIG
  [26, [2, 'name', 'name']], // PX
  [30, ['name']], // NXT
  [33, [6, 'name']], // SRV
  [35, [4, 'string', 'string', 'string', 'name']], // NAPTR
  [36, [2, 'name']], // KX
  [39, ['name']], // DNAME
  [46, [18, 'name']], // RRSIG
]);

/**
 * One record's rdata in canonical form. What is not rdata of its type stays as it is from where it goes wrong: a record given
 * as octets (RFC 3597) is served all the same.
 *
 * @returns `rdata` itself where nothing can differ, otherwise a copy
 */
export function canonicalRdata(type: number, rdata: Buffer): Buffer {
  const parts = LOWERED.get(type);
  if (parts === undefined) return rdata;
  const copy = Buffer.from(rdata);
  let at = 0;
  for (const part of parts) {
    const end = endOf(copy, at, part);
    if (end === undefined) return copy;
    if (part === 'name') lowerWireName(copy.subarray(at, end));
    at = end;
  }
  return copy;
}

/** All rdata of an RRset in canonical form and order, each once (RFC 4034 section 6.3). */
export function canonicalRdatas(type: number, rdatas: readonly Buffer[]): readonly Buffer[] {
  const sorted = rdatas.map((rdata) => canonicalRdata(type, rdata)).toSorted(Buffer.compare);
  return sorted.filter((rdata, i) => i === 0 || !rdata.equals(sorted[i - 1]!));
}

/** Labels of an owner name as RRSIG records count them: without the root and a leading `*` (RFC 4034 section 3.1.3). */
export function countLabels(wireName: Uint8Array): number {
  const isWildcard = wireName[0] === 1 && wireName[1] === 0x2a;
  let labels = isWildcard ? -1 : 0;
  for (let at = 0; wireName[at]! > 0; at += 1 + wireName[at]!) labels++;
  return labels;
}

function endOf(rdata: Buffer, start: number, part: Part): number | undefined {
  if (part === 'name') return endOfName(rdata, start);
  const end = part === 'string' ? start + 1 + (rdata[start] ?? 0) : start + part;
  return end <= rdata.length ? end : undefined;
}

function endOfName(rdata: Buffer, start: number): number | undefined {
  let at = start;
  for (;;) {
    const octets = rdata[at];
    if (octets === undefined || octets > 63) return undefined;
    at += 1 + octets;
    if (octets === 0) return at;
  }
}
