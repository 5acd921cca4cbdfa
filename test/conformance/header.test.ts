import { test } from 'tap';
import { makeQuery } from '../support/message.ts';
import { questionOf, rawQuery, tryCases, type Case } from './case.ts';
import { makeDomain, SERVICE, waysTo } from './fixture.ts';

const DOMAIN = 'example.com';
const SOA = { rcode: 'NOERROR', answer: ['SOA'] } as const;
const NOTIMP = { rcode: 'NOTIMP', flags: [], question: 'none', opt: false } as const;
const FORMERR = { rcode: 'FORMERR', flags: [], question: 'none', opt: false } as const;

const flagged = (flags: number) => makeQuery(DOMAIN, 'SOA', { flags });
const opcode = (code: number, flags = 0) =>
  rawQuery([1, 0, 0, 0], (code << 11) | flags, questionOf(DOMAIN, 'SOA'));

const cases: readonly Case[] = [
  { title: 'RFC 8906 section 8.1.1: a plain query', query: flagged(0), expect: { ...SOA, opt: false } },
  {
    title: 'RFC 1035 section 4.1.1: RD is copied, RA stays clear',
    query: flagged(0x0100),
    expect: { ...SOA, flags: ['AA', 'RD'] },
  },
  {
    title: 'RFC 8906 section 8.1.3: AD is not echoed by a server that does not validate',
    query: flagged(0x0020),
    expect: SOA,
  },
  {
    title: 'RFC 4035 section 3.1.6: CD is clear in an authoritative answer',
    query: flagged(0x0010),
    expect: SOA,
  },
  {
    title: 'RFC 8906 section 8.1.3: the last reserved bit is clear in the answer',
    query: flagged(0x0040),
    expect: SOA,
  },
  { title: 'TC in a query means nothing', query: flagged(0x0200), expect: SOA },
  { title: 'RA in a query means nothing', query: flagged(0x0080), expect: SOA },
  { title: 'RCODE bits in a query mean nothing', query: flagged(0x0005), expect: SOA },
  {
    title: 'AA in a query does not make a referral authoritative',
    query: makeQuery('x.sub.example.com', 'A', { flags: 0x0400 }),
    expect: { rcode: 'NOERROR', flags: [], authority: ['NS'], additional: ['A'] },
  },
  { title: 'the ID is copied', query: makeQuery(DOMAIN, 'SOA', { id: 0xbeef }), expect: SOA },
  ...[1, 2, 3, 4, 5, 6, 7, 15].map((code) => ({
    title: `RFC 8906 section 8.1.4: opcode ${code} is not implemented`,
    query: opcode(code),
    expect: NOTIMP,
  })),
  {
    title: 'RFC 8906 section 8.1.4: an unknown opcode in a bare header',
    query: rawQuery([0, 0, 0, 0], 0x7800),
    expect: NOTIMP,
  },
  {
    title: 'an unknown opcode with every flag set is answered with none',
    query: opcode(15, 0x07f0),
    expect: NOTIMP,
  },
  ...[3, 254, 255].flatMap((klass) =>
    [4, 5].map((code) => ({
      title: `NOTIFY and UPDATE of class ${klass} are refused like any: opcode ${code}`,
      query: rawQuery([1, 0, 0, 0], code << 11, questionOf(DOMAIN, 'SOA', klass)),
      expect: NOTIMP,
    })),
  ),
  { title: 'a response is never answered', query: flagged(0x8000), expect: undefined },
  {
    title: 'a response with an unknown opcode neither',
    query: rawQuery([0, 0, 0, 0], 0xf800),
    expect: undefined,
  },
  {
    title: 'RFC 9619: two questions are malformed',
    query: rawQuery([2, 0, 0, 0], 0, questionOf(SERVICE, 'A'), questionOf(SERVICE, 'AAAA')),
    expect: FORMERR,
  },
  {
    title: 'RFC 9619: no question and no cookie is malformed',
    query: rawQuery([0, 0, 0, 0], 0),
    expect: FORMERR,
  },
  ...[3, 4, 254, 255, 0].map((klass) => ({
    title: `class ${klass} is not served`,
    query: makeQuery(DOMAIN, 'SOA', { class: klass }),
    expect: { rcode: 'REFUSED', flags: [] },
  })),
];

test('header, opcode and class', async (t) => {
  await tryCases(t, await waysTo(t, makeDomain()), cases);
});
