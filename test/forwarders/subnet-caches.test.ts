/** Caches of client subnets in resolvers in front of nearest names: no client gets another's answer from them (RFC 7871 section 7.3). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { makeDomain, waysTo } from '../conformance/fixture.ts';
import { seededRandom } from '../fuzz/random.ts';
import { freePort, start } from '../process/serving.ts';
import { Client } from '../server/transport-fixture.ts';
import { needCommand } from '../support/commands.ts';
import type { Federation } from '../support/federation.ts';
import { geoPolicy, makeTables, subnetOption } from '../support/geo.ts';
import { makeQuery, readMessage } from '../support/message.ts';
import { scratch } from '../support/scratch.ts';

const SEED = 20261128;
const QUERIES = 400;
const NAME = 'near.shop.main.svc.example.com';
const REGIONS = ['us', 'eu', 'asia'] as const;
const ALL = ['192.0.2.30', '192.0.2.31', '192.0.2.32'];
/** Networks that are asked for, and what each is to get: its region, or all. */
const NETWORKS = [
  ['8.0.0.0/8', 0],
  ['8.8.0.0/16', 1],
  ['9.0.0.0/9', 1],
  ['9.128.0.0/9', 2],
  ['9.9.9.0/24', 0],
] as const;

function makeWorld(): Federation {
  const f = makeDomain({
    policy: geoPolicy(makeTables(NETWORKS), ['127.0.0.1/32']),
    policies: { policy: 'nearest' },
  });
  REGIONS.forEach((region, i) => {
    f.cluster(`near-${region}`, region, []);
    f.shard(`near-${region}`, 'near.shop.main', {
      addresses: i === 2 ? [ALL[i]!] : [ALL[i]!, `2001:db8::3${i}`],
    });
  });
  const steps = REGIONS.map((region) => ({ kind: 'region' as const, region }));
  f.builder.setOrders({
    version: 1,
    rows: steps.map((first) => [first, ...steps.filter((step) => step !== first)]),
  });
  return f;
}

/** The region of a /24, by the longest network; undefined for one that nobody knows. */
function regionOf(a: number, b: number, c: number): number | undefined {
  if (a === 8) return b === 8 ? 1 : 0;
  if (a !== 9) return undefined;
  return b === 9 && c === 9 ? 0 : b < 128 ? 1 : 2;
}

function configuration(folder: string, port: number, authority: number): string {
  const server = [
    'interface: 127.0.0.1',
    `port: ${port}`,
    'access-control: 127.0.0.0/8 allow',
    'module-config: "subnetcache iterator"',
    'send-client-subnet: 127.0.0.1',
    'client-subnet-always-forward: yes',
    'do-not-query-localhost: no',
    'root-hints: ""',
    'username: ""',
    'chroot: ""',
    `directory: "${folder}"`,
    'pidfile: ""',
    'use-syslog: no',
    'logfile: ""',
    'verbosity: 1',
    'num-threads: 1',
    'do-ip6: no',
  ];
  const stub = ['name: "example.com"', `stub-addr: 127.0.0.1@${authority}`];
  return `server:\n${lines(server)}remote-control:\n  control-enable: no\nstub-zone:\n${lines(stub)}`;
}

function lines(entries: readonly string[]): string {
  return entries.map((entry) => `  ${entry}\n`).join('');
}

/** The recursor's own settings; what it must be told to send subnets, and to take those of its clients. */
function recursorArguments(folder: string, port: number, authority: number): string[] {
  const settings = {
    'config-dir': folder,
    'socket-dir': folder,
    'local-address': '127.0.0.1',
    'local-port': port,
    'forward-zones': `example.com=127.0.0.1:${authority}`,
    'edns-subnet-allow-list': '127.0.0.1/32',
    'use-incoming-edns-subnet': 'yes',
    'dont-query': '',
    dnssec: 'off',
    daemon: 'no',
    'write-pid': 'no',
    'disable-syslog': 'yes',
    'security-poll-suffix': '',
    threads: 1,
    // Its packet cache keeps NODATA for every subnet, whatever the reply says (docs/nearest.md).
    'disable-packetcache': 'yes',
  };
  return Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
}

const RESOLVERS = {
  Unbound(t: Test, port: number, authority: number) {
    const folder = scratch(t);
    const file = join(folder, 'unbound.conf');
    writeFileSync(file, configuration(folder, port, authority));
    return start(t, needCommand('unbound'), ['-d', '-c', file]).until(/start of service/);
  },
  'the PowerDNS Recursor'(t: Test, port: number, authority: number) {
    // Its control socket's path is to be short.
    const folder = mkdtempSync(join(tmpdir(), 'fedns-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const settings = recursorArguments(folder, port, authority);
    return start(t, needCommand('pdns_recursor'), settings).until(/multiplexer/);
  },
};

for (const [name, startResolver] of Object.entries(RESOLVERS)) {
  test(`${name} gives each subnet its own answer`, (t) => tryResolver(t, startResolver));
}

async function tryResolver(t: Test, startResolver: (typeof RESOLVERS)['Unbound']): Promise<void> {
  const authority = (await waysTo(t, makeWorld())).find(({ name }) => name === 'TCP')!.port!;
  const port = await freePort();
  await startResolver(t, port, authority);
  const client = await Client.connect({ address: '127.0.0.1', port });
  t.teardown(() => client.close());
  const random = seededRandom(SEED);
  const wrong: string[] = [];
  for (let i = 0; i < QUERIES; i++) {
    const [a, b, c] = [7 + random(4), [8, 9, 1, 200][random(4)]!, [9, 3][random(2)]!];
    const isV6 = random(2) === 0;
    const region = regionOf(a, b, c);
    const regions = region === undefined ? [0, 1, 2] : [region];
    // The third region has IPv4 addresses only: its clients get NODATA, and nobody else does.
    const has = isV6 ? regions.filter((n) => n < 2) : regions;
    const expected = has.map((n) => (isV6 ? `2001:db8::3${n}` : ALL[n]!)).join(' ');
    const options = { flags: 0x0100, id: i, options: [[8, subnetOption(`${a}.${b}.${c}.0/24`)]] as const };
    await client.sent(makeQuery(NAME, isV6 ? 'AAAA' : 'A', options));
    const reply = readMessage((await client.received(i + 1))[i]!);
    const got = reply.answer
      .map(({ data }) => data)
      .toSorted()
      .join(' ');
    if (got !== expected) wrong.push(`${a}.${b}.${c}.0/24: ${reply.rcode} ${got}, not ${expected}`);
  }
  t.strictSame(wrong.slice(0, 5), [], `seed ${SEED}; of ${wrong.length}`);
}
