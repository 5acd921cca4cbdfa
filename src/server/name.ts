/** A domain name taken apart for look-ups: lower-cased octets and where its labels start. Reused, never allocated. */

/** Longest wire name in octets (RFC 1035 section 2.3.4). */
export const NAME_OCTETS_MAX = 255;

/** The name that is being looked up. */
export class Name {
  /** Wire form with A to Z lowered (RFC 4343). */
  readonly lower = new Uint8Array(NAME_OCTETS_MAX + 1);
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
export function readName(name: Name, source: Uint8Array, at: number, end: number): number {
  const { lower, labels } = name;
  let count = 0;
  let pos = 0;
  for (;;) {
    if (at + pos >= end || pos >= NAME_OCTETS_MAX) return 0;
    const length = source[at + pos]!;
    labels[count] = pos;
    lower[pos] = length;
    if (length === 0) break;
    const next = pos + 1 + length;
    if (length > 63 || at + next > end || next >= NAME_OCTETS_MAX) return 0;
    for (pos++; pos < next; pos++) {
      const octet = source[at + pos]!;
      lower[pos] = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    }
    count++;
  }
  name.count = count;
  name.octets = pos + 1;
  return pos + 1;
}

/**
 * How many labels a name has below the domain.
 *
 * @param domain - lower-case wire form of `domainLabels` labels
 * @returns -1 when the name is neither the domain nor below it
 */
export function labelsBelow(name: Name, domain: Uint8Array, domainLabels: number): number {
  const below = name.count - domainLabels;
  if (below < 0) return -1;
  const start = name.labels[below]!;
  if (name.octets - start !== domain.length) return -1;
  for (let i = 0; i < domain.length; i++) if (name.lower[start + i] !== domain[i]) return -1;
  return below;
}
