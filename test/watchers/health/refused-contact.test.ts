/** Clusters that answer and refuse fedns, and servers that are on their way down: neither is a cluster that is gone. */

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import type { ClusterAccess } from '../../../src/watchers/credentials/cluster-access.ts';
import { accessLoader } from '../../../src/watchers/credentials/credentials.ts';
import type { Log } from '../../../src/log.ts';
import type { Refusal } from '../../../src/watchers/source.ts';
import { issueCertificate } from '../../cluster/certificates.ts';
import { FakeTime, until } from '../fake-time.ts';
import { READY, service, slice } from '../kubernetes-objects.ts';
import {
  replyStatus,
  SERVICES,
  SLICES,
  testAuthority,
  type ScriptedApiServer,
} from '../scripted-api-server.ts';
import {
  isServed,
  serverAccess,
  startServer,
  statusOf,
  synced,
  watchCluster,
  type WatchedCluster,
} from '../watched-cluster.ts';

const NOTHING_LEFT = { timers: 0, connections: 0 };
const GRACE_SECONDS = 60;
const REFUSED_SECONDS = 600;

/** From now on the server answers everything but `/version` with a status. */
function refuseAll(server: ScriptedApiServer, status: number): { stop(): void } {
  let on = true;
  server.scripts.push(({ response }) => {
    if (on) replyStatus(response, status, 'no');
    return on;
  });
  server.endWatches();
  return {
    stop: () => {
      on = false;
    },
  };
}

function conditionOf({ source }: WatchedCluster): string {
  return source.report().condition;
}

/** Those that are about credentials: the watches of this server never end, which is reported too. */
function refusalsOf({ source }: WatchedCluster): readonly Refusal[] {
  return source.report().refusals.filter(({ code }) => /^(?:CREDENTIAL|CONTACT|KUBECONFIG)_/.test(code));
}

/** What the log says of credentials: the message and its reason. */
function keptLog(): { readonly log: Log; readonly warnings: string[] } {
  const warnings: string[] = [];
  const warn = (fields: object, message: string): void => {
    const { reason } = fields as { readonly reason?: unknown };
    if (message.includes('credentials')) warnings.push(`${message}: ${String(reason)}`);
  };
  return { log: { debug() {}, info() {}, warn, error() {} }, warnings };
}

for (const status of [401, 403]) {
  test(`${status} for everything: what was known is held for long, and comes back`, async (t) => {
    const cluster = await watchCluster({ graceSeconds: GRACE_SECONDS, refusedGraceSeconds: REFUSED_SECONDS });
    await synced(cluster);
    const { server, time } = cluster;
    const refusal = refuseAll(server, status);
    await time.advanceUntil(() => conditionOf(cluster) === 'Refused', 60_000);
    t.equal(statusOf(cluster), 'held');
    t.match(refusalsOf(cluster), [{ code: 'CONTACT_REFUSED', message: new RegExp(`${status}: no`) }]);
    await time.advance(REFUSED_SECONDS * 1000 - 120_000);
    t.ok(isServed(cluster), 'long after the grace of an outage it is answered');
    t.equal(statusOf(cluster), 'held');
    await time.advanceUntil(() => statusOf(cluster) === 'withdrawn', 125_000);
    refusal.stop();
    await time.advanceUntil(() => statusOf(cluster) === 'available', 120_000);
    t.ok(isServed(cluster));
    t.same(refusalsOf(cluster), []);
    t.same(await cluster.stop(), NOTHING_LEFT);
  });

  test(`a first contact refused with ${status} is never Ready`, async (t) => {
    const server = await startServer();
    const refusal = refuseAll(server, status);
    const cluster = await watchCluster({ server, graceSeconds: GRACE_SECONDS });
    const seen = new Set<string>();
    await cluster.time.advanceUntil(() => {
      seen.add(`${conditionOf(cluster)},${statusOf(cluster)}`);
      return conditionOf(cluster) === 'Refused';
    }, 30_000);
    await cluster.time.advance(GRACE_SECONDS * 2000);
    seen.add(`${conditionOf(cluster)},${statusOf(cluster)}`);
    t.same([...seen].toSorted(), ['Pending,pending', 'Refused,pending', 'Refused,withdrawn']);
    refusal.stop();
    await cluster.time.advanceUntil(() => statusOf(cluster) === 'available', 120_000);
    t.same(await cluster.stop(), NOTHING_LEFT);
  });
}

