/**
 * Finds or builds the Kubernetes programs that the cluster tests run. They come from `KUBEBUILDER_ASSETS` where that
 * is set, else from one Go binary of our own (server/), built once and kept outside the repository. What is missing
 * is said in one line.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The programs, each called by its name. */
export const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
export type Program = (typeof PROGRAMS)[number];

/** Building takes about five minutes on two cores. */
const BUILD_MS_MAX = 1_800_000;

/** A module built from its sources does not know its version, which clusters report. */
const VERSION = '-X k8s.io/component-base/version.gitVersion=v1.36.3';

const SOURCE = join(import.meta.dirname, 'server');

/** Why there are no programs, in one line for the one who runs the tests. */
export class ProgramsMissing extends Error {}

/**
 * The folder that holds the programs.
 *
 * @throws ProgramsMissing
 */
export function programFolder(): string {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && assets !== '') return checkAssets(assets);
  const folder = cacheFolder();
  if (PROGRAMS.every((program) => existsSync(join(folder, program)))) return folder;
  throw new ProgramsMissing('no Kubernetes programs: `npm test` builds them with Go');
}

function checkAssets(assets: string): string {
  const missing = PROGRAMS.filter((program) => !existsSync(join(assets, program)));
  if (missing.length === 0) return assets;
  throw new ProgramsMissing(
    `KUBEBUILDER_ASSETS has no ${missing.join(', ')}: put it there, or unset the variable to have all built with Go`,
  );
}

/** Named by what goes into the binary, so that an old one is never taken for a new one. */
function cacheFolder(): string {
  const hash = createHash('sha256');
  hash.update(VERSION);
  for (const file of ['go.sum', 'main.go']) hash.update(readFileSync(join(SOURCE, file)));
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(cache, 'fedns', `cluster-${hash.digest('hex').slice(0, 16)}`);
}

/** Builds what is not there. @throws ProgramsMissing */
export function buildPrograms(): string {
  try {
    return programFolder();
  } catch (error) {
    if (process.env['KUBEBUILDER_ASSETS']) throw error;
  }
  const version = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (version.status !== 0) {
    throw new ProgramsMissing(
      'the cluster tests need Go 1.26 or later (install it from your distribution or go.dev), or KUBEBUILDER_ASSETS ' +
        `naming a folder with ${PROGRAMS.join(', ')}`,
    );
  }
  const folder = cacheFolder();
  mkdirSync(folder, { recursive: true });
  process.stderr.write(
    `building the Kubernetes programs for the cluster tests into ${folder}, once, for some minutes\n`,
  );
  build(folder);
  return folder;
}

function build(folder: string): void {
  const unfinished = join(folder, `kubernetes.${process.pid}`);
  const args = ['build', '-trimpath', `-ldflags=-s -w ${VERSION}`, '-o', unfinished, '.'];
  const result = spawnSync('go', args, {
    cwd: SOURCE,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: BUILD_MS_MAX,
  });
  if (result.status !== 0) throw new ProgramsMissing('the Kubernetes programs could not be built, see above');
  renameSync(unfinished, join(folder, 'kubernetes'));
  for (const program of PROGRAMS) {
    if (!existsSync(join(folder, program))) symlinkSync('kubernetes', join(folder, program));
  }
}
