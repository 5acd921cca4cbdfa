/**
 * Several kubeconfigs as the one that kubectl makes of them: of entries by one name the first file's counts, whichever file names
 * them, and a path is relative to the file that it stands in. Whoever looks with kubectl is to find the same cluster.
 */

import { dirname, isAbsolute, resolve } from 'node:path';
import { type Fields, readKubeconfigDocument } from '../../watchers/credentials/kubeconfig-document.ts';

export interface KubeconfigFile {
  readonly path: string;
  readonly text: string;
}

/** Of each kind of entry, under which key its fields are, and which of them are paths. */
const ENTRIES = {
  clusters: { key: 'cluster', paths: ['certificate-authority'] },
  users: { key: 'user', paths: ['client-certificate', 'client-key', 'tokenFile'] },
  contexts: { key: 'context', paths: [] },
} as const;

/** @returns a kubeconfig without relative paths, as JSON @throws CredentialError for a file that is none */
export function mergeKubeconfigs(files: readonly KubeconfigFile[]): string {
  const documents = files.map(({ path, text }) => ({
    folder: dirname(path),
    value: readKubeconfigDocument(text).value,
  }));
  const merged = Object.entries(ENTRIES).map(([list, { key, paths }]) => {
    const entries = documents.flatMap(({ folder, value }) =>
      listOf(value[list]).map((entry) => located(entry, key, paths, folder)),
    );
    return [list, firstByName(entries)] as const;
  });
  return JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...Object.fromEntries(merged) });
}

function firstByName(entries: readonly Fields[]): Fields[] {
  const byName = new Map<unknown, Fields>();
  for (const entry of entries) if (!byName.has(entry['name'])) byName.set(entry['name'], entry);
  return [...byName.values()];
}

function located(entry: Fields, key: string, paths: readonly string[], folder: string): Fields {
  const fields = fieldsOf(entry[key]);
  if (fields === undefined) return entry;
  const absolute = paths.flatMap((name) => {
    const path = fields[name];
    return typeof path === 'string' && path !== '' ? [[name, resolve(folder, path)] as const] : [];
  });
  const exec = fieldsOf(fields['exec']);
  return {
    ...entry,
    [key]: {
      ...fields,
      ...Object.fromEntries(absolute),
      ...(exec !== undefined && { exec: { ...exec, command: commandIn(folder, exec['command']) } }),
    },
  };
}

/** A command with a slash is a file beside the kubeconfig; one without is looked for on the path. */
function commandIn(folder: string, command: unknown): unknown {
  const isBeside = typeof command === 'string' && command.includes('/') && !isAbsolute(command);
  return isBeside ? resolve(folder, command) : command;
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf).filter((entry) => entry !== undefined) : [];
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
