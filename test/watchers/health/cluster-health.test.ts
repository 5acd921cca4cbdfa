import { test } from 'tap';
import { ApiClient } from '../../../src/watchers/api/api-client.ts';
import { ClusterHealth, LOOP_FAILING_MS, PROBE_MS } from '../../../src/watchers/health/cluster-health.ts';
import { Credentials } from '../../../src/watchers/credentials/credentials.ts';
import { breathe, FakeTime, until } from '../fake-time.ts';
import { replyStatus, ScriptedApiServer, type Script } from '../scripted-api-server.ts';
import { serverAccess } from '../watched-cluster.ts';

interface Probed {
  readonly server: ScriptedApiServer;
  readonly time: FakeTime;
  readonly health: ClusterHealth;
  readonly conditions: string[];
  loop: { sinceMs: number; reason: string } | undefined;
  stop(): Promise<void>;
}

async function probed(): Promise<Probed> {
  const server = new ScriptedApiServer();
  await server.start();
  const time = new FakeTime();
  const conditions: string[] = [];
  const credentials = new Credentials({
    load: async () => serverAccess(server),
    timers: time,
    clock: time.clock,
    env: {},
  });
  const client = new ApiClient({ credentials, timers: time, userAgent: 'test' });
  const health = new ClusterHealth({
    client,
    timers: time,
    clock: time.clock,
    random: () => 0.5,
    worstLoop: () => subject.loop,
    onAnswer: () => conditions.push('answers'),
    onCondition: (condition) => conditions.push(condition),
  });
  const stop = async (): Promise<void> => {
    client.close();
    await health.stop();
    await until(() => server.connections === 0);
    await server.stop();
  };
  const subject: Probed = { server, time, health, conditions, loop: undefined, stop };
  health.start();
  return subject;
}

test('one success makes a new cluster Ready, and its version is asked for once', async (t) => {
  const { server, time, health, conditions, stop } = await probed();
  await until(() => health.version === 'v1.36.3');
  await time.advance(PROBE_MS * 3);
  t.same(conditions, ['Ready']);
  t.equal(server.requests.filter(({ path }) => path === '/version').length, 1);
  await stop();
  t.equal(time.timers, 0);
});

test('a readyz that is not ok three times makes a cluster NotReady, and two successes Ready again', async (t) => {
  const { server, time, health, conditions, stop } = await probed();
  await until(() => health.condition === 'Ready');
  const seen = (): number => server.requests.filter(({ path }) => path === '/readyz').length;
  server.readyz = 500;
  const before = seen();
  await time.advanceUntil(() => seen() === before + 2, 20_000, 100);
  await breathe(5);
  t.equal(health.condition, 'Ready', 'two are not enough');
  await time.advanceUntil(() => health.condition === 'NotReady', 5000, 100);
  t.equal(seen(), before + 3);
  t.match(health.lastError, /500/);
  server.readyz = 200;
  await time.advanceUntil(() => health.condition === 'Ready', 10_000, 100);
  t.equal(seen(), before + 5);
  t.same(conditions, ['Ready', 'NotReady', 'answers', 'Ready']);
  await stop();
});

test('a server that is gone is Offline, and NotReady when it is back but not well', async (t) => {
  const { server, time, health, conditions, stop } = await probed();
  await until(() => health.condition === 'Ready');
  await server.stop();
  await time.advanceUntil(() => health.condition === 'Offline', 20_000);
  t.match(health.lastError, /ECONNREFUSED/);
  server.readyz = 500;
  await server.start();
  await time.advanceUntil(() => health.condition === 'NotReady', 20_000);
  server.readyz = 200;
  await time.advanceUntil(() => health.condition === 'Ready', 20_000);
  t.same(conditions, ['Ready', 'Offline', 'NotReady', 'answers', 'Ready']);
  await stop();
});

test('what readyz answers', async (t) => {
  const cases: { title: string; script: Script; condition: string }[] = [
    { title: 'ok', script: ({ response }) => void response.end('ok'), condition: 'Ready' },
    { title: 'a login page', script: ({ response }) => void response.end('<html>'), condition: 'NotReady' },
    { title: 'nothing', script: () => {}, condition: 'Offline' },
    { title: 'a reset', script: ({ socket }) => void socket.destroy(), condition: 'Offline' },
    { title: 'half and silence', script: ({ response }) => void response.write('o'), condition: 'Offline' },
    { title: '401', script: ({ response }) => replyStatus(response, 401, 'who?'), condition: 'Ready' },
    { title: '403', script: ({ response }) => replyStatus(response, 403, 'no'), condition: 'Ready' },
    { title: '429', script: ({ response }) => replyStatus(response, 429, 'later'), condition: 'Ready' },
    { title: '503', script: ({ response }) => replyStatus(response, 503, 'not yet'), condition: 'NotReady' },
    {
      title: 'a lot',
      script: ({ response }) => void response.end('ok'.repeat(100_000)),
      condition: 'NotReady',
    },
  ];
  for (const { title, script, condition } of cases) {
    const { server, time, health, conditions, stop } = await probed();
    server.scripts.push((request) => {
      if (request.path !== '/readyz') return false;
      script(request);
      return true;
    });
    await time.advanceUntil(() => conditions.length > 0, 30_000);
    t.equal(health.condition, condition, title);
    await stop();
  }
});

test('a loop that has failed for long makes its cluster NotReady whatever readyz says', async (t) => {
  const subject = await probed();
  const { time, health, stop } = subject;
  await until(() => health.condition === 'Ready');
  subject.loop = { sinceMs: time.now(), reason: 'Service: 403' };
  await time.advance(LOOP_FAILING_MS - 1000);
  t.equal(health.condition, 'Ready');
  await time.advanceUntil(() => health.condition === 'NotReady', 20_000);
  t.equal(health.lastError, 'Service: 403');
  subject.loop = undefined;
  await time.advanceUntil(() => health.condition === 'Ready', 20_000);
  await stop();
});

test('a broken watch is reason to probe at once', async (t) => {
  const { server, health, stop } = await probed();
  await until(() => health.version !== undefined);
  const before = server.requests.length;
  await breathe(5);
  health.probeNow();
  await until(() => server.requests.length === before + 1);
  t.pass();
  await stop();
});
