/**
 * Owns that a long configuration is read, checked and packed by a thread of its own: of a hundred thousand records that takes a
 * second or two, in which the control plane goes on taking changes of clusters. What is read is cli/load.ts.
 */

import { statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { LoadedConfig } from '../cli/environment.ts';
import { loadConfig } from '../cli/load.ts';
import type { LoadOptions } from '../config/load.ts';
import { spendMemory } from './lean-memory.ts';

/** From this size on it is worth the start of a thread, which takes as long as about this many octets. */
const ASIDE_FROM_OCTETS = 100_000;

/** What the thread is given. */
export interface LoadOrder {
  readonly file: string;
  readonly options: LoadOptions;
}

/** {@link loadConfig}; a long file is read in a thread. */
export async function loadAside(file: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const octets = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (octets < ASIDE_FROM_OCTETS) return loadConfig(file, options);
  return spendMemory(() => loadInThread({ file, options }));
}

async function loadInThread(workerData: LoadOrder): Promise<LoadedConfig> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadedConfig>();
  const worker = new Worker(threadUrl(), {
    name: 'load',
    workerData,
    execArgv: [],
  });
  worker.once('message', resolve).once('error', reject);
  worker.once('exit', (code) =>
    reject(new Error(`the thread that reads ${workerData.file} ended with ${code}`)),
  );
  return promise;
}

/** This module is TypeScript in the repository and JavaScript in the package. */
function threadUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './load-thread.ts' : './load-thread.js', import.meta.url);
}
