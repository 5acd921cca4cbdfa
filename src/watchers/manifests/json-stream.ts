/**
 * JSON values one after the other: a single one, as kubectl prints, or several in one file, as `jq -c`, JSON text
 * sequences (RFC 7464) or `---` between them. Owns where a value begins and ends; JSON.parse does the rest.
 */

/** A value and where in the text it begins. */
export interface JsonValue {
  readonly value: unknown;
  readonly offset: number;
}

/** What may stand between two values: blanks, the separator of YAML documents, the record separator of RFC 7464. */
const BETWEEN = /(?:\s|---(?=\s))*/y;
const RECORD_SEPARATOR = 0x1e;

/** @returns all values of the text, or undefined where it is not JSON from its beginning to its end */
export function parseJsonStream(text: string): readonly JsonValue[] | undefined {
  let offset = skip(text, 0);
  if (text[offset] !== '{' && text[offset] !== '[') return undefined;
  const whole = tryParse(text, offset, text.length);
  if (whole !== undefined) return [whole];
  const values: JsonValue[] = [];
  while (offset < text.length) {
    const end = endOfValue(text, offset);
    const value = end === undefined ? undefined : tryParse(text, offset, end);
    if (value === undefined) return undefined;
    values.push(value);
    offset = skip(text, end!);
  }
  return values;
}

function tryParse(text: string, offset: number, end: number): JsonValue | undefined {
  try {
    return { value: JSON.parse(text.slice(offset, end)), offset };
  } catch {
    return undefined;
  }
}

function skip(text: string, offset: number): number {
  BETWEEN.lastIndex = offset;
  const end = offset + (BETWEEN.exec(text)?.[0].length ?? 0);
  return text.charCodeAt(end) === RECORD_SEPARATOR ? skip(text, end + 1) : end;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** @returns the offset behind the bracket that closes the one at `offset`; undefined where none does */
function endOfValue(text: string, offset: number): number | undefined {
  if (!OPENING.has(text.charCodeAt(offset))) return undefined;
  let depth = 0;
  for (let i = offset; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (OPENING.has(code)) depth++;
    else if (CLOSING.has(code) && --depth === 0) return i + 1;
  }
  return undefined;
}

/** @returns the offset of the quote that closes the one at `offset`, or the text's end */
function endOfString(text: string, offset: number): number {
  for (let i = offset + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i;
  }
  return text.length;
}
