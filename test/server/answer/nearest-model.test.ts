/**
 * Nearest through the whole of `answer()` against a plain model: a million clients, and scopes that never lie. The model looks
 * networks up one by one and walks lists of names.
 */
import t from 'tap';
import { NOWHERE_ROW, ROW_VALUES, UNKNOWN_ROW } from '../../../src/geo/network-tree.ts';
import { createResponder } from '../../../src/server/answer/answer.ts';
import { COUNTER_BLOCK_OCTETS, Counter } from '../../../src/server/counters.ts';
import { Transport, UDP_REPLY_OCTETS } from '../../../src/server/responder.ts';
import type { OrderStep } from '../../../src/zonebuilder/orders.ts';
import { seededRandom, type Random } from '../../fuzz/random.ts';
import { plainRow, type PlainNetwork } from '../../geo/plain-tree.ts';
import { makeFederation, type Federation } from '../../support/federation.ts';
import { geoPolicy, makeTables, type NetworkRow } from '../../support/geo.ts';
import { makeQuery, readMessage } from '../../support/message.ts';

const SEED = 20261128;
const NAME = 'web.n.f.svc.example.com';
const REGIONS = ['us', 'eu', 'asia', 'africa', 'sea'] as const;
const RESOLVER = Buffer.of(198, 51, 100, 53);

/** How a network comes in an option: as it is, or IPv4 within IPv6. */
interface Form {
  readonly bits: number;
  /** Longest prefix that answers differ by. */
  readonly finest: number;
  /** Bits of a client's own address that say where it is. */
  readonly own: number;
  readonly isV4: boolean;
  readonly embed: (address: bigint, random: Random) => bigint;
}

const FORMS: readonly Form[] = [
  { bits: 32, finest: 24, own: 32, isV4: true, embed: (address) => address },
  { bits: 128, finest: 56, own: 56, isV4: false, embed: (address) => address },
  { bits: 128, finest: 120, own: 128, isV4: true, embed: (address) => (0xffffn << 32n) | address },
  { bits: 128, finest: 120, own: 128, isV4: true, embed: (address) => (0x64_ff9bn << 96n) | address },
  { bits: 128, finest: 40, own: 48, isV4: true, embed: (address) => (0x2002n << 112n) | (address << 80n) },
];

/** A region has two clusters, each in a zone of its own: `10.REGION.0.CLUSTER`. */
interface World {
  readonly f: Federation;
  readonly v4: readonly PlainNetwork[];
  readonly v6: readonly PlainNetwork[];
  readonly owned4: readonly PlainNetwork[];
  readonly orders: readonly (readonly OrderStep[] | undefined)[];
  readonly healthy: ReadonlySet<string>;
}

function makeWorld(random: Random): World {
  const v4 = Array.from({ length: 80 }, () => randomNetwork(random, 32, 9, 24, REGIONS.length));
  const v6 = Array.from({ length: 40 }, () => randomNetwork(random, 128, 9, 56, REGIONS.length));
  const owned4 = Array.from({ length: 10 }, () => ({
    ...randomNetwork(random, 32, 12, 24, REGIONS.length * 2),
  })).map((network) => ({ ...network, row: network.row + ROW_VALUES }));
  const memory = makeTables(
    [...v4.map((network) => text(network, 32)), ...v6.map((network) => text(network, 128))],
    owned4.map((network) => text(network, 32)),
  );
  const f = makeFederation({
    policies: { policy: 'nearest' },
    policy: geoPolicy(memory, ['198.51.100.53/32']),
  });
  const healthy = new Set<string>();
  REGIONS.forEach((region, i) => {
    for (const n of [0, 1]) {
      const name = `${region}${n}`;
      f.cluster(name, region, [`z${n}`]);
      const ready = random(3) > 0;
      if (ready) healthy.add(name);
      f.shard(name, 'web.n.f', { addresses: [`10.${i}.0.${n}`], ready });
    }
  });
  const orders = makeOrders(random);
  f.builder.setOrders({ version: 1, rows: orders });
  return { f, v4, v6, owned4, orders, healthy };
}

/** Rows of regions lead to regions in some order, rows of clusters to the cluster, its zone, its region and on. */
function makeOrders(random: Random): (readonly OrderStep[] | undefined)[] {
  const rows: (readonly OrderStep[] | undefined)[] = REGIONS.map((region) => regionsFrom(random, region));
  REGIONS.forEach((region, i) => {
    for (const n of [0, 1]) {
      rows[ROW_VALUES + i * 2 + n] = [
        { kind: 'cluster', cluster: `${region}${n}` },
        { kind: 'zone', zone: `z${n}`, region },
        ...regionsFrom(random, region).slice(0, 3),
      ];
    }
  });
  return rows;
}

