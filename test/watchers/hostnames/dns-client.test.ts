import { createSocket } from 'node:dgram';
import tap, { type Test } from 'tap';
import { Packet } from 'dns2';
import { lookup, type LookupReply } from '../../../src/watchers/hostnames/dns-client.ts';
import { replyTo, ScriptedDnsServer, zone, type Script, type ScriptedRecord } from './scripted-dns-server.ts';

const HOSTNAME = 'lb.example.net';

async function ask(
  t: Test,
  script: Script,
  options: { family?: 'A' | 'AAAA'; timeoutMs?: number } = {},
): Promise<{ reply: LookupReply; asked: string[] }> {
  const server = await new ScriptedDnsServer().start();
  t.teardown(() => server.stop());
  server.script = script;
  const reply = await lookup({
    hostname: HOSTNAME,
    family: options.family ?? 'A',
    resolver: { address: '127.0.0.1', port: server.udp.address().port },
    timeoutMs: options.timeoutMs ?? 2000,
    domain: 'example.com',
  });
  return { reply, asked: server.take() };
}

function chain(length: number): ScriptedRecord[] {
  const links = Array.from({ length }, (_, i) => ({
    name: i === 0 ? HOSTNAME : `c${i}.example.net`,
    cname: `c${i + 1}.example.net`,
    ttl: 100 + i,
  }));
  return [...links, { name: length === 0 ? HOSTNAME : `c${length}.example.net`, a: '192.0.2.1', ttl: 500 }];
}

const ANSWERS: ReadonlyArray<readonly [string, readonly ScriptedRecord[], object]> = [
  [
    'the addresses of the hostname are taken, each once, with the shortest TTL',
    [
      { a: '192.0.2.2', ttl: 60 },
      { a: '192.0.2.1', ttl: 40 },
      { a: '192.0.2.2', ttl: 60 },
    ],
    { kind: 'addresses', addresses: ['192.0.2.1', '192.0.2.2'], ttlSeconds: 40 },
  ],
  [
    'RFC 1034 3.6.2: a CNAME chain is followed, and its TTLs count',
    chain(3),
    { kind: 'addresses', addresses: ['192.0.2.1'], ttlSeconds: 100 },
  ],
  [
    'a chain counts in whatever order its records come',
    chain(3).toReversed(),
    { kind: 'addresses', addresses: ['192.0.2.1'] },
  ],
  ['a chain of eleven CNAME records is followed', chain(11), { kind: 'addresses' }],
  ['a chain of twelve is not', chain(12), { kind: 'failure', message: /CNAME/ }],
  [
    'a chain that loops is not followed',
    [{ cname: 'a.example.net' }, { name: 'a.example.net', cname: HOSTNAME }],
    { kind: 'failure', message: /CNAME/ },
  ],
  [
    'addresses of other names are passed over',
    [{ name: 'other.example.net', a: '192.0.2.66' }, { a: '192.0.2.1' }],
    { kind: 'addresses', addresses: ['192.0.2.1'] },
  ],
  [
    'an answer that holds only other names is empty',
    [{ name: 'other.example.net', a: '192.0.2.66' }],
    { kind: 'empty' },
  ],
  [
    'RFC 4343: names in the answer compare without case',
    [{ name: 'LB.Example.NET', a: '192.0.2.1' }],
    { kind: 'addresses', addresses: ['192.0.2.1'] },
  ],
  ['no record is NODATA', [], { kind: 'empty', message: /no A record/ }],
  ['a chain that ends nowhere is empty', [{ cname: 'a.example.net' }], { kind: 'empty' }],
  [
    'an alias into the served domain is not followed',
    [{ cname: 'www.example.com' }, { name: 'www.example.com', a: '192.0.2.1' }],
    { kind: 'empty', message: /inside the served domain/ },
  ],
];

for (const [title, records, expected] of ANSWERS) {
  tap.test(title, async (t) => {
    const { reply } = await ask(t, ({ query }) => replyTo(query, records));
    t.match(reply, expected);
  });
}

