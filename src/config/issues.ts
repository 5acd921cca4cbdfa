/**
 * Turns what the schema finds into faults an operator can act on: which key was meant, which values there are.
 */
import type { z } from 'zod';
import type { ConfigDocument } from './document.ts';
import { formatPath, type Fault, type FaultCode, type Path } from './fault.ts';
import { nearestWord } from './nearest.ts';
import { configJsonSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** The faults of all issues. Two of one kind at one place are one: the later one names the narrower range. */
export function shapeFaults(issues: readonly Issue[], document: ConfigDocument): Fault[] {
  const faults = issues.flatMap((issue) => issueFaults(issue, document));
  return [...new Map(faults.map((fault) => [`${fault.code} ${fault.path}`, fault])).values()];
}

/** One fault for each unknown key, else one. */
function issueFaults(issue: Issue, document: ConfigDocument): Fault[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(document, path, key));
  }
  const value = valueAt(document.value, path);
  if (value === undefined && path.length > 0) return [missingKey(document, path)];
  const { code, message, fix } = describe(issue, value);
  return [document.locate(code, path, message, fix)];
}

/** What a path leads to, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined;
    current = (current as Record<string | number, unknown>)[part];
  }
  return current;
}

interface Description {
  readonly code: FaultCode;
  readonly message: string;
  readonly fix?: string | undefined;
}

function describe(issue: Issue, value: unknown): Description {
  switch (issue.code) {
    case 'custom':
      return {
        code: (issue.params?.['code'] as FaultCode | undefined) ?? 'WRONG_VALUE',
        message: issue.message,
        fix: issue.params?.['fix'] as string | undefined,
      };
    case 'invalid_type':
      return {
        code: 'WRONG_TYPE',
        message: typeMessage(issue.expected, value),
        fix: typeFix(issue.expected, value),
      };
    case 'too_small':
    case 'too_big':
      return { code: 'OUT_OF_RANGE', message: rangeMessage(issue) };
    case 'invalid_value':
      return { code: 'WRONG_VALUE', ...choice(issue.values.map(String), value) };
    default:
      return { code: 'WRONG_VALUE', message: `${issue.message}, not ${show(value)}` };
  }
}

function choice(values: readonly string[], value: unknown): { message: string; fix?: string } {
  const list = values.length === 1 ? values[0] : `one of ${values.join(', ')}`;
  const nearest = nearestWord(String(value), values);
  const message = `must be ${list}, not ${show(value)}`;
  return nearest === undefined ? { message } : { message, fix: `did you mean ${nearest}?` };
}

/** Names of YAML's types as people call them. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
};

function typeMessage(expected: string, value: unknown): string {
  return `must be ${TYPE_NAMES[expected] ?? expected}, not ${show(value)}`;
}

function typeFix(expected: string, value: unknown): string | undefined {
  if (expected === 'string' && ['number', 'boolean'].includes(typeof value))
    return `in quotes: "${String(value)}"`;
  if (expected === 'array' && value !== null && typeof value !== 'object')
    return `as a list: [${String(value)}]`;
  if (expected !== 'number' && expected !== 'int') return undefined;
  const seconds = durationSeconds(value);
  return seconds === undefined ? undefined : `in seconds: ${seconds}`;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function durationSeconds(value: unknown): number | undefined {
  const match = /^([0-9]{1,9}) ?([smhdw]?)$/.exec(String(value));
  return match ? Number(match[1]) * UNIT_SECONDS[match[2]!]! : undefined;
}

function rangeMessage(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const limit = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  if (issue.origin === 'string')
    return issue.code === 'too_small' ? 'must not be empty' : `must have ${limit} characters`;
  return issue.origin === 'array' ? `must have ${limit} entries` : `must be ${limit}`;
}

function missingKey(document: ConfigDocument, path: Path): Fault {
  const key = String(path.at(-1));
  return document.locate('MISSING_KEY', path, `${key} is missing`);
}

function unknownKey(document: ConfigDocument, path: Path, key: string): Fault {
  const here = keysAt(path);
  // A key that is right elsewhere is in the wrong place, however much it looks like one that is right here.
  const elsewhere = placesOf(key);
  const nearest = nearestWord(key, here);
  const fix =
    elsewhere.length > 0
      ? `${key} belongs to ${elsewhere.join(' or ')}`
      : nearest !== undefined
        ? `did you mean ${nearest}?`
        : `known here: ${here.join(', ')}`;
  return document.locate('UNKNOWN_KEY', [...path, key], `unknown key ${key}`, fix, true);
}

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

let root: SchemaNode | undefined;

/** The keys of the schema; made once, as only faulty configurations need them. */
function rootNode(): SchemaNode {
  root ??= configJsonSchema() as SchemaNode;
  return root;
}

function keysAt(path: Path): string[] {
  let node: SchemaNode | undefined = rootNode();
  for (const part of path) node = typeof part === 'number' ? node?.items : node?.properties?.[part];
  return Object.keys(node?.properties ?? {});
}

/** Where a key of that name is known. */
function placesOf(key: string, node = rootNode(), path: Path = []): string[] {
  const places: string[] = [];
  for (const [name, inner] of Object.entries(node.properties ?? {})) {
    if (name === key) places.push(path.length === 0 ? 'the top' : formatPath(path));
    places.push(...placesOf(key, inner, [...path, name]));
  }
  if (node.items) places.push(...placesOf(key, node.items, path));
  return places;
}

function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return String(value);
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
