/**
 * Runs tests: `npm test`, or `npm test -- FILES AND OPTIONS OF tap`. Sees to what they need first: Debian packages (setup.ts), tap
 * with the plugins of `.taprc`, and the Kubernetes programs where a test of real clusters is among them.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { buildPrograms, ProgramsMissing } from './cluster/binaries.ts';
import { preparePackages } from './setup.ts';

/** tap as it is put together from its plugins; it comes with all of them. */
const TAP_BUILT = new URL('../node_modules/@tapjs/test/test-built/dist/esm/index.js', import.meta.url);
/** A plugin that `.taprc` leaves out. */
const LEFT_OUT = '@tapjs/typescript';

const parameters = process.argv.slice(2);
preparePackages();
if (needsClusters(parameters)) preparePrograms();
if (readFileSync(TAP_BUILT, 'utf8').includes(`"${LEFT_OUT}"`)) tap(['build'], 'ignore');
process.exitCode = tap(['run', '--disable-coverage', ...parameters], 'inherit');

/** Programs take minutes to build, so a run of named files goes without where it can. */
function needsClusters(words: readonly string[]): boolean {
  const files = words.filter((word) => word.includes('.test.ts'));
  return files.length === 0 || files.some((file) => file.includes('cluster/'));
}

function preparePrograms(): void {
  try {
    buildPrograms();
  } catch (error) {
    // The tests that need them fail and say so again.
    if (!(error instanceof ProgramsMissing)) throw error;
    process.stderr.write(`${error.message}\n`);
  }
}

/** @returns the exit code */
function tap(words: readonly string[], stdio: 'inherit' | 'ignore'): number {
  return spawnSync('tap', words, { stdio }).status ?? 1;
}
