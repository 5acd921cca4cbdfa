/**
 * JSON (RFC 8259) read from left to right, by somebody who knows what comes next: a place in a text, and what stands there.
 * `JSON.parse` does not say where a value stands that is of the wrong type.
 */

const BLANK = /[ \t\n\r]*/y;
/** From quote to quote; what may stand between them is left to `JSON.parse`. */
const STRING = /"(?:[^"\\]|\\.)*"/sy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
/** So much of a text that makes no sense is shown. */
const SHOWN_MAX = 20;

/** A value as far as its reader needs it: an object or an array only begins here. */
export type Token =
  | { readonly kind: 'a string'; readonly text: string }
  | { readonly kind: 'a number'; readonly text: string }
  | { readonly kind: 'true or false'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'an object' }
  | { readonly kind: 'an array' };

/** A place in a text. */
export interface JsonCursor {
  readonly text: string;
  at: number;
}

/** What stands in the way, and where. */
export class JsonFault extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Goes over blanks. @returns where the next thing begins */
export function skipBlanks(cursor: JsonCursor): number {
  take(cursor, BLANK);
  return cursor.at;
}

/** Reads a value, or the bracket that begins one. @throws JsonFault when there is none */
export function readToken(cursor: JsonCursor): Token {
  skipBlanks(cursor);
  if (takeSign(cursor, '{')) return { kind: 'an object' };
  if (takeSign(cursor, '[')) return { kind: 'an array' };
  const string = takeString(cursor);
  if (string !== undefined) return { kind: 'a string', text: string };
  const number = take(cursor, NUMBER);
  if (number !== undefined) return { kind: 'a number', text: number };
  const word = take(cursor, WORD);
  if (word === undefined) throw unexpected(cursor, 'a value');
  return word === 'null' ? { kind: 'null' } : { kind: 'true or false', value: word === 'true' };
}

/**
 * Goes through an object whose first bracket has been read.
 *
 * @param readValue - reads the value of a key, which stands at `at`
 * @throws JsonFault
 */
export function readEntries(cursor: JsonCursor, readValue: (key: string, at: number) => void): void {
  skipBlanks(cursor);
  if (takeSign(cursor, '}')) return;
  for (;;) {
    const at = skipBlanks(cursor);
    const key = takeString(cursor);
    if (key === undefined) throw unexpected(cursor, 'a key in quotes');
    expectSign(cursor, ':');
    readValue(key, at);
    skipBlanks(cursor);
    if (takeSign(cursor, '}')) return;
    expectSign(cursor, ',', "',' or '}'");
  }
}

/** @throws JsonFault when anything but blanks follows */
export function expectEnd(cursor: JsonCursor): void {
  skipBlanks(cursor);
  if (cursor.at < cursor.text.length) throw unexpected(cursor, 'the end');
}

function expectSign(cursor: JsonCursor, sign: string, wanted = `'${sign}'`): void {
  skipBlanks(cursor);
  if (!takeSign(cursor, sign)) throw unexpected(cursor, wanted);
}

function takeSign(cursor: JsonCursor, sign: string): boolean {
  const found = cursor.text.startsWith(sign, cursor.at);
  if (found) cursor.at += sign.length;
  return found;
}

function takeString(cursor: JsonCursor): string | undefined {
  const { at } = cursor;
  const quoted = take(cursor, STRING);
  if (quoted === undefined) return undefined;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new JsonFault(`${JSON.stringify(quoted.slice(0, SHOWN_MAX))} is no string of JSON`, at);
  }
}

function take(cursor: JsonCursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const [found] = pattern.exec(cursor.text) ?? [];
  cursor.at += found?.length ?? 0;
  return found;
}

function unexpected({ text, at }: JsonCursor, wanted: string): JsonFault {
  if (at >= text.length) return new JsonFault(`${wanted} is missing at the end`, at);
  const shown = text.slice(at, at + SHOWN_MAX).split(/[\r\n]/, 1)[0]!;
  return new JsonFault(`${wanted} is missing before ${JSON.stringify(shown)}`, at);
}
