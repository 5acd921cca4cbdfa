/**
 * Text to plain values, with a way back from every value to its line and column. The only file that knows YAML.
 */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml';
import { PLAIN_FROM_CHARACTERS, readPlainRecords, type PlainRecords } from './plain-records.ts';
import { FAULT_CODES, formatPath, type Fault, type FaultCode, type Path } from './fault.ts';

/** How often aliases may be unfolded in all: each cluster may use some, but a few lines cannot become gigabytes. */
const ALIASES_MAX = 100_000;

/** A configuration as plain values. */
export interface ConfigDocument {
  /** Undefined when the text is not even YAML. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /**
   * Makes a fault of a code and a path. It points at the value, or at the nearest thing around it that stands in
   * the text; with `atKey` at the key.
   */
  locate(code: FaultCode, path: Path, message: string, fix?: string, atKey?: boolean): Fault;
}

/** Reads a YAML (or JSON) text. Never throws: what is wrong with the text is in `faults`. */
export function readDocument(text: string, file: string): ConfigDocument {
  const plain = text.length < PLAIN_FROM_CHARACTERS ? undefined : readPlainRecords(text);
  return (plain && withPlainRecords(text, file, plain)) ?? readWhole(text, file);
}

/** Undefined where the rest does not leave the records empty, and the text has to be read as a whole to say what it means. */
function withPlainRecords(text: string, file: string, plain: PlainRecords): ConfigDocument | undefined {
  const lines = lineCounterOf(text);
  const rest = readWhole(plain.rest, file, lines);
  const value = rest.value as { records?: unknown } | undefined;
  if (rest.faults.length > 0 || typeof value !== 'object' || value.records !== null) return undefined;
  return {
    value: { ...value, records: plain.entries },
    faults: rest.faults,
    locate: (code, path, message, fix, atKey = false) => {
      const [list, index, key] = path;
      if (list !== 'records' || typeof index !== 'number')
        return rest.locate(code, path, message, fix, atKey);
      const offset = plain.offsetOf(index, key === undefined ? undefined : String(key), atKey);
      return makeFault(file, lines, offset, code, message, path, fix);
    },
  };
}

/** What a line counter of the package holds after it has read the text. */
function lineCounterOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}

/** @param counted - the lines of the file where `text` has others. Default: counted while reading. */
function readWhole(text: string, file: string, counted?: LineCounter): ConfigDocument {
  const lines = counted ?? new LineCounter();
  const documents = parseAllDocuments(text, {
    ...(counted === undefined && { lineCounter: lines }),
    prettyErrors: false,
    merge: true,
    logLevel: 'error',
  });
  const found: Fault[] = [];
  const at = (offset: number, code: FaultCode, message: string, path: Path = [], fix?: string): Fault =>
    makeFault(file, lines, offset, code, message, path, fix);
  const document = 'empty' in documents ? undefined : documents[0];
  if (!document?.contents || (isScalar(document.contents) && document.contents.value === null)) {
    found.push(
      at(
        0,
        'EMPTY_FILE',
        'the configuration is empty',
        [],
        'at least domain, nameservers, federations and clusters',
      ),
    );
    return {
      value: undefined,
      faults: found,
      locate: (code, path, message, fix) => at(0, code, message, path, fix),
    };
  }
  found.push(...syntaxFaults(document, at), ...furtherDocuments(documents.slice(1) as Document[], at));
  const value = found.some((fault) => fault.code !== 'YAML_DUPLICATE_KEY')
    ? undefined
    : toValue(document, found, at);
  return {
    value,
    faults: found,
    locate: (code, path, message, fix, atKey = false) =>
      at(offsetOf(document, path, atKey), code, message, path, fix),
  };
}

type At = (offset: number, code: FaultCode, message: string, path?: Path, fix?: string) => Fault;

function syntaxFaults(document: Document, at: At): Fault[] {
  const problems: YAMLError[] = [...document.errors, ...document.warnings];
  // One slip often shows as several errors at one place; the first says most.
  const firsts = problems.filter(
    ({ pos }, i) => problems.findIndex((other) => other.pos[0] === pos[0]) === i,
  );
  const faults = firsts.map((problem) =>
    problem.code === 'DUPLICATE_KEY'
      ? at(problem.pos[0], 'YAML_DUPLICATE_KEY', 'this key appears twice', [], 'remove one of the two')
      : at(problem.pos[0], 'YAML_SYNTAX', syntaxMessage(problem)),
  );
  visit(document, {
    Alias(_key, alias, path) {
      const target = alias.resolve(document);
      const offset = alias.range?.[0] ?? 0;
      if (!target) faults.push(at(offset, 'YAML_ALIAS', `*${alias.source} stands for no anchor above it`));
      else if (path.includes(target))
        faults.push(at(offset, 'YAML_ALIAS', `*${alias.source} contains itself`));
    },
  });
  return faults;
}

/** The parser recurses, and reports running out of stack as an error in the text, which it is. */
function syntaxMessage({ message }: YAMLError): string {
  return message.includes('call stack') ? 'this is nested too deeply' : message;
}

function furtherDocuments(documents: readonly Document[], at: At): Fault[] {
  return documents
    .slice(0, 1)
    .map((document) =>
      at(
        document.range?.[0] ?? 0,
        'YAML_DOCUMENTS',
        'the file holds several documents',
        [],
        'remove the --- line',
      ),
    );
}

function toValue(document: Document, found: Fault[], at: At): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    // The package throws only here: when aliases unfold too far, or a merge key has no mapping to merge.
    found.push(at(firstAlias(document), 'YAML_ALIAS', (error as Error).message, [], 'write it out'));
    return undefined;
  }
}

function firstAlias(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias(_key, alias) {
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

/** The offset of the value that a path leads to, or of the innermost value around it that the text holds. */
function offsetOf(document: Document, path: Path, atKey: boolean): number {
  let node = resolved(document, document.contents);
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, part] of path.entries()) {
    const step = stepInto(node, part);
    if (!step) break;
    node = resolved(document, step.value);
    const key = atKey && depth === path.length - 1 ? step.key : undefined;
    // An alias is reported where it stands, not where its anchor is.
    offset = (key ?? step.value ?? step.key)?.range?.[0] ?? offset;
  }
  return offset;
}

function stepInto(node: Node | null, part: string | number): { key?: Node; value?: Node } | undefined {
  if (isSeq(node)) return child(node.items[Number(part)]);
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
  return isPair(pair) ? { ...child(pair.value), key: pair.key as Node } : undefined;
}

function child(value: unknown): { value?: Node } | undefined {
  return value ? { value: value as Node } : undefined;
}

function resolved(document: Document, node: unknown): Node | null {
  return (isAlias(node) ? (node.resolve(document) ?? null) : (node ?? null)) as Node | null;
}

function makeFault(
  file: string,
  lines: LineCounter,
  offset: number,
  code: FaultCode,
  message: string,
  path: Path,
  fix: string | undefined,
): Fault {
  const { line, col } = lines.linePos(offset);
  const where = { file, line: Math.max(1, line), column: Math.max(1, col), path: formatPath(path) };
  return fix === undefined ? { code, ...where, message } : { code, ...where, message, fix };
}

/** Whether a fault only warns. */
export function isWarning(fault: Fault): boolean {
  return FAULT_CODES[fault.code] === 'warning';
}
