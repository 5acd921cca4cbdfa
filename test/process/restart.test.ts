/** What a start finds of the run before it, with real processes and over UDP. */

import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { ScriptedDnsServer, replyTo } from '../watchers/hostnames/scripted-dns-server.ts';
import {
  MAIN,
  NGINX,
  addressesOf,
  config,
  freePort,
  lookAgain,
  manifest,
  serve,
  site,
  start,
} from './serving.ts';
import type { Process, Site } from './serving.ts';

/** Every test is one start of a process at least, and what is measured is never the time. */
t.setTimeout(120_000);

const crashed = runAndKill(t);

/** The state folder of a fedns that was killed once it had kept what it served. */
async function runAndKill(test: Test): Promise<string> {
  const { folder, file } = await site(test);
  const state = join(folder, 'state');
  await killOnceKept(await serve(test, file), join(state, 'snapshot.ndjson'), /"shard":.*nginx/);
  return state;
}

/** A place of its own that finds the state of the crash. */
async function siteAfterCrash(test: Test): Promise<Site> {
  const at = await site(test);
  cpSync(await crashed, join(at.folder, 'state'), { recursive: true });
  return at;
}

async function killOnceKept(fedns: Process, snapshot: string, text: RegExp): Promise<void> {
  while (!existsSync(snapshot) || !text.test(readFileSync(snapshot, 'utf8'))) await lookAgain();
  fedns.child.kill('SIGKILL');
  await fedns.ended;
}

t.test('after kill -9 the last state is served at once', async (t) => {
  const { file, port, adminPort } = await siteAfterCrash(t);
  const second = await serve(t, file);
  t.match(second.output(), /"clusters":\["one"\].*serving the state of the last run/);
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10']);
  t.equal((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status, 200);
});

t.test('a manifest that is broken at a restart keeps its last good state until it is mended', async (t) => {
  const { folder, file, port } = await siteAfterCrash(t);
  const manifestFile = join(folder, 'cluster', 'nginx.yaml');
  writeFileSync(manifestFile, 'kind: [');
  const second = await serve(t, file);
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10']);
  await second.until(/nginx\.yaml:\d+:\d+/);
  writeFileSync(manifestFile, manifest('192.0.2.11'));
  while ((await addressesOf(port, NGINX))[0] !== '192.0.2.11') await lookAgain();
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.11']);
});

t.test('manifests that are gone at a restart leave the last state in force', async (t) => {
  const at = await siteAfterCrash(t);
  rmSync(join(at.folder, 'cluster'), { recursive: true });
  const second = await serve(t, at.file);
  t.match(second.output(), /"cluster":"one","reason":"[^"]*cluster is no file or folder that can be read/);
  t.strictSame(await addressesOf(at.port, NGINX), ['192.0.2.10']);
});

t.test('a Kubernetes API out of reach at a restart leaves the last state in force', async (t) => {
  const at = await siteAfterCrash(t);
  const server = `https://127.0.0.1:${await freePort()}`;
  const kubeconfig = {
    'current-context': 'a',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token: 'x' } }],
    contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(join(at.folder, 'kubeconfig'), JSON.stringify(kubeconfig));
  const text = config(at.port, at.adminPort);
  writeFileSync(at.file, text.replace('manifests: ./cluster', 'kubeconfig: { path: ./kubeconfig }'));
  await serve(t, at.file);
  t.strictSame(await addressesOf(at.port, NGINX), ['192.0.2.10']);
});

t.test('a load balancer with a hostname keeps its addresses while the first look-up runs', async (t) => {
  const dns = await new ScriptedDnsServer().start();
  t.teardown(() => dns.stop());
  dns.script = ({ query, type }) => replyTo(query, type === 'A' ? [{ a: '192.0.2.40' }] : []);
  const at = await site(t);
  writeFileSync(at.file, config(at.port, at.adminPort, `resolvers: ['${dns.address}']\n`));
  const yaml = manifest('192.0.2.10').replace('ip: 192.0.2.10', 'hostname: lb.example.net');
  writeFileSync(join(at.folder, 'cluster', 'nginx.yaml'), yaml);
  const first = await serve(t, at.file);
  while ((await addressesOf(at.port, NGINX).catch(() => []))[0] !== '192.0.2.40') await lookAgain();
  first.child.kill('SIGTERM');
  await first.ended;
  dns.script = () => undefined;
  dns.asked.length = 0;
  await killOnceKept(
    await serve(t, at.file),
    join(at.folder, 'state', 'snapshot.ndjson'),
    /lb\.example\.net/,
  );
  await serve(t, at.file);
  while (dns.asked.length === 0) await lookAgain();
  t.strictSame(await addressesOf(at.port, NGINX), ['192.0.2.40']);
});

t.test('a domain that is another one after a restart has the shards of the last run', async (t) => {
  const at = await siteAfterCrash(t);
  rmSync(join(at.folder, 'cluster'), { recursive: true });
  writeFileSync(at.file, config(at.port, at.adminPort).replaceAll('example.com', 'example.net'));
  await serve(t, at.file);
  t.strictSame(await addressesOf(at.port, NGINX.replace('example.com', 'example.net')), ['192.0.2.10']);
});

t.test('a snapshot that was cut off is reported, and the clusters are read', async (t) => {
  const at = await siteAfterCrash(t);
  const path = join(at.folder, 'state', 'snapshot.ndjson');
  truncateSync(path, 200);
  cpSync(path, join(at.folder, 'cut'));
  const second = await serve(t, at.file);
  t.match(second.output(), /SNAPSHOT_BROKEN/);
  t.strictSame(await addressesOf(at.port, NGINX), ['192.0.2.10']);
  second.child.kill('SIGTERM');
  await second.ended;
  rmSync(join(at.folder, 'cluster'), { recursive: true });
  cpSync(join(at.folder, 'cut'), path);
  const third = start(t, process.execPath, [MAIN, 'serve', '--config', at.file]);
  t.equal(await third.ended, 1, 'without either there is nothing to serve');
  t.match(third.output(), /^[^\n{]*:8:\d+: [^\n]*cluster is no file or folder/m);
});
