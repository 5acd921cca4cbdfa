/** The version of the zone with the answer (RFC 9660): asked for, told with every answer from the zone, and with nothing else. */
import { test } from 'tap';
import { makeQuery, type QueryOptions } from '../support/message.ts';
import { tryCases, type Case, type Check, type Expectation } from './case.ts';
import { DEFAULT_POLICY, makeDomain, SERVICE, waysTo } from './fixture.ts';

const ZONE_VERSION = 19;
const federation = makeDomain();
const serial = federation.ask('example.com', 'SOA').answer[0]!.data.split(' ')[2]!;

const asked = (name: string, type: string, options: QueryOptions = {}) =>
  makeQuery(name, type, { payloadMax: 1232, options: [[ZONE_VERSION, Buffer.alloc(0)]], ...options });

/** Two labels, type SOA-SERIAL, and the serial that a SOA in the reply has too. */
const isTold: Check = ({ opt, answer, authority }, t) => {
  const data = opt!.options.find(([code]) => code === ZONE_VERSION)![1];
  t.strictSame([data.length, data[0], data[1]], [6, 2, 0]);
  t.equal(String(data.readUInt32BE(2)), serial);
  for (const { type, data: text } of [...answer, ...authority])
    if (type === 'SOA') t.equal(text.split(' ')[2], serial);
};
const told = (expect: Expectation): Expectation => ({ ...expect, options: [ZONE_VERSION], check: isTold });

const cases: readonly Case[] = [
  {
    title: 'RFC 9660 section 3.2: with an answer',
    query: asked(SERVICE, 'A'),
    expect: told({ rcode: 'NOERROR', answer: ['A', 'A'] }),
  },
  {
    title: 'with the SOA',
    query: asked('example.com', 'SOA'),
    expect: told({ rcode: 'NOERROR', answer: ['SOA'] }),
  },
  {
    title: 'with NODATA',
    query: asked(SERVICE, 'TXT'),
    expect: told({ rcode: 'NOERROR', authority: ['SOA'] }),
  },
  {
    title: 'with NXDOMAIN',
    query: asked('nope.example.com', 'A'),
    expect: told({ rcode: 'NXDOMAIN', authority: ['SOA'] }),
  },
  {
    title: 'with a referral, of the zone that refers',
    query: asked('host.sub.example.com', 'A'),
    expect: told({ rcode: 'NOERROR', flags: [], authority: ['NS'], additional: ['A'] }),
  },
  {
    title: 'with an alias that leads out of the zone',
    query: asked('away.example.com', 'A'),
    expect: told({ rcode: 'NOERROR', answer: ['CNAME'] }),
  },
  {
    title: 'RFC 9660 section 3.2: data in the query is ignored',
    query: asked(SERVICE, 'A', { options: [[ZONE_VERSION, Buffer.of(9, 9, 9)]] }),
    expect: told({ rcode: 'NOERROR', answer: ['A', 'A'] }),
  },
  {
    title: 'once, however often it is asked for',
    query: asked(SERVICE, 'A', {
      options: [
        [ZONE_VERSION, Buffer.alloc(0)],
        [ZONE_VERSION, Buffer.alloc(0)],
      ],
    }),
    expect: told({ rcode: 'NOERROR', answer: ['A', 'A'] }),
  },
  {
    title: 'not where it was not asked for',
    query: makeQuery(SERVICE, 'A', { payloadMax: 1232 }),
    expect: { rcode: 'NOERROR', answer: ['A', 'A'] },
  },
  {
    title: 'RFC 9660 section 3.2: not for a name of no zone here',
    query: asked('example.net', 'A'),
    expect: { rcode: 'REFUSED', flags: [], extendedError: 20 },
  },
  {
    title: 'nor with another version of EDNS',
    query: asked(SERVICE, 'A', { ednsVersion: 1 }),
    expect: { rcode: 'BADVERS', flags: [] },
  },
  {
    title: 'nor beside an option that is malformed',
    query: asked(SERVICE, 'A', {
      options: [
        [ZONE_VERSION, Buffer.alloc(0)],
        [10, Buffer.of(1)],
      ],
    }),
    expect: { rcode: 'FORMERR', flags: [] },
  },
];

test('ZONEVERSION', async (t) => {
  await tryCases(t, await waysTo(t, federation), cases);
});

test('RFC 9660 section 3.2: with SERVFAIL, while a cluster is unread', async (t) => {
  const late = makeDomain();
  late.cluster('late', 'r2', ['z2'], 'pending');
  const reply = late.ask('other.shop.main.svc.example.com', 'A', {
    payloadMax: 1232,
    options: [[ZONE_VERSION, Buffer.alloc(0)]],
  });
  t.equal(reply.rcode, 'SERVFAIL');
  t.strictSame(
    reply.opt!.options.map(([code]) => code),
    [ZONE_VERSION, 15],
  );
});

test('a change of an answer comes with another serial', (t) => {
  const world = makeDomain();
  const versionOf = () => {
    const reply = world.ask(SERVICE, 'A', { payloadMax: 1232, options: [[ZONE_VERSION, Buffer.alloc(0)]] });
    return reply.opt!.options[0]![1].readUInt32BE(2);
  };
  const before = versionOf();
  t.equal(versionOf(), before, 'and nothing else does');
  world.shard('two', 'web.shop.main', { addresses: ['192.0.2.3'] });
  t.equal(versionOf(), before + 1);
  t.end();
});

test('a client that must prove its address first is told nothing', (t) => {
  const shy = makeDomain({
    policy: { ...DEFAULT_POLICY, cookies: { memory: DEFAULT_POLICY.cookies!.memory, required: true } },
  });
  const reply = shy.ask(SERVICE, 'A', { payloadMax: 1232, options: [[ZONE_VERSION, Buffer.alloc(0)]] });
  t.strictSame([reply.flags.includes('TC'), reply.opt!.options], [true, []]);
  t.end();
});
