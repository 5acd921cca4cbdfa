import { test } from 'tap';
import { BlockList, isIPv4 } from 'node:net';
import {
  compileAccess,
  compileNetworks,
  containsAddress,
  isAllowed,
} from '../../../src/server/policy/access.ts';
import { formatAddress, parseAddress } from '../../../src/zonebuilder/ip-text.ts';
import { seededRandom, type Random } from '../../fuzz/random.ts';

function contains(networks: readonly string[], client: string): boolean {
  const octets = parseAddress(client)!;
  return containsAddress(compileNetworks(networks), Buffer.concat([Buffer.of(9), octets]), 1, octets.length);
}

function allowed(allow: string[], deny: string[], client: string): boolean {
  const octets = parseAddress(client)!;
  return isAllowed(compileAccess({ allow, deny }), octets, 0, octets.length);
}

test('a client is inside its network and outside the neighbouring ones', async (t) => {
  const cases: readonly [string, readonly string[], boolean][] = [
    ['192.0.2.0', ['192.0.2.0/24'], true],
    ['192.0.2.255', ['192.0.2.0/24'], true],
    ['192.0.1.255', ['192.0.2.0/24'], false],
    ['192.0.3.0', ['192.0.2.0/24'], false],
    ['192.0.2.77', ['192.0.2.77'], true],
    ['192.0.2.78', ['192.0.2.77'], false],
    ['192.0.2.200', ['192.0.2.129/25'], true],
    ['255.255.255.255', ['0.0.0.0/0'], true],
    ['::1', ['0.0.0.0/0'], false],
    ['::ffff:192.0.2.1', ['192.0.2.0/24'], true],
    ['192.0.2.1', ['::ffff:192.0.2.0/120'], true],
    ['192.0.2.1', ['::/0'], true],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ['::/0'], true],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', ['ffff::/16'], true],
    ['2001:db8::1', ['2001:db8::/32'], true],
    ['2001:db9::', ['2001:db8::/32'], false],
    ['2001:db8:8000::', ['2001:db8::/33', '2001:db8:8000::/33'], true],
    ['10.1.2.3', ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24'], true],
    ['10.255.0.1', ['10.1.0.0/16', '10.0.0.0/8'], true],
    ['192.0.2.1', [], false],
  ];
  for (const [client, networks, expected] of cases) {
    t.equal(contains(networks, client), expected, `${client} in ${networks.join(' ') || 'nothing'}`);
  }
});

test('deny wins over allow, and an empty allow list allows everyone', async (t) => {
  t.equal(allowed([], [], '192.0.2.1'), true);
  t.equal(allowed([], ['192.0.2.0/24'], '192.0.2.1'), false);
  t.equal(allowed([], ['192.0.2.0/24'], '198.51.100.1'), true);
  t.equal(allowed(['192.0.2.0/24'], [], '192.0.2.1'), true);
  t.equal(allowed(['192.0.2.0/24'], [], '198.51.100.1'), false);
  t.equal(allowed(['192.0.2.0/24'], ['192.0.2.1'], '192.0.2.1'), false);
  t.equal(allowed(['192.0.2.0/24'], ['192.0.2.1'], '192.0.2.2'), true);
});

test('a text that is no network is refused with the text', async (t) => {
  for (const text of [
    '',
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/-1',
    '192.0.2/24',
    '::/129',
    'fe80::1%eth0',
    '::/1e1',
  ]) {
    t.throws(() => compileNetworks([text]), {
      code: 'BAD_NETWORK',
      message: `"${text}" is no network: an address, or an address, a slash and a prefix length is expected`,
    });
  }
});

test('random sets of networks hold exactly the addresses that net.BlockList holds', async (t) => {
  const random = seededRandom(20);
  const differing: string[] = [];
  for (let round = 0; round < 60; round++) {
    const networks = Array.from({ length: 1 + random(12) }, () => randomNetwork(random));
    const set = compileNetworks(networks.map(({ address, prefix }) => `${address}/${prefix}`));
    const list = new BlockList();
    for (const { address, prefix } of networks)
      list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6');
    for (let i = 0; i < 200; i++) {
      const near = networks[random(networks.length)];
      const client = near && random(2) === 1 ? nearby(random, near.address) : randomAddress(random);
      const octets = parseAddress(client)!;
      const expected = list.check(client, isIPv4(client) ? 'ipv4' : 'ipv6');
      if (containsAddress(set, octets, 0, octets.length) !== expected) differing.push(client);
    }
  }
  t.same(differing, []);
});

function randomAddress(random: Random): string {
  const kind = random(3);
  const octets = Buffer.from(Array.from({ length: kind === 0 ? 4 : 16 }, () => random(256)));
  if (kind === 2) octets.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]);
  return formatAddress(octets);
}

function randomNetwork(random: Random): { address: string; prefix: number } {
  const address = randomAddress(random);
  return { address, prefix: random(isIPv4(address) ? 33 : 129) };
}

/** The address with one bit turned, or one more or less. */
function nearby(random: Random, address: string): string {
  const octets = parseAddress(address)!;
  const at = random(octets.length);
  octets[at] = (octets[at]! ^ (1 << random(8))) & 255;
  return formatAddress(octets);
}
