/**
 * Values that outlive the text they were read from. A string cut out of a larger one keeps the larger one alive in
 * V8, so whatever is kept of an object is copied first; what repeats often (zones, namespaces) is kept once.
 */

/** Values remembered per table. Beyond it the table starts afresh, which costs memory and nothing else. */
const SHARED_MAX = 65_536;

/** Characters of a key that is remembered: what is longer is no common value, and the table must stay small. */
const SHARED_KEY_MAX = 512;

/** Values of which equal ones are kept once. Whoever takes one must not change it. */
export class SharedTable<T> {
  readonly #values = new Map<string, T>();

  /** The value of a key, made where it is not there yet. */
  share(key: string, make: () => T): T {
    if (key.length > SHARED_KEY_MAX) return make();
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    if (this.#values.size >= SHARED_MAX) this.#values.clear();
    const value = make();
    this.#values.set(detach(key), value);
    return value;
  }
}

/** The texts of values that are shared, for {@link textOf}. */
const textsOf = new WeakMap<object, string>();

/** A value of a table as JSON, written out once for as long as it is kept. */
export function textOf(value: object): string {
  let text = textsOf.get(value);
  if (text === undefined) textsOf.set(value, (text = JSON.stringify(value)));
  return text;
}

/** Texts remembered: the names of that many Services, which all clusters have in common. */
const TEXTS_MAX = 131_072;

/** Each text stands for itself. */
const texts = new Map<string, string>();

/** A copy that shares no memory with what the string was cut from. */
export function detach(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** The one copy of a string that many objects hold. */
export function intern(text: string): string {
  if (text.length > SHARED_KEY_MAX) return detach(text);
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (texts.size >= TEXTS_MAX) texts.clear();
  const copy = detach(text);
  texts.set(copy, copy);
  return copy;
}
