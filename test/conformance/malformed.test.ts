import { test } from 'tap';
import { performance } from 'node:perf_hooks';
import { Transport } from '../../src/server/responder.ts';
import { makeQuery } from '../support/message.ts';
import { optRecord, questionOf, rawQuery, tryCases, type Case, type Expectation } from './case.ts';
import { makeDomain, SERVICE, waysTo } from './fixture.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const BEFORE_QUESTION: Expectation = { rcode: 'FORMERR', flags: [], question: 'none', opt: false };
const BEHIND_QUESTION: Expectation = { rcode: 'FORMERR', flags: [], opt: false };

const question = questionOf(SERVICE, 'A');
const name = question.subarray(0, -4);
const one = (...rest: Buffer[]) => rawQuery([1, 0, 0, 0], 0, ...rest);
const record = (type: number, rdata: Buffer, length = rdata.length) => {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(length, 8);
  return Buffer.concat([hex('00'), fixed, rdata]);
};
const TSIG = 250;

const cases: readonly Case[] = [
  ...[0, 1, 11].map((octets) => ({
    title: `${octets} octets have no ID to answer to`,
    query: one(question).subarray(0, octets),
    expect: undefined,
    over: 'UDP' as const,
  })),
  { title: 'a header that announces a question', query: one(), expect: BEFORE_QUESTION },
  {
    title: 'a header that announces 65,535 questions',
    query: rawQuery([65_535, 0, 0, 0], 0, question),
    expect: BEFORE_QUESTION,
  },
  { title: 'a name that ends in the middle of a label', query: one(hex('05 6162')), expect: BEFORE_QUESTION },
  { title: 'a name without its root label', query: one(name.subarray(0, -1)), expect: BEFORE_QUESTION },
  { title: 'a question without type and class', query: one(name), expect: BEFORE_QUESTION },
  { title: 'a question with half a type', query: one(name, hex('00')), expect: BEFORE_QUESTION },
  { title: 'a question with half a class', query: one(name, hex('000100')), expect: BEFORE_QUESTION },
  {
    title: 'RFC 1035 section 2.3.4: a name of 256 octets',
    query: one(hex(`${`3f${'61'.repeat(63)}`.repeat(3)}3e${'61'.repeat(62)}00`), hex('00010001')),
    expect: BEFORE_QUESTION,
  },
  {
    title: 'a name of four labels of 63 octets',
    query: one(hex(`${`3f${'61'.repeat(63)}`.repeat(4)}00`), hex('00010001')),
    expect: BEFORE_QUESTION,
  },
  {
    title: 'RFC 1035 section 4.1.4: a pointer into the header',
    query: one(hex('c000 00010001')),
    expect: BEFORE_QUESTION,
  },
  {
    title: 'RFC 1035 section 4.1.4: a pointer to itself',
    query: one(hex('c00c 00010001')),
    expect: BEFORE_QUESTION,
  },
  {
    title: 'a label and a pointer back to it',
    query: one(hex('0161 c00c 00010001')),
    expect: BEFORE_QUESTION,
  },
  { title: 'a pointer behind the message', query: one(hex('ffff 00010001')), expect: BEFORE_QUESTION },
  {
    title: 'the reserved label type 01',
    query: one(hex('41'), name.subarray(1), hex('00010001')),
    expect: BEFORE_QUESTION,
  },
  {
    title: 'the reserved label type 10',
    query: one(hex('81'), name.subarray(1), hex('00010001')),
    expect: BEFORE_QUESTION,
  },

  {
    title: 'an answer that is announced and absent',
    query: rawQuery([1, 1, 0, 0], 0, question),
    expect: BEHIND_QUESTION,
  },
  {
    title: 'answers in a query',
    query: rawQuery([1, 1, 0, 0], 0, question, record(1, hex('7f000001'))),
    expect: BEHIND_QUESTION,
  },
  {
    title: 'authority in a query',
    query: rawQuery([1, 0, 1, 0], 0, question, record(1, hex('7f000001'))),
    expect: BEHIND_QUESTION,
  },
  {
    title: '65,535 additional records announced',
    query: rawQuery([1, 0, 0, 65_535], 0, question),
    expect: BEHIND_QUESTION,
  },
  {
    title: 'an additional record cut in its fixed part',
    query: rawQuery([1, 0, 0, 1], 0, question, hex('00 0029 04')),
    expect: BEHIND_QUESTION,
  },
  {
    title: 'an additional record cut in its name',
    query: rawQuery([1, 0, 0, 1], 0, question, hex('c0')),
    expect: BEHIND_QUESTION,
  },
  {
    title: 'a record that ends behind the message',
    query: rawQuery([1, 0, 0, 1], 0, question, record(1, hex(''), 65_535)),
    expect: BEHIND_QUESTION,
  },
  {
    title: 'octets behind the question',
    query: one(question, Buffer.from('garbage')),
    expect: BEHIND_QUESTION,
  },
  {
    title: 'RFC 8945 4.2: a TSIG record whose MAC ends behind it is malformed',
    query: rawQuery(
      [1, 0, 0, 1],
      0,
      question,
      record(TSIG, hex('0b686d61632d736861323536 00 000000000000 012c ffff 616263')),
    ),
    expect: BEHIND_QUESTION,
  },

  {
    title: 'a dot in a label does not end it',
    query: one(hex('08'), Buffer.from('web.shop'), questionOf('main.svc.example.com', 'A')),
    expect: { rcode: 'NXDOMAIN', authority: ['SOA'] },
  },
  {
    title: 'RFC 2181 section 11: a label of any octets',
    query: one(hex('05 01ff20610d'), questionOf('example.com', 'A')),
    expect: { rcode: 'NXDOMAIN', authority: ['SOA'] },
  },
  {
    title: 'RFC 4343: letters of either case, echoed as they came',
    query: makeQuery('WeB.sHoP.mAiN.sVc.ExAmPlE.cOm', 'A'),
    expect: { rcode: 'NOERROR', answer: ['A', 'A'] },
  },
  {
    title: 'RFC 4592: an asterisk in a query is a name like any',
    query: makeQuery('*.nope.shop.main.svc.example.com', 'A'),
    expect: { rcode: 'NXDOMAIN', authority: ['SOA'] },
  },
  {
    title: 'a search list doubles the domain',
    query: makeQuery(`${SERVICE}.example.com`, 'A'),
    expect: { rcode: 'NXDOMAIN', authority: ['SOA'] },
  },

  ...['OPT', 'TYPE0', 'TYPE128', 'TYPE200'].map((type) => ({
    title: `RFC 6895 section 3.1: ${type} cannot be asked for`,
    query: makeQuery(SERVICE, type),
    expect: { rcode: 'FORMERR', flags: [] },
  })),
  ...['TYPE249', 'TYPE253', 'TYPE254'].map((type) => ({
    title: `${type} is not implemented`,
    query: makeQuery(SERVICE, type),
    expect: { rcode: 'NOTIMP', flags: [] },
  })),
  ...['TYPE251', 'TYPE252'].map((type) => ({
    title: `RFC 5936 section 2.2.1: a transfer (${type}) is refused`,
    query: makeQuery('example.com', type),
    expect: { rcode: 'REFUSED', flags: [] },
  })),
  ...[
    'MX',
    'TXT',
    'PTR',
    'HTTPS',
    'CAA',
    'TYPE3',
    'TYPE10',
    'TYPE24',
    'TYPE39',
    'TYPE46',
    'TYPE99',
    'TYPE1000',
    'TYPE65535',
  ].map((type) => ({
    title: `RFC 3597: ${type} is a type like any, and absent`,
    query: makeQuery(SERVICE, type),
    expect: { rcode: 'NOERROR', authority: ['SOA'] },
  })),
  {
    title: 'RFC 8482 section 4.1: ANY gets one RRset',
    query: makeQuery(SERVICE, 'ANY'),
    expect: { rcode: 'NOERROR', answer: ['A', 'A'], octets: 512 },
  },
  {
    title: 'RFC 8482: ANY where there is nothing',
    query: makeQuery('nope.example.com', 'ANY'),
    expect: { rcode: 'NXDOMAIN', authority: ['SOA'] },
  },
  {
    title: 'a CNAME loop ends',
    query: makeQuery('loop1.example.com', 'A'),
    expect: { rcode: ['NOERROR', 'SERVFAIL'], answer: undefined },
  },
  {
    title: 'a CNAME chain of a hundred is cut',
    query: makeQuery('c0.chain.example.com', 'A', { payloadMax: 1232 }),
    expect: {
      rcode: ['NOERROR', 'SERVFAIL'],
      answer: undefined,
      check: (reply, t) => t.ok(reply.answer.length <= 16),
    },
  },
  ...['.', 'com', 'example.net', 'notexample.com'].map((foreign) => ({
    title: `RFC 1034 section 4.3.2: ${foreign} is no business of ours, and nobody is named whose it is`,
    query: makeQuery(foreign, 'NS'),
    expect: { rcode: 'REFUSED', flags: [] },
  })),
];

