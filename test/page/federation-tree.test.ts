import t from 'tap';
import { clusterState } from '../../src/admin/page/health.ts';
import { treeOf, type Branch } from '../../src/admin/page/federation-tree.ts';
import { hrefOf, readRoute, type Route } from '../../src/admin/page/router.ts';
import type { ClusterNode, TopologyView } from '../../src/admin/topology.ts';

function cluster(name: string, more: Partial<ClusterNode> = {}): ClusterNode {
  return {
    name,
    region: 'us',
    zones: ['us-a'],
    kind: 'kubernetes',
    condition: 'Ready',
    status: 'available',
    conditionSinceMs: 0,
    heardMs: 1000,
    shards: 2,
    healthyShards: 2,
    refusals: 0,
    stale: 0,
    ...more,
  };
}

function tree(clusters: readonly ClusterNode[], zones: Readonly<Record<string, readonly string[]>>): Branch {
  const regions = Object.entries(zones).map(([name, own]) => ({ name, zones: own }));
  const rest = {
    domain: 'example.com',
    version: '',
    startedMs: 0,
    serial: 1,
    services: 1,
    restartPending: [],
  };
  return treeOf({ ...rest, regions, clusters } satisfies TopologyView);
}

/** A line for each branch: how deep, its name, its state, its shards. */
function lines(branch: Branch, depth = 0): string[] {
  const { name, state, healthyShards, shards, children } = branch;
  const line = `${'  '.repeat(depth)}${name}: ${state.health}, ${healthyShards}/${shards}`;
  return [line, ...children.flatMap((child) => lines(child, depth + 1))];
}

t.test('clusters stand in their zones and regions, and each place says how it is', async (t) => {
  const clusters = [
    cluster('one'),
    cluster('two', { zones: ['us-a', 'us-b'], status: 'held', condition: 'Offline', heardMs: 500 }),
    cluster('three', {
      region: 'eu',
      zones: [],
      status: 'withdrawn',
      condition: 'Offline',
      healthyShards: 0,
    }),
    cluster('four', {
      region: undefined as never,
      zones: [],
      status: 'pending',
      condition: 'Pending',
      shards: 0,
      healthyShards: 0,
    }),
  ].map(({ region, ...rest }) => (region === undefined ? rest : { ...rest, region }));
  const root = tree(clusters, { us: ['us-a', 'us-b'], eu: [] });
  t.strictSame(lines(root), [
    'example.com: warn, 4/6',
    '  us: warn, 4/4',
    '    us-a: warn, 4/4',
    '      one: ok, 2/2',
    '      two: held, 2/2',
    '    us-b: held, 2/2',
    '  eu: down, 0/2',
    '    three: down, 0/2',
    '  no region: idle, 0/0',
    '    four: idle, 0/0',
  ]);
  t.equal(root.children[0]!.heardMs, 500, 'a picture is as old as its oldest part');
});

t.test('what is wrong with a cluster is told by its worst', async (t) => {
  const cases: readonly (readonly [Partial<ClusterNode>, string, string])[] = [
    [{}, 'ok', 'Ready'],
    [{ status: 'held', condition: 'Offline' }, 'held', 'held, Offline'],
    [{ status: 'withdrawn', condition: 'Offline' }, 'down', 'withdrawn, Offline'],
    [{ status: 'withdrawn', condition: 'Offline', unread: true }, 'down', 'never read'],
    [{ status: 'pending', condition: 'Pending' }, 'idle', 'not read yet'],
    [{ condition: 'NotReady' }, 'warn', 'NotReady'],
    [{ stale: 1, refusals: 3 }, 'held', 'Ready, partly stale'],
    [{ guardedShards: 2 }, 'held', 'Ready, guarded'],
    [{ refusals: 3 }, 'warn', 'Ready, refusals'],
    [{ healthyShards: 0 }, 'warn', 'none healthy'],
    [{ healthyShards: 0, drained: { extent: 'whole', by: ['zone us-a.us'] } }, 'drained', 'drained'],
    [{ drained: { extent: 'part', by: ['zone us-a.us'] } }, 'drained', 'Ready, partly drained'],
    [
      { status: 'withdrawn', condition: 'Offline', drained: { extent: 'whole', by: [] } },
      'down',
      'withdrawn, Offline',
    ],
    [{ shards: 0, healthyShards: 0, advice: 'label a Service' }, 'warn', 'Ready, empty'],
  ];
  for (const [more, health, word] of cases) t.match(clusterState(cluster('one', more)), { health, word });
});

t.test('an address of the page leads to the view that made it', async (t) => {
  const routes: readonly Route[] = [
    { view: 'overview' },
    { view: 'services', search: '', health: 'all' },
    { view: 'services', search: 'a b&c=#', health: 'down' },
    { view: 'service', name: 'web.shop.f' },
    { view: 'steer', kind: 'zone', name: 'us-a.us', cluster: '', end: 'true' },
    { view: 'explain', name: 'web.shop.f.svc.example.com', type: 'AAAA', client: '2001:db8::1' },
  ];
  for (const route of routes) t.strictSame(readRoute(hrefOf(route)), route, hrefOf(route));
  t.strictSame(readRoute('#/service/%'), { view: 'service', name: '%' }, 'what nobody made is no error');
  t.strictSame(readRoute('#/nothing'), { view: 'overview' });
});
