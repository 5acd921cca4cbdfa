/**
 * From the text of a manifest file to slim objects, each with its place in the file. Owns YAML and JSON; the only
 * file here that knows the yaml package. What a document says is left to manifest-document.ts; which files there are,
 * and what happens with their objects, to manifest-files.ts and manifest-source.ts.
 */

import { isCollection, isNode, LineCounter, parseAllDocuments, type Document } from 'yaml';
import { parseJsonStream, type JsonValue } from './json-stream.ts';
import { nothingTaken, takeDocument } from './manifest-document.ts';
import type {
  ManifestDocument,
  ManifestObject,
  PlacedFinding,
  Step,
  Taken,
  TakeOptions,
} from './manifest-document.ts';
import { kubernetesScalars } from '../yaml-scalars.ts';
import { foreignFormat } from './manifest-text.ts';

export type { ManifestObject, PlacedFinding } from './manifest-document.ts';

export interface ParsedManifest {
  /** What can be read, also of a file in trouble. */
  readonly objects: readonly ManifestObject[];
  /** Objects that cost only themselves. */
  readonly refusals: readonly PlacedFinding[];
  /**
   * Why the file as a whole is not what it is meant to be: it holds no object, or something that is none, or makes no
   * sense. Whoever knows better objects of this file keeps those.
   */
  readonly trouble?: PlacedFinding;
}

export interface ParseOptions extends TakeOptions {
  /** Name of the file as the operator knows it. */
  readonly file: string;
}

/** Octets that a UTF-16 code unit takes in UTF-8, at most. */
const OCTETS_PER_UNIT_MAX = 3;
/** Nodes that one alias may stand for in all: a few lines of YAML can otherwise unfold into gigabytes. */
const ALIASES_MAX = 100;

/**
 * Parses a manifest file: YAML with any number of documents, JSON, or several JSON values one after the other.
 *
 * Documents of comments only are skipped, and so are objects of kinds that fedns does not read, as long as the file
 * holds one that it does.
 */
export function parseManifest(text: string, options: ParseOptions): ParsedManifest {
  const foreign = foreignFormat(text);
  if (foreign !== undefined) return troubled('FILE_FOREIGN', options.file, foreign);
  const json = parseJson(text, options);
  if (json !== undefined && isClean(json)) return json;
  const yaml = parseYaml(text, options);
  return json === undefined || saysTheSame(json, yaml) ? yaml : json;
}

/** Values without a separator between them are no YAML, which otherwise knows better where something stands. */
function saysTheSame(json: ParsedManifest, yaml: ParsedManifest): boolean {
  return json.objects.length === yaml.objects.length && json.trouble?.code === yaml.trouble?.code;
}

function isClean({ refusals, trouble }: ParsedManifest): boolean {
  return refusals.length === 0 && trouble === undefined;
}

/** JSON.parse is some fifty times faster. Where anything is wrong, the YAML parser says at which line. */
function parseJson(text: string, options: ParseOptions): ParsedManifest | undefined {
  const values = parseJsonStream(text);
  if (values === undefined) return undefined;
  const taken = nothingTaken();
  for (const value of values) takeDocument(jsonDocument(value, values.length, text, options), options, taken);
  return conclude(taken, text, options);
}

function jsonDocument(
  { value, offset }: JsonValue,
  count: number,
  text: string,
  { file }: ParseOptions,
): ManifestDocument {
  let place = count === 1 ? file : undefined;
  return {
    value,
    place: () => (place ??= `${file}:${lineOf(text, offset)}:1`),
    octetsAtMost: () => text.length * OCTETS_PER_UNIT_MAX,
  };
}

function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

function parseYaml(text: string, options: ParseOptions): ParsedManifest {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    customTags: kubernetesScalars,
    prettyErrors: false,
    logLevel: 'error',
  });
  const taken = nothingTaken();
  for (const document of documents) {
    const place = (offset: number): string => placeOf(options.file, lines, offset);
    const error = document.errors[0];
    if (error !== undefined) return malformed(place(error.pos[0]), firstLine(error.message));
    const value = toValue(document);
    if (!value.ok) return malformed(place(document.range?.[0] ?? 0), value.message);
    takeDocument(yamlDocument(document, value.value, place), options, taken);
  }
  return conclude(taken, text, options);
}

function yamlDocument(
  document: Document,
  value: unknown,
  place: (offset: number) => string,
): ManifestDocument {
  return {
    value,
    place: (path) => place(rangeOf(document, path)?.[0] ?? 0),
    octetsAtMost: (path) => {
      const range = rangeOf(document, path);
      return range === undefined ? 0 : (range[1]! - range[0]!) * OCTETS_PER_UNIT_MAX;
    },
  };
}

/** A file must hold an object that fedns reads: what holds none is in trouble, however well it is formed. */
function conclude(taken: Taken, text: string, { file }: ParseOptions): ParsedManifest {
  const { objects, endpoints } = taken;
  const refusals = [...taken.refusals, ...taken.troubles];
  if (endpoints !== undefined && !objects.some(({ object }) => object.kind === 'EndpointSlice')) {
    const message = 'Endpoints objects are not read, EndpointSlices are (kubectl get endpointslices)';
    refusals.push({ code: 'ENDPOINTS_NOT_READ', object: endpoints, message });
  }
  const trouble = taken.troubles[0] ?? (objects.length > 0 ? undefined : withoutObjects(taken, text, file));
  return { objects, refusals, ...(trouble === undefined ? {} : { trouble }) };
}

function withoutObjects({ refusals, others }: Taken, text: string, file: string): PlacedFinding {
  if (refusals.length > 0) {
    const message = `no object of the file can be taken: ${refusals[0]!.message}`;
    return { code: 'FILE_WITHOUT_OBJECTS', object: file, message };
  }
  if (others > 0) {
    const message = `the file holds ${others} objects, none of a kind that fedns reads`;
    return { code: NO_KIND_READ, object: file, message };
  }
  if (isCommentary(text))
    return { code: NO_KIND_READ, object: file, message: 'the file holds comments only' };
  return { code: 'FILE_EMPTY', object: file, message: 'the file holds no objects at all' };
}

/** Somebody wrote words and no objects, on purpose; tools that fail leave no comments behind. */
function isCommentary(text: string): boolean {
  const lines = text.split('\n').map((line) => line.trim());
  const words = lines.filter((line) => line !== '' && line !== '---' && line !== '...');
  return words.length > 0 && words.every((line) => line.startsWith('#'));
}

/** Code of a file that is in order and holds nothing for fedns: in trouble only where it held something before. */
export const NO_KIND_READ = 'FILE_OF_OTHER_KINDS';

function toValue(document: Document): { ok: true; value: unknown } | { ok: false; message: string } {
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: ALIASES_MAX }) };
  } catch (error) {
    return { ok: false, message: firstLine(error instanceof Error ? error.message : String(error)) };
  }
}

/** The range of a field, or of the innermost thing around it that exists. */
function rangeOf(document: Document, path: readonly Step[]): readonly number[] | undefined {
  let node: unknown = document.contents;
  let range = isNode(node) ? node.range : undefined;
  for (const step of path) {
    if (!isCollection(node)) break;
    node = node.get(step, true);
    if (!isNode(node)) break;
    range = node.range ?? range;
  }
  return range ?? undefined;
}

function placeOf(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
}

function malformed(object: string, message: string): ParsedManifest {
  return troubled('FILE_MALFORMED', object, message);
}

function troubled(code: string, object: string, message: string): ParsedManifest {
  return { objects: [], refusals: [{ code, object, message }], trouble: { code, object, message } };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}
