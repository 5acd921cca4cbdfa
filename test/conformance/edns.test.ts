import { test } from 'tap';
import { makeQuery, type QueryOptions } from '../support/message.ts';
import {
  optRecord,
  questionOf,
  rawQuery,
  tryCases,
  type Case,
  type Check,
  type Expectation,
} from './case.ts';
import { DEFAULT_POLICY, makeDomain, SERVICE, waysTo } from './fixture.ts';

const DOMAIN = 'example.com';
const SOA: Expectation = { rcode: 'NOERROR', answer: ['SOA'], opt: true };
const BADVERS: Expectation = { rcode: 'BADVERS', flags: [], opt: true };
const FORMERR: Expectation = { rcode: 'FORMERR', flags: [], opt: true };

const soa = (options: QueryOptions) => makeQuery(DOMAIN, 'SOA', { payloadMax: 1232, ...options });
const hex = (text: string) => Buffer.from(text, 'hex');
const option = (code: number, data = '') => soa({ options: [[code, hex(data)]] });
const withOpt = (...records: Buffer[]) =>
  rawQuery([1, 0, 0, records.length], 0, questionOf(DOMAIN, 'SOA'), ...records);
const isNoEdnsError = { rcode: 'FORMERR', flags: [], opt: false } as const;
const label = (length: number) => Buffer.concat([Buffer.of(length), Buffer.alloc(length, 0x61)]);
/** What is in OPT besides options. */
const opt =
  (flags: number): Check =>
  (reply, t) =>
    t.match(reply.opt, { payloadMax: 1232, version: 0, flags });

