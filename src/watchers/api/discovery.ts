/**
 * Finds where an API server has a kind whose version depends on what is installed. The version that a group prefers
 * may lack the kind: the preference is one of the whole group, and its kinds come from CRDs of different ages.
 */

import { ApiError, asApiError } from '../api-error.ts';
import type { ApiClient } from './api-client.ts';
import { parseJson } from './list-scanner.ts';

/** A kind, by its group and the plural under which the API has it. */
export interface Discoverable {
  readonly group: string;
  readonly plural: string;
}

/** Versions asked about: groups have two or three. */
const VERSIONS_MAX = 8;
/** Octets of the document of a group or of one of its versions. */
const DOCUMENT_OCTETS_MAX = 256 * 1024;
/** Above the 15 s that a busy API server lets a request wait before it says 429. */
const DOCUMENT_LIMITS = { headersMs: 20_000, idleMs: 5_000 };

/**
 * The path of a kind in the first version that lists it, in the order in which the group prefers them.
 *
 * @throws ApiError `NOT_FOUND` when the server does not have the kind
 */
export async function findPath(client: ApiClient, kind: Discoverable, signal: AbortSignal): Promise<string> {
  const path = `/apis/${kind.group}`;
  let unknown: string | undefined;
  for (const version of readVersions(await readDocument(client, path, signal))) {
    const found = `${path}/${version}/${kind.plural}`;
    const listed = await isListed(client, `${path}/${version}`, kind.plural, signal);
    if (listed === true) return found;
    if (listed === undefined) unknown ??= found;
  }
  if (unknown !== undefined) return unknown;
  throw new ApiError('NOT_FOUND', `no version of ${kind.group} has ${kind.plural}`, { status: 404 });
}

/** @returns undefined when the server does not say: then only trying tells */
async function isListed(
  client: ApiClient,
  path: string,
  plural: string,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  try {
    return readNames(await readDocument(client, path, signal)).includes(plural);
  } catch (error) {
    const { code } = asApiError(error, 'NOT_JSON');
    if (code === 'FORBIDDEN' || code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

async function readDocument(client: ApiClient, path: string, signal: AbortSignal): Promise<unknown> {
  const text = await client.getText(path, 'application/json', DOCUMENT_LIMITS, signal, DOCUMENT_OCTETS_MAX);
  return parseJson(Buffer.from(text));
}

/** Versions of an APIGroup, the preferred one first. */
function readVersions(document: unknown): string[] {
  const group = document as { preferredVersion?: unknown; versions?: unknown } | null;
  const entries = [group?.preferredVersion, ...(Array.isArray(group?.versions) ? group.versions : [])];
  const names = entries.map((entry) => (entry as { version?: unknown } | null | undefined)?.version);
  return [...new Set(names.filter(isVersion))].slice(0, VERSIONS_MAX);
}

function isVersion(name: unknown): name is string {
  return typeof name === 'string' && /^v[0-9]+(?:(?:alpha|beta)[0-9]+)?$/.test(name);
}

/** Names of an APIResourceList. */
function readNames(document: unknown): unknown[] {
  const { resources } = (document ?? {}) as { resources?: unknown };
  return Array.isArray(resources) ? resources.map((entry) => (entry as { name?: unknown } | null)?.name) : [];
}
