import t from 'tap';
import { describeQuery, formatEntry, type QueryEntry } from '../../src/querylog/lines/query-line.ts';
import { Transport } from '../../src/server/responder.ts';
import { seededRandom } from '../fuzz/random.ts';
import { makeFederation } from '../support/federation.ts';
import { makeQuery, type QueryOptions } from '../support/message.ts';
import { DOMAIN, recordOf } from './ring.ts';

process.env['TZ'] = 'UTC';

const SERVICE = 'web.shop.fed.svc';

/** A shard in eu1, none in eu2 and us. */
function world() {
  const federation = makeFederation({
    records: [
      `www.example.com CNAME ${SERVICE}.us1.us.example.com`,
      'alias.example.com CNAME plain.example.com',
      'plain.example.com A 192.0.2.77',
    ],
  });
  federation.cluster('a', 'eu', ['eu1', 'eu2']);
  federation.cluster('b', 'us', ['us1']);
  federation.shard('a', 'web.shop.fed', { readyZones: ['eu1'], addresses: ['192.0.2.10'] });
  return federation;
}

const { askRaw } = world();

function ask(
  name: string,
  type: string,
  options: QueryOptions = {},
  transport: Transport = Transport.udp,
): QueryEntry {
  const query = makeQuery(name, type, options);
  const reply = askRaw(query, transport);
  return describeQuery(recordOf({ query, transport, ...(reply && { reply }) }), DOMAIN);
}

const RD = 0x0100;
const CASES: {
  readonly title: string;
  readonly name: string;
  readonly type?: string;
  readonly options?: QueryOptions;
  readonly want: Partial<QueryEntry>;
}[] = [
  {
    title: 'a level that has addresses tells no other',
    name: `${SERVICE}.eu1.eu.example.com`,
    options: { flags: RD },
    want: { rcode: 'NOERROR', answers: 1, flags: ['rd'], replyFlags: ['aa'], class: 'IN', type: 'A' },
  },
  {
    title: 'a zone without shards tells its region',
    name: `${SERVICE}.eu2.eu.example.com`,
    want: { at: 'eu', answers: 2 },
  },
  {
    title: 'a region without shards tells the globe',
    name: `${SERVICE}.us.example.com`,
    want: { at: 'global' },
  },
  {
    title: 'a vanity name tells the level that it came to',
    name: 'www.example.com',
    want: { at: 'global', answers: 4 },
  },
  {
    title: 'an alias to a static record tells its name',
    name: 'alias.example.com',
    want: { at: 'plain.example.com' },
  },
  {
    title: 'the name in another case is the same name',
    name: `WEB.shop.fed.svc.eu1.eu.EXAMPLE.com`,
    want: { name: 'WEB.shop.fed.svc.eu1.eu.EXAMPLE.com', answers: 1 },
  },
  { title: 'a name that is not there', name: 'nope.example.com', want: { rcode: 'NXDOMAIN', answers: 0 } },
  { title: 'a name that is not ours', name: 'example.org', want: { rcode: 'REFUSED', replyFlags: [] } },
  {
    title: 'what is not printable is escaped',
    name: 'a\\032b\\027.example.com',
    want: { name: 'a\\032b\\027.example.com' },
  },
  {
    title: 'RFC 3597: a type without a name',
    name: 'example.com',
    type: 'TYPE65000',
    want: { type: 'TYPE65000' },
  },
  {
    title: 'RFC 6891: EDNS and DO are flags, bits of the header too',
    name: 'example.com',
    options: { flags: 0x0130, payloadMax: 1232, ednsFlags: 0x8000 },
    want: { flags: ['rd', 'ad', 'cd', 'edns', 'do'] },
  },
  {
    title: 'RFC 6891: the upper bits of the RCODE come from OPT',
    name: 'example.com',
    options: { ednsVersion: 1 },
    want: { rcode: 'BADVERS', flags: ['edns'] },
  },
  {
    title: 'RFC 7871: the client subnet, believed or not',
    name: 'example.com',
    options: { options: [[8, Buffer.of(0, 1, 24, 0, 198, 51, 100)]] },
    want: { ecs: '198.51.100.0/24' },
  },
  {
    title: 'RFC 7871: one of IPv6',
    name: 'example.com',
    options: {
      options: [
        [3, Buffer.alloc(0)],
        [8, Buffer.of(0, 2, 32, 0, 0x20, 1, 0xd, 0xb8)],
      ],
    },
    want: { ecs: '2001:db8::/32' },
  },
  {
    title: 'RFC 7871: one that is none is left out',
    name: 'example.com',
    options: { options: [[8, Buffer.of(0, 9, 24, 0, 1)]] },
    want: { rcode: 'FORMERR' },
  },
  {
    title: 'another class',
    name: 'version.bind',
    type: 'TXT',
    options: { class: 3 },
    want: { class: 'CH', rcode: 'REFUSED' },
  },
];