test('a server whose health is open to all and whose objects are not is refused from the first', async (t) => {
  const server = await startServer();
  server.scripts.push(({ path, response }) => {
    if (path === '/readyz' || path === '/version') return false;
    replyStatus(response, 401, 'Unauthorized');
    return true;
  });
  const cluster = await watchCluster({ server });
  const seen = new Set<string>();
  await cluster.time.advanceUntil(() => {
    seen.add(conditionOf(cluster));
    return conditionOf(cluster) === 'Refused';
  }, 30_000);
  t.notOk(seen.has('Ready'));
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('credentials that cannot be used are no outage of the cluster', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fedns-refused-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const plugin = join(folder, 'plugin');
  await writeFile(plugin, '#!/bin/sh\necho your login has ended >&2\nexit 1\n');
  await chmod(plugin, 0o755);
  const apiVersion = 'client.authentication.k8s.io/v1';
  const other = issueCertificate({ commonName: 'other authority' });
  const cases: { title: string; access: Partial<ClusterAccess>; says: RegExp }[] = [
    {
      title: 'a plugin that fails',
      access: { exec: { apiVersion, command: plugin, args: [], env: {}, provideClusterInfo: false } },
      says: /plugin: exit code 1: your login has ended/,
    },
    {
      title: 'a token file that is gone',
      access: { token: { kind: 'file', path: join(folder, 'none'), field: 'user u, tokenFile' } },
      says: /user u, tokenFile \(.*none\): cannot be read: ENOENT/,
    },
    {
      title: 'a CA that is no longer the server’s',
      access: { ca: { kind: 'text', text: other.cert } },
      says: /certificate/,
    },
  ];
  for (const { title, access, says } of cases) {
    const server = await startServer();
    let broken = false;
    const load = async (): Promise<ClusterAccess> => serverAccess(server, broken ? access : {});
    const cluster = await watchCluster({ server, load, graceSeconds: GRACE_SECONDS });
    await synced(cluster);
    broken = true;
    server.endWatches();
    await cluster.time.advanceUntil(() => conditionOf(cluster) === 'Refused', 90_000);
    t.match(cluster.source.report().lastError, says, title);
    await cluster.time.advance(GRACE_SECONDS * 3000);
    t.equal(statusOf(cluster), 'held', title);
    broken = false;
    await cluster.time.advanceUntil(() => statusOf(cluster) === 'available', 120_000);
    t.same(await cluster.stop(), NOTHING_LEFT, title);
  }
});

test('a cluster that is silent after it refused has the grace of the silent', async (t) => {
  const cluster = await watchCluster({ graceSeconds: GRACE_SECONDS, refusedGraceSeconds: REFUSED_SECONDS });
  await synced(cluster);
  const { server, time } = cluster;
  refuseAll(server, 401);
  await time.advanceUntil(() => conditionOf(cluster) === 'Refused', 60_000);
  await server.stop();
  await time.advanceUntil(() => conditionOf(cluster) === 'Offline', 60_000);
  await time.advanceUntil(() => statusOf(cluster) === 'withdrawn', GRACE_SECONDS * 1000);
  t.pass('withdrawn within the shorter grace');
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('other credentials are tried at once', async (t) => {
  const server = await startServer();
  let token = 'old';
  server.scripts.push(({ headers, path, response }) => {
    if (path === '/readyz' || headers.authorization === 'Bearer new') return false;
    replyStatus(response, 401, 'Unauthorized');
    return true;
  });
  const load = async (): Promise<ClusterAccess> =>
    serverAccess(server, { token: { kind: 'text', text: token } });
  const cluster = await watchCluster({ server, load });
  await cluster.time.advanceUntil(() => conditionOf(cluster) === 'Refused', 30_000);
  await cluster.time.advance(60_000);
  token = 'new';
  await cluster.time.advanceUntil(() => statusOf(cluster) === 'available', 15_000);
  t.ok(isServed(cluster));
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('the grace of an outage begins when the last watch goes quiet', async (t) => {
  for (const isFed of [true, false]) {
    const cluster = await watchCluster({ graceSeconds: 20 });
    await synced(cluster);
    const { server, time } = cluster;
    server.drain();
    await time.advanceUntil(() => conditionOf(cluster) === 'Offline', 30_000);
    for (let second = 0; second < 35; second++) {
      if (isFed) server.put(SERVICES, service({ name: `web-${second}` }));
      await time.advance(1000);
    }
    t.equal(statusOf(cluster), 'held', isFed ? 'watches that are fed' : 'watches that are open');
    server.put(SLICES, slice([READY], { name: 'late', service: 'web-1' }));
    server.reset();
    await until(() => cluster.source.loopStates().get('Service')?.isWatching === false);
    await time.advance(18_000);
    t.equal(statusOf(cluster), 'held');
    await time.advanceUntil(() => statusOf(cluster) === 'withdrawn', 5000);
    t.same(await cluster.stop(), NOTHING_LEFT);
  }
});

test('a watch over a dead line is not contact', async (t) => {
  const cluster = await watchCluster({ graceSeconds: 20 });
  await synced(cluster);
  const { server, time } = cluster;
  // Nothing comes any more, on no connection, and none is refused.
  server.scripts.push(() => true);
  await time.advanceUntil(() => conditionOf(cluster) === 'Offline', 30_000);
  await time.advanceUntil(() => statusOf(cluster) === 'withdrawn', 20_000);
  t.pass('withdrawn while its watches are open');
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a token that ends is warned of before, once, and its end is reported', async (t) => {
  const time = new FakeTime();
  const { log, warnings } = keptLog();
  const beginMs = Math.floor(time.clock() / 1000) * 1000;
  const endsMs = beginMs + 300_000;
  const server = await startServer();
  let token = jwt({ iat: beginMs / 1000, exp: endsMs / 1000 });
  const load = async (): Promise<ClusterAccess> =>
    serverAccess(server, { token: { kind: 'text', text: token } });
  const cluster = await watchCluster({ server, time, load, log });
  await synced(cluster);
  t.equal(cluster.source.report().credentialEndsMs, endsMs);
  await time.advance(220_000);
  t.same(warnings, []);
  t.same(refusalsOf(cluster), []);
  await time.advance(50_000);
  t.match(warnings, [
    /^the credentials of a cluster need attention: its token ends at \d{4}-.*Z: replace it/,
  ]);
  t.match(refusalsOf(cluster), [{ code: 'CREDENTIAL_ENDS' }]);
  token = jwt({ iat: beginMs / 1000, exp: endsMs / 1000 + 86_400 });
  await time.advance(10_000);
  t.same(refusalsOf(cluster), [], 'a new one is no reason to warn');
  t.equal(warnings.length, 1);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a mounted token that rotates is not warned of, and one that does not is', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fedns-mounted-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'token');
  const time = new FakeTime();
  const { log, warnings } = keptLog();
  const server = await startServer();
  // The kubelet replaces a token when four fifths of its life are over.
  const renew = (): Promise<void> => {
    const now = Math.floor(time.clock() / 1000);
    return writeFile(path, jwt({ iat: now, exp: now + 300 }));
  };
  await renew();
  const load = async (): Promise<ClusterAccess> => serverAccess(server, { token: { kind: 'file', path } });
  const cluster = await watchCluster({ server, time, load, log });
  await synced(cluster);
  for (let i = 0; i < 3; i++) {
    await time.advance(245_000);
    await renew();
  }
  await time.advance(10_000);
  t.same(warnings, []);
  await time.advanceUntil(() => statusOf(cluster) === 'available', 60_000);
  await time.advanceUntil(() => warnings.length === 1, 320_000, 5000);
  t.match(warnings, [/its token ends at/], 'the fourth time nobody came');
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a client certificate tells its end too', async (t) => {
  const time = new FakeTime();
  const notAfter = new Date(Math.floor(time.clock() / 1000) * 1000 + 86_400_000);
  const identity = issueCertificate({
    commonName: 'fedns',
    issuer: testAuthority(),
    notBefore: new Date(time.clock() - 86_400_000),
    notAfter,
  });
  const server = await startServer();
  const access: Partial<ClusterAccess> = {
    clientCertificate: { kind: 'text', text: identity.cert },
    clientKey: { kind: 'text', text: identity.key },
  };
  const cluster = await watchCluster({ server, time, access });
  await synced(cluster);
  t.equal(cluster.source.report().credentialEndsMs, notAfter.getTime());
  t.same(await cluster.stop(), NOTHING_LEFT);
});

test('a kubeconfig that breaks while fedns runs is told of, and what it said is used on', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fedns-broken-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'kubeconfig');
  const server = await startServer();
  const write = (text: string): Promise<void> => writeFile(path, text);
  const good = JSON.stringify({
    'current-context': 'a',
    clusters: [
      {
        name: 'c',
        cluster: {
          server: server.url,
          'certificate-authority-data': Buffer.from(testAuthority().cert).toString('base64'),
        },
      },
    ],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
  });
  await write(good);
  const { log, warnings } = keptLog();
  const load = accessLoader({ kind: 'kubeconfig', path, allowInsecure: false, execAllowed: [] }, {});
  const cluster = await watchCluster({ server, load, log });
  await synced(cluster);
  await write('{ "current-context": "a", "clusters": [');
  await cluster.time.advanceUntil(() => warnings.length > 0, 120_000);
  t.match(warnings, [/kubeconfig:1: no YAML/]);
  t.match(refusalsOf(cluster), [
    { code: 'KUBECONFIG_MALFORMED', message: /what was read before is used on: .*kubeconfig:1: no YAML/ },
  ]);
  t.equal(statusOf(cluster), 'available');
  await write(good);
  await cluster.time.advanceUntil(() => refusalsOf(cluster).length === 0, 120_000);
  t.equal(warnings.length, 1);
  t.same(await cluster.stop(), NOTHING_LEFT);
});

/** A token that says these things of itself, with a signature that nobody checks. */
function jwt(claims: object): string {
  return `${jwtPart({ alg: 'none' })}.${jwtPart(claims)}.c2ln`;
}

function jwtPart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
