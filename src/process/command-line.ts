/** Owns how a command line becomes this process' exit code: streams, signals of the parent, and the environment. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { loadConfig } from '../cli/load.ts';
import { runProgram } from '../cli/program.ts';
import type { Registration } from '../cli/registrar.ts';
import { isSuccessor } from './handover.ts';

/**
 * What only some commands need is loaded when one of them runs: it is most of the code, and a second of work for a machine.
 *
 * @param args - without the program and script names
 */
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
    inspect: async (settings, live) => (await import('./inspect-all.ts')).inspectAll(settings, live),
    registration: registration((line) => void writeOut(`${line}\n`)),
    doctor: async (complaint) => (await import('./run-doctor.ts')).runDoctor(complaint),
    askParent: async (domain, resolver) => (await import('./ask-parent.ts')).askParent(domain, resolver),
    replace: async (file) => (await import('./run-replace.ts')).replaceRunning(await loadConfig(file)),
    federate: async (file, { confirm }) =>
      (await import('./run-federate.ts')).runFederate({ file, load: loadConfig, confirm }),
    serve: async (file) => (await import('./serve-file.ts')).serveFile(file, version),
  });
}

function registration(say: (line: string) => void): Registration {
  const here = async (): Promise<Registration> => (await import('./register.ts')).registrationHere(say);
  return {
    init: async (federation, choice) => (await here()).init(federation, choice),
    join: async (name, choice) => (await here()).join(name, choice),
    unjoin: async (name, choice) => (await here()).unjoin(name, choice),
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
