import t from 'tap';
import { formatService, formatServices } from '../../src/cli/services.ts';
import { formatStatus } from '../../src/cli/status.ts';
import { runProgram } from '../../src/cli/program.ts';
import { LiveFeed } from '../../src/admin/live-feed.ts';
import { Metrics } from '../../src/admin/metrics.ts';
import { AdminServer } from '../../src/admin/server.ts';
import type { ServiceReport } from '../../src/admin/services.ts';
import type { ClusterNode, TopologyView } from '../../src/admin/topology.ts';
import type { TrafficView } from '../../src/admin/traffic.ts';
import type { Settings } from '../../src/config/settings.ts';
import { systemTimers } from '../../src/timers.ts';
import { fakeControlPlane } from '../admin/fake-control-plane.ts';

const NOW_MS = 1_000_000;
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const CLUSTER: ClusterNode = {
  name: 'gce-1',
  region: 'us',
  zones: ['us-a'],
  kind: 'kubernetes',
  condition: 'Ready',
  status: 'available',
  conditionSinceMs: 0,
  heardMs: NOW_MS - 5000,
  shards: 3,
  healthyShards: 2,
  refusals: 0,
  stale: 0,
};

const TOPOLOGY: TopologyView = {
  domain: 'example.com',
  version: '1.2.3',
  startedMs: NOW_MS - 600_000,
  serial: 42,
  services: 3,
  restartPending: ['listen'],
  regions: [{ name: 'us', zones: ['us-a'] }],
  clusters: [
    CLUSTER,
    { ...CLUSTER, name: 'gce-2', status: 'withdrawn', condition: 'Offline', healthyShards: 0 },
  ],
};

const TRAFFIC: TrafficView = {
  rcodes: ['NOERROR', 'NXDOMAIN'],
  boundsSeconds: [0.001, 0.01],
  samples: [
    { atMs: 1, replies: [100, 0], dropped: 0, changes: [9, 0, 0] },
    { atMs: 2, replies: [200, 4], dropped: 2, changes: [0, 1, 0] },
  ],
  changesSinceStart: [50, 2, 1],
};

const REPORT: ServiceReport = {
  name: 'web.shop.f',
  serial: 42,
  policy: 'all',
  ttlSeconds: 180,
  ports: ['http/tcp 80'],
  shards: [
    {
      cluster: 'gce-1',
      zones: ['us-a'],
      addresses: ['192.0.2.1'],
      counts: true,
      reason: 'healthy',
      why: 'healthy',
      changedMs: 0,
    },
  ],
  places: [
    {
      place: '',
      kind: 'global',
      name: 'x',
      answer: 'itself',
      chain: [],
      addresses: ['192.0.2.1'],
      ttlSeconds: 180,
    },
    {
      place: 'eu',
      kind: 'region',
      name: 'x',
      answer: 'above',
      chain: [''],
      addresses: ['192.0.2.1'],
      ttlSeconds: 180,
    },
    { place: 'us', kind: 'region', name: 'x', answer: 'nobody', chain: [''], addresses: [], ttlSeconds: 180 },
  ],
  notices: ['a CNAME hides x'],
};

t.test(
  'status tells what runs, what it answers, how fast it follows, and the clusters by place',
  async (t) => {
    t.equal(
      formatStatus(TOPOLOGY, TRAFFIC, NOW_MS),
      `domain                example.com, serial 42, 3 Services
fedns                 1.2.3, running for 10m
replies a second      NOERROR 150, NXDOMAIN 2, no reply 1
changes               10 in the last minutes, 99 of 100 within 10 ms; 53 since the start
waits for a restart   listen

PLACE       STATUS              SHARDS   HEARD
us          1/2 ready           2/6
  us-a      1/2 ready           2/6
    gce-1   Ready               2/3      5s
    gce-2   Offline,withdrawn   0/3      5s
`,
    );
    const quiet = { ...TRAFFIC, samples: [] };
    t.match(
      formatStatus(TOPOLOGY, quiet, NOW_MS),
      /replies a second +not known yet\nchanges +none in the last/,
    );
    t.match(formatStatus({ ...TOPOLOGY, services: 1 }, quiet, NOW_MS), /serial 42, 1 Service\n/);
  },
);

t.test('a Service is told by place and by shard', async (t) => {
  t.equal(
    formatService(REPORT),
    `PLACE    ANSWERED    ADDRESSES
global   by itself   192.0.2.1
eu       as global   192.0.2.1
us       by nobody   <none>

CLUSTER   VERDICT   ADDRESSES
gce-1     healthy   192.0.2.1

notice: a CNAME hides x
`,
  );
});

t.test('a list of Services says where it was cut', async (t) => {
  const rows = [{ name: 'web.shop.f', shards: 3, healthyShards: 2 }];
  const page = { serial: 1, total: 9, rows };
  t.notMatch(formatServices({ ...page, matched: 1, offset: 0 }), /more with/);
  t.match(
    formatServices({ ...page, matched: 7, offset: 2 }),
    /\n3 to 3 of 7; more with --offset and --limit\n$/,
  );
});

t.test('what the page shows the commands tell as JSON too', async (t) => {
  const control = fakeControlPlane({
    topology: () => TOPOLOGY,
    services: {
      names: () => ['web.shop.f', 'api.shop.f'],
      row: (name) => ({ name, shards: 3, healthyShards: name === 'api.shop.f' ? 0 : 3 }),
      report: (name) => (name === 'web.shop.f' ? REPORT : undefined),
    },
  });
  const metrics = new Metrics({ control, clock: () => NOW_MS, version: '' });
  const live = new LiveFeed({ control, clock: () => NOW_MS, timers: systemTimers });
  const server = new AdminServer({ control, metrics, live, log, listen: { address: '127.0.0.1', port: 0 } });
  await server.start();
  t.teardown(() => server.stop());
  const run = async (args: readonly string[]): Promise<{ code: number; out: string; err: string }> => {
    let [out, err] = ['', ''];
    const code = await runProgram([...args, '--admin', `127.0.0.1:${server.address.port}`], {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      clock: () => NOW_MS,
      version: '1.2.3',
      load: async () => ({ kind: 'loaded', settings: {} as Settings, warnings: [] }),
      serve: async () => 0,
    });
    return { code, out, err };
  };
  const status = await run(['status', '-o', 'json']);
  t.match(JSON.parse(status.out), { topology: { domain: 'example.com' }, traffic: { samples: [] } });
  const found = await run(['services', 'shop', 'a', '--health', 'down', '-o', 'json']);
  t.match(JSON.parse(found.out), { matched: 1, rows: [{ name: 'api.shop.f' }] });
  for (const name of [
    'web.shop.f',
    'WEB.shop.f.svc.us.example.com.',
    '_http._tcp.web.shop.f.svc.example.com',
  ])
    t.strictSame(JSON.parse((await run(['service', name, '-o', 'json'])).out), REPORT, name);
  t.match(await run(['service', 'no.such.f']), { code: 1, err: /no Service no\.such\.f is known/ });
  t.match(await run(['services', '--limit', 'many']), { code: 1, err: /limit/ });
  t.match(await run(['services', '--health', 'odd']), { code: 1, err: /all, degraded, down/ });
});
