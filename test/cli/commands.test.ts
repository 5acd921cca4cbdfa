import t from 'tap';
import type { Test } from 'tap';
import { parse } from 'yaml';
import type { ControlPlane, GeoStatus } from '../../src/admin/control-plane.ts';
import { Metrics } from '../../src/admin/metrics.ts';
import { AdminServer } from '../../src/admin/server.ts';
import type { Environment, LoadedConfig } from '../../src/cli/environment.ts';
import { runProgram } from '../../src/cli/program.ts';
import { recordWriter } from '../../src/cli/records.ts';
import type { RecordOutput } from '../../src/cli/records.ts';
import type { Settings } from '../../src/config/settings.ts';
import { CLUSTERS, RECORDS, fakeControlPlane, listingOf } from '../admin/fake-control-plane.ts';

const NOW_MS = 1_000_000;
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function running(test: Test, more: Partial<ControlPlane> = {}): Promise<number> {
  const control = fakeControlPlane(more);
  const metrics = new Metrics({ control, clock: () => NOW_MS, version: '' });
  const server = new AdminServer({ control, metrics, log, listen: { address: '127.0.0.1', port: 0 } });
  await server.start();
  test.teardown(() => server.stop());
  return server.address.port;
}

/** Runs one command line against a configuration that has its admin server at `admin`. */
async function run(
  args: readonly string[],
  admin: { address: string; port: number } | undefined,
  more: Partial<Environment> = {},
): Promise<Outcome> {
  let [out, err] = ['', ''];
  const config: LoadedConfig = { kind: 'loaded', settings: { admin } as Settings, warnings: [] };
  const code = await runProgram(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    clock: () => NOW_MS + 90_000,
    version: '1.2.3',
    load: async () => config,
    serve: async () => 0,
    ...more,
  });
  return { code, out, err };
}

t.test('records prints the listing of the Federation user guide', async (t) => {
  const admin = { address: '127.0.0.1', port: await running(t) };
  const { code, out, err } = await run(['records', '--config', 'x.yaml'], admin);
  t.strictSame([code, err], [0, '']);
  t.equal(
    out,
    `NAME                                                            TYPE      TTL     DATA
example.com.                                                    SOA       21600   ns1.example.com. hostmaster.example.com. 1790000000 3600 600 1209600 15
example.com.                                                    NS        21600   ns1.example.com., ns2.example.com.
ns1.example.com.                                                A         21600   192.0.2.1
ns2.example.com.                                                A         21600   192.0.2.2
nginx.mynamespace.myfederation.svc.us-central1.example.com.     A         180     104.197.247.191, 104.197.244.180
nginx.mynamespace.myfederation.svc.us-central1-f.example.com.   CNAME     180     nginx.mynamespace.myfederation.svc.us-central1.example.com.
example.com.                                                    TXT       180     "v=spf1; a\\"b" "-all"
`,
  );
});

t.test('records says that nothing matches, beside an empty listing that is a good answer', async (t) => {
  const none = { records: () => listingOf([]) };
  const admin = { address: '127.0.0.1', port: await running(t, none) };
  for (const [output, listed] of [
    ['table', /^NAME +TYPE/],
    ['zone', /^$/],
    ['json', /^\[\s*\]\n$/],
    ['ndjson', /^$/],
    ['yaml', /^\[\]\n$/],
  ] as const) {
    const asked = ['records', '--federation', 'nope', '--type', 'A', '-o', output];
    const { code, out, err } = await run(asked, admin);
    t.strictSame([code, err], [0, 'fedns: no record matches --federation nope --type A\n'], output);
    t.match(out, listed, output);
  }
  const some = { address: '127.0.0.1', port: await running(t) };
  t.equal((await run(['records', '--federation', 'myfederation'], some)).err, '');
});

t.test('RFC 1035 section 5: records as a zone file has one record a line', async (t) => {
  const admin = { address: '127.0.0.1', port: await running(t) };
  const { out } = await run(['records', '--format', 'zone'], admin);
  const lines = out.trimEnd().split('\n');
  t.match(lines[0], /^example\.com\.\t21600\tIN\tSOA\t/);
  t.ok(lines.includes('example.com.\t21600\tIN\tNS\tns2.example.com.'));
  t.equal(lines.length, RECORDS.flatMap((set) => set.data).length);
});

