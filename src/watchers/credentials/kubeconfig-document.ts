/**
 * A kubeconfig as plain values with the lines that they stand in. Owns encodings, YAML and its limits; what the values
 * mean is read in kubeconfig.ts.
 */

import {
  isAlias,
  isMap,
  isNode,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
} from 'yaml';
import { CredentialError } from './cluster-access.ts';
import { kubernetesScalars } from '../yaml-scalars.ts';

/** Largest kubeconfig, in characters. Hundreds of clusters with certificates fit. */
export const KUBECONFIG_CHARS_MAX = 4 * 1024 * 1024;
/** Values reached through YAML aliases: a hundred clusters may share parts, a few lines cannot become gigabytes. */
const ALIASES_MAX = 10_000;

export type Fields = Readonly<Record<string, unknown>>;
export type KubeconfigPath = readonly (string | number)[];

export interface KubeconfigDocument {
  readonly value: Fields;
  /** The line, from 1, of a value or of the nearest thing around it that stands in the text. */
  lineOf(path: KubeconfigPath): number;
}

/** The text of a kubeconfig's octets: UTF-8, or UTF-16 with its mark, as a Windows shell writes it. */
export function decodeKubeconfig(octets: Uint8Array): string {
  const [first, second] = octets;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(octets);
}

/**
 * Reads the first YAML document of a text, with merge keys and anchors.
 *
 * @throws CredentialError `KUBECONFIG_MALFORMED`; nothing of the text is quoted, for it may be a key
 */
export function readKubeconfigDocument(text: string): KubeconfigDocument {
  if (text.length > KUBECONFIG_CHARS_MAX) throw malformed(`longer than ${KUBECONFIG_CHARS_MAX} characters`);
  if (text.trim() === '') throw malformed('the file is empty');
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, merge: true, uniqueKeys: false } as const;
  const documents = parseAllDocuments(text, { ...options, customTags: kubernetesScalars, logLevel: 'error' });
  const document = 'empty' in documents ? undefined : (documents[0] as Document | undefined);
  if (document === undefined) throw malformed('the file is empty');
  const [error] = document.errors;
  if (error !== undefined) throw malformed('no YAML', lines.linePos(error.pos[0]).line);
  return {
    value: toFields(document),
    lineOf: (path) => Math.max(1, lines.linePos(offsetOf(document, path)).line),
  };
}

function toFields(document: Document): Fields {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch {
    throw malformed('its aliases (*) or merge keys (<<) cannot be followed');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw malformed(`holds ${kindOf(value)}, no kubeconfig (apiVersion: v1, kind: Config)`);
}

function malformed(message: string, line?: number): CredentialError {
  return new CredentialError('KUBECONFIG_MALFORMED', message, line);
}

/** What a value of the wrong type is called. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}

function offsetOf(document: Document, path: KubeconfigPath): number {
  let node = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    const held = isAlias(node) ? (node.resolve(document) as Node | undefined) : node;
    const next = isMap(held) || isSeq(held) ? held.get(part, true) : undefined;
    if (!isNode(next)) break;
    node = next;
    offset = next.range?.[0] ?? offset;
  }
  return offset;
}