tap.test('AAAA records come back in canonical form', async (t) => {
  const { reply, asked } = await ask(t, zone({ [HOSTNAME]: [{ aaaa: '2001:db8:0:0:0:0:0:1' }] }), {
    family: 'AAAA',
  });
  t.match(reply, { kind: 'addresses', addresses: ['2001:db8::1'] });
  t.same(asked, [`AAAA ${HOSTNAME}`]);
});

tap.test('NXDOMAIN is an empty answer', async (t) => {
  const { reply } = await ask(t, zone({}));
  t.match(reply, { kind: 'empty', message: /NXDOMAIN/ });
});

for (const [rcode, name] of [
  [1, 'FORMERR'],
  [2, 'SERVFAIL'],
  [4, 'NOTIMP'],
  [5, 'REFUSED'],
] as const) {
  tap.test(`${name} is a failure`, async (t) => {
    const { reply } = await ask(t, ({ query }) => replyTo(query, [], rcode));
    t.match(reply, { kind: 'failure', message: `RCODE ${rcode}` });
  });
}

tap.test('an error of nothing but a header is understood', async (t) => {
  const { reply } = await ask(t, ({ query }) =>
    replyTo(query, [], 1).toBuffer().fill(0, 4, 12).subarray(0, 12),
  );
  t.match(reply, { kind: 'failure', message: 'RCODE 1' });
});

tap.test('silence is a failure after the time-out', async (t) => {
  const { reply } = await ask(t, () => undefined, { timeoutMs: 20 });
  t.match(reply, { kind: 'failure', message: /no reply within 20 ms/ });
});

tap.test('a port where nobody listens is a failure', async (t) => {
  const server = await new ScriptedDnsServer().start();
  const { port } = server.udp.address();
  await server.stop();
  const resolver = { address: '127.0.0.1', port };
  const reply = await lookup({
    hostname: HOSTNAME,
    family: 'A',
    resolver,
    timeoutMs: 2000,
    domain: 'example.com',
  });
  t.match(reply, { kind: 'failure', message: /ECONNREFUSED/ });
});

/** Forged datagrams that arrive before the real reply, from the resolver's own address. */
const FORGED: ReadonlyArray<readonly [string, (reply: Packet) => Buffer]> = [
  ['another id', (reply) => flip(reply.toBuffer(), 0)],
  ['another question', (reply) => flip(reply.toBuffer(), 13)],
  ['QR clear', (reply) => flip(reply.toBuffer(), 2, 0x80)],
  ['another opcode', (reply) => flip(reply.toBuffer(), 2, 0x20)],
  [
    'no question',
    (reply) => {
      reply.questions = [];
      return reply.toBuffer();
    },
  ],
  ['a header cut short', (reply) => reply.toBuffer().subarray(0, 11)],
  ['nothing', () => Buffer.alloc(0)],
];

function flip(octets: Buffer, at: number, bits = 0x01): Buffer {
  octets[at]! ^= bits;
  return octets;
}

for (const [title, forge] of FORGED) {
  tap.test(`RFC 5452 9.1: a reply with ${title} is passed over and the real one awaited`, async (t) => {
    const server = await new ScriptedDnsServer().start();
    t.teardown(() => server.stop());
    server.script = ({ query, peer }) => {
      const forged = forge(replyTo(query, [{ a: '192.0.2.66' }]));
      server.udp.send(forged, peer!.port, peer!.address);
      return replyTo(query, [{ a: '192.0.2.1' }]);
    };
    const resolver = { address: '127.0.0.1', port: server.udp.address().port };
    const reply = await lookup({
      hostname: HOSTNAME,
      family: 'A',
      resolver,
      timeoutMs: 2000,
      domain: 'example.com',
    });
    t.match(reply, { kind: 'addresses', addresses: ['192.0.2.1'] });
  });
}

tap.test('RFC 5452 9.1: a reply from another port is passed over', async (t) => {
  const other = createSocket('udp4');
  t.teardown(() => other.close());
  const server = await new ScriptedDnsServer().start();
  t.teardown(() => server.stop());
  server.script = ({ query, peer }) => {
    const forged = replyTo(query, [{ a: '192.0.2.66' }]).toBuffer();
    other.send(forged, peer!.port, peer!.address, () => {
      server.udp.send(replyTo(query, [{ a: '192.0.2.1' }]).toBuffer(), peer!.port, peer!.address);
    });
    return undefined;
  };
  const resolver = { address: '127.0.0.1', port: server.udp.address().port };
  const reply = await lookup({
    hostname: HOSTNAME,
    family: 'A',
    resolver,
    timeoutMs: 2000,
    domain: 'example.com',
  });
  t.match(reply, { kind: 'addresses', addresses: ['192.0.2.1'] });
});

