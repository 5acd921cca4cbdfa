/**
 * Finds CoreDNS or builds it with Go, once, into a cache outside of the repository. Run as a program, it builds and says in
 * one line what is missing when it cannot.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findCommand, isExecutable } from '../support/commands.ts';
import { untapped } from '../process/serving.ts';

const VERSION = 'v1.15.0';
/** Building takes about two minutes on two idle cores. */
const BUILD_MS_MAX = 900_000;

const FOLDER = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'fedns',
  `coredns-${VERSION}`,
);
const BINARY = join(FOLDER, 'coredns');

/** Why there is no CoreDNS, in one line for the one who runs the tests. */
export class CoreDnsMissing extends Error {}

/** The binary that an earlier run has built, or undefined. */
export function builtCoreDns(): string | undefined {
  return isExecutable(BINARY) ? BINARY : undefined;
}

/**
 * The binary, built if need be.
 *
 * @throws CoreDnsMissing
 */
export async function coreDns(): Promise<string> {
  const built = builtCoreDns();
  if (built !== undefined) return built;
  if (findCommand('go') === undefined)
    throw new CoreDnsMissing('CoreDNS is built with Go, which is not installed');
  mkdirSync(FOLDER, { recursive: true });
  process.stderr.write(`building CoreDNS ${VERSION} into ${FOLDER}, once, for some minutes\n`);
  const [command, args] = untapped('nice', ['go', 'install', `github.com/coredns/coredns@${VERSION}`]);
  const child = spawn(command, args, {
    env: { ...process.env, GOBIN: FOLDER },
    stdio: ['ignore', 'ignore', 'ignore'],
    timeout: BUILD_MS_MAX,
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0 || !isExecutable(BINARY)) throw new CoreDnsMissing(`CoreDNS ${VERSION} could not be built`);
  return BINARY;
}

if (import.meta.main) {
  try {
    process.stdout.write(`${await coreDns()}\n`);
  } catch (error) {
    if (!(error instanceof CoreDnsMissing)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
