/** Owns how a command line becomes this process' exit code: streams, signals of the parent, and the environment. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { loadConfig } from '../cli/load.ts';
import { runProgram } from '../cli/program.ts';
import { realParts } from '../serve/real-parts.ts';
import { inspectClusters } from '../serve/inspect-clusters.ts';
import { runServe } from './run-serve.ts';

/** @param args - without the program and script names */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  endWithParent();
  endQuietlyOnClosedPipe();
  const version = readVersion();
  process.exitCode = await runProgram(args, {
    out: writeOut,
    err: (text) => void process.stderr.write(text),
    clock: Date.now,
    version,
    load: loadConfig,
    inspect: inspectClusters,
    serve: (file) => runServe({ file, version, load: loadConfig, parts: realParts }),
  });
}

/** Where a pipe is full, its reader is waited for. */
async function writeOut(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** When another Node started this one, its death must not leave this one behind. */
function endWithParent(): void {
  if (process.channel === undefined || process.channel === null) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}

/** `fedns records | head` closes the pipe early; that is no fault. */
function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/** package.json lies two folders up, from src as from dist. */
function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
