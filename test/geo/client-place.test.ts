/** Where the compiled tables say that a client is, against networks looked up one by one. */
import t from 'tap';
import { compileClients, type ClientNetwork } from '../../src/geo/client-networks.ts';
import { compileIpv4 } from '../../src/geo/ipv4-table.ts';
import { compileIpv6 } from '../../src/geo/ipv6-table.ts';
import { NOWHERE_ROW, ROW_VALUES, UNKNOWN_ROW } from '../../src/geo/network-tree.ts';
import { joinTables } from '../../src/geo/tables.ts';
import { ClientPlace, wordsOf } from '../../src/server/answer/client-place.ts';
import { parseAddress } from '../../src/zonebuilder/ip-text.ts';
import { seededRandom, type Random } from '../fuzz/random.ts';
import { plainRow, plainTree, type PlainNetwork } from './plain-tree.ts';

/** The row of clients' networks in these tests, distinct from every row of a database. */
const CLUSTER = ROW_VALUES;

const database = [
  ['8.0.0.0/8', 1],
  ['8.8.8.0/24', 2],
  ['8.8.9.128/25', 3],
  ['9.0.0.0/9', 4],
  ['9.128.0.0/9', 4],
  ['10.1.0.0/16', 5],
  ['2a00::/12', 1],
  ['2a00:1450::/32', 2],
  ['2a00:1450:4000::/37', 3],
  ['2a00:1450:1:100::/56', 6],
  ['2002:808:808::/48', 7],
] as const;
const clients = [
  ['10.1.2.0/24', CLUSTER],
  ['10.1.2.64/26', CLUSTER + 1],
  ['8.8.8.8/32', CLUSTER + 2],
  ['fd00:1::/48', CLUSTER],
] as const;

const exact = [
  ['8.1.2.3', 1, 'an address has the row of its network'],
  ['8.8.8.1', 2, 'the longest network counts'],
  ['7.1.2.3', UNKNOWN_ROW, 'an address in no network is unknown, and in no first region'],
  ['10.9.9.9', NOWHERE_ROW, 'a private address tells nothing'],
  ['10.1.9.9', NOWHERE_ROW, 'a private address tells nothing, also where a database claims to know'],
  ['10.1.2.3', CLUSTER, 'a private address that is listed as a cluster’s is known'],
  ['10.1.2.65', CLUSTER + 1, 'of nested networks of clients the longest counts'],
  ['8.8.8.8', CLUSTER + 2, 'a network of clients is exact to the address and goes before the database'],
  ['127.0.0.1', NOWHERE_ROW, 'loopback tells nothing'],
  ['::ffff:8.1.2.3', 1, 'a v4-mapped address is its IPv4 address'],
  ['2002:808:801::1', 2, '6to4 is its IPv4 address, whatever a database says of it'],
  ['64:ff9b::8.8.8.8', CLUSTER + 2, 'NAT64 is its IPv4 address'],
  ['2a00:1450:9::1', 2, 'an IPv6 address has the row of its network'],
  ['fd00:1::7', CLUSTER, 'a network of clients counts in IPv6'],
  ['fd00:2::7', NOWHERE_ROW, 'a unique local address tells nothing'],
  ['fe80::1', NOWHERE_ROW, 'a link-local address tells nothing'],
] as const;

t.test('an address leads to its row', async (t) => {
  const place = placeOf(database, clients);
  for (const [text, row, title] of exact) {
    const octets = parseAddress(text)!;
    place.locate(octets, 0, octets.length);
    t.equal(place.row, row, `${title} (${text})`);
  }
});

const subnets = [
  ['8.1.0.0', 16, 1, 13, 'RFC 7871 section 7.2.1: the scope is the largest network with the same row'],
  ['8.8.8.0', 24, 2, 24, 'a /24 of its own has scope 24; one client of a cluster in it is outvoted'],
  ['9.1.2.0', 24, 4, 8, 'halves with the same row are one network'],
  [
    '8.0.0.0',
    5,
    UNKNOWN_ROW,
    13,
    'a subnet that is much wider than what is known is nowhere, and the scope says how much more to tell',
  ],
  ['10.1.2.0', 24, CLUSTER, 24, 'of a /24 with several clusters all get the answer for the largest'],
  ['10.77.1.0', 24, NOWHERE_ROW, 10, 'a private subnet tells nothing'],
  ['0.0.0.0', 8, NOWHERE_ROW, 8, '0.0.0.0/n tells nothing'],
  ['2a00:1450:1:100::', 56, 6, 56, 'IPv6 goes down to /56'],
  ['2a00:1450:4100::', 56, 3, 37, 'a scope may be any number of bits'],
  ['::ffff:8.1.0.0', 112, 1, 109, 'the scope of a v4-mapped subnet is in IPv6, as the option is'],
  ['2002:0801:0::', 32, 1, 29, 'the scope of a 6to4 subnet is in IPv6'],
  ['fd00:1::', 48, CLUSTER, 48, 'a cluster’s network in IPv6 is known as a subnet, too'],
] as const;

t.test('a client subnet leads to its row and scope', async (t) => {
  const place = placeOf(database, clients);
  for (const [text, prefix, row, scope, title] of subnets) {
    const octets = parseAddress(text)!;
    place.locateNetwork(wordsOf(octets), octets.length === 4 ? 1 : 2, prefix);
    t.strictSame({ row: place.row, scope: place.scope }, { row, scope }, `${title} (${text}/${prefix})`);
  }
});

