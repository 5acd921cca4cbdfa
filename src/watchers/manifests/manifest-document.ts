/**
 * What the documents of a manifest file say, whether they were written as JSON or as YAML: single objects, lists,
 * arrays, or something that shows that the file is in trouble. Owns that decision; text is manifest-parser.ts's.
 */

import { listItems, objectName, slimObject, type ListItem } from '../objects/objects.ts';
import type { ObjectFault, SlimObject, SlimOptions } from '../objects/objects.ts';
import type { Finding } from '../refusals.ts';
import { excerpt } from './manifest-text.ts';

/** Something refused, and where: a file, or a file with line and column. */
export interface PlacedFinding extends Finding {
  readonly object: string;
}

export interface ManifestObject {
  readonly object: SlimObject;
  /** For example `nginx.yaml:12:3`; without line and column where the file is one JSON value. */
  readonly place: string;
}

export type Step = string | number;

/** A document of a file. */
export interface ManifestDocument {
  readonly value: unknown;
  /** Where a field of the document stands, or the innermost thing around it that is known. */
  readonly place: (path: readonly Step[]) => string;
  /** Octets that what stands at `path` takes, at most: what is below the limit need not be counted. */
  readonly octetsAtMost: (path: readonly Step[]) => number;
}

/** What the documents of a file add up to. */
export interface Taken {
  readonly objects: ManifestObject[];
  /** Objects that cost only themselves. */
  readonly refusals: PlacedFinding[];
  /** What shows that the file is not what it was meant to be, in the order of the file. */
  readonly troubles: PlacedFinding[];
  /** Objects of kinds that fedns does not read. */
  others: number;
  /** Where the first Endpoints object stands. */
  endpoints: string | undefined;
}

export interface TakeOptions extends SlimOptions {
  /** Octets that one object may have. */
  readonly objectOctetsMax: number;
}

/** Documents and list items of one file. */
const OBJECTS_MAX = 1_000_000;

export function nothingTaken(): Taken {
  return { objects: [], refusals: [], troubles: [], others: 0, endpoints: undefined };
}

/** Takes in one document. Documents of comments only, and `null`, say nothing. */
export function takeDocument(document: ManifestDocument, options: TakeOptions, taken: Taken): void {
  const { value } = document;
  if (value === null || value === undefined) return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) takeValue(document, item, [i], options, taken);
    return;
  }
  takeValue(document, value, [], options, taken);
}

function takeValue(
  document: ManifestDocument,
  value: unknown,
  path: readonly Step[],
  options: TakeOptions,
  taken: Taken,
): void {
  const trouble = troubleOf(value);
  if (trouble !== undefined) {
    taken.troubles.push({ ...trouble, object: document.place(path) });
    return;
  }
  if (isEmptyList(value)) return;
  const items = listItems(value);
  const isList = items.length !== 1 || items[0]!.value !== value;
  for (const [i, item] of items.entries()) {
    if (taken.objects.length >= OBJECTS_MAX) return;
    // Items of lists within lists are placed at the outer list's item of the same number, or at the document.
    takeItem(document, item, isList ? [...path, 'items', i] : path, options, taken);
  }
}

function takeItem(
  document: ManifestDocument,
  { value, defaults }: ListItem,
  path: readonly Step[],
  options: TakeOptions,
  taken: Taken,
): void {
  const object =
    sizeFault(value, document.octetsAtMost(path), options) ?? slimObject(value, options, defaults);
  if (object.kind === 'Other') {
    taken.others++;
    if (kindOf(value, defaults?.kind) === 'Endpoints') taken.endpoints ??= document.place(path);
  } else if (object.kind !== 'Fault') {
    taken.objects.push({ object, place: document.place(path) });
  } else {
    const at = document.place([...path, ...stepsOf(object.path)]);
    const finding = { code: object.code, object: at, message: describe(object) };
    // Of what cannot even be told what it is, nobody knows which object it was.
    (isUnknown(object) ? taken.troubles : taken.refusals).push(finding);
  }
}

/** What a value is that is no object, no list, and nothing that belongs into a file of manifests. */
function troubleOf(value: unknown): Finding | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'a list within a list' : excerpt(String(value));
    return { code: 'FILE_FOREIGN', message: `an object was expected, found is ${found}` };
  }
  const { kind, items, message: said } = value as Record<string, unknown>;
  if (kind === 'Status') {
    return {
      code: 'FILE_FOREIGN',
      message: `the API server answered with a Status: ${excerpt(String(said))}`,
    };
  }
  if (kind === undefined && Array.isArray(items)) {
    const message = 'a list without kind: the file ends too early, or its end is missing';
    return { code: 'FILE_CUT', message };
  }
  return undefined;
}

/** A list that holds nothing, whichever way it says so. */
function isEmptyList(value: unknown): boolean {
  const { kind, items } = value as Record<string, unknown>;
  if (typeof kind !== 'string' || !kind.endsWith('List')) return false;
  return items === null || items === undefined || (Array.isArray(items) && items.length === 0);
}

function isUnknown(fault: ObjectFault): boolean {
  return fault.code === 'OBJECT_MALFORMED' && fault.of === undefined;
}

function kindOf(value: unknown, inherited: string | undefined): unknown {
  return (value as { readonly kind?: unknown }).kind ?? inherited;
}

function describe(fault: ObjectFault): string {
  return fault.of === undefined || fault.name === ''
    ? fault.message
    : `${objectName(fault.of, fault.namespace, fault.name)}: ${fault.message}`;
}

function sizeFault(
  value: unknown,
  octetsAtMost: number,
  { objectOctetsMax }: TakeOptions,
): ObjectFault | undefined {
  if (octetsAtMost <= objectOctetsMax) return undefined;
  const octets = Buffer.byteLength(JSON.stringify(value) ?? '');
  if (octets <= objectOctetsMax) return undefined;
  const message = `the object has ${octets} octets, the limit is ${objectOctetsMax}`;
  return { kind: 'Fault', code: 'OBJECT_TOO_LARGE', namespace: '', name: '', path: '', message };
}

/** `spec.ports[0].port` and `metadata.labels[a.b/c]` as steps. */
function stepsOf(path: string): Step[] {
  const steps: Step[] = [];
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)) {
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(/^[0-9]+$/.test(index) ? Number(index) : index);
  }
  return steps;
}
