/** Drains that replicas share, in a ConfigMap of a real API server, with the permissions of config/rbac-drains.yaml. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { ConfigMapDrains } from '../../src/steering/shared/config-map.ts';
import type { Drain } from '../../src/steering/drains/drain.ts';
import { systemTimers } from '../../src/timers.ts';
import { accessLoader, Credentials } from '../../src/watchers/credentials/credentials.ts';
import { drainText } from '../../src/zonebuilder/drains.ts';
import type { Json } from './admin.ts';
import { Etcd, kubeconfigText, MemberCluster } from './member-cluster.ts';
import { eventually } from './processes.ts';

// A control plane starts, and starts once more; the other files of this folder share two cores with it.
t.setTimeout(300_000);

const PATH = '/api/v1/namespaces/fedns/configmaps/fedns-drains';
const RBAC = join(import.meta.dirname, '../../config/rbac-drains.yaml');

const drain = (name: string, more: Partial<Drain> = {}): Drain => ({
  kind: 'cluster',
  name,
  percent: 0,
  scope: 'shared',
  sinceMs: 1_795_000_000_000,
  ...more,
});

/** One replica's view of the ConfigMap. */
class Replica {
  readonly store: ConfigMapDrains;
  readonly log: string[] = [];
  drains: readonly Drain[] | undefined;
  told = 0;

  constructor(kubeconfig: string) {
    const origin = { kind: 'kubeconfig', path: kubeconfig, allowInsecure: false, execAllowed: [] } as const;
    const write = (_fields: object, message: string): void => void this.log.push(message);
    this.store = new ConfigMapDrains({
      namespace: 'fedns',
      name: 'fedns-drains',
      credentials: new Credentials({
        load: accessLoader(origin, process.env),
        timers: systemTimers,
        clock: Date.now,
        env: process.env,
      }),
      timers: systemTimers,
      clock: Date.now,
      random: Math.random,
      log: { info: write, warn: write, error: write },
    });
    this.store.start((drains) => {
      this.drains = drains;
      this.told++;
    });
  }

  get texts(): string[] | undefined {
    return this.drains?.map(drainText).toSorted();
  }

  set(one: Drain): Promise<readonly Drain[]> {
    return this.store.change((drains) => [...drains.filter(({ name }) => name !== one.name), one]);
  }
}

t.test('replicas share their drains, and operators write them by hand', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fedns-drains-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const etcd = await Etcd.start(folder);
  t.teardown(() => etcd.stop());
  const cluster = await MemberCluster.start('host', folder, etcd);
  t.teardown(() => cluster.stop());
  for (const document of parseAllDocuments(readFileSync(RBAC, 'utf8')))
    await eventually(() => cluster.admin.apply(document.toJS() as Json));
  const file = join(folder, 'fedns.kubeconfig');
  writeFileSync(file, kubeconfigText(cluster, { token: await cluster.token() }));
  const [one, two] = [new Replica(file), new Replica(file)];
  t.teardown(() => Promise.all([one.store.stop(), two.store.stop()]));
  const shown = (replica: Replica, texts: readonly string[]): Promise<void> =>
    eventually(() => {
      if (JSON.stringify(replica.texts) !== JSON.stringify(texts))
        throw new Error(`${JSON.stringify(replica.texts)} instead of ${JSON.stringify(texts)}`);
    });
  const text = async (): Promise<string> => {
    const { data } = (await cluster.admin.get(PATH)) as { data: Record<string, string> };
    return data['drains.yaml']!;
  };

  await shown(one, []);
  t.pass('a ConfigMap that is not there says that nothing is drained');

  const untilMs = Date.parse('2099-01-01T00:00:00Z');
  await one.set(drain('c1', { untilMs, reason: 'new racks', by: 'anna@host' }));
  await shown(two, ['cluster c1']);
  t.strictSame(
    two.drains,
    [drain('c1', { untilMs, reason: 'new racks', by: 'anna@host' })],
    'nothing is lost on the way',
  );
  t.match(
    await text(),
    /kind: cluster\n  name: c1\n[^]*until: 2099-01-01T00:00:00.000Z\n  reason: new racks/,
  );

  // Both start from the same version of the object: whoever comes second does it again.
  const many = ['c2', 'c3', 'c4', 'c5'];
  await Promise.all(many.map((name, i) => (i % 2 === 0 ? one : two).set(drain(name))));
  const all = ['c1', ...many].map((name) => `cluster ${name}`);
  await shown(one, all);
  await shown(two, all);
  t.pass('orders at the same time do not undo each other');

  await cluster.admin.patch(PATH, {
    data: { 'drains.yaml': '- kind: zone\n  name: a.r\n  to: 10%\n', note: 'mine' },
  });
  await shown(one, ['zone a.r to 10 %']);
  await shown(two, ['zone a.r to 10 %']);
  t.pass('what kubectl or GitOps writes counts as well');

  const bad: readonly (readonly [string, RegExp])[] = [
    ['- kind: zone\n  name: a.r\n  untill: 2099-01-01T00:00:00Z\n', /entry 1: untill: not one of/],
    ['- kind: zone\n  name: a\n', /entry 1: name: ZONE\.REGION is needed/],
    ['- kind: [zone\n', /drains\.yaml is no YAML/],
  ];
  for (const [yaml, fault] of bad) {
    await cluster.admin.patch(PATH, { data: { 'drains.yaml': yaml } });
    await eventually(() => {
      if (!fault.test(one.store.status().fault ?? '')) throw new Error(JSON.stringify(one.store.status()));
    });
    t.strictSame(one.texts, ['zone a.r to 10 %'], 'what was there before is in force');
    await t.rejects(
      one.set(drain('c6')),
      /is not understood/,
      'nothing is written over what somebody has to mend',
    );
  }
  t.match(one.log, ['the shared drains are not understood: what was there before is in force']);

  await cluster.admin.patch(PATH, { data: { 'drains.yaml': '- kind: region\n  name: r\n' } });
  await shown(one, ['region r']);
  t.equal(one.store.status().fault, undefined);
  await two.set(drain('c7'));
  const { data } = (await cluster.admin.get(PATH)) as { data: Record<string, string> };
  t.equal(data['note'], 'mine', 'other keys stay');
  await shown(one, ['cluster c7', 'region r']);

  await cluster.stopApiServer();
  await eventually(() => {
    if (one.store.status().trouble === undefined) throw new Error('no trouble yet');
  });
  t.strictSame(
    one.texts,
    ['cluster c7', 'region r'],
    'what was read last is in force while the API is out of reach',
  );
  await t.rejects(one.set(drain('c8')), /ConfigMap fedns\/fedns-drains cannot be written/);
  await cluster.startApiServer();
  await eventually(async () => {
    if (one.store.status().trouble !== undefined) throw new Error(one.store.status().trouble);
  });
  await two.set(drain('c8'));
  await shown(one, ['cluster c7', 'cluster c8', 'region r']);

  await cluster.admin.remove(PATH);
  await shown(one, []);
  // Permissions take a moment to be known after they were granted.
  const permitted = cluster.audit().flatMap(({ call, code }) => (code < 300 ? [call] : []));
  const used = ['create', 'get', 'list', 'update', 'watch'].map((verb) => `${verb} configmaps`);
  t.strictSame(
    [...new Set(permitted)].toSorted(),
    used,
    'each permission of config/rbac-drains.yaml is used',
  );
});
