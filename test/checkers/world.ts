/**
 * A small internet in a network namespace of its own: a root, the domains com, net and arpa, and fedns with example.com
 * delegated to it. Run inside the namespace (`unshare --net --map-root-user node world.ts FOLDER COMMAND [ARG …]`); it
 * builds everything in FOLDER, runs COMMAND there and ends as it does. What is checked is decided by the caller.
 *
 * Addresses are of the public range, as the checkers want them; nothing in the namespace leads out.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '../../src/zonebuilder/ip-text.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const ROOT = { name: 'a.root-servers.net', addresses: ['198.41.0.4', '2001:503:ba3e::2:30'] };
const TLD = [
  { name: 'a.gtld-servers.net', addresses: ['192.5.6.30', '2001:503:a83e::2:30'] },
  { name: 'b.gtld-servers.net', addresses: ['192.33.14.30', '2001:503:231d::2:30'] },
];
const OURS = [
  { name: 'ns1.example.com', addresses: ['185.49.140.60', '2a04:b900::60'] },
  { name: 'ns2.example.com', addresses: ['193.0.14.130', '2001:7fd::2'] },
];

/** The owner of an address's PTR record below `arpa` (RFC 1035 section 3.5, RFC 3596 section 2.5). */
function reverseName(address: string): string {
  if (!address.includes(':')) return `${address.split('.').toReversed().join('.')}.in-addr`;
  const nibbles = parseAddress(address)!.toString('hex');
  return `${[...nibbles].toReversed().join('.')}.ip6`;
}

/** Time for NSD and fedns to answer, in steps of 100 ms. */
const PATIENCE_STEPS = 150;

const soa = (server: string) => `@ SOA ${server}. hostmaster.${server}. 2026010100 14400 3600 604800 86400`;
const glue = ({ name, addresses }: (typeof OURS)[number]) =>
  addresses.map((address) => `${name}. ${address.includes(':') ? 'AAAA' : 'A'} ${address}`);
const delegation = (zone: string, servers: typeof OURS) => servers.map(({ name }) => `${zone} NS ${name}.`);

/** Zones by file name. `lame.com` is delegated to fedns, too, which does not serve it. */
const ZONES: Readonly<Record<string, readonly string[]>> = {
  '.': [
    soa(ROOT.name),
    `@ NS ${ROOT.name}.`,
    ...glue(ROOT),
    ...['com.', 'net.', 'arpa.'].flatMap((zone) => delegation(zone, TLD)),
    ...TLD.flatMap(glue),
  ],
  'com.': [
    soa('a.gtld-servers.net'),
    ...delegation('@', TLD),
    ...delegation('example', OURS),
    ...delegation('lame', OURS),
    ...OURS.flatMap(glue),
  ],
  'net.': [soa('a.gtld-servers.net'), ...delegation('@', TLD), ...TLD.flatMap(glue), ...glue(ROOT)],
  'arpa.': [
    soa('a.gtld-servers.net'),
    ...delegation('@', TLD),
    ...OURS.flatMap(({ name, addresses }) =>
      addresses.map((address) => `${reverseName(address)} PTR ${name}.`),
    ),
  ],
};

const MANIFEST = `apiVersion: v1
kind: Service
metadata: { name: nginx, namespace: mynamespace }
spec: { type: LoadBalancer, ports: [{ name: http, protocol: TCP, port: 80 }] }
status: { loadBalancer: { ingress: [{ ip: 203.0.112.1 }, { ip: "2a04:b900::99" }] } }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: nginx-1, namespace: mynamespace, labels: { kubernetes.io/service-name: nginx } }
addressType: IPv4
ports: [{ name: http, protocol: TCP, port: 80 }]
endpoints: [{ addresses: [10.0.0.5], conditions: { ready: true } }]
`;