t.test('records as JSON is what the admin server lists', async (t) => {
  const admin = { address: '0.0.0.0', port: await running(t) };
  const { out } = await run(['records', '--format', 'json'], admin);
  t.strictSame(JSON.parse(out), RECORDS, 'also when the admin server listens on the wildcard address');
});

t.test(
  'records --digest is one line about all of them, whatever their order, and says nothing of the SOA',
  async (t) => {
    const digestOf = async (records: typeof RECORDS, ...args: string[]): Promise<string> => {
      const admin = { address: '127.0.0.1', port: await running(t, { records: () => listingOf(records) }) };
      return (await run(['records', '--digest', ...args], admin)).out;
    };
    const [soa, ...rest] = RECORDS;
    const all = await digestOf(RECORDS);
    t.match(all, /^[0-9a-f]{64} 8 1790000000\n$/);
    t.equal(await digestOf(rest.toReversed()), all);
    t.equal(await digestOf([{ ...soa!, data: ['a. b. 1 2 3 4 5'] }, ...rest]), all);
    const other = [...rest.slice(0, -1), { ...rest.at(-1)!, ttlSeconds: 181 }];
    t.not(
      (await digestOf(other)).slice(0, 64),
      all.slice(0, 64),
      'RFC 4034 section 6.2: a TTL is part of a record',
    );
    const [digest, records, serial] = all.trim().split(' ');
    const view = { digest, records: Number(records), serial: Number(serial) };
    t.strictSame(JSON.parse(await digestOf(RECORDS, '-o', 'json')), view);
    t.strictSame(parse(await digestOf(RECORDS, '-o', 'yaml')), view);
  },
);

t.test('a name that exists without records is in the zone file and not in the other listings', async (t) => {
  const sets = [{ name: 'a.example.com.', type: 'TYPE65280', ttlSeconds: 180, data: [String.raw`\# 0`] }];
  const written = (output: RecordOutput): string => {
    const writer = recordWriter(output);
    return writer.add(sets) + writer.end();
  };
  t.equal(written('zone'), 'a.example.com.\t180\tIN\tTYPE65280\t\\# 0\n');
  for (const output of ['table', 'json', 'ndjson', 'yaml'] as const) t.notMatch(written(output), /TYPE65280/);
  t.strictSame(JSON.parse(written('json')), []);
});

t.test('clusters shows how each is, and wide what was refused', async (t) => {
  const admin = { address: '127.0.0.1', port: await running(t) };
  const short = await run(['clusters'], admin);
  t.equal(
    short.out,
    `NAME                STATUS         VERSION   AGE   REGION        ZONES                       SHARDS
gce-us-central1-a   Ready          <none>    90s   us-central1   us-central1-a               1/2
gce-asia-east1-a    Offline,held   v1.36.3   90s   asia-east1    asia-east1-a,asia-east1-b   1/1
`,
  );
  const wide = await run(['clusters', '-o', 'wide'], admin);
  t.match(wide.out, /connection refused/);
  t.match(wide.out, /ADDRESS +\d+m +Service mynamespace\/nginx +127\.0\.0\.1 is loopback/);
  t.strictSame(JSON.parse((await run(['clusters', '-o', 'json'], admin)).out), CLUSTERS);
});

t.test('clusters says of one that was never read that it was not, however long that lasts', async (t) => {
  const away = CLUSTERS[1]!;
  const cases = [
    [{ status: 'pending', unread: true }, 'Offline,pending'],
    [{ status: 'withdrawn', unread: true }, 'Offline,never-read'],
    [{ status: 'withdrawn' }, 'Offline,withdrawn'],
  ] as const;
  for (const [changes, status] of cases) {
    const admin = {
      address: '127.0.0.1',
      port: await running(t, { clusters: () => [{ ...away, ...changes }] }),
    };
    t.match((await run(['clusters'], admin)).out, new RegExp(`^gce-asia-east1-a +${status} `, 'm'));
  }
});

