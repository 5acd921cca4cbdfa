/**
 * The package.json of the published package: that of the repository without its scripts, all of which need what is not
 * published. Owns that it stands in the other's place only while npm packs; before `prepack` and after `postpack` the
 * repository's own is there, also where npm is killed in between.
 *
 *     node published-manifest.ts put [FOLDER]       the repository's is kept aside, the published one takes its place
 *     node published-manifest.ts restore [FOLDER]   the repository's is back; does nothing where it is there
 */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** How soon the end of npm is noticed. */
const LOOK_MS = 200;
/** Longest that a guard waits for npm to end: packing takes seconds. */
const GUARD_MS_MAX = 3_600_000;

const [command = '', folder = '.', npm = ''] = process.argv.slice(2);
const manifest = join(folder, 'package.json');
const aside = join(folder, '.package.json.whole');

/** Each file is written aside and renamed: whoever reads package.json meanwhile finds one of the two, whole. */
function put(): void {
  restore();
  const whole = readFileSync(manifest, 'utf8');
  const { scripts: _scripts, ...published } = JSON.parse(whole) as Record<string, unknown>;
  replace(aside, whole);
  replace(manifest, `${JSON.stringify(published, null, 2)}\n`);
  guard();
}

function restore(): void {
  if (existsSync(aside)) renameSync(aside, manifest);
}

function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** npm that is killed comes to no `postpack`, so somebody else has to see to it. */
function guard(): void {
  const args = [import.meta.filename, 'guard', folder, String(process.ppid)];
  spawn(process.execPath, args, { detached: true, stdio: 'ignore' }).unref();
}

async function restoreAfter(pid: number): Promise<void> {
  for (let leftMs = GUARD_MS_MAX; existsSync(aside) && isAlive(pid) && leftMs > 0; leftMs -= LOOK_MS)
    await setTimeout(LOOK_MS);
  restore();
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

if (command === 'put') put();
else if (command === 'restore') restore();
else if (command === 'guard') await restoreAfter(Number(npm));
else throw new Error(`put or restore, not ${command}`);
