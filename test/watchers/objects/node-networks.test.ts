/** What of a Node's networks is believed, and how those of a cluster are counted. */
import t from 'tap';
import {
  nodeNetworks,
  NetworkTally,
  NETWORKS_MAX,
  PUBLIC_NETWORKS_MAX,
} from '../../../src/watchers/objects/node-networks.ts';
import { slimObject } from '../../../src/watchers/objects/objects.ts';

const nodes: readonly {
  title: string;
  podCIDRs?: unknown;
  addresses?: readonly (readonly [string, string])[];
  networks: string[];
}[] = [
  {
    title: 'both families of Pods, and the addresses of the machine',
    podCIDRs: ['10.244.3.0/24', 'fd00:10:244:3::/64'],
    addresses: [
      ['InternalIP', '192.168.1.7'],
      ['ExternalIP', '198.51.100.9'],
      ['Hostname', '10.9.9.9'],
    ],
    networks: ['10.244.3.0/24', 'fd00:10:244:3::/64', '192.168.1.7/32', '198.51.100.9/32'],
  },
  { title: 'the world', podCIDRs: ['0.0.0.0/0', '::/0'], networks: [] },
  { title: 'half of it', podCIDRs: ['128.0.0.0/1', '2000::/3'], networks: [] },
  { title: 'a private network wider than a cluster', podCIDRs: ['10.0.0.0/8', 'fc00::/7'], networks: [] },
  {
    title: 'a private network as wide as a cluster',
    podCIDRs: ['10.4.0.0/16', 'fd00:1:2::/48'],
    networks: ['10.4.0.0/16', 'fd00:1:2::/48'],
  },
  { title: 'a public network wider than a Node', podCIDRs: ['198.51.0.0/16', '2001:db8::/56'], networks: [] },
  {
    title: 'a public network as wide as a Node',
    podCIDRs: ['198.51.100.0/24', '2001:db8::/64'],
    networks: ['198.51.100.0/24', '2001:db8::/64'],
  },
  {
    title: 'shared address space counts as private',
    podCIDRs: ['100.64.0.0/17'],
    networks: ['100.64.0.0/17'],
  },
  {
    title: 'loopback, link-local, multicast, and IPv4 in IPv6',
    podCIDRs: [
      '127.0.0.0/24',
      '169.254.1.0/24',
      '224.0.0.0/24',
      '::ffff:8.8.8.0/120',
      '2002:808:808::/64',
      'fe80::/64',
    ],
    networks: [],
  },
  { title: 'bits behind the prefix', podCIDRs: ['10.244.3.9/24'], networks: ['10.244.3.0/24'] },
  {
    title: 'texts that are no networks',
    podCIDRs: ['', 'pods', '10.0.0.0/33', '10.0.0.0/x', 'fe80::1%eth0/64'],
    networks: [],
  },
  { title: 'the same twice', podCIDRs: ['10.1.1.0/24', '10.1.1.0/24'], networks: ['10.1.1.0/24'] },
];

t.test('of what a Node says, what can be its cluster’s own is believed', async (t) => {
  for (const { title, podCIDRs, addresses = [], networks } of nodes) {
    const status = { addresses: addresses.map(([type, address]) => ({ type, address })) };
    t.same(nodeNetworks({ spec: { podCIDRs }, status }), networks, title);
  }
  t.same(nodeNetworks({ spec: { podCIDR: '10.1.1.0/24' } }), ['10.1.1.0/24'], 'the older field');
  const many = Array.from({ length: 100 }, (_, i) => `10.1.${i}.0/24`);
  t.equal(nodeNetworks({ spec: { podCIDRs: many } }).length, 16, 'a bounded number of one Node');
});

const node = (labels: object) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'a', labels },
  spec: { podCIDRs: ['10.1.1.0/24'] },
});

t.test('a Node keeps its networks only where they are asked for, and a virtual one never', async (t) => {
  t.match(slimObject(node({}), { nodeNetworks: true }), { networks: ['10.1.1.0/24'] });
  t.notHas(slimObject(node({}), {}), { networks: [] });
  t.notHas(slimObject(node({ type: 'virtual-kubelet' }), { nodeNetworks: true }), { networks: [] });
  t.match(slimObject({ ...node({}), spec: { podCIDRs: 5 } }, { nodeNetworks: true }), { kind: 'Fault' });
});

t.test('networks are counted: one that another Node has, too, stays', async (t) => {
  const tally = new NetworkTally();
  tally.count(undefined, ['10.1.0.0/24', '10.2.0.0/24']);
  tally.count(undefined, ['10.2.0.0/24']);
  t.same(tally.networks(), ['10.1.0.0/24', '10.2.0.0/24']);
  tally.count(['10.2.0.0/24'], ['10.2.0.0/24']);
  tally.count(['10.2.0.0/24'], undefined);
  t.equal(tally.changed, false);
  tally.count(['10.1.0.0/24'], ['10.3.0.0/24']);
  t.equal(tally.changed, true);
  t.same(tally.networks(), ['10.2.0.0/24', '10.3.0.0/24']);
});

t.test('one cluster claims a bounded number of networks, of public ones fewer', async (t) => {
  const tally = new NetworkTally();
  for (let i = 0; i < 20_000; i++) {
    tally.count(undefined, [`10.${i >> 8}.${i & 255}.1/32`, `198.${i >> 8}.${i & 255}.1/32`]);
  }
  const networks = tally.networks();
  t.equal(networks.length, NETWORKS_MAX);
  t.ok(networks.filter((text) => text.startsWith('198.')).length <= PUBLIC_NETWORKS_MAX);
});
