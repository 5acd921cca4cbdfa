/**
 * Prepares a machine for the tests: installs the Debian packages whose commands the tests run, where that is
 * allowed, and otherwise names them in one line. Never starts a service. Tests of what is still missing fail.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { COMMANDS, findCommand } from './support/commands.ts';

/** Time for one run of apt-get, in milliseconds: a slow mirror, not a dead one. */
const APT_MS_MAX = 300_000;

/** Asked by Debian's maintainer scripts before they start a service; 101 forbids it. */
const POLICY_FILE = '/usr/sbin/policy-rc.d';

/** Installs what is missing, or says what is. */
export function preparePackages(): void {
  const packages = missingPackages();
  if (packages.length === 0) return;
  if (!mayInstall()) return say(`tests will fail without: apt-get install ${packages.join(' ')}`);
  say(`installing ${packages.join(' ')}`);
  install(packages);
  const left = missingPackages();
  if (left.length > 0) say(`could not be installed, so tests will fail: ${left.join(' ')}`);
}

function missingPackages(): readonly string[] {
  const missing = Object.entries(COMMANDS).filter(([command]) => findCommand(command) === undefined);
  return [...new Set(missing.map(([, name]) => name))];
}

function mayInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

function install(packages: readonly string[]): void {
  const forbade = forbidServices();
  try {
    const args = ['install', '--yes', '--no-install-recommends', ...packages];
    // Lists may be missing or old, as in a fresh container; they are fetched only when they are needed.
    if (!aptGet(args)) {
      aptGet(['update']);
      aptGet(args);
    }
  } finally {
    if (forbade) rmSync(POLICY_FILE);
  }
}

/** @returns whether the policy is ours to remove */
function forbidServices(): boolean {
  if (existsSync(POLICY_FILE)) return false;
  writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return true;
}

function aptGet(args: readonly string[]): boolean {
  const result = spawnSync('apt-get', ['--quiet', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdio: ['ignore', 'ignore', 'ignore'],
    timeout: APT_MS_MAX,
  });
  return result.status === 0;
}

function say(text: string): void {
  process.stderr.write(`test set-up: ${text}\n`);
}