t.test('clusters says which settings wait for a restart', async (t) => {
  const vitals = { ...fakeControlPlane().vitals(), restartPending: ['listen', 'tls'] };
  const admin = { address: '127.0.0.1', port: await running(t, { vitals: () => vitals }) };
  for (const output of ['table', 'wide']) {
    const { out } = await run(['clusters', '-o', output], admin);
    t.match(out, /^warning: .*with a restart only: listen, tls$/m, output);
  }
  t.strictSame(JSON.parse((await run(['clusters', '-o', 'json'], admin)).out), CLUSTERS);
});

t.test('clusters warns of one that is Ready and publishes nothing, not of one that is away', async (t) => {
  const advice = 'none of its 2 Services is published: label one';
  const [ready, away] = CLUSTERS;
  const clusters = [ready!, away!].map((view) => ({ ...view, report: { ...view.report, advice } }));
  const admin = { address: '127.0.0.1', port: await running(t, { clusters: () => clusters }) };
  for (const output of ['table', 'wide', 'short']) {
    const { out } = await run(['clusters', '-o', output], admin);
    t.match(out, new RegExp(`\n\nwarning: gce-us-central1-a: ${advice}\n$`), output);
    t.notMatch(out, /warning: gce-asia/);
  }
  t.notMatch((await run(['clusters'], { ...admin, port: await running(t) })).out, /warning/);
});

t.test('explain ends with 3 for a name that is not served, in every form', async (t) => {
  for (const [rcode, expected] of [
    ['NOERROR', 0],
    ['NXDOMAIN', 3],
    ['REFUSED', 3],
    ['SERVFAIL', 3],
  ] as const) {
    const explanation = { rcode, steps: [{ rule: 'absent', text: 'no' }], answer: [] };
    const admin = { address: '127.0.0.1', port: await running(t, { explain: () => explanation }) };
    for (const output of ['text', 'json', 'yaml']) {
      const { code, out } = await run(['explain', 'x.example.com', '-o', output], admin);
      t.equal(code, expected, `${rcode} ${output}`);
      if (output !== 'text') t.strictSame(parse(out), explanation, output);
    }
  }
});

t.test('explain prints steps and answer', async (t) => {
  const admin = { address: '127.0.0.1', port: await running(t) };
  const { code, out } = await run(['explain', 'nginx.example.com', 'soa', '--client', '10.1.2.3'], admin);
  t.equal(code, 0);
  t.match(out, /^nginx\.example\.com SOA\n {2}level {2}nginx.*for 10\.1\.2\.3\n {2}alias {2}no shard/);
  t.match(out, /\nNOERROR\n {2}example\.com\. 21600 IN SOA ns1/);
  const malformed = await run(['explain', 'a..b'], admin);
  t.strictSame(malformed, { code: 1, out: '', err: 'fedns: a..b has an empty label\n' });
});

t.test('a command that asks says plainly when nobody answers', async (t) => {
  const probe = new AdminServer({
    control: fakeControlPlane(),
    metrics: new Metrics({ control: fakeControlPlane(), clock: () => 0, version: '' }),
    log,
    listen: { address: '127.0.0.1', port: 0 },
  });
  await probe.start();
  const { port } = probe.address;
  await probe.stop();
  for (const command of [['records'], ['clusters'], ['explain', 'a.example.com']]) {
    const { code, out, err } = await run([...command, '--config', 'demo.yaml'], {
      address: '127.0.0.1',
      port,
    });
    t.strictSame([code, out], [1, '']);
    t.equal(err, `fedns: no fedns answers at 127.0.0.1:${port} (from demo.yaml): is it running?\n`);
  }
  const without = await run(['records', '--config', 'demo.yaml'], undefined);
  t.strictSame([without.code, without.out], [1, '']);
  t.match(without.err, /^fedns: demo\.yaml has no admin address/);
});

t.test('a configuration that is broken now does not keep a running fedns from being asked', async (t) => {
  const admin = { address: '127.0.0.1', port: await running(t) };
  const refused = { kind: 'refused', faults: ['demo.yaml:1:1: broken'], warnings: [] } as const;
  const line = ['clusters', '--config', 'demo.yaml'];
  const asked = await run(line, undefined, { load: async () => ({ ...refused, admin }) });
  t.equal(asked.code, 0);
  t.match(asked.out, /^NAME/);
  t.match(asked.err, /^fedns: demo\.yaml has faults[^\n]*\n$/);
  const lost = await run(line, undefined, { load: async () => refused });
  t.strictSame(lost, { code: 1, out: '', err: 'fedns: demo.yaml:1:1: broken\n' });
});

