/** What docs/guide.md has a newcomer do with three clusters, done as it is written, with real API servers and the real kubectl. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { digAgain, digExamples, type DigExample } from '../docs/dig-examples.ts';
import { blocksOf, sectionOf } from '../docs/markdown.ts';
import { MAIN, start, untapped } from '../process/serving.ts';
import { programFolder } from './binaries.ts';
import { Etcd, MemberCluster } from './member-cluster.ts';
import { eventually, freePort } from './processes.ts';

// Three control planes start beside the other tests.
t.setTimeout(300_000);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PLACES = [
  { name: 'us', region: 'us-central1', zone: 'us-central1-a', address: '198.51.100.1' },
  { name: 'eu', region: 'europe-west1', zone: 'europe-west1-b', address: '198.51.100.2' },
  { name: 'asia', region: 'asia-east1', zone: 'asia-east1-a', address: '198.51.100.3' },
] as const;
const SERVICE = '/api/v1/namespaces/mynamespace/services/nginx';
const PODS = '/api/v1/namespaces/mynamespace/pods';

const folder = mkdtempSync(join(tmpdir(), 'fedns-guide-'));
const path = `${folder}/bin:${programFolder()}:${process.env['PATH']}`;
const env: NodeJS.ProcessEnv = { ...process.env, PATH: path };
const clusters = new Map<string, MemberCluster>();
const etcd = await Etcd.start(folder);
t.teardown(async () => {
  await Promise.all([...clusters.values()].map((cluster) => cluster.stop()));
  await etcd.stop();
  rmSync(folder, { recursive: true });
});

t.test('three clusters in ten minutes, as docs/guide.md has it', async (tt) => {
  await Promise.all(PLACES.map(startCluster));
  prepare();
  const ports = new Map([
    ['1053', String(await freePort())],
    ['9153', String(await freePort())],
  ]);
  const section = sectionOf(
    readFileSync(join(ROOT, 'docs/guide.md'), 'utf8'),
    'Three clusters in ten minutes',
  );
  for (const { language, text } of blocksOf(section)) {
    const words = text.replaceAll(/\b(1053|9153)\b/g, (port) => ports.get(port)!);
    if (language === 'yaml') writeFileSync(join(folder, 'fedns.yaml'), words);
    else if (text === 'fedns serve\n') await serve(tt);
    else if (language === 'sh') tt.equal(await shell(tt, words), 0, text);
    else if (text.startsWith('$ dig'))
      await ask(tt, digExamples(`\`\`\`\n${text}\`\`\`\n`), ports.get('1053')!);
    else tt.fail(`neither commands nor configuration nor dig: ${text}`);
    if (text.includes('create deployment')) await Promise.all(PLACES.map(runService));
  }
});

t.test(
  'config/kubeconfig.sh takes the address and the token, and leaves nothing behind when it fails',
  async (tt) => {
    const file = join(folder, 'us.kubeconfig');
    tt.equal(statSync(file).mode & 0o777, 0o600, 'for its owner only');
    const text = readFileSync(file, 'utf8');
    tt.match(text, /server/);
    tt.notMatch(text, /client-key/, "the administrator's own key stays out");
    tt.equal(await shell(tt, 'sh config/kubeconfig.sh nope us.kubeconfig'), 1, 'no such context');
    tt.equal(await shell(tt, 'kubectl --context us delete secret -n fedns fedns-token'), 0);
    tt.equal(await shell(tt, 'sh config/kubeconfig.sh us us.kubeconfig'), 1, 'no token');
    tt.equal(readFileSync(file, 'utf8'), text);
    tt.equal(await shell(tt, 'sh config/kubeconfig.sh us'), 1, 'no file');
  },
);

/** Until dig says what the document has it say; a change in a cluster takes its way. */
async function ask(tt: Test, examples: readonly DigExample[], port: string): Promise<void> {
  for (const example of examples) {
    await eventually(() => assert.deepEqual(digAgain(example, Number(port)), example.records));
    tt.pass(example.options.join(' '));
  }
}

/** A cluster as its provider hands it over: Nodes, but nothing of fedns. */
async function startCluster({ name, region, zone }: (typeof PLACES)[number]): Promise<void> {
  const cluster = await MemberCluster.start(name, folder, etcd, { granted: false });
  clusters.set(name, cluster);
  const labels = { 'topology.kubernetes.io/region': region, 'topology.kubernetes.io/zone': zone };
  await cluster.admin.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1', labels } });
}

/** The folder of the reader: `config/`, fedns on the path, and a kubeconfig with a context per cluster. */
function prepare(): void {
  symlinkSync(join(ROOT, 'config'), join(folder, 'config'));
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/fedns'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, {
    mode: 0o755,
  });
  const files = [...clusters.values()].map(({ kubeconfig }) => kubeconfig);
  env['KUBECONFIG'] = files.join(':');
}

/** Runs a block of shell commands. @returns its exit code */
async function shell(tt: Test, commands: string): Promise<number | null> {
  const [command, args] = untapped('sh', ['-e', '-c', commands]);
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.on('data', (data) => tt.comment(String(data)));
  child.stderr.on('data', (data) => tt.comment(String(data)));
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

async function serve(tt: Test): Promise<void> {
  const fedns = start(tt, join(folder, 'bin/fedns'), ['serve', '--config', join(folder, 'fedns.yaml')]);
  await fedns.until(/"msg":"listening"/);
}

/** What scheduler, kubelet and load balancer of the cluster would do. */
async function runService({ name, address }: (typeof PLACES)[number]): Promise<void> {
  const { admin } = clusters.get(name)!;
  await admin.patch(`${SERVICE}/status`, { status: { loadBalancer: { ingress: [{ ip: address }] } } });
  const pod = await eventually(async () => {
    const { items } = (await admin.get(PODS)) as { items: { metadata: { name: string } }[] };
    if (items.length === 0) throw new Error('no Pod yet');
    return items[0]!.metadata.name;
  });
  const target = { apiVersion: 'v1', kind: 'Node', name: 'worker-1' };
  await admin.create(`${PODS}/${pod}/binding`, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: pod },
    target,
  });
  const conditions = [{ type: 'Ready', status: 'True' }];
  const status = { phase: 'Running', podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }], conditions };
  await admin.patch(`${PODS}/${pod}/status`, { status });
}
