/**
 * Runs of octets, four at a time: the last word overlaps the one before it, so that no loop over single octets is left
 * whose length no processor can guess. Shared by the writer of the image and its readers.
 */

const WORD_OCTETS = 4;

/** Copies octets between buffers that do not overlap. Returns the position behind them. */
export function copyOctets(to: DataView, at: number, source: DataView, from: number, octets: number): number {
  const end = at + octets;
  const shift = from - at;
  if (octets < WORD_OCTETS) {
    for (let pos = at; pos < end; pos++) to.setUint8(pos, source.getUint8(pos + shift));
    return end;
  }
  const last = end - WORD_OCTETS;
  for (let pos = at; pos < last; pos += WORD_OCTETS) {
    to.setInt32(pos, source.getInt32(pos + shift, true), true);
  }
  to.setInt32(last, source.getInt32(last + shift, true), true);
  return end;
}

/** Whether two runs of octets are the same. */
export function sameOctets(
  one: DataView,
  at: number,
  other: DataView,
  from: number,
  octets: number,
): boolean {
  const shift = from - at;
  if (octets < WORD_OCTETS) {
    for (let pos = at; pos < at + octets; pos++) {
      if (one.getUint8(pos) !== other.getUint8(pos + shift)) return false;
    }
    return true;
  }
  const last = at + octets - WORD_OCTETS;
  for (let pos = at; pos < last; pos += WORD_OCTETS) {
    if (one.getInt32(pos, true) !== other.getInt32(pos + shift, true)) return false;
  }
  return one.getInt32(last, true) === other.getInt32(last + shift, true);
}

/**
 * The octets behind the last whole word, 0 to 3 of them, as a little-endian number.
 *
 * @param start - where the run starts, `end` is the position behind it
 */
export function tailOctets(octets: DataView, start: number, end: number): number {
  const left = (end - start) & (WORD_OCTETS - 1);
  if (left === 0) return 0;
  if (end - start > WORD_OCTETS)
    return octets.getInt32(end - WORD_OCTETS, true) >>> ((WORD_OCTETS - left) * 8);
  let tail = 0;
  for (let i = 0; i < left; i++) tail |= octets.getUint8(start + i) << (i * 8);
  return tail;
}
