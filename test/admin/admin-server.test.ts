import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import type { ControlPlane } from '../../src/admin/control-plane.ts';
import { Metrics } from '../../src/admin/metrics.ts';
import { AdminServer } from '../../src/admin/server.ts';
import { CLUSTERS, RECORDS, blocks, fakeControlPlane, listingOf, report } from './fake-control-plane.ts';
import { Counter } from '../../src/server/counters.ts';

const TOKEN = 'x'.repeat(43);
const NOW_MS = 1_000_000;
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface Running {
  readonly base: string;
  readonly port: number;
  readonly metrics: Metrics;
}

async function serving(test: Test, control: ControlPlane, hosts: readonly string[] = []): Promise<Running> {
  const metrics = new Metrics({ control, clock: () => NOW_MS, version: '1.2.3' });
  const server = new AdminServer({
    control,
    metrics,
    log,
    token: TOKEN,
    hosts: () => hosts,
    listen: { address: '127.0.0.1', port: 0 },
  });
  metrics.start();
  await server.start();
  test.teardown(async () => {
    await server.stop();
    metrics.stop();
  });
  const { port } = server.address;
  return { base: `http://127.0.0.1:${port}`, port, metrics };
}

t.test('each path answers as documented', async (t) => {
  const { base } = await serving(t, fakeControlPlane());
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['/healthz', 200, /^ok\n$/],
    ['/readyz', 200, /^ok\n$/],
    ['/metrics', 200, /^fedns_soa_serial 1790000000$/m],
    ['/api/v1/records', 200, /us-central1-f/],
    ['/api/v1/clusters', 200, /gce-asia-east1-a/],
    ['/api/v1/explain?name=nginx.example.com', 200, /"rule":"level"/],
    ['/api/v1/explain?name=nginx.example.com&client=10.1.2.3', 200, /for 10\.1\.2\.3/],
    ['/api/v1/explain', 400, /name/],
    ['/api/v1/explain?name=a..b', 400, /empty label/],
    ['/api/v1/explain?name=a&type=%20', 400, /type/],
    ['/api/v1/explain?name=a&client=here', 400, /client/],
    ['/api/v1/explain?name=a&client=fe80::1%25eth0', 400, /client/],
    [`/api/v1/explain?name=${'a'.repeat(2000)}`, 400, /name/],
    ['/api/v1/records?servce=nginx', 400, /servce: not one of federation, namespace, service/],
    ['/api/v1/records?type=A,%20', 400, /type/],
    ['/api/v1/records?name=', 400, /name/],
    ['/', 200, /^\/metrics +metrics in the Prometheus text format\n\/api\/v1\/records +what is served/m],
    ['/metrics/', 404, /no such path; \/ lists them/],
  ];
  for (const [path, status, text] of cases) {
    const response = await fetch(base + path);
    t.equal(response.status, status, path);
    t.match(await response.text(), text, path);
    t.equal(response.headers.get('cache-control'), 'no-store');
  }
});