function regionsFrom(random: Random, first: string): OrderStep[] {
  const others = REGIONS.filter((region) => region !== first);
  const from = random(others.length);
  const order = [first, ...others.slice(from), ...others.slice(0, from)];
  return order.map((region) => ({ kind: 'region', region }));
}

/** What clients of a row are answered with, sorted. */
function expected({ orders, healthy }: World, row: number): string {
  const of = (test: (region: string, n: number) => boolean): string[] =>
    REGIONS.flatMap((region, i) =>
      [0, 1].flatMap((n) => (healthy.has(`${region}${n}`) && test(region, n) ? [`10.${i}.0.${n}`] : [])),
    );
  const steps = row === NOWHERE_ROW || row === UNKNOWN_ROW ? [] : (orders[row] ?? []);
  for (const step of steps) {
    const found = of((region, n) => {
      if (step.kind === 'cluster') return step.cluster === `${region}${n}`;
      return step.region === region && (step.kind === 'region' || step.zone === `z${n}`);
    });
    if (found.length > 0) return found.join(' ');
  }
  return of(() => true).join(' ');
}

function randomNetwork(
  random: Random,
  bits: number,
  shortest: number,
  longest: number,
  rows: number,
): PlainNetwork {
  const prefix = shortest + random(longest - shortest + 1);
  const head = bits === 32 ? 0x08n : 0x2an;
  const address = ((head << 24n) | BigInt(random(1 << 24))) << BigInt(bits - 32);
  const free = BigInt(bits - prefix);
  return { address: (address >> free) << free, prefix, row: random(rows) };
}

function text({ address, prefix, row }: PlainNetwork, bits: number): NetworkRow {
  return [`${addressText(octetsOf(address, bits))}/${prefix}`, row];
}

function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.');
  return Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(i * 2).toString(16)).join(':');
}

function octetsOf(address: bigint, bits: number): Buffer {
  return Buffer.from(address.toString(16).padStart(bits / 4, '0'), 'hex');
}

/** Addresses of a reply, sorted, as octets would print. */
function addresses(reply: Buffer): string {
  return readMessage(reply)
    .answer.map(({ data }) => data)
    .toSorted()
    .join(' ');
}

t.test('a million random clients get what a plain look-up says', (t) => {
  const random = seededRandom(SEED);
  const world = makeWorld(random);
  const counters = new SharedArrayBuffer(COUNTER_BLOCK_OCTETS);
  const responder = createResponder({ ...world.f.settings(), reader: 0, counters });
  const query = makeQuery(NAME, 'A');
  const reply = Buffer.alloc(UDP_REPLY_OCTETS);
  const client = Buffer.alloc(4);
  const heads = interesting(world);
  const decoded = new Map<number, number>();
  const wrong: string[] = [];
  responder.enter();
  for (let i = 0; i < 1_000_000; i++) {
    // All addresses of a /24 are one to the model's networks, so that its answers can be kept.
    const network = random(64) === 0 ? (random(256) << 16) | random(65536) : heads[random(heads.length)]!;
    client.writeUInt32BE(((network << 8) | random(256)) >>> 0);
    const length = responder.answer(query, 0, query.length, reply, 0, Transport.udp, client, 0, 4);
    let want = decoded.get(network);
    if (want === undefined) {
      want = digest(expected(world, modelRow(world, BigInt((network << 8) >>> 0))));
      decoded.set(network, want);
    }
    if (digestOf(reply, length) !== want && wrong.length < 5)
      wrong.push(`${client.join('.')}: ${digestOf(reply, length)}, not ${want}`);
  }
  responder.leave();
  t.strictSame(wrong, [], `seed ${SEED}`);
  t.ok(decoded.size > 1000, `${decoded.size} networks were asked from`);
  t.equal(new Float64Array(counters)[Counter.faults], 0);
  t.end();
});

t.test('so do clients over IPv6, and those whose IPv4 address is within one', (t) => {
  const random = seededRandom(SEED + 2);
  const world = makeWorld(random);
  const query = makeQuery(NAME, 'A');
  const wrong: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    const form = FORMS[1 + random(FORMS.length - 1)]!;
    const known = subject(world, random, form);
    const inner = form.isV4 ? known | BigInt(random(256)) : known;
    const client = octetsOf(within(random, form.embed(inner, random), form.own, 128), 128);
    const row = form.isV4 ? modelRow(world, inner) : (plainRow(world.v6, inner, 128) ?? UNKNOWN_ROW);
    const got = addresses(world.f.askRaw(query, Transport.udp, client)!);
    const want = expected(world, row).split(' ').toSorted().join(' ');
    if (got !== want) wrong.push(`${client.toString('hex')}: ${got}, not ${want}`);
  }
  t.strictSame(wrong.slice(0, 3), [], `seed ${SEED + 2}`);
  t.end();
});