for (const { title, name, type = 'A', options, want } of CASES) {
  t.test(title, async (t) => {
    const entry = ask(name, type, options);
    t.match(entry, want);
    if (want.at === undefined) t.notOk('at' in entry, 'no other place');
    if (want.ecs === undefined) t.notOk('ecs' in entry, 'no subnet');
  });
}

t.test('who asked, over what, and how large the reply was', async (t) => {
  const query = makeQuery('example.com', 'SOA');
  const reply = askRaw(query, Transport.tcp)!;
  const entry = describeQuery(
    recordOf({ query, reply, transport: Transport.tcp, client: '2001:db8::1' }),
    DOMAIN,
  );
  t.match(entry, {
    time: '2026-11-28T03:06:30.299Z',
    client: '2001:db8::1',
    port: 40397,
    transport: 'tcp',
    octets: reply.length,
  });
});

t.test('packets without a question, or a reply, have a line too', async (t) => {
  const header = Buffer.from('123401000001000000000000', 'hex');
  const cases: { title: string; query: Buffer; reply?: Buffer; want: object }[] = [
    {
      title: 'shorter than a header',
      query: Buffer.from('xx'),
      want: { name: '-', rcode: 'none', octets: 0 },
    },
    {
      title: 'a question that is not there',
      query: header,
      reply: header,
      want: { name: '-', rcode: 'NOERROR' },
    },
    {
      title: 'a name that points at itself',
      query: Buffer.concat([header, Buffer.from('c00c00010001', 'hex')]),
      want: { name: '-' },
    },
    {
      title: 'a name that never ends',
      query: Buffer.concat([header, Buffer.from('3f61', 'hex')]),
      want: { name: '-' },
    },
  ];
  for (const { title, query, reply, want } of cases)
    t.match(describeQuery(recordOf({ query, ...(reply && { reply }) }), DOMAIN), want, title);
});

t.test('as JSON a line is a document, for people it is text of printable ASCII', async (t) => {
  const entry = ask(`${SERVICE}.eu2.eu.example.com`, 'A', { flags: RD });
  const json = formatEntry(entry, 'json');
  t.match(JSON.parse(json), { level: 'info', msg: 'query', name: entry.name, replyFlags: ['aa'], at: 'eu' });
  t.equal(json.indexOf('\n'), json.length - 1);
  t.equal(
    formatEntry(entry, 'pretty'),
    '03:06:30.299 QUERY web.shop.fed.svc.eu2.eu.example.com IN A NOERROR' +
      `  client=192.0.2.53#40397 over=udp flags=rd,aa answers=2 octets=${entry.octets} at=eu\n`,
  );
  // oxlint-disable-next-line no-control-regex
  t.equal(formatEntry(entry, 'coloured').replace(/\u001b\[[0-9;]*m/g, ''), formatEntry(entry, 'pretty'));
  const unread = describeQuery(recordOf({ query: Buffer.from('xx') }), DOMAIN);
  t.match(formatEntry(unread, 'pretty'), / QUERY no question none {2}client=/);
});

t.test('whatever octets come, a line is made and steers no terminal', async (t) => {
  const random = seededRandom(3);
  const good = makeQuery(`${SERVICE}.eu1.eu.example.com`, 'A', {
    payloadMax: 1232,
    options: [[8, Buffer.of(0, 1, 8, 0, 10)]],
  });
  const reply = askRaw(good)!;
  const spoil = (octets: Buffer): Buffer => {
    const spoilt = Buffer.from(
      octets.subarray(0, random(4) === 0 ? random(octets.length + 1) : octets.length),
    );
    for (let i = random(6); i > 0 && spoilt.length > 0; i--) spoilt[random(spoilt.length)] = random(256);
    return spoilt;
  };
  for (let i = 0; i < 5000; i++) {
    const query = spoil(good);
    const line = formatEntry(describeQuery(recordOf({ query, reply: spoil(reply) }), DOMAIN), 'pretty');
    if (!/^[\x20-\x7e]+\n$/.test(line)) t.fail(`${query.toString('hex')}: ${JSON.stringify(line)}`);
  }
});
