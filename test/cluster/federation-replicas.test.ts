/** Two replicas of `fedns federate` as processes of their own: one is active, another follows it, and never both. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ACTIVE_MS } from '../../src/federation/sync/leadership.ts';
import { MAIN } from '../process/serving.ts';
import { FederationWorld } from './federation-world.ts';
import { eventually, freePort, startProgram, type Running } from './processes.ts';

// Two control planes start beside the other tests, and a Lease has to end.
t.setTimeout(300_000);

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/fedns/leases/fedns-federate-main';

interface Replica {
  readonly process: Running;
  readonly port: number;
  /** What it has said of itself. */
  said(message: string): string | undefined;
}

const world = await FederationWorld.start('c1');
t.teardown(() => world.stop());
const [c1] = world.members as [(typeof world.members)[0]];

async function startReplica(name: string): Promise<Replica> {
  const port = await freePort();
  const text = world
    .config([c1], 'log: { format: json }')
    .replace('federate: { select: all }', `federate: { select: all, admin: 127.0.0.1:${port} }`);
  const [config, log] = [join(world.folder, `${name}.yaml`), join(world.folder, `${name}.log`)];
  writeFileSync(config, text);
  const running = startProgram(process.execPath, [MAIN, 'federate', '--config', config], log);
  const said = (message: string): string | undefined =>
    readFileSync(log, 'utf8')
      .split('\n')
      .findLast((line) => line.includes(message));
  return { process: running, port, said };
}

async function metric({ port }: Replica, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
}

const becomesActive = (replica: Replica): Promise<void> =>
  eventually(async () => assert.equal(await metric(replica, 'fedns_federate_active'), 1));

t.test('one of two replicas is active, and the other follows when it is killed', async (t) => {
  const first = await startReplica('first');
  t.teardown(() => first.process.stop(true));
  await becomesActive(first);
  const second = await startReplica('second');
  t.teardown(() => second.process.stop(true));
  await eventually(async () => {
    const reply = await fetch(`http://127.0.0.1:${second.port}/readyz`);
    assert.equal(await reply.text(), 'ok: standing by\n');
  });
  await world.create(world.host, 'Namespace', 'web');
  await world.shows(c1, 'Namespace', 'web');
  const holder = async (): Promise<string> =>
    ((await world.host.admin.get(LEASE)) as { spec: { holderIdentity: string } }).spec.holderIdentity;
  const before = await holder();

  await first.process.stop(true);
  const lastMs = Date.parse(await renewed());
  await becomesActive(second);
  // By the Lease itself: the old one's last renewal, and the moment at which the new one took it.
  const acquired = (await world.host.admin.get(LEASE)) as { spec: { leaseTransitions: number } };
  t.equal(acquired.spec.leaseTransitions, 1, 'the Lease has changed hands once');
  t.not(await holder(), before);
  const said = second.said('this replica is the active one');
  const atMs = new Date((JSON.parse(said ?? '{}') as { time: string | number }).time).getTime();
  t.comment(`${(atMs - lastMs) / 1000} s from the last renewal of the one that was killed`);
  t.ok(atMs - lastMs > ACTIVE_MS, 'not before the first must have stopped by itself');
  await world.create(world.host, 'ConfigMap', 'web/after', { data: { a: '1' } });
  await world.shows(c1, 'ConfigMap', 'web/after');

  const third = await startReplica('third');
  t.teardown(() => third.process.stop(true));
  await eventually(async () => assert.equal(await metric(third, 'fedns_federate_active'), 0));
  await second.process.stop();
  await becomesActive(third);
  t.ok(third.said('this replica is the active one'), 'one that stops gives the Lease back');

  async function renewed(): Promise<string> {
    return ((await world.host.admin.get(LEASE)) as { spec: { renewTime: string } }).spec.renewTime;
  }
});