/** Networks of 24 bits at the edges of all that is known. */
function interesting({ v4, owned4 }: World): number[] {
  return [...v4, ...owned4].flatMap(({ address, prefix }) => {
    const first = Number(address >> 8n);
    const size = 2 ** (24 - prefix);
    return [first - 1, first, first + (size >> 1), first + size - 1, first + size];
  });
}

function modelRow({ v4, owned4 }: World, address: bigint): number {
  if (isPrivate(Number(address >> 16n))) return NOWHERE_ROW;
  return plainRow(owned4, address, 32) ?? plainRow(v4, address, 32) ?? UNKNOWN_ROW;
}

function isPrivate(slot: number): boolean {
  const [a, b] = [slot >> 8, slot & 0xff];
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true;
  if (a === 100) return b >= 64 && b < 128;
  return (a === 169 && b === 254) || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
}

/** A bit for each address, of those that `10.REGION.0.CLUSTER` can be. */
function digest(answer: string): number {
  let bits = 0;
  for (const address of answer.split(' ')) {
    const [, region, , cluster] = address.split('.').map(Number);
    bits |= 1 << (region! * 2 + cluster!);
  }
  return bits;
}

/** The same from the octets of a reply: its records of 16 octets end with the address. */
function digestOf(reply: Buffer, length: number): number {
  let bits = 0;
  for (let left = reply.readUInt16BE(6), end = length; left > 0; left--, end -= 16)
    bits |= 1 << (reply[end - 3]! * 2 + reply[end - 1]!);
  return bits;
}

t.test('a scope never lies: every subnet within an answered one gets the same addresses and scope', (t) => {
  const random = seededRandom(SEED + 1);
  for (let round = 0; round < 6; round++) {
    const world = makeWorld(random);
    const lies: string[] = [];
    let narrow = 0;
    for (let i = 0; i < 200; i++) {
      const form = FORMS[random(FORMS.length)]!;
      const first = form.embed(subject(world, random, form), random);
      const prefix = form.finest - random(3);
      const answered = askSubnet(world.f, first, prefix, form.bits);
      if (answered.scope === 0) lies.push(`scope 0 for ${first.toString(16)}/${prefix}`);
      if (answered.scope > prefix) {
        narrow++;
        continue;
      }
      for (let k = 0; k < 4; k++) {
        const other = within(random, first, answered.scope, form.bits);
        const again = askSubnet(world.f, other, form.finest, form.bits);
        if (again.addresses === answered.addresses && again.scope === answered.scope) continue;
        lies.push(
          `${first.toString(16)}/${prefix} ${answered.scope}: ${other.toString(16)} is answered otherwise`,
        );
      }
    }
    t.strictSame(lies.slice(0, 3), [], `round ${round}, seed ${SEED + 1}`);
    t.ok(narrow < 100, 'most scopes were tried');
  }
  t.end();
});

function subject({ v4, v6, owned4 }: World, random: Random, { isV4 }: Form): bigint {
  const networks = isV4 ? [...v4, ...owned4] : v6;
  const bits = isV4 ? 32 : 128;
  const { address, prefix } = networks[random(networks.length)]!;
  const size = 1n << BigInt(bits - prefix);
  const near =
    (random(2) === 0 ? address : address + size) + BigInt(random(3) - 1) * (1n << BigInt(bits - 24));
  return near % (1n << BigInt(bits));
}

function askSubnet(
  f: Federation,
  address: bigint,
  prefix: number,
  bits: number,
): { addresses: string; scope: number } {
  const free = BigInt(bits - prefix);
  const octets = octetsOf((address >> free) << free, bits).subarray(0, (prefix + 7) >>> 3);
  const option = Buffer.from([0, bits === 32 ? 1 : 2, prefix, 0, ...octets]);
  const reply = f.askRaw(makeQuery(NAME, 'A', { options: [[8, option]] }), Transport.udp, RESOLVER)!;
  return { addresses: addresses(reply), scope: readMessage(reply).opt!.options[0]![1][3]! };
}

function within(random: Random, address: bigint, prefix: number, bits: number): bigint {
  const free = BigInt(bits - prefix);
  let tail = 0n;
  for (let i = 0; i < 5; i++) tail = (tail << 26n) | BigInt(random(1 << 26));
  return ((address >> free) << free) | (tail % (1n << free));
}