t.test('check lists every fault and every warning', async (t) => {
  const refused: LoadedConfig = {
    kind: 'refused',
    faults: ['a.yaml:1:1: domain: missing', 'a.yaml:2:3: ttl: -1 is too small'],
    warnings: ['a.yaml:9:9: a warning'],
  };
  const bad = await run(['check', '--config', 'a.yaml'], undefined, { load: async () => refused });
  t.strictSame([bad.code, bad.out], [1, '']);
  t.equal(bad.err, `${[...refused.warnings, ...refused.faults].join('\n')}\na.yaml: 2 faults\n`);
  const good = await run(['check', '--config', 'a.yaml'], undefined);
  t.strictSame(good, { code: 0, out: 'a.yaml: no faults\n', err: '' });
  const found = { faults: ['cluster one: b.yaml: it is empty'], warnings: ['a warning'] };
  const inspected = await run(['check', '--config', 'a.yaml'], undefined, { inspect: async () => found });
  t.strictSame(inspected, {
    code: 1,
    out: '',
    err: 'a warning\ncluster one: b.yaml: it is empty\na.yaml: 1 fault\n',
  });
});

t.test('a command line that is wrong ends with 1, one that asks for help with 0', async (t) => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['--version'], 0, /^1\.2\.3\n$/],
    [['--help'], 0, /serve \[options\]/],
    [['serve', '--help'], 0, /--config/],
    [['records', '--format', 'xml'], 1, /table, zone, json/],
    [['nonsense'], 1, /unknown command/],
    [['serve', '--nonsense'], 1, /unknown option/],
    [['explain'], 1, /missing required argument/],
  ];
  for (const [args, code, text] of cases) {
    const outcome = await run(args, undefined);
    t.equal(outcome.code, code, args.join(' '));
    t.match(outcome.out + outcome.err, text, args.join(' '));
  }
});

t.test('serve hands its exit code on', async (t) => {
  const files: string[] = [];
  const serve = async (file: string): Promise<number> => files.push(file) + 6;
  t.equal((await run(['serve', '-c', 'b.yaml'], undefined, { serve })).code, 7);
  t.strictSame(files, ['b.yaml']);
});

t.test(
  'the databases of clients’ places are shown with their build date and age, and what is wrong with them',
  async (t) => {
    const builtMs = Date.UTC(2026, 8, 18);
    const status: GeoStatus = {
      files: [{ path: '/data/city.mmdb', type: 'GeoLite2-City', builtMs }],
      octets: 12_058_624,
      compileMs: 2540,
      reloads: { success: 1, failure: 1 },
      contests: [{ clusters: ['eu', 'us'], networks: 6, examples: ['10.8.0.0/24', '10.8.1.0/24'] }],
      trouble: { code: 'GEOIP_OLDER', message: 'x.mmdb is older than what is in use', sinceMs: builtMs },
    };
    const warnings = [
      'warning: GEOIP_OLDER: x.mmdb is older than what is in use',
      'warning: eu and us claim the same networks, which are nobody’s: 10.8.0.0/24, 10.8.1.0/24, … (6)',
    ].join('\n');
    const geo = { status: () => status, locate: () => t.fail() as never, map: () => [] };
    const admin = { address: '127.0.0.1', port: await running(t, { geo }) };
    const clock = (): number => builtMs + 71 * 86_400_000;
    t.equal(
      (await run(['geo'], admin, { clock })).out,
      [
        'DATABASE          TYPE            BUILT        AGE',
        '/data/city.mmdb   GeoLite2-City   2026-09-18   71d',
        'tables of 11.5 MiB, compiled in 2.5 s',
        `${warnings}\n`,
      ].join('\n'),
    );
    t.strictSame(JSON.parse((await run(['geo', '-o', 'json'], admin)).out), status);
    for (const output of ['table', 'wide']) {
      const { out } = await run(['clusters', '-o', output], admin, { clock });
      t.ok(out.endsWith(`\n\ngeoip: GeoLite2-City of 2026-09-18, 71d old\n${warnings}\n`), output);
    }
    const without = { address: '127.0.0.1', port: await running(t) };
    t.notMatch((await run(['clusters'], without)).out, 'geoip');
  },
);
