/** Compiles the databases of a configuration once, as a server would, and tells what is wrong with them. */
import type { Settings } from '../../config/settings.ts';
import { compileInThread, type Compile } from './compile-job.ts';

/** @returns one line for each database that cannot be used */
export async function inspectDatabases(
  { geoip }: Pick<Settings, 'geoip'>,
  compile: Compile = compileInThread,
): Promise<readonly string[]> {
  const faults: string[] = [];
  // Each by itself: one with a fault must not hide the next.
  for (const path of geoip?.databases ?? []) {
    const order = { paths: [path], places: [], clients: [], version: 1, builtMs: {} };
    const outcome = await compile(order, new AbortController().signal);
    if (outcome.kind === 'failed') faults.push(`geoip: ${outcome.message} (${outcome.code})`);
  }
  return faults;
}
