import t, { type Test } from 'tap';
import type { GuardControl, GuardStatus } from '../../src/admin/guard-control.ts';
import { Metrics } from '../../src/admin/metrics.ts';
import { AdminServer } from '../../src/admin/server.ts';
import { formatClusters } from '../../src/cli/clusters.ts';
import type { LoadedConfig } from '../../src/cli/environment.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { Settings } from '../../src/config/settings.ts';
import { CLUSTERS, fakeControlPlane } from '../admin/fake-control-plane.ts';
import { scratch } from '../support/scratch.ts';

const NOW_MS = 1_700_000_000_000;
const TOKEN = 'a'.repeat(43);
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const STATUS: GuardStatus = {
  enabled: true,
  stops: [
    {
      id: '3',
      cluster: 'eu',
      rule: 'fraction',
      why: 'too many healthy shards would go at once',
      missing: 'its Service is gone',
      cause: 'list of Services',
      sinceMs: NOW_MS - 65_000,
      shards: 12,
      services: ['a.web.f', 'b.web.f'],
      isRunning: true,
      leftSeconds: 235,
    },
    {
      id: '4',
      cluster: 'us',
      rule: 'empty',
      why: 'the name would be without addresses',
      missing: 'it has no EndpointSlice',
      cause: 'EndpointSlice web/c-1',
      sinceMs: NOW_MS - 5_000,
      shards: 1,
      services: ['c.web.f'],
      isRunning: false,
      leftSeconds: 300,
    },
  ],
  shards: 13,
  withheld: { fraction: 12, empty: 1 },
  released: {},
};

const TABLE = `ID   CLUSTER   RULE       SHARDS   AGE   LEFT                   CAUSE
3    eu        fraction   12       65s   235s                   list of Services
4    us        empty      1        5s    300s, out of contact   EndpointSlice web/c-1

fraction: too many healthy shards would go at once
empty: the name would be without addresses
The old answers stay; fedns guard release ID lets go of one, without an ID of all.
`;

interface World {
  readonly released: (string | undefined)[];
  run(args: readonly string[]): Promise<readonly [code: number, out: string, err: string]>;
  readonly base: string;
  readonly stateDir: string;
}

async function world(test: Test, status: GuardStatus = STATUS): Promise<World> {
  const stateDir = scratch(test, { 'admin.token': `${TOKEN}\n`, other: `${'b'.repeat(43)}\n` });
  const released: (string | undefined)[] = [];
  const guard: GuardControl = {
    status: () => status,
    release(id) {
      released.push(id);
      if (id === undefined) return 13;
      return status.stops.find((stop) => stop.id === id)?.shards;
    },
  };
  const control = fakeControlPlane({ guard, clusters: () => [{ ...CLUSTERS[0]!, guardedShards: 2 }] });
  const metrics = new Metrics({ control, clock: () => NOW_MS, version: '' });
  const listen = { address: '127.0.0.1', port: 0 };
  const server = new AdminServer({ control, metrics, log: silent, listen, token: TOKEN });
  await server.start();
  test.teardown(() => server.stop());
  const { port } = server.address;
  const settings = { admin: { address: '127.0.0.1', port }, stateDir } as Settings;
  const config: LoadedConfig = { kind: 'loaded', settings, warnings: [] };
  return {
    released,
    stateDir,
    base: `http://127.0.0.1:${port}`,
    async run(args) {
      let [out, err] = ['', ''];
      const code = await runProgram(args, {
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        clock: () => NOW_MS,
        version: '',
        load: async () => config,
        serve: async () => 0,
      });
      return [code, out, err];
    },
  };
}

t.test('guard lists what is withheld, with how long it will last', async (t) => {
  const { run } = await world(t);
  t.same(await run(['guard']), [0, TABLE, '']);
  const [, wide] = await run(['guard', '-o', 'wide']);
  t.match(wide, /its Service is gone +a\.web\.f,b\.web\.f and 10 more\n/);
  const [, json] = await run(['guard', '-o', 'json']);
  t.same(JSON.parse(json), STATUS);
});

t.test('guard says that nothing is held, or that it is turned off', async (t) => {
  const calm = await world(t, { ...STATUS, stops: [] });
  t.same(await calm.run(['guard']), [0, 'nothing is held\n', '']);
  const off = await world(t, { ...STATUS, stops: [], enabled: false });
  t.same(await off.run(['guard']), [0, 'the guard is turned off\n', '']);
});

t.test('guard release lets go of one stop or of all, with the token of the state folder', async (t) => {
  const { run, released } = await world(t);
  t.same(await run(['guard', 'release', '4']), [0, 'released 1 shard\n', '']);
  t.same(await run(['guard', 'release']), [0, 'released 13 shards\n', '']);
  t.same(await run(['guard', 'release', '-o', 'json']), [0, '{\n  "shards": 13\n}\n', '']);
  t.same(released, ['4', undefined, undefined]);
});

t.test('guard release says what is wrong, and releases nothing', async (t) => {
  const { run, released, stateDir } = await world(t);
  t.same(await run(['guard', 'release', '9']), [1, '', 'fedns: there is no stop 9\n']);
  const other = ['--token-file', `${stateDir}/other`];
  t.same(await run(['guard', 'release', ...other]), [
    1,
    '',
    'fedns: what was sent is not the admin token of this server\n',
  ]);
  const [code, , err] = await run(['guard', 'release', '--token-file', '/elsewhere']);
  t.equal(code, 1);
  t.match(err, /cannot be read: ENOENT.*\/elsewhere.*--token-file names another/);
  t.same(released, ['9']);
});

t.test('what is held is seen in the list of clusters and in the metrics', async (t) => {
  const { run, base } = await world(t);
  const [, clusters] = await run(['clusters']);
  t.match(clusters, /,guarded /);
  t.match(clusters, /warning: .*: 2 shards whose data are missing are held; fedns guard says why/);
  const one = formatClusters([{ ...CLUSTERS[0]!, guardedShards: 1 }], 'table', NOW_MS);
  t.match(one, /warning: .*: a shard whose data are missing is held; fedns guard says why/);
  const page = await (await fetch(`${base}/metrics`)).text();
  t.match(page, 'fedns_guard_held_shards{cluster="eu",rule="fraction"} 12');
  t.match(page, 'fedns_guard_held_shards{cluster="us",rule="empty"} 1');
  t.match(page, 'fedns_guard_withheld_total{rule="fraction"} 12');
  t.match(page, 'fedns_guard_withheld_total{rule="older"} 0');
});

t.test('a body that is none, or has another key, releases nothing', async (t) => {
  const { base, released } = await world(t);
  for (const [body, status] of [
    ['', 400],
    ['[]', 422],
    ['{"stop":"3"}', 422],
    ['{"id":3}', 422],
  ] as const) {
    const response = await fetch(`${base}/api/v1/guard/release`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body,
    });
    t.equal(response.status, status, body);
  }
  t.same(released, []);
});