function fednsConfig(): string {
  const addresses = OURS.flatMap((server) => server.addresses);
  return JSON.stringify({
    domain: 'example.com',
    nameservers: OURS,
    hostmaster: 'hostmaster.example.com',
    listen: addresses.map((address) => (address.includes(':') ? `[${address}]:53` : `${address}:53`)),
    stateDir: false,
    workers: 1,
    federations: [{ name: 'myfederation', select: 'all' }],
    clusters: [
      { name: 'one', region: 'us-east1', zones: ['us-east1-b'], manifests: './cluster.yaml' },
      { name: 'two', region: 'asia-east1', zones: ['asia-east1-a'], manifests: './empty.yaml' },
    ],
    records: [
      { name: 'example.com', type: 'MX', data: '10 mail.example.com' },
      { name: 'mail.example.com', type: 'A', data: '203.0.112.10' },
    ],
  });
}

function nsdConfig(folder: string): string {
  const addresses = [ROOT, ...TLD].flatMap((server) => server.addresses);
  const quoted = (file: string) => JSON.stringify(join(folder, file));
  return [
    'server:',
    ...addresses.map((address) => `  ip-address: ${address}`),
    '  username: ""',
    '  chroot: ""',
    '  server-count: 1',
    `  zonesdir: ${JSON.stringify(folder)}`,
    `  pidfile: ${quoted('nsd.pid')}`,
    '  database: ""',
    `  zonelistfile: ${quoted('zone.list')}`,
    `  xfrdfile: ${quoted('xfrd.state')}`,
    'remote-control:',
    '  control-enable: no',
    ...Object.keys(ZONES).flatMap((zone) => ['zone:', `  name: "${zone}"`, `  zonefile: "zone${zone}txt"`]),
    '',
  ].join('\n');
}

function writeFiles(folder: string): void {
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  for (const [zone, lines] of Object.entries(ZONES)) {
    write(`zone${zone}txt`, `$ORIGIN ${zone}\n$TTL 86400\n${lines.join('\n')}\n`);
  }
  write('hints', [`. 3600000 NS ${ROOT.name}.`, ...glue(ROOT)].join('\n') + '\n');
  write('nsd.conf', nsdConfig(folder));
  write('fedns.yaml', fednsConfig());
  write('cluster.yaml', MANIFEST);
  write('empty.yaml', '# no object\n');
}

function ip(...args: string[]): void {
  execFileSync('ip', args);
}

function bringUp(): void {
  ip('link', 'set', 'lo', 'up');
  for (const address of [ROOT, ...TLD, ...OURS].flatMap((server) => server.addresses)) {
    ip('addr', 'add', `${address}/${address.includes(':') ? 128 : 32}`, 'dev', 'lo');
  }
}

async function answers(server: string, name: string): Promise<void> {
  const args = ['+time=1', '+tries=1', '+short', `@${server}`, name, 'SOA'];
  for (let step = 0; step < PATIENCE_STEPS; step++) {
    const { status, stdout } = spawnSync('dig', args, { encoding: 'utf8' });
    if (status === 0 && /^\S+ \S+ \d+/.test(stdout)) return;
    await setTimeout(100);
  }
  throw new Error(`${server} does not answer for ${name}`);
}

const [folder = '', command = '', ...args] = process.argv.slice(2);
const children: ChildProcess[] = [];
try {
  writeFiles(folder);
  bringUp();
  const stdio = ['ignore', 'inherit', 'inherit'] as const;
  children.push(
    spawn('nsd', ['-d', '-c', join(folder, 'nsd.conf')], { stdio: ['ignore', 'ignore', 'ignore'] }),
  );
  children.push(
    spawn(process.execPath, [MAIN, 'serve', '--config', join(folder, 'fedns.yaml')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  await answers(ROOT.addresses[0]!, '.');
  await answers(OURS[1]!.addresses[1]!, 'example.com');
  process.exitCode = spawnSync(command, args, { cwd: folder, stdio: [...stdio] }).status ?? 1;
} finally {
  for (const child of children) child.kill();
}
