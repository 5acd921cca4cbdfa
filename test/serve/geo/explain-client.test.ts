/** Where a client is and what it is answered with: what is explained against replies, by the packet's source and by client subnets. */
import t from 'tap';
import { compileClients } from '../../../src/geo/client-networks.ts';
import { compileGeo } from '../../../src/geo/compile.ts';
import { withClients } from '../../../src/geo/tables.ts';
import { clientNetworks } from '../../../src/serve/geo/claims.ts';
import { clientReport } from '../../../src/serve/geo/geo-control.ts';
import type { GeoState, Published } from '../../../src/serve/geo/geo-keeper.ts';
import { clusterRow, rowOrders, worldOf } from '../../../src/serve/geo/world.ts';
import { Transport } from '../../../src/server/responder.ts';
import type { ClusterState } from '../../../src/zonebuilder/facts.ts';
import { explain, type Explanation } from '../../../src/zonebuilder/explain.ts';
import { parseAddress } from '../../../src/zonebuilder/ip-text.ts';
import { writeDatabase, type Value } from '../../geo/write-database.ts';
import { makeFederation, type Federation } from '../../support/federation.ts';
import { geoPolicy, subnetOption } from '../../support/geo.ts';
import { makeQuery, readMessage, type Message } from '../../support/message.ts';

const NAME = 'web.n.f.svc.example.com';
/** Believed; near nobody, and in the networks of the cluster us. */
const RESOLVER = '10.2.0.53';
const point = (latitude: number, longitude: number): Value => ({ location: { latitude, longitude } });
const [PARIS, BOSTON] = [point(48.85, 2.35), point(42.36, -71.06)];
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
const octets = writeDatabase({
  networks: [
    [[8, 0, 0, 0], 8, BOSTON],
    [[9, 0, 0, 0], 8, PARIS],
    [[9, 1, 2, 0], 24, BOSTON],
    [[0x2a, 0, ...zeros(14)], 16, PARIS],
  ],
});
const CLUSTERS: readonly (ClusterState & { readonly networks: readonly string[] })[] = [
  {
    name: 'eu',
    region: 'eu-central-1',
    zones: [],
    status: 'available',
    networks: ['10.1.0.0/16', 'fd00:1::/48'],
  },
  {
    name: 'us',
    region: 'us-east-1',
    zones: [],
    status: 'available',
    networks: ['10.2.0.0/16', '9.9.9.9/32'],
  },
  { name: 'asia', region: 'asia-east1', zones: [], status: 'available', networks: ['10.3.0.0/16'] },
];

const state = makeState();

function makeState(): GeoState & { readonly published: Published } {
  const world = worldOf({ clusters: [], regions: [] }, CLUSTERS);
  const files = [{ path: 'a.mmdb', octets }];
  const tables = compileGeo({ files, places: world.places, clients: [], version: 1 });
  const networks = clientNetworks(world.claims, (cluster) => clusterRow(world, cluster));
  const clients = { clients4: compileClients(networks, 32), clients6: compileClients(networks, 128) };
  const orders = rowOrders(world, { compiled: tables.orders, places: world.places }, 2);
  const published = { memory: withClients(tables.memory, clients, 2), orders };
  return { files: tables.files, world, places: world.places, published, reloads: { success: 1, failure: 0 } };
}

/** asia has no healthy shard. */
function makeWorld(): Federation {
  const policy = geoPolicy(state.published.memory, [`${RESOLVER}/32`]);
  const f = makeFederation({ policies: { policy: 'nearest' }, policy });
  for (const { name, region } of CLUSTERS) f.cluster(name, region, []);
  f.shard('eu', 'web.n.f', { addresses: ['192.0.2.1', '2001:db8::1'] });
  f.shard('us', 'web.n.f', { addresses: ['192.0.2.2'] });
  f.shard('asia', 'web.n.f', { addresses: ['192.0.2.3'], ready: false });
  f.builder.setOrders(state.published.orders);
  return f;
}

const f = makeWorld();

function explained(client: string, type: string, world = f): Explanation {
  const soa = { name: 'example.com.', type: 'SOA', ttlSeconds: 1, data: [''] };
  return explain(world.builder, { name: NAME, type }, soa, clientReport(state, client));
}

function ask(from: string, type: string, subnet?: string, world = f): Message {
  const options = subnet === undefined ? {} : { options: [[8, subnetOption(subnet)]] as const };
  return readMessage(world.askRaw(makeQuery(NAME, type, options), Transport.udp, parseAddress(from)!)!);
}

