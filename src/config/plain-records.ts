/**
 * A short way through long lists of static records: those whose entries are all written in a small, certain part of YAML are read
 * here, at a twentieth of the time that the whole language takes, and the rest of the file is left for document.ts. What is not
 * certain to mean the same is not read here at all.
 *
 *     records:
 *       - { name: www.example.com, type: A, ttl: 60, data: 192.0.2.1 }
 *       - name: example.com
 *         type: TXT
 *         data: '"v=spf1 -all"'
 */

/** From how many characters on it is worth it; below, there is one way for all files. */
export const PLAIN_FROM_CHARACTERS = 100_000;

/** A list of records, and what it was cut out of. */
export interface PlainRecords {
  /** The text with one line of blanks in place of the entries, so that everything else keeps its offset. */
  readonly rest: string;
  readonly entries: readonly Entry[];
  /** The offset of a value in an entry, of its key, or of the entry itself where it has no such key. */
  offsetOf(index: number, key: string | undefined, atKey: boolean): number;
}

type Entry = Record<string, string | number>;

/** What a field is made of; each alternative is one scalar of YAML in any context. */
const KEY = '[a-z][A-Za-z]*';
const PLAIN = '[A-Za-z0-9_/](?:[A-Za-z0-9_./+=@-]| (?=[A-Za-z0-9_./+=@])|:(?=[A-Za-z0-9]|:[A-Za-z0-9]))*';
const QUOTED = `"[ !#-\\[\\]-~]*"|'[ -&(-~]*'`;
const FIELD = `${KEY}: (?:${QUOTED}|${PLAIN})`;
const FLOW_LINE = new RegExp(`^ *- \\{ ?(${FIELD}(?:, ?${FIELD})*) ?\\} *$`);
const FIRST_LINE = new RegExp(`^ *- (${FIELD}) *$`);
const NEXT_LINE = new RegExp(`^( +)(${FIELD}) *$`);
const BLANK_LINE = /^ *(?:#[ -~]*)?$/;
const FIELDS = new RegExp(`(${KEY}): (${QUOTED}|${PLAIN})`, 'g');
/** Words that are no texts (YAML 1.2 section 10.3.2), and everything that may be a number but is no plain decimal one. */
const OTHER_VALUE = /^(?:null|true|false|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|0[xo][0-9A-Fa-f]+)$/i;
const DECIMAL = /^(?:0|[1-9][0-9]{0,9})$/;

/** The list of records in a configuration text, when every entry of it is plain; else undefined. */
export function readPlainRecords(text: string): PlainRecords | undefined {
  const key = /^records: *\n/m.exec(text);
  if (key === null) return undefined;
  const start = key.index + key[0].length;
  const block: Block = { entries: [], offsets: [], end: start, indent: -1, isOpen: false };
  if (!readBlock(text, block) || block.entries.length === 0) return undefined;
  const { entries, offsets, end } = block;
  return {
    rest:
      text.slice(0, start) +
      ' '.repeat(Math.max(0, end - start - 1)) +
      '\n'.repeat(Math.min(1, end - start)) +
      text.slice(end),
    entries,
    offsetOf: (index, name, atKey) => {
      const from = offsets[index] ?? start;
      return (
        from + (name === undefined ? 0 : offsetIn(text.slice(from, offsets[index + 1] ?? end), name, atKey))
      );
    },
  };
}

/** What has been read so far. */
interface Block {
  readonly entries: Entry[];
  /** Where each entry begins, behind its dash. */
  readonly offsets: number[];
  /** Of the lines that were read. */
  end: number;
  /** Blanks before the dashes; -1: none was seen. */
  indent: number;
  /** Whether the last entry may go on with further lines. */
  isOpen: boolean;
}

/** @returns whether everything up to the next key of the file is plain */
function readBlock(text: string, block: Block): boolean {
  while (block.end < text.length) {
    const next = text.indexOf('\n', block.end);
    const line = text.slice(block.end, next < 0 ? text.length : next);
    if (/^[^ #-]/.test(line) || line.startsWith('---')) return true;
    if (!BLANK_LINE.test(line) && !takeLine(block, line)) return false;
    block.end = next < 0 ? text.length : next + 1;
  }
  return true;
}

function takeLine(block: Block, line: string): boolean {
  const [, fields] = FLOW_LINE.exec(line) ?? [];
  if (fields !== undefined) return beginEntry(block, line, false) && takeFields(block, fields);
  const [, first] = FIRST_LINE.exec(line) ?? [];
  if (first !== undefined) return beginEntry(block, line, true) && takeFields(block, first);
  const [, indent = '', further] = NEXT_LINE.exec(line) ?? [];
  if (further === undefined || !block.isOpen || indent.length !== block.indent + 2) return false;
  return takeFields(block, further);
}

function beginEntry(block: Block, line: string, isOpen: boolean): boolean {
  const indent = line.indexOf('-');
  if (block.indent >= 0 && indent !== block.indent) return false;
  block.indent = indent;
  block.isOpen = isOpen;
  block.entries.push({});
  block.offsets.push(block.end + indent + 2);
  return true;
}

function takeFields(block: Block, fields: string): boolean {
  const entry = block.entries.at(-1)!;
  for (const [, key = '', text = ''] of fields.matchAll(FIELDS)) {
    if (Object.hasOwn(entry, key)) return false;
    const isQuoted = /^["']/.test(text);
    if (!isQuoted && DECIMAL.test(text)) entry[key] = Number(text);
    else if (!isQuoted && OTHER_VALUE.test(text)) return false;
    else entry[key] = isQuoted ? text.slice(1, -1) : text;
  }
  return true;
}

function offsetIn(entryText: string, key: string, atKey: boolean): number {
  for (const found of entryText.matchAll(FIELDS)) {
    if (found[1] === key) return found.index + (atKey ? 0 : key.length + 2);
  }
  return 0;
}
