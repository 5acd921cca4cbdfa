import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tap, { test, type Test } from 'tap';
import { loadConfig } from '../../src/cli/load.ts';
import { runProgram } from '../../src/cli/program.ts';
import { ask } from '../support/validators.ts';
import { config, freePort, lookAgain, MAIN, manifest, serve, start, untapped } from './serving.ts';
import { scratch } from '../support/scratch.ts';

const DOMAIN = 'example.com';
/** TTLs of a second run out meanwhile. */
const TEST_MS_MAX = 240_000;
tap.setTimeout(TEST_MS_MAX);

interface Desk {
  readonly folder: string;
  readonly file: string;
  readonly port: number;
  readonly adminPort: number;
}

async function desk(t: Test): Promise<Desk> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const dnssec =
    'dnssec: { keys: ./keys, split: true, dnskeyTtl: 1, longestTtl: 0, propagationSeconds: 0 }\nttl: 0\napexTtl: 0\n';
  const more = `${dnssec}negativeTtl: 0\nnodataTtl: 0\nstateDir: ./state\n`;
  const folder = scratch(t, {
    'fedns.yaml': config(port, adminPort, more),
    cluster: { 'nginx.yaml': manifest('192.0.2.10') },
  });
  return { folder, file: join(folder, 'fedns.yaml'), port, adminPort };
}

/** In this process: it is the server that is watched. */
async function keys(file: string, ...args: string[]): Promise<{ status: number; text: string }> {
  let text = '';
  const print = (part: string): void => void (text += part);
  const status = await runProgram(['keys', ...args, '--config', file], {
    out: print,
    err: print,
    clock: Date.now,
    version: '0',
    load: loadConfig,
    serve: async () => 0,
  });
  return { status, text };
}

/** Data of the records of a type at the apex. */
async function served({ port }: Desk, type: string): Promise<readonly string[]> {
  const { answer } = await ask('127.0.0.1', port, DOMAIN, type);
  return answer.filter((record) => record.type === type).map(({ data }) => data);
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await lookAgain();
}

test('a running server follows the keys on the disk', { timeout: TEST_MS_MAX }, async (t) => {
  const world = await desk(t);
  const { folder, file } = world;
  const lost = start(t, process.execPath, [MAIN, 'serve', '--config', file]);
  t.equal(await lost.ended, 1);
  t.match(lost.output(), /fedns keys create makes the first keys/, 'without keys it does not start');

  t.equal((await keys(file, 'create')).status, 0);
  const running = await serve(t, file);
  const first = await served(world, 'DNSKEY');
  t.strictSame(first.map((data) => data.slice(0, 8)).toSorted(), ['256 3 13', '257 3 13']);
  t.strictSame(
    await served(world, 'CDS'),
    [],
    'the parent is told nothing before unsigned answers have run out',
  );

  await until(async () => (await keys(file, 'roll')).status === 0);
  await until(async () => (await served(world, 'CDS')).length === 1);
  const [cds] = await served(world, 'CDS');
  t.match((await keys(file, 'ds')).text, `IN DS ${cds}`, 'CDS is the DS record that the registrar is given');
  t.equal((await served(world, 'CDNSKEY')).length, 1);

  t.equal((await keys(file, 'roll', '--ds-published')).status, 0);
  t.equal((await keys(file, 'roll', 'zsk')).status, 0);
  await until(async () => (await served(world, 'DNSKEY')).length === 3);
  const third = await served(world, 'DNSKEY');
  t.ok(
    first.every((data) => third.includes(data)),
    'the old ones beside the new one',
  );

  const pem = join(
    folder,
    'keys',
    readdirSync(join(folder, 'keys')).find((name) => name.endsWith('.pem'))!,
  );
  chmodSync(pem, 0o644);
  await until(() => running.output().includes('OPEN_TO_OTHERS'));
  t.equal((await served(world, 'DNSKEY')).length, 3, 'what was read last stays in force');
  t.match(checked(file), /dnssec\.keys: .*mode 0644/);
  chmodSync(pem, 0o600);
  const before = await served(world, 'DNSKEY');
  await until(async () => (await keys(file, 'roll')).status === 0);
  await until(async () => (await keys(file, 'roll')).status === 0);
  await until(async () => (await served(world, 'DNSKEY')).length === 2);
  t.notSame(await served(world, 'DNSKEY'), before);

  await leaks(t, world, running.output());
});

/** Looks for the middle of each private key in all that others may read. */
async function leaks(t: Test, { folder, adminPort }: Desk, log: string): Promise<void> {
  const secrets = readdirSync(join(folder, 'keys'))
    .filter((name) => name.endsWith('.pem'))
    .map((name) =>
      readFileSync(join(folder, 'keys', name), 'utf8')
        .split('\n')[1]!
        .slice(24, 56),
    );
  t.not(secrets.length, 0);
  const paths = ['/metrics', '/readyz', '/api/v1/records', '/api/v1/status', '/api/v1/clusters'];
  const pages = await Promise.all(
    paths.map(async (path) => (await fetch(`http://127.0.0.1:${adminPort}${path}`)).text()),
  );
  t.match(pages[2], 'DNSKEY', 'public keys are listed');
  const state = readdirSync(join(folder, 'state'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  for (const text of [log, ...pages, ...state, readFileSync(join(folder, 'keys/keys.json'), 'utf8')])
    for (const secret of secrets) t.notOk(text.includes(secret), 'no part of a private key');
}

function checked(file: string): string {
  const { stdout, stderr } = spawnSync(...untapped(process.execPath, [MAIN, 'check', '--config', file]), {
    encoding: 'utf8',
  });
  return stdout + stderr;
}

test('a reload brings keys in and takes them out', { timeout: TEST_MS_MAX }, async (t) => {
  const world = await desk(t);
  const { folder, file } = world;
  const text = readFileSync(file, 'utf8');
  const unsigned = text.replace(/^dnssec.*\n/m, '');
  writeFileSync(file, unsigned);
  const running = await serve(t, file);
  t.strictSame(await served(world, 'DNSKEY'), []);
  writeFileSync(file, text);
  await until(() => /fedns keys create/.test(running.output()));
  t.strictSame(await served(world, 'DNSKEY'), [], 'a reload without keys is refused as a whole');
  t.equal((await keys(file, 'create')).status, 0);
  running.child.kill('SIGHUP');
  await until(async () => (await served(world, 'DNSKEY')).length === 2);
  writeFileSync(file, unsigned);
  await until(async () => (await served(world, 'DNSKEY')).length === 0);
  rmSync(join(folder, 'keys'), { recursive: true });
  t.pass();
});
