/**
 * Reading single fields out of a parsed object whose shape nobody has checked. A field of the wrong type is a
 * FieldFault, thrown here and caught where an object as a whole is taken or refused (objects.ts); nothing else
 * sees it. `null` counts as absent, as Kubernetes prints empty lists.
 */

/** A field that does not have the type it must have. */
export class FieldFault extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.name = 'FieldFault';
    this.path = path;
  }
}

/** A parsed mapping. */
export type Fields = Readonly<Record<string, unknown>>;

const NOTHING: Fields = Object.freeze({});

export function asFields(value: unknown, path: string): Fields {
  if (value === undefined || value === null) return NOTHING;
  if (typeof value !== 'object' || Array.isArray(value)) throw new FieldFault(path, `${path} is no mapping`);
  return value as Fields;
}

export function asList(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new FieldFault(path, `${path} is no list`);
  return value;
}

export function asText(value: unknown, path: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new FieldFault(path, `${path} is no text`);
  return value;
}

/** A text, or what a hand-written manifest has where the quotes were forgotten: `60`, `true`. */
export function asScalarText(value: unknown, path: string): string | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : asText(value, path);
}

export function asBoolean(value: unknown, path: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw new FieldFault(path, `${path} is neither true nor false`);
  return value;
}

export function asInteger(value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Number.isInteger(value)) throw new FieldFault(path, `${path} is no whole number`);
  return value as number;
}

/** A list of texts; `null` entries are skipped. */
export function asTexts(value: unknown, path: string): string[] {
  const texts: string[] = [];
  for (const [i, entry] of asList(value, path).entries()) {
    const text = asText(entry, `${path}[${i}]`);
    if (text !== undefined) texts.push(text);
  }
  return texts;
}

/** An own property, so that a key such as `constructor` reads as absent. */
export function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}
