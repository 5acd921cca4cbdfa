/** Owns how a command line becomes this process' exit code: streams, signals of the parent, and the environment. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { loadConfig } from '../cli/load.ts';
import type { Inspection } from '../cli/environment.ts';
import { runProgram } from '../cli/program.ts';
import type { Settings } from '../config/settings.ts';
import { inspect } from '../inspect/inspect.ts';
import { inspectLive } from '../inspect/live.ts';
import { realParts } from '../serve/real-parts.ts';
import { inspectDatabases } from '../serve/geo/inspect-databases.ts';
import { inspectClusters } from '../serve/inspect-clusters.ts';
import { loadAside } from './load-aside.ts';
import { isSuccessor } from './handover.ts';
import { replaceRunning } from './run-replace.ts';
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
    who: `${userName()}@${hostname()}`,
    load: loadConfig,
    inspect: inspectAll,
    doctor: async (complaint) => (await import('./run-doctor.ts')).runDoctor(complaint),
    replace: async (file) => replaceRunning(await loadConfig(file)),
    serve: (file) => runServe({ file, version, load: loadAside, parts: realParts }),
  });
}

async function inspectAll(settings: Settings, live: boolean): Promise<Inspection> {
  const options = { env: process.env, clock: Date.now };
  const manifests = await inspectClusters(settings);
  const databases = await inspectDatabases(settings);
  const found = await inspect(settings, options);
  const answers = live ? await inspectLive(settings, options) : [];
  const all = [...found, ...answers.flatMap(({ findings }) => findings)];
  const linesOf = (wanted: string): string[] =>
    all.filter(({ severity }) => severity === wanted).map(({ text }) => text);
  const well = answers.filter(({ findings }) => findings.length === 0);
  return {
    faults: [...manifests.faults, ...databases, ...linesOf('fault')],
    warnings: [...manifests.warnings, ...linesOf('warning')],
    notes: well.map(
      ({ cluster, version = '' }) => `cluster ${cluster}: answers and lets fedns read, ${version}`,
    ),
  };
}

/** A container may run under a number that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'somebody');
  }
}

/** Where a pipe is full, its reader is waited for. */
async function writeOut(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** When another Node started this one, its death must not leave this one behind. */
function endWithParent(): void {
  // A successor outlives the process that has started it.
  if (process.channel === undefined || process.channel === null || isSuccessor()) return;
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