function scopeOf({ opt }: Message): number | undefined {
  return opt?.options.find(([code]) => code === 8)?.[1][3];
}

function dataOf({ answer }: Message): string {
  return answer
    .map(({ data }) => data)
    .toSorted()
    .join(' ');
}

function textOf({ answer }: Explanation): string {
  return answer
    .flatMap(({ data }) => data)
    .toSorted()
    .join(' ');
}

/** What is told of where each is, what it skips, and whose place counts where a trusted resolver tells of it. */
const CLIENTS = [
  ['8.1.2.3', 'is in 8.0.0.0/8 (Test-City)', '', 'client'],
  ['9.1.2.3', 'is in 9.1.2.0/24 (Test-City)', '', 'client'],
  ['9.200.0.1', 'is in 9.128.0.0/9 (Test-City)', '', 'client'],
  ['2a00::7', 'is in 2a00::/16 (Test-City)', '', 'client'],
  ['::ffff:9.1.2.3', 'is in ::ffff:9.1.2.0/120 (Test-City)', '', 'client'],
  ['64:ff9b::901:203', 'is in 64:ff9b::901:200/120 (Test-City)', '', 'client'],
  ['2002:901:203::1', 'is in 2002:901:200::/40 (Test-City)', '', 'client'],
  ['10.1.2.3', 'is in 10.1.0.0/16 (nodes of cluster eu)', '', 'client'],
  ['::ffff:10.1.2.3', 'is in 10.1.0.0/16 (nodes of cluster eu)', '', 'client'],
  ['fd00:1::9', 'is in fd00:1::/48 (nodes of cluster eu)', '', 'client'],
  ['10.3.2.3', 'is in 10.3.0.0/16 (nodes of cluster asia)', 'cluster asia, region asia-east1', 'client'],
  ['9.9.9.9', 'is in 9.9.9.9/32 (nodes of cluster us)', '', 'network'],
  ['7.1.2.3', 'is unknown, in 4.0.0.0/6 (Test-City)', '', 'client'],
  ['10.77.1.1', 'is nowhere, in 10.64.0.0/10 (its address tells no place)', '', 'resolver'],
  ['fd00:2::1', 'is nowhere, in fd00:2::/31 (its address tells no place)', '', 'resolver'],
  ['127.0.0.1', 'is nowhere, in 127.0.0.0/8 (its address tells no place)', '', 'resolver'],
] as const;

t.test('a client is answered as it is explained, by its address and by its subnet', async (t) => {
  for (const [client, where, skipped, place] of CLIENTS) {
    const report = clientReport(state, client);
    t.equal(report.steps[0]!.text, `${client} ${where}`);
    t.equal(report.subnet.place, place, client);
    const { steps } = explained(client, 'A');
    const told = steps.filter(({ rule }) => rule === 'skipped').map(({ text }) => text);
    t.equal(told.join(', ').replaceAll(' has no healthy shard', ''), skipped, `skipped for ${client}`);
    for (const type of ['A', 'AAAA']) {
      t.equal(dataOf(ask(client, type)), textOf(explained(client, type)), `${type} for ${client}`);
      const reply = ask(RESOLVER, type, client);
      const like = { client: client, resolver: RESOLVER, network: '9.9.9.8' }[place];
      t.equal(dataOf(reply), textOf(explained(like, type)), `${type} for the subnet ${client}`);
      const scope = scopeOf(reply);
      t.equal(scope, report.subnet.scope, `its scope, ${type}`);
      t.match(steps.find(({ rule }) => rule === 'scope')?.text, ` scope ${scope}`, client);
    }
  }
});

t.test('the scope is 0 where no client would get anything else', async (t) => {
  const down = makeWorld();
  for (const cluster of ['eu', 'us'])
    down.shard(cluster, 'web.n.f', { addresses: ['192.0.2.1'], ready: false });
  for (const [world, type, told, title] of [
    [f, 'TXT', / scope 0$/, 'a type that the Service has nowhere'],
    [down, 'A', undefined, 'no shard is healthy, and so no policy is asked'],
  ] as const) {
    const { steps } = explained('8.1.2.3', type, world);
    t.match(steps.find(({ rule }) => rule === 'scope')?.text, told, title);
    t.equal(scopeOf(ask(RESOLVER, type, '8.1.2.0/24', world)), 0, title);
  }
});