t.test('of random networks, each address has the row that a plain look-up gives', async (t) => {
  const random = seededRandom(7);
  for (let round = 0; round < 8; round++) {
    const bits = round % 2 === 0 ? 32 : 128;
    const { networks, owned, place } = randomWorld(random, bits);
    let wrong = 0;
    for (let i = 0; i < 2000; i++) {
      const address = nearSome(random, [...networks, ...owned], bits);
      const octets = octetsOf(address, bits);
      place.locate(octets, 0, octets.length);
      if (place.row !== expectedRow(networks, owned, address, bits)) wrong++;
    }
    t.equal(wrong, 0, `round ${round}, ${bits} bits`);
  }
});

t.test('a scope never lies: every subnet within an answered one is answered alike', async (t) => {
  const random = seededRandom(11);
  for (let round = 0; round < 8; round++) {
    const bits = round % 2 === 0 ? 32 : 128;
    const finest = bits === 32 ? 24 : 56;
    const { networks, owned, place } = randomWorld(random, bits);
    let lies = 0;
    for (let i = 0; i < 300; i++) {
      const address = nearSome(random, [...networks, ...owned], bits);
      ask(place, address, finest, bits);
      const { row, scope } = place;
      for (let k = 0; k < 8; k++) {
        ask(place, within(random, address, scope, bits), finest, bits);
        if (place.row !== row || place.scope !== scope) lies++;
      }
    }
    t.equal(lies, 0, `round ${round}, ${bits} bits`);
  }
});

type Rows = readonly (readonly [network: string, row: number])[];

function placeOf(networks: Rows, owned: Rows): ClientPlace {
  const of = (length: number): PlainNetwork[] => plainOf(networks).filter((one) => one.length === length);
  const tree = plainTree(of(4), of(16));
  return compile(
    tree,
    owned.map(([text, row]) => ({ ...cidr(text), row })),
  );
}

function compile(tree: ReturnType<typeof plainTree>, owned: readonly ClientNetwork[]): ClientPlace {
  const memory = joinTables(
    {
      v4: compileIpv4(tree),
      v6: compileIpv6(tree),
      clients4: compileClients(owned, 32),
      clients6: compileClients(owned, 128),
    },
    1,
  );
  return new ClientPlace(memory);
}

function plainOf(networks: Rows): (PlainNetwork & { readonly length: number })[] {
  return networks.map(([text, row]) => {
    const { address, prefix } = cidr(text);
    return { address: numberOf(address), prefix, row, length: address.length };
  });
}

function cidr(text: string): { address: Buffer; prefix: number } {
  const [address, prefix] = text.split('/');
  return { address: parseAddress(address!)!, prefix: Number(prefix) };
}

/** A database of whole /24 or /56 networks and wider, which a table can hold exactly, and networks of clients of any length. */
function randomWorld(random: Random, bits: number) {
  const finest = bits === 32 ? 24 : 56;
  const networks = Array.from({ length: 60 }, () => randomNetwork(random, bits, 9, finest, 5));
  const owned = Array.from({ length: 12 }, () => randomNetwork(random, bits, 12, finest, 3, CLUSTER));
  const tree = bits === 32 ? plainTree(networks, []) : plainTree([], networks);
  const ofClients = owned.map(({ address, prefix, row }) => ({
    address: octetsOf(address, bits),
    prefix,
    row,
  }));
  return { networks, owned, place: compile(tree, ofClients) };
}

function randomNetwork(
  random: Random,
  bits: number,
  shortest: number,
  longest: number,
  rows: number,
  firstRow = 0,
): PlainNetwork {
  const prefix = shortest + random(longest - shortest + 1);
  // Few leading bits vary, so that networks meet; none is in a range that tells nothing.
  const head = bits === 32 ? 0x08n : 0x2an;
  const tail = BigInt(random(1 << 24));
  const address = ((head << 24n) | tail) << BigInt(bits - 32);
  return {
    address: (address >> BigInt(bits - prefix)) << BigInt(bits - prefix),
    prefix,
    row: firstRow + random(rows),
  };
}

/** An address at or near an edge of some network. */
function nearSome(random: Random, networks: readonly PlainNetwork[], bits: number): bigint {
  const { address, prefix } = networks[random(networks.length)]!;
  const size = 1n << BigInt(bits - prefix);
  const edge = random(2) === 0 ? address : address + size;
  const step = BigInt(random(3) - 1) * (random(2) === 0 ? 1n : size / 2n);
  const limit = 1n << BigInt(bits);
  return (edge + step + limit) % limit;
}

function within(random: Random, address: bigint, prefix: number, bits: number): bigint {
  const free = BigInt(bits - prefix);
  let tail = 0n;
  for (let i = 0; i < 5; i++) tail = (tail << 26n) | BigInt(random(1 << 26));
  return ((address >> free) << free) | (tail % (1n << free));
}

function expectedRow(
  networks: readonly PlainNetwork[],
  owned: readonly PlainNetwork[],
  address: bigint,
  bits: number,
): number {
  const client = plainRow(owned, address, bits);
  if (client !== undefined) return client;
  return plainRow(networks, address, bits) ?? UNKNOWN_ROW;
}

function ask(place: ClientPlace, address: bigint, prefix: number, bits: number): void {
  const free = BigInt(bits - prefix);
  place.locateNetwork(wordsOf(octetsOf((address >> free) << free, bits)), bits === 32 ? 1 : 2, prefix);
}

function octetsOf(address: bigint, bits: number): Buffer {
  return Buffer.from(address.toString(16).padStart(bits / 4, '0'), 'hex');
}

function numberOf(octets: Buffer): bigint {
  return BigInt(`0x${octets.toString('hex')}`);
}