const cases: readonly Case[] = [
  { title: 'RFC 8906 section 8.2.1: plain EDNS', query: soa({}), expect: { ...SOA, check: opt(0) } },
  {
    title: 'RFC 6891 section 6.1.1: no OPT in the query, none in the reply',
    query: makeQuery(DOMAIN, 'SOA'),
    expect: { ...SOA, opt: false },
  },
  {
    title: 'RFC 8906 section 8.2.2: version 1',
    query: soa({ ednsVersion: 1 }),
    expect: { ...BADVERS, check: opt(0) },
  },
  { title: 'version 255', query: soa({ ednsVersion: 255 }), expect: BADVERS },
  { title: 'RFC 8906 section 8.2.3: an unknown option is ignored', query: option(100), expect: SOA },
  {
    title: 'RFC 8906 section 8.2.4: an unknown flag is not echoed',
    query: soa({ ednsFlags: 0x0080 }),
    expect: { ...SOA, check: opt(0) },
  },
  {
    title: 'RFC 8906 section 8.2.5: version 1 and an unknown flag',
    query: soa({ ednsVersion: 1, ednsFlags: 0x0080 }),
    expect: { ...BADVERS, check: opt(0) },
  },
  {
    title: 'RFC 8906 section 8.2.6: version 1 and an unknown option',
    query: soa({ ednsVersion: 1, options: [[100, hex('')]] }),
    expect: BADVERS,
  },
  {
    title: 'version 1 and what version 0 would call malformed',
    query: soa({ ednsVersion: 1, options: [[10, hex('01')]] }),
    expect: BADVERS,
  },
  {
    title: 'RFC 3225 section 3: DO is copied',
    query: soa({ ednsFlags: 0x8000 }),
    expect: { ...SOA, check: opt(0x8000) },
  },
  {
    title: 'DO beside unknown flags',
    query: soa({ ednsFlags: 0xffff }),
    expect: { ...SOA, check: opt(0x8000) },
  },
  {
    title: 'RFC 8906 section 8.2.9: version 1 and DO',
    query: soa({ ednsVersion: 1, ednsFlags: 0x8000 }),
    expect: BADVERS,
  },
  {
    title: 'RFC 8906 section 8.2.10: NSID, ECS, EXPIRE and COOKIE together',
    query: soa({
      options: [
        [3, hex('')],
        [8, hex('00010000')],
        [9, hex('')],
        [10, hex('0102030405060708')],
      ],
    }),
    expect: { ...SOA, options: [3, 8, 9, 10] },
  },
  {
    title: 'RFC 6891 section 6.1.1: two OPT records',
    query: withOpt(optRecord(), optRecord()),
    expect: FORMERR,
  },
  {
    title: 'RFC 6891 section 6.1.2: OPT whose owner is not the root',
    query: withOpt(optRecord(hex(''), { owner: hex('017800') })),
    expect: isNoEdnsError,
  },
  {
    title: 'OPT that ends behind the message',
    query: withOpt(optRecord(hex(''), { length: 50 })),
    expect: isNoEdnsError,
  },
  {
    title: 'RFC 6891 section 7: an option that ends behind OPT',
    query: withOpt(optRecord(hex('000a00c80102'))),
    expect: FORMERR,
  },
  { title: 'half an option header', query: withOpt(optRecord(hex('000a'))), expect: FORMERR },
  {
    title: 'octets behind the last record',
    query: Buffer.concat([withOpt(optRecord()), hex('00')]),
    expect: FORMERR,
  },
  {
    title: 'OPT in the answer section',
    query: rawQuery([1, 1, 0, 0], 0, questionOf(DOMAIN, 'SOA'), optRecord()),
    expect: isNoEdnsError,
  },
  {
    title: 'RFC 6891 section 6.1.3: RCODE bits in the OPT of a query mean nothing',
    query: withOpt(optRecord(hex(''), { ttl: 0x01000000 })),
    expect: SOA,
  },
  {
    title: 'two hundred unknown options are neither fatal nor echoed',
    query: soa({ options: Array.from({ length: 200 }, (_, i) => [65_001 + (i % 30), hex('00')] as const) }),
    expect: { ...SOA, octets: 512 },
  },
  {
    title: 'repeated options are answered once',
    query: soa({
      options: [
        ...Array.from({ length: 20 }, () => [3, hex('')] as const),
        ...Array.from({ length: 20 }, () => [10, hex('0102030405060708')] as const),
        ...Array.from({ length: 5 }, () => [8, hex('00010000')] as const),
      ],
    }),
    expect: { ...SOA, options: [3, 8, 10], octets: 512 },
  },

  {
    title: 'RFC 5001: NSID is told to who asks',
    query: option(3),
    expect: {
      ...SOA,
      options: [3],
      check: (reply, t) => t.equal(String(reply.opt!.options[0]![1]), 'ns1-test'),
    },
  },
  {
    title: 'RFC 5001 section 2.1: a payload of NSID in a query is ignored',
    query: option(3, '616263'),
    expect: { ...SOA, options: [3] },
  },
  { title: 'RFC 7830 section 6: no padding in clear text', query: option(12, '00000000'), expect: SOA },
  {
    title: 'RFC 7828 section 3.2.1: keepalive over UDP is ignored',
    query: option(11),
    over: 'UDP',
    expect: SOA,
  },
  { title: 'keepalive with a time over UDP is ignored', query: option(11, '0064'), over: 'UDP', expect: SOA },
  {
    title: 'RFC 7828 section 3.1: keepalive over TCP tells the idle limit in 100 ms',
    query: option(11),
    over: 'TCP',
    expect: {
      ...SOA,
      options: [11],
      check: (reply, t) => t.equal(reply.opt!.options[0]![1].toString('hex'), '0064'),
    },
  },
  {
    title: 'RFC 7828 section 3.2.1: a client names no time',
    query: option(11, '0064'),
    over: 'TCP',
    expect: FORMERR,
  },
  {
    title: 'RFC 7314 section 3.2: EXPIRE with the SOA',
    query: option(9),
    expect: {
      ...SOA,
      options: [9],
      check: (reply, t) => t.equal(reply.opt!.options[0]![1].readUInt32BE(0), 604_800),
    },
  },
  {
    title: 'EXPIRE is not told with anything else',
    query: makeQuery('nope.example.com', 'SOA', { options: [[9, hex('')]] }),
    expect: { rcode: 'NXDOMAIN', authority: ['SOA'] },
  },

  {
    title: 'RFC 8914: a name of others is refused with Not Authoritative',
    query: makeQuery('other.example', 'A', { payloadMax: 1232 }),
    expect: { rcode: 'REFUSED', flags: [], extendedError: 20 },
  },
  {
    title: 'without EDNS there is no extended error',
    query: makeQuery('other.example', 'A'),
    expect: { rcode: 'REFUSED', flags: [], opt: false },
  },
  {
    title: 'RFC 9824 section 3.5: NXNAME cannot be asked for',
    query: makeQuery(SERVICE, 'TYPE128', { payloadMax: 1232 }),
    expect: { ...FORMERR, extendedError: 30 },
  },
];

