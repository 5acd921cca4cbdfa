/**
 * From the text of a manifest file to slim objects, each with its place in the file. Owns YAML and JSON; the only
 * file here that knows the yaml package. Which files there are, and what happens with their objects, is left to
 * manifest-files.ts and manifest-source.ts.
 */

import { isCollection, isNode, LineCounter, parseAllDocuments, type Document } from 'yaml';
import { listItems, objectName, slimObject } from '../objects/objects.ts';
import type { ObjectFault, SlimObject, SlimOptions } from '../objects/objects.ts';
import type { Finding } from '../refusals.ts';

/** Something refused, and where: a file, or a file with line and column. */
export interface PlacedFinding extends Finding {
  readonly object: string;
}

export interface ManifestObject {
  readonly object: SlimObject;
  /** For example `nginx.yaml:12:3`; without line and column where the file is JSON. */
  readonly place: string;
}

export type ParsedManifest =
  | {
      readonly ok: true;
      readonly objects: readonly ManifestObject[];
      /** Objects that cost only themselves. */
      readonly refusals: readonly PlacedFinding[];
    }
  /** The file as a whole makes no sense, so nothing in it is taken. */
  | { readonly ok: false; readonly refusal: PlacedFinding };

export interface ParseOptions extends SlimOptions {
  /** Name of the file as the operator knows it. */
  readonly file: string;
  /** Octets that one object may have. */
  readonly objectOctetsMax: number;
}

/** Documents and list items of one file. */
const OBJECTS_MAX = 1_000_000;
/** Nodes that one alias may stand for in all: a few lines of YAML can otherwise unfold into gigabytes. */
const ALIASES_MAX = 100;

/**
 * Parses a manifest file: YAML with any number of documents, or JSON.
 *
 * A file of comments only has no objects. Objects of kinds that fedns does not read are skipped.
 */
export function parseManifest(text: string, options: ParseOptions): ParsedManifest {
  return parseJson(text, options) ?? parseYaml(text, options);
}

/** JSON.parse is some fifty times faster. Where anything is wrong, the YAML parser says at which line. */
function parseJson(text: string, options: ParseOptions): ParsedManifest | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const objects: ManifestObject[] = [];
  for (const { value: item, defaults } of listItems(value)) {
    if (text.length > options.objectOctetsMax && octetsOf(item) > options.objectOctetsMax) return undefined;
    const object = slimObject(item, options, defaults);
    if (object.kind === 'Fault') return undefined;
    if (object.kind !== 'Other') objects.push({ object, place: options.file });
  }
  return { ok: true, objects, refusals: [] };
}

function parseYaml(text: string, options: ParseOptions): ParsedManifest {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const objects: ManifestObject[] = [];
  const refusals: PlacedFinding[] = [];
  for (const document of documents) {
    const place = (offset: number): string => placeOf(options.file, lines, offset);
    const error = document.errors[0];
    if (error !== undefined) return malformed(place(error.pos[0]), firstLine(error.message));
    const value = toValue(document);
    if (!value.ok) return malformed(place(document.range?.[0] ?? 0), value.message);
    if (value.value === null || value.value === undefined) continue;
    takeDocument(document, value.value, place, options, { objects, refusals });
  }
  return { ok: true, objects, refusals };
}

interface Taken {
  readonly objects: ManifestObject[];
  readonly refusals: PlacedFinding[];
}

function takeDocument(
  document: Document,
  value: unknown,
  place: (offset: number) => string,
  options: ParseOptions,
  taken: Taken,
): void {
  const items = listItems(value);
  const isList = items.length !== 1 || items[0]!.value !== value;
  for (const [i, { value: item, defaults }] of items.entries()) {
    if (taken.objects.length >= OBJECTS_MAX) return;
    // Items of lists within lists are placed at the outer list's item of the same number, or at the document.
    const path = isList ? ['items', i] : [];
    const object = sizeFault(item, document, path, options) ?? slimObject(item, options, defaults);
    if (object.kind === 'Other') continue;
    if (object.kind !== 'Fault') {
      taken.objects.push({ object, place: place(offsetOf(document, path)) });
    } else {
      const at = place(offsetOf(document, [...path, ...pathOf(object.path)]));
      taken.refusals.push({ code: object.code, object: at, message: describe(object) });
    }
  }
}

function describe(fault: ObjectFault): string {
  return fault.of === undefined || fault.name === ''
    ? fault.message
    : `${objectName(fault.of, fault.namespace, fault.name)}: ${fault.message}`;
}

function sizeFault(
  item: unknown,
  document: Document,
  path: readonly (string | number)[],
  options: ParseOptions,
): ObjectFault | undefined {
  const range = rangeOf(document, path);
  if (range === undefined || range[1] - range[0] <= options.objectOctetsMax) return undefined;
  const octets = octetsOf(item);
  if (octets <= options.objectOctetsMax) return undefined;
  const message = `the object has ${octets} octets, the limit is ${options.objectOctetsMax}`;
  return { kind: 'Fault', code: 'OBJECT_TOO_LARGE', namespace: '', name: '', path: '', message };
}

function octetsOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

function toValue(document: Document): { ok: true; value: unknown } | { ok: false; message: string } {
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: ALIASES_MAX }) };
  } catch (error) {
    return { ok: false, message: firstLine(error instanceof Error ? error.message : String(error)) };
  }
}

/** `spec.ports[0].port` and `metadata.labels[a.b/c]` as steps. */
function pathOf(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)) {
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(/^[0-9]+$/.test(index) ? Number(index) : index);
  }
  return steps;
}

/** Where a field stands, or the innermost thing around it that exists. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  return rangeOf(document, path)?.[0] ?? 0;
}

function rangeOf(document: Document, path: readonly (string | number)[]): readonly number[] | undefined {
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
  return { ok: false, refusal: { code: 'FILE_MALFORMED', object, message } };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}
