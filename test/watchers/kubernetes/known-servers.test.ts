/** One cluster under two names is told of, by whatever kubeconfig it is reached. */

import { test } from 'tap';
import type { ClusterAccess } from '../../../src/watchers/credentials/cluster-access.ts';
import { KnownServers } from '../../../src/watchers/kubernetes/known-servers.ts';
import { FakeTime } from '../fake-time.ts';
import { ScriptedApiServer } from '../scripted-api-server.ts';
import { serverAccess, startServer, synced, watchCluster, type WatchedCluster } from '../watched-cluster.ts';

interface Case {
  readonly title: string;
  /** Of kube-system in each cluster; undefined: it may not be read. */
  readonly uids: readonly [string | undefined, string | undefined];
  readonly isTold: boolean;
}

const CASES: readonly Case[] = [
  { title: 'two addresses with the same uid are one cluster', uids: ['a', 'a'], isTold: true },
  { title: 'two uids are two clusters', uids: ['a', 'b'], isTold: false },
  { title: 'of uids that may not be read nothing is said', uids: [undefined, undefined], isTold: false },
];

function twinsOf({ source }: WatchedCluster): readonly string[] {
  return source.report().refusals.flatMap(({ code, message }) => (code === 'SAME_CLUSTER' ? [message] : []));
}

async function serverWith(uid: string | undefined): Promise<ScriptedApiServer> {
  const server = new ScriptedApiServer();
  server.uid = uid;
  return startServer(server);
}

for (const { title, uids, isTold } of CASES) {
  test(title, async (t) => {
    const warnings: unknown[] = [];
    const time = new FakeTime();
    const servers = new KnownServers({ clock: time.clock, log: { warn: (fields) => warnings.push(fields) } });
    const one = await watchCluster({ server: await serverWith(uids[0]), servers, time });
    await synced(one);
    const two = await watchCluster({
      server: await serverWith(uids[1]),
      servers,
      time,
      settings: { name: 'two' },
    });
    await synced(two);
    t.match(twinsOf(one), isTold ? [/API server is that of cluster two/] : []);
    t.match(twinsOf(two), isTold ? [/API server is that of cluster one/] : []);
    t.match(warnings, isTold ? [{ cluster: 'two', other: 'one', uid: 'a' }] : [], 'once');
    t.equal(warnings.length, isTold ? 1 : 0);
    await two.stop();
    t.same(twinsOf(one), [], 'one that is not watched any more is no twin');
    await one.stop();
  });
}

test('a kubeconfig that is put right ends it', async (t) => {
  const [a, b] = [await serverWith('a'), await serverWith('b')];
  const time = new FakeTime();
  const servers = new KnownServers({ clock: time.clock, log: { warn() {} } });
  let target = a;
  const load = async (): Promise<ClusterAccess> => serverAccess(target);
  const one = await watchCluster({ server: a, servers, time });
  await synced(one);
  const two = await watchCluster({ server: a, load, servers, time, settings: { name: 'two' } });
  await synced(two, 6);
  t.equal(twinsOf(one).length, 1);
  target = b;
  await time.advanceUntil(() => b.watching === 3, 30_000);
  t.same([...twinsOf(one), ...twinsOf(two)], []);
  await two.source.stop();
  two.governor.stop();
  await b.stop();
  await one.stop();
});
