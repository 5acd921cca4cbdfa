/** What is told of where a client is, and the map of networks, against the tables they are read from. */
import t from 'tap';
import type { GeoMapRow } from '../../../src/admin/control-plane.ts';
import { compileClients } from '../../../src/geo/client-networks.ts';
import { compileGeo } from '../../../src/geo/compile.ts';
import { withClients } from '../../../src/geo/tables.ts';
import { clientNetworks } from '../../../src/serve/geo/claims.ts';
import { geoControl } from '../../../src/serve/geo/geo-control.ts';
import type { ClusterState } from '../../../src/zonebuilder/facts.ts';
import type { GeoState } from '../../../src/serve/geo/geo-keeper.ts';
import { clusterRow, rowOrders, worldOf } from '../../../src/serve/geo/world.ts';
import { SETTINGS } from '../fake-parts.ts';
import { writeDatabase } from '../../geo/write-database.ts';

const octets = writeDatabase({
  networks: [
    [[8, 0, 0, 0], 8, { location: { latitude: 42.36, longitude: -71.06 } }],
    [[9, 1, 2, 0], 24, { location: { latitude: 48.85, longitude: 2.35 } }],
    [
      [0x2a, 0, ...Array.from({ length: 14 }, () => 0)],
      16,
      { location: { latitude: 48.85, longitude: 2.35 } },
    ],
  ],
});

function stateOf(): GeoState {
  const world = worldOf({ clusters: [], regions: [] }, [
    {
      name: 'eu',
      region: 'eu-central-1',
      zones: [],
      status: 'available',
      networks: ['10.1.0.0/24', '10.9.0.0/24'],
    },
    { name: 'us', region: 'us-east-1', zones: [], status: 'available', networks: ['10.9.0.0/25'] },
  ]);
  const tables = compileGeo({
    files: [{ path: 'a.mmdb', octets }],
    places: world.places,
    clients: [],
    version: 1,
  });
  const networks = clientNetworks(world.claims, (cluster) => clusterRow(world, cluster));
  const clients = { clients4: compileClients(networks, 32), clients6: compileClients(networks, 128) };
  const orders = rowOrders(world, { compiled: tables.orders, places: world.places }, 2);
  const published = { memory: withClients(tables.memory, clients, 2), orders };
  const reloads = { success: 1, failure: 0 };
  return { files: tables.files, world, places: world.places, published, reloads };
}

const state = stateOf();
const control = geoControl(() => state);

const clients = [
  [
    '8.1.2.3',
    'place',
    '8.0.0.0/8',
    'Test-City',
    'us-east-1 eu-central-1',
    'the largest network with one answer',
  ],
  ['9.1.2.3', 'place', '9.1.2.0/24', 'Test-City', 'eu-central-1 us-east-1', 'a network of its own'],
  ['2a00::1', 'place', '2a00::/16', 'Test-City', 'eu-central-1 us-east-1', 'IPv6'],
  ['7.1.2.3', 'unknown', '0.0.0.0/5', 'Test-City', '', 'nobody knows'],
  ['192.168.1.1', 'nowhere', '192.168.0.0/16', 'its address tells no place', '', 'a private address'],
  ['10.1.0.7', 'cluster', '10.1.0.0/24', 'nodes of cluster eu', 'cluster eu eu-central-1 us-east-1', 'a Pod'],
  ['10.9.0.7', 'nowhere', '10.9.0.0/24', 'clusters us and eu both claim it', '', 'claimed by two'],
] as const;

t.test('a client is told which network it is in, who says so, and where it is sent', async (t) => {
  for (const [client, kind, network, from, order, title] of clients) {
    const { order: steps, scope, ...told } = control.locate(client);
    const expected = { client, kind, network, from };
    t.match(told, kind === 'unknown' ? { client, kind, from } : expected, `${title} (${client})`);
    t.equal(steps.map(({ to }) => to).join(' '), order, title);
    t.ok(scope > 0, 'and a resolver never that it is for everybody');
  }
  const [first, second] = control.locate('8.1.2.3').order;
  t.match(first, { to: 'us-east-1', km: 0, pointFrom: 'AWS: Ashburn' });
  t.match(second, { to: 'eu-central-1', pointFrom: 'AWS: Frankfurt' });
  t.ok(Math.abs(second!.km! - 6600) < 100, `${second!.km} km`);
});

t.test('networks that two clusters claim are named, with how many there are', async (t) => {
  const clusters = [at('eu', pods(6)), at('us', ['10.7.0.0/24', ...pods(6)]), at('asia', ['10.6.0.0/24'])];
  const world = worldOf({ clusters: [], regions: [] }, clusters);
  const { contests } = geoControl(() => ({ ...state, world })).status();
  t.same(contests, [{ clusters: ['eu', 'us'], networks: 6, examples: pods(4) }]);
});

t.test('nothing is known before there are tables', async (t) => {
  const empty = geoControl(() => ({
    files: [],
    world: worldOf(SETTINGS, []),
    places: [],
    reloads: { success: 0, failure: 0 },
  }));
  t.match(empty.locate('8.1.2.3'), { kind: 'unknown', order: [] });
  t.same(Array.from(empty.map()), []);
  t.match(empty.status(), { files: [], octets: 0, contests: [] });
});

t.test('the map lists each network that leads somewhere, once, as look-ups find it', async (t) => {
  const rows = Array.from(control.map()).filter((row): row is GeoMapRow => row !== undefined);
  t.same(rows, [
    { network: '10.1.0.0/24', to: 'cluster eu', from: 'nodes' },
    { network: '10.9.0.0/24', to: 'cluster eu', from: 'nodes' },
    { network: '10.9.0.0/25', to: 'unknown', from: 'nodes' },
    { network: '8.0.0.0/8', to: 'us-east-1', from: 'geoip' },
    { network: '9.1.2.0/24', to: 'eu-central-1', from: 'geoip' },
    { network: '2a00::/16', to: 'eu-central-1', from: 'geoip' },
  ]);
});

/** So many networks of Pods. */
function pods(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.8.${i}.0/24`);
}

function at(name: string, networks: readonly string[]): ClusterState {
  return { name, zones: [], status: 'available', networks };
}
