/**
 * Strings that outlive the text they were read from. A string cut out of a larger one keeps the larger one alive in
 * V8, so whatever is kept of an object is copied first; what repeats often (zones, namespaces) is kept once.
 */

/** Distinct strings remembered. Beyond it the table starts afresh, which costs memory and nothing else. */
const INTERNED_MAX = 65_536;

const table = new Map<string, string>();

/** A copy that shares no memory with what the string was cut from. */
export function detach(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** The one copy of a string that many objects hold. */
export function intern(text: string): string {
  const known = table.get(text);
  if (known !== undefined) return known;
  if (table.size >= INTERNED_MAX) table.clear();
  const copy = detach(text);
  table.set(copy, copy);
  return copy;
}
