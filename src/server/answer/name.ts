/** A domain name taken apart for look-ups: lower-cased octets and where its labels start. Reused, never allocated. */
import { sameOctets } from '../../zonebuilder/octets.ts';

/** Longest wire name in octets (RFC 1035 section 2.3.4). */
export const NAME_OCTETS_MAX = 255;
/** Longest label in octets; larger length octets are compression or reserved (RFC 1035 section 4.1.4). */
const LABEL_OCTETS_MAX = 63;

/** The name that is being looked up. */
export class Name {
  /** Wire form with A to Z lowered (RFC 4343). Room for a whole word behind the last octet. */
  readonly lower = new Uint8Array(NAME_OCTETS_MAX + 5);
  /** The same octets, for reading several at a time. */
  readonly data = new DataView(this.lower.buffer);
  /** Offset of each label's length octet from the start of the name; behind the last, that of the root label. */
  readonly labels = new Uint8Array(NAME_OCTETS_MAX / 2 + 2);
  /** Labels, not counting the root. */
  count = 0;
  /** Octets of the wire form, root label included. */
  octets = 0;
}

/**
 * Reads an uncompressed name from `source[at..end)`.
 *
 * A label type other than 00 is refused: compression has nothing to point at in a question, and the extended types
 * were withdrawn (RFC 6891 section 5).
 *
 * @returns the number of octets read, or 0 when there is no well-formed name of at most 255 octets
 */
export function readName(name: Name, source: DataView, at: number, end: number): number {
  const { labels } = name;
  let count = 0;
  let pos = 0;
  for (;;) {
    if (at + pos >= end || pos >= NAME_OCTETS_MAX) return 0;
    labels[count] = pos;
    const length = source.getUint8(at + pos);
    if (length === 0) break;
    if (length > LABEL_OCTETS_MAX) return 0;
    pos += length + 1;
    count++;
  }
  name.count = count;
  name.octets = pos + 1;
  lowerOctets(name, source, at);
  return pos + 1;
}

/**
 * Copies a name, lowered. Length octets are below 64 and so never taken for letters. The last word overlaps the one
 * before it, as in octets.ts.
 */
function lowerOctets(name: Name, source: DataView, at: number): void {
  const { data, octets } = name;
  const last = octets - 4;
  for (let pos = 0; pos < last; pos += 4)
    data.setInt32(pos, lowerWord(source.getInt32(at + pos, true)), true);
  if (last >= 0) data.setInt32(last, lowerWord(source.getInt32(at + last, true)), true);
  else for (let pos = 0; pos < octets; pos++) data.setUint8(pos, lowerWord(source.getUint8(at + pos)));
}

/** Lowers the letters among four octets at once: bit 7 of each octet of `isUpper` says whether it is A to Z. */
function lowerWord(word: number): number {
  const low = word & 0x7f7f7f7f;
  const isUpper = (low + 0x3f3f3f3f) & ~(low + 0x25252525) & ~word & 0x80808080;
  return word | (isUpper >>> 2);
}

/**
 * How many labels a name has below the domain.
 *
 * @param domain - lower-case wire form of `domainLabels` labels
 * @returns -1 when the name is neither the domain nor below it
 */
export function labelsBelow(name: Name, domain: DataView, domainLabels: number): number {
  const below = name.count - domainLabels;
  if (below < 0) return -1;
  const start = name.labels[below]!;
  const octets = domain.byteLength;
  return name.octets - start === octets && sameOctets(domain, 0, name.data, start, octets) ? below : -1;
}