t.test('only requests for an address, localhost or a name of the configuration are answered', async (t) => {
  const { port } = await serving(t, fakeControlPlane(), ['ns1.example.com', 'fedns']);
  const cases: readonly (readonly [string, number])[] = [
    ['127.0.0.1', 200],
    [`127.0.0.1:${port}`, 200],
    ['10.1.2.3:9153', 200],
    ['[::1]:9153', 200],
    ['[2001:db8::1]', 200],
    ['localhost', 200],
    ['LocalHost:9153', 200],
    ['localhost.:9153', 200],
    ['ns1.example.com', 200],
    ['NS1.Example.Com.:9153', 200],
    ['fedns:9153', 200],
    ['attacker.example', 421],
    ['attacker.example:9153', 421],
    ['127.0.0.1.attacker.example', 421],
    ['localhost.attacker.example', 421],
    ['xlocalhost', 421],
    ['a.ns1.example.com', 421],
    ['example.com', 421],
    ['0x7f.1', 421],
    ['2130706433', 421],
    ['localhost@attacker.example', 421],
    ['[attacker.example]', 421],
  ];
  for (const [host, status] of cases) {
    for (const path of ['/healthz', '/api/v1/clusters']) {
      const reply = await exchange(
        port,
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      );
      t.match(reply, new RegExp(`^HTTP/1\\.1 ${status} `), `${host} ${path}`);
      if (status !== 200) t.notMatch(reply, /gce-|"ok/, 'nothing is told');
    }
  }
  t.match(
    await exchange(port, 'GET /healthz HTTP/1.0\r\n\r\n'),
    /^HTTP\/1\.1 200 /,
    'HTTP/1.0 may name none',
  );
});

t.test('a WebSocket is refused, and any other offer passed over', async (t) => {
  const { port } = await serving(t, fakeControlPlane());
  const ask = (upgrade: string): Promise<string> =>
    exchange(
      port,
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: ${upgrade}\r\nSec-WebSocket-Version: 13\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  t.match(await ask('websocket'), /^HTTP\/1\.1 400 [^]*no WebSockets/);
  t.match(await ask('h2c, WebSocket'), /^HTTP\/1\.1 400 /);
  t.match(await ask('h2c'), /^HTTP\/1\.1 200 /, 'RFC 9110 section 7.8');
});

/** Sends octets and gives what comes back until the server closes, or says nothing more for its keep-alive time. */
async function exchange(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let reply = '';
  socket.on('data', (part: Buffer) => (reply += part.toString()));
  socket.write(text);
  await once(socket, 'close');
  return reply;
}

t.test('readiness waits for clusters that neither a sync nor a snapshot covers', async (t) => {
  const { base } = await serving(
    t,
    fakeControlPlane({
      clusters: () => [
        ...CLUSTERS,
        { report: report('new', { condition: 'Pending' }), status: 'pending', shards: 0, healthyShards: 0 },
      ],
    }),
  );
  const response = await fetch(`${base}/readyz`);
  t.equal(response.status, 503);
  t.match(await response.text(), /first sync of new/);
});

t.test('a long listing arrives whole and as one JSON list', async (t) => {
  const rows = 5001;
  const { base } = await serving(
    t,
    fakeControlPlane({
      records: () =>
        listingOf(
          (function* () {
            for (let i = 0; i < rows; i++) yield { ...RECORDS[2]!, name: `n${i}.example.com.` };
          })(),
        ),
    }),
  );
  const list = (await (await fetch(`${base}/api/v1/records`)).json()) as { name: string }[];
  t.equal(list.length, rows);
  t.equal(list.at(-1)?.name, `n${rows - 1}.example.com.`);
  const empty = await serving(t, fakeControlPlane({ records: () => listingOf([]) }));
  t.strictSame(await (await fetch(`${empty.base}/api/v1/records`)).json(), []);
});

t.test('only GET reads, and whoever would change something needs the token', async (t) => {
  const { base } = await serving(t, fakeControlPlane());
  const authorization = `Bearer ${TOKEN}`;
  const cases: readonly (readonly [string, number, RequestInit])[] = [
    ['without a token', 401, { method: 'POST' }],
    ['with a wrong token', 401, { method: 'DELETE', headers: { authorization: 'Bearer wrong' } }],
    [
      'with the token in another scheme',
      401,
      { method: 'POST', headers: { authorization: `Basic ${TOKEN}` } },
    ],
    ['with the token', 405, { method: 'POST', body: 'x', headers: { authorization } }],
    ['HEAD reads', 200, { method: 'HEAD' }],
  ];
  for (const [title, status, init] of cases) {
    t.equal((await fetch(`${base}/api/v1/records`, init)).status, status, title);
  }
});

t.test('a request beyond the limits is refused', async (t) => {
  const { port } = await serving(t, fakeControlPlane());
  const cases = {
    'a GET with a body': [
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc',
      /^HTTP\/1\.1 413 /,
    ],
    'a chunked body': [
      'GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n',
      /^HTTP\/1\.1 413 /,
    ],
    'a header too long': [
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(9000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
    'not HTTP': ['hello\r\n\r\n', /^HTTP\/1\.1 400 /],
  } as const;
  for (const [title, [text, expected]] of Object.entries(cases)) {
    const socket = connect(port, '127.0.0.1');
    socket.end(text);
    let reply = '';
    socket.setEncoding('utf8').on('data', (part: string) => (reply += part));
    await once(socket, 'close');
    t.match(reply, expected, title);
  }
});

t.test('a fault in a route is answered, counted and survived', async (t) => {
  const { base, metrics } = await serving(
    t,
    fakeControlPlane({
      explain: () => {
        throw new Error('broken');
      },
    }),
  );
  t.equal((await fetch(`${base}/api/v1/explain?name=a`)).status, 500);
  t.match(await metrics.text(), /^fedns_control_plane_faults_total 1$/m);
  t.equal((await fetch(`${base}/healthz`)).status, 200);
});

t.test('metrics sum the workers and describe the clusters', async (t) => {
  const counters = blocks();
  const vitals = { ...fakeControlPlane().vitals(), counters };
  const { base, metrics } = await serving(t, fakeControlPlane({ vitals: () => vitals }));
  for (const block of counters) {
    const view = new Float64Array(block);
    view[Counter.queriesUdp] = 7;
    view[Counter.rcode + 3] = 2;
    view[Counter.type + 6] = 3;
    view[Counter.type + 10] = 1;
    view[Counter.batch + 6] = 1;
  }
  metrics.reloaded(false);
  metrics.observePropagation('gce-us-central1-a', 0.004);
  const lines = (await (await fetch(`${base}/metrics`)).text()).split('\n');
  for (const expected of [
    'fedns_queries_total{transport="udp"} 14',
    'fedns_queries_total{transport="tls"} 0',
    'fedns_replies_total{rcode="NXDOMAIN"} 4',
    'fedns_queries_by_type_total{type="AAAA"} 6',
    'fedns_queries_by_type_total{type="other"} 2',
    'fedns_udp_batches_total{packets="64"} 2',
    'fedns_image_octets 4096',
    'fedns_build_info{version="1.2.3",node="' + process.version + '"} 1',
    'fedns_cluster_condition{cluster="gce-asia-east1-a",condition="Offline"} 1',
    'fedns_cluster_condition{cluster="gce-asia-east1-a",condition="Ready"} 0',
    'fedns_cluster_status{cluster="gce-asia-east1-a",status="held"} 1',
    'fedns_cluster_last_octet_age_seconds{cluster="gce-asia-east1-a",kind="Service"} 60',
    'fedns_cluster_shards{cluster="gce-us-central1-a",state="healthy"} 1',
    'fedns_cluster_refusals{cluster="gce-asia-east1-a",code="ADDRESS"} 1',
    'fedns_config_reloads_total{result="failure"} 1',
    'fedns_config_reloads_total{result="success"} 0',
    'fedns_config_last_reload_successful 0',
    'fedns_propagation_seconds_bucket{le="0.005",cluster="gce-us-central1-a"} 1',
    'fedns_propagation_seconds_bucket{le="0.002",cluster="gce-us-central1-a"} 0',
  ]) {
    t.ok(lines.includes(expected), expected);
  }
});

t.test('a cluster that is gone leaves no series behind', async (t) => {
  let clusters = CLUSTERS;
  const { metrics } = await serving(t, fakeControlPlane({ clusters: () => clusters }));
  t.match(await metrics.text(), /gce-asia-east1-a/);
  clusters = CLUSTERS.slice(0, 1);
  t.notMatch(await metrics.text(), /gce-asia-east1-a/);
});

t.test('a port in use is reported by its start', async (t) => {
  const { port } = await serving(t, fakeControlPlane());
  const control = fakeControlPlane();
  const metrics = new Metrics({ control, clock: () => NOW_MS, version: '' });
  const second = new AdminServer({ control, metrics, log, listen: { address: '127.0.0.1', port } });
  await t.rejects(second.start(), { code: 'EADDRINUSE' });
});
