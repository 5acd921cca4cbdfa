/**
 * Owns what drills and plans keep in the state folder: one JSON document each, replaced as a whole. A file that cannot be
 * understood counts as none, and is told of: a plan that was under way is then run again, and finds its drains where they are.
 */

import { readFile } from 'node:fs/promises';
import type { Log } from '../../log.ts';
import { replaceFile } from '../../state/atomic-file.ts';
import { reasonOf } from '../../state/layout.ts';
import type { Ledger } from './ledger.ts';

/** Of both files; one of another version is not understood. */
const VERSION = 1;

/**
 * @param path - of the file; absent: nothing outlasts the process
 * @param lists - keys of the state that are lists
 */
export function ledgerFile<State extends object>(
  path: string | undefined,
  lists: readonly (keyof State & string)[],
  log: Pick<Log, 'warn'>,
): Ledger<State> {
  return {
    async load() {
      if (path === undefined) return undefined;
      try {
        return readDocument<State>(await readFile(path, 'utf8'), lists);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        log.warn(
          { code: 'LEDGER_UNREAD', path, reason: reasonOf(error) },
          'what the last run has left of drills or plans cannot be read',
        );
        return undefined;
      }
    },
    async save(state) {
      if (path === undefined) return;
      try {
        await replaceFile(path, [`${JSON.stringify({ version: VERSION, ...state }, undefined, 2)}\n`]);
      } catch (error) {
        log.warn(
          { code: 'LEDGER_UNKEPT', path, reason: reasonOf(error) },
          'drills or plans cannot be kept: a restart would forget how they stand',
        );
      }
    },
  };
}

function readDocument<State extends object>(text: string, lists: readonly string[]): State {
  const document = JSON.parse(text) as Record<string, unknown> | null;
  if (document === null || document['version'] !== VERSION)
    throw new Error(`version ${String(document?.['version'])}`);
  for (const key of lists) if (!Array.isArray(document[key])) throw new Error(`${key} is no list`);
  const { version: _version, ...state } = document;
  return state as State;
}