test('malformed and odd queries; over UDP sockets each is followed by a good one', async (t) => {
  await tryCases(t, await waysTo(t, makeDomain()), cases);
});

/** The least of several times, in milliseconds: what the work takes when nothing else gets in between. */
function leastMs(work: () => void): number {
  const times = Array.from({ length: 15 }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return Math.min(...times);
}

/** Repeats `part` behind `head` up to the largest message. */
function filled(head: Uint8Array, part: Buffer, octets = 65_535): Buffer {
  const times = Math.floor((octets - head.length) / part.length);
  return Buffer.concat([head, ...Array.from({ length: times }, () => part)]);
}

const counted = (counts: number[], ...rest: Uint8Array[]) => rawQuery(counts, 0, question, ...rest);
const none = Buffer.alloc(0);

test('64 KiB of the worst take linear time: under 5 ms', async (t) => {
  const federation = makeDomain();
  const pointers = hex('c00c');
  const pointedRecord = Buffer.concat([pointers, record(10, none).subarray(1)]);
  const withOptions = (option: Buffer) => counted([1, 0, 0, 1], optRecord(filled(none, option, 65_000)));
  const worst: readonly [string, Buffer][] = [
    ['empty options', withOptions(hex('00000000'))],
    ['unknown options', withOptions(hex('fde9000100'))],
    ['cookies', withOptions(hex('000a00080102030405060708'))],
    ['records', filled(counted([1, 0, 0, 65_535]), record(10, none))],
    ['pointers', filled(counted([1, 90, 0, 0], record(10, none)), pointers)],
    ['records at pointers', filled(counted([1, 0, 0, 65_535]), pointedRecord)],
    ['labels of one octet', filled(rawQuery([1, 0, 0, 0], 0), hex('0161'))],
    ['zeros', Buffer.alloc(65_535)],
  ];
  for (const [title, query] of worst) {
    const ms = leastMs(() => federation.askRaw(query, Transport.tcp));
    t.ok(ms < 5, `${title}, ${query.length} octets: ${ms.toFixed(3)} ms`);
  }
});
