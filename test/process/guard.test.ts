/** The guard in a real process: a manifest that goes missing, seen by dig, by the commands, and over a restart. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { needCommand } from '../support/commands.ts';
import { config, freePort, lookAgain, MAIN, manifest, NGINX, serve, untapped } from './serving.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(120_000);

interface Place {
  readonly file: string;
  readonly port: number;
  /** The manifest with the only shard of nginx. */
  readonly nginx: string;
}

/** One cluster with two Services, so that the loss of one is no empty list. */
async function place(test: Test, more = ''): Promise<Place> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const folder = scratch(test, { 'fedns.yaml': config(port, adminPort, more) });
  mkdirSync(join(folder, 'cluster'));
  const nginx = join(folder, 'cluster', 'nginx.yaml');
  writeFileSync(nginx, manifest('192.0.2.10'));
  writeFileSync(join(folder, 'cluster', 'other.yaml'), manifest('192.0.2.11').replaceAll('nginx', 'other'));
  return { file: join(folder, 'fedns.yaml'), port, nginx };
}

/** Answers as `TTL ADDRESS`; nothing for a name without. */
function dig(port: number, name = NGINX): string {
  const args = ['@127.0.0.1', '-p', String(port), '+noall', '+answer', '+time=5', '+tries=3', name, 'A'];
  const { stdout } = spawnSync(...untapped(needCommand('dig'), args), { encoding: 'utf8' });
  return stdout.trim().replace(/^\S+\s+(\d+)\s+IN\s+A\s+/, '$1 ');
}

async function command(file: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(...untapped(process.execPath, [MAIN, ...args, '--config', file]));
  let text = '';
  child.stdout.on('data', (part) => (text += part));
  child.stderr.on('data', (part) => (text += part));
  await once(child, 'close');
  return text;
}

/** The manifest with its objects at a version. */
function version(text: string, resourceVersion: number): string {
  return text.replaceAll('metadata:\n', `metadata:\n  resourceVersion: "${resourceVersion}"\n`);
}

t.test(
  'a manifest that goes missing keeps its name answered, shortly, until an operator releases it',
  async (t) => {
    const { file, port, nginx } = await place(t, 'ttlDegraded: 7\n');
    const fedns = await serve(t, file);
    t.equal(dig(port), '180 192.0.2.10');
    rmSync(nginx);
    await fedns.until(/the guard holds what was served, for the name would be without addresses/);
    t.equal(dig(port), '7 192.0.2.10', 'the old answer, with the TTL of what is degraded');
    t.equal(dig(port, NGINX.replace('nginx', 'other')), '180 192.0.2.11', 'nobody else is concerned');
    t.match(await command(file, 'guard'), /^ID .*\n1 +one +empty +1 /);
    t.match(await command(file, 'clusters'), /one +Ready,guarded /);
    t.match(await command(file, 'explain', NGINX), /the guard withholds what was said since/);
    t.equal(await command(file, 'guard', 'release', '1'), 'released 1 shard\n');
    t.equal(dig(port), '');
    t.match(await command(file, 'guard'), 'nothing is held');
    t.match(await command(file, 'journal'), /the guard holds changes back[^]*the guard let go of changes/);
  },
);

t.test('a manifest that says that its endpoints are not ready is followed at once', async (t) => {
  const { file, port, nginx } = await place(t);
  const fedns = await serve(t, file);
  writeFileSync(nginx, manifest('192.0.2.10', false));
  while (dig(port) !== '') await lookAgain();
  t.notMatch(fedns.output(), 'the guard holds');
});

t.test('what is missing for the time is believed, and with the guard turned off at once', async (t) => {
  for (const more of ['guard: { holdSeconds: 1 }\n', 'guard: { enabled: false }\n']) {
    const { file, port, nginx } = await place(t, more);
    await serve(t, file);
    rmSync(nginx);
    while (dig(port) !== '') await lookAgain();
    t.pass(more);
  }
});

t.test('an older version of a manifest does not replace a newer one', async (t) => {
  const { file, port, nginx } = await place(t);
  writeFileSync(nginx, version(manifest('192.0.2.20'), 20));
  const fedns = await serve(t, file);
  t.equal(dig(port), '180 192.0.2.20');
  writeFileSync(nginx, version(manifest('192.0.2.9', false), 9));
  await fedns.until(/the guard holds what was served, for an older version would replace a newer one/);
  t.equal(dig(port), '180 192.0.2.20');
  writeFileSync(nginx, version(manifest('192.0.2.21'), 21));
  while (dig(port) !== '180 192.0.2.21') await lookAgain();
  await fedns.until(/the guard lets go: 1 healthy again/);
});

t.test('what is held outlives a restart', async (t) => {
  const { file, port, nginx } = await place(t);
  const before = await serve(t, file);
  rmSync(nginx);
  await before.until(/the guard holds what was served/);
  before.child.kill('SIGTERM');
  await before.ended;
  const state = join(file, '..', 'state', 'snapshot.ndjson');
  t.match(readFileSync(state, 'utf8'), /"shard":.*"nginx".*"held":true/);
  const after = await serve(t, file);
  await after.until(/the guard holds what was served/);
  t.equal(dig(port), '180 192.0.2.10');
});