test('EDNS', async (t) => {
  await tryCases(t, await waysTo(t, makeDomain()), cases);
});

test('RFC 8914: before the first sync nothing negative is said, and the reason is Not Ready', async (t) => {
  const federation = makeDomain();
  federation.cluster('late', 'r2', ['z2'], 'pending');
  await tryCases(t, await waysTo(t, federation), [
    {
      title: 'an unknown Service',
      query: makeQuery('other.shop.main.svc.example.com', 'A', { payloadMax: 1232 }),
      expect: { rcode: 'SERVFAIL', flags: [], extendedError: 14 },
    },
    {
      title: 'a known one',
      query: makeQuery(SERVICE, 'A'),
      expect: { rcode: 'NOERROR', answer: ['A', 'A'] },
    },
  ]);
});

const big = (payloadMax?: number) =>
  makeQuery('big.example.com', 'TXT', payloadMax === undefined ? {} : { payloadMax });
const sizes: readonly Case[] = [
  {
    title: 'RFC 1035 section 4.2.1: 512 octets without EDNS',
    query: big(),
    over: 'UDP',
    expect: { rcode: 'NOERROR', flags: ['AA', 'TC'], octets: 512 },
  },
  {
    title: 'RFC 6891 section 6.2.3: less than 512 counts as 512',
    query: big(100),
    over: 'UDP',
    expect: { rcode: 'NOERROR', flags: ['AA', 'TC'], octets: 512, opt: true },
  },
  {
    title: 'a truncated reply keeps its OPT',
    query: big(512),
    over: 'UDP',
    expect: { rcode: 'NOERROR', flags: ['AA', 'TC'], octets: 512, opt: true },
  },
  {
    title: 'RFC 9715: 1232 octets fit',
    query: big(1232),
    over: 'UDP',
    expect: { rcode: 'NOERROR', answer: ['TXT'], opt: true },
  },
  {
    title: 'RFC 9715: a client that takes more does not get it over UDP',
    query: big(65_535),
    over: 'UDP',
    expect: { rcode: 'NOERROR', answer: ['TXT'], octets: 1232, check: opt(0) },
  },
  {
    title: 'RFC 7766: over TCP nothing is truncated',
    query: big(),
    over: 'TCP',
    expect: { rcode: 'NOERROR', answer: ['TXT'] },
  },
  {
    title: 'RFC 9471: glue that does not fit sets TC',
    query: makeQuery('x.many.example.com', 'A'),
    over: 'UDP',
    expect: { rcode: 'NOERROR', flags: ['TC'], octets: 512 },
  },
];

test('size of replies', async (t) => {
  await tryCases(t, await waysTo(t, makeDomain()), sizes);
});

test('every option at its longest still leaves room for a question of 255 octets in 512', async (t) => {
  const policy = { ...DEFAULT_POLICY, nsid: 'n'.repeat(64) };
  const name = Buffer.concat([label(63), label(63), label(63), label(49), hex('076578616d706c6503636f6d00')]);
  const subnet = hex(`00028000${'20'.repeat(16)}`);
  const options = Buffer.concat([
    hex('00030000'),
    hex('00080014'),
    subnet,
    hex('00090000'),
    hex('000a0008'),
    hex('0102030405060708'),
  ]);
  t.equal(name.length, 255);
  await tryCases(t, await waysTo(t, makeDomain({ policy })), [
    {
      title: 'RFC 1035 section 2.3.4: the longest name',
      query: rawQuery([1, 0, 0, 1], 0, questionOf(name, 'A'), optRecord(options)),
      expect: { rcode: 'NXDOMAIN', authority: ['SOA'], options: [3, 8, 10], octets: 512 },
      over: 'UDP',
    },
  ]);
});