function truncated(query: Packet): Packet {
  const reply = replyTo(query, []);
  reply.header.tc = 1;
  return reply;
}

const OVER_TCP: ReadonlyArray<readonly [string, (query: Packet) => Packet | Buffer | undefined, object]> = [
  [
    'the whole answer is taken',
    (query) =>
      replyTo(
        query,
        Array.from({ length: 60 }, (_, i) => ({ a: `192.0.2.${i + 1}` })),
      ),
    { kind: 'addresses', addresses: { length: 60 } },
  ],
  [
    'a reply with another id is a failure',
    (query) => flip(replyTo(query, []).toBuffer(), 0),
    { kind: 'failure' },
  ],
  ['a connection that ends early is a failure', () => undefined, { kind: 'failure', message: /ended/ }],
  [
    'a reply that is too long is a failure',
    () => Buffer.alloc(20_000),
    { kind: 'failure', message: /too long/ },
  ],
];

for (const [title, decide, expected] of OVER_TCP) {
  tap.test(`RFC 2181 9: a truncated reply is asked for again over TCP, where ${title}`, async (t) => {
    const { reply, asked } = await ask(t, ({ over, query }) =>
      over === 'udp' ? truncated(query) : decide(query),
    );
    t.match(reply, expected);
    t.same(asked, [`A ${HOSTNAME}`, `A ${HOSTNAME} over TCP`]);
  });
}

tap.test('silence over TCP is a failure after the time-out', async (t) => {
  const { reply } = await ask(t, ({ over, query }) => (over === 'udp' ? truncated(query) : Buffer.alloc(0)), {
    timeoutMs: 50,
  });
  t.match(reply, { kind: 'failure', message: /no reply over TCP|another query/ });
});

/** Well-formed headers and questions before a broken answer section. */
const BROKEN: ReadonlyArray<readonly [string, (octets: Buffer) => Buffer]> = [
  ['is cut short', (octets) => octets.subarray(0, octets.length - 2)],
  ['announces more answers than it has', (octets) => (octets.writeUInt16BE(9, 6), octets)],
  ['announces more answers than anyone needs', (octets) => (octets.writeUInt16BE(60_000, 6), octets)],
  ['has an answer that points at itself', (octets) => pointTo(octets, questionEnd(octets))],
  ['has an answer that points past the end', (octets) => pointTo(octets, 0x3fff)],
];

function questionEnd(octets: Buffer): number {
  return octets.indexOf(0, 12) + 5;
}

/** The owner name of the first answer becomes a pointer. */
function pointTo(octets: Buffer, offset: number): Buffer {
  octets.writeUInt16BE(0xc000 | offset, questionEnd(octets));
  return octets;
}

for (const [title, spoil] of BROKEN) {
  tap.test(`a reply that ${title} is a failure`, async (t) => {
    const { reply } = await ask(t, ({ query }) => spoil(replyTo(query, [{ a: '192.0.2.1' }]).toBuffer()));
    t.match(reply, { kind: 'failure' });
  });
}

tap.test('a reply full of pointer chains is decoded in bounded time', async (t) => {
  const { reply } = await ask(t, ({ query }) => {
    const question = replyTo(query, []).toBuffer();
    const octets = Buffer.alloc(8000);
    question.copy(octets);
    octets.writeUInt16BE(128, 6);
    // A chain through the second half, entered by every answer in the first.
    for (let at = 4000; at < 7998; at += 2) octets.writeUInt16BE(0xc000 | (at + 2), at);
    for (let i = 0, at = question.length; i < 128; i++, at += 12) octets.writeUInt16BE(0xc000 | 4000, at);
    return octets;
  });
  t.equal(reply.kind, 'empty', 'and holds nothing of ours');
});
