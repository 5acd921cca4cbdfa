/** What a signed reply has in it, at each kind of name; whether the signatures hold is asked of KEYS' own check for every RRset. */
import { test, type Test } from 'tap';
import { algorithmOf } from '../../../src/dnssec/algorithms.ts';
import { Counter } from '../../../src/server/counters.ts';
import { readDnskey } from '../../../src/dnssec/dnskey.ts';
import { verifyRrset } from '../../../src/dnssec/rrsig.ts';
import { Transport } from '../../../src/server/responder.ts';
import { Waiting } from '../../../src/server/signing/waiting.ts';
import { encodeNameLower } from '../../../src/zonebuilder/names.ts';
import { typeCode } from '../../../src/zonebuilder/rr-types.ts';
import { makeFederation, type Federation, type FederationOptions } from '../../support/federation.ts';
import { makeQuery, readMessage, type Message, type QueryOptions, type Rr } from '../../support/message.ts';
import { seededRandom, type Random } from '../../fuzz/random.ts';
import { makeKey, makeSigning, type TestKey } from '../../support/signing.ts';

const DO = { payloadMax: 1232, ednsFlags: 0x8000 };
const DO_CO = { payloadMax: 1232, ednsFlags: 0xc000 };
const WEB = 'web.shop.main.svc';

const RECORDS = [
  'www.example.com TXT "here"',
  'alias.example.com CNAME web.shop.main.svc.z1.example.com',
  'away.example.com CNAME elsewhere.example.net',
  'mail.example.com MX 10 Mail.Example.COM',
  '*.wild.example.com A 192.0.2.9',
  '*.wild.example.com AAAA 2001:db8::9',
  'near.wild.example.com TXT "beside"',
  '*.room.example.com TXT "any"',
  'room.example.com MX 10 mail.example.com',
  '*.way.example.com CNAME www.example.com',
  'sub.example.com NS ns.sub.example.com',
  'ns.sub.example.com A 192.0.2.77',
  'safe.example.com NS ns.sub.example.com',
  'deep.er.example.com TXT "below"',
  `big.example.com TXT "${'a'.repeat(250)}" "${'b'.repeat(250)}" "${'c'.repeat(250)}" "${'d'.repeat(250)}"`,
];
const PORTS = [{ name: 'http', protocol: 'tcp', port: 80 }] as const;

function makeWorld(keys: readonly TestKey[] | undefined, options: FederationOptions = {}): Federation {
  const federation = makeFederation({
    records: RECORDS,
    statics: [
      {
        name: 'safe.example.com',
        type: 43,
        ttlSeconds: 300,
        rdata: Buffer.from(`00010d02${'ab'.repeat(32)}`, 'hex'),
      },
      ...(keys ?? []).map(({ record }) => record),
    ],
    ...(keys && { signing: makeSigning(keys) }),
    ...options,
  });
  federation.cluster('one', 'r9', ['z9']);
  federation.cluster('two', 'r9', ['z8']);
  federation.cluster('empty', 'r1', ['z1']);
  federation.shard('one', 'web.shop.main', { addresses: ['192.0.2.1'], ports: PORTS });
  federation.shard('two', 'web.shop.main', { addresses: ['192.0.2.2'], ports: PORTS });
  federation.shard('two', 'down.shop.main', { addresses: ['192.0.2.3'], ready: false });
  return federation;
}

function ask(federation: Federation, name: string, type: string, options: QueryOptions = DO): Message {
  return readMessage(federation.askRaw(makeQuery(name, type, options))!);
}

/** `name type`, signatures as `name RRSIG(type labels)`, NSEC with its types. */
function shown(section: readonly Rr[]): string[] {
  return section.map((rr) => {
    const name = rr.name.replace(/\.?example\.com$/, '') || '@';
    if (rr.type === 'RRSIG') return `${name} RRSIG(${covered(rr)} ${rr.rdata[3]})`;
    return rr.type === 'NSEC' ? `${name} NSEC ${typesOf(rr).join(' ')}` : `${name} ${rr.type}`;
  });
}

function covered({ rdata }: Rr): string {
  return NAMES.get(rdata.readUInt16BE(0)) ?? `TYPE${rdata.readUInt16BE(0)}`;
}

const NAMES = new Map(
  ['A', 'AAAA', 'NS', 'CNAME', 'SOA', 'TXT', 'SRV', 'MX', 'DS', 'NSEC', 'RRSIG', 'DNSKEY', 'CDS'].map(
    (name) => [typeCode(name)!, name],
  ),
);

/** The types of an NSEC record's bitmap, by an own reading of RFC 4034 section 4.1.2. */
function typesOf({ rdata }: Rr): string[] {
  let at = nameEnd(rdata, 0);
  const types: string[] = [];
  while (at < rdata.length) {
    const [window, octets] = [rdata[at]!, rdata[at + 1]!];
    for (let bit = 0; bit < octets * 8; bit++) {
      if ((rdata[at + 2 + (bit >> 3)]! & (0x80 >> (bit & 7))) === 0) continue;
      const type = window * 256 + bit;
      types.push(type === 128 ? 'NXNAME' : (NAMES.get(type) ?? `TYPE${type}`));
    }
    at += 2 + octets;
  }
  return types;
}

function nameEnd(octets: Buffer, start: number): number {
  let at = start;
  while (octets[at]! > 0) at += 1 + octets[at]!;
  return at + 1;
}

/** Whether each RRset of a section has a signature of each key, and all of them hold. */
function checkSignatures(t: Test, section: readonly Rr[], keys: readonly TestKey[]): void {
  const sets = Map.groupBy(
    section.filter((rr) => rr.type !== 'RRSIG'),
    (rr) => `${rr.name} ${rr.type}`,
  );
  for (const [title, set] of sets) {
    const [first] = set;
    const signatures = section.filter(
      (rr) =>
        rr.type === 'RRSIG' &&
        rr.name === first!.name &&
        covered(rr) === (NAMES.get(typeCode(first!.type)!) ?? first!.type),
    );
    t.equal(signatures.length, keys.length, `${title} has a signature of each key`);
    for (const signature of signatures) t.ok(holds(first!, set, signature, keys), `that of ${title} holds`);
    for (const { ttl } of signatures) t.equal(ttl, first!.ttl, 'RFC 4034 section 3: the TTL of the set');
  }
}

function holds({ name, type }: Rr, set: readonly Rr[], { rdata }: Rr, keys: readonly TestKey[]): boolean {
  const key = keys.find(
    ({ dnskey, signing }) => signing.keyTag === rdata.readUInt16BE(16) && dnskey[3] === rdata[2],
  );
  const read = key && readDnskey(key.dnskey);
  if (read === undefined || algorithmOf(rdata[2]!) === undefined) return false;
  const labels = name.replace(/\.$/, '').split('.');
  const owner = labels.length > rdata[3]! ? ['*', ...labels.slice(-rdata[3]!)] : labels;
  const rrset = {
    owner: encodeNameLower(owner.join('.')),
    type: typeCode(type)!,
    ttlSeconds: rdata.readUInt32BE(4),
    rdatas: set.map((rr) => rr.rdata),
  };
  return verifyRrset(rrset, rdata, read);
}

interface Case {
  readonly title: string;
  readonly name: string;
  readonly type: string;
  readonly options?: QueryOptions;
  readonly rcode?: string;
  readonly answer?: readonly string[];
  readonly authority?: readonly string[];
  /** RRsets that are not this zone's, and have no signature. */
  readonly unsigned?: readonly string[];
}

const SOA = ['@ SOA', '@ RRSIG(SOA 2)'];
const TYPES = 'RRSIG NSEC';

const CASES: readonly Case[] = [
  {
    title: 'the addresses of a level',
    name: `${WEB}.r9`,
    type: 'A',
    answer: [`${WEB}.r9 A`, `${WEB}.r9 A`, `${WEB}.r9 RRSIG(A 7)`],
  },
  {
    title: 'every link of a chain of aliases',
    name: `${WEB}.z1`,
    type: 'A',
    answer: [
      `${WEB}.z1 CNAME`,
      `${WEB}.z1 RRSIG(CNAME 7)`,
      `${WEB}.r1 CNAME`,
      `${WEB}.r1 RRSIG(CNAME 7)`,
      `${WEB} A`,
      `${WEB} A`,
      `${WEB} RRSIG(A 6)`,
    ],
  },
  {
    title: 'a static alias into the federation',
    name: 'alias',
    type: 'CNAME',
    answer: ['alias CNAME', 'alias RRSIG(CNAME 3)'],
  },
  {
    title: 'an alias that leaves the domain',
    name: 'away',
    type: 'A',
    answer: ['away CNAME', 'away RRSIG(CNAME 3)'],
  },
  {
    title: 'an SRV record',
    name: `_http._tcp.${WEB}.z9`,
    type: 'SRV',
    answer: [`_http._tcp.${WEB}.z9 SRV`, `_http._tcp.${WEB}.z9 RRSIG(SRV 9)`],
  },
  {
    title: 'names in data whose case counts for nothing',
    name: 'mail',
    type: 'MX',
    answer: ['mail MX', 'mail RRSIG(MX 3)'],
  },
  { title: 'the keys', name: '@', type: 'DNSKEY', answer: ['@ DNSKEY', '@ RRSIG(DNSKEY 2)'] },
  { title: 'the SOA', name: '@', type: 'SOA', answer: SOA },
  { title: 'the name servers', name: '@', type: 'NS', answer: ['@ NS', '@ RRSIG(NS 2)'] },
  {
    title: 'RFC 4035 section 3.1.3.3: a wildcard, and that nothing is nearer',
    name: 'a.wild',
    type: 'A',
    answer: ['a.wild A', 'a.wild RRSIG(A 3)'],
    authority: ['`\\255\\255\\255.wild NSEC RRSIG NSEC', '`\\255\\255\\255.wild RRSIG(NSEC 4)'],
  },
  {
    title: 'a wildcard two labels up, and that the nearer name is none',
    name: 'x.b.wild',
    type: 'A',
    answer: ['x.b.wild A', 'x.b.wild RRSIG(A 3)'],
    authority: ['a\\255\\255\\255.wild NSEC RRSIG NSEC', 'a\\255\\255\\255.wild RRSIG(NSEC 4)'],
  },
  {
    title: 'what is nearest before a name is one that has data, of which nothing is said',
    name: 'near\\000.wild',
    type: 'A',
    answer: ['near\\000.wild A', 'near\\000.wild RRSIG(A 3)'],
    authority: ['\\255\\255\\255.near.wild NSEC RRSIG NSEC', '\\255\\255\\255.near.wild RRSIG(NSEC 5)'],
  },
  {
    title: 'nothing is before the first name below a wildcard but the name above, which keeps all its types',
    name: '\\000.room',
    type: 'TXT',
    answer: ['\\000.room TXT', '\\000.room RRSIG(TXT 3)'],
    authority: ['room NSEC MX RRSIG NSEC', 'room RRSIG(NSEC 3)'],
  },
  {
    title: 'the wildcard itself',
    name: '*.wild',
    type: 'A',
    answer: ['*.wild A', '*.wild RRSIG(A 3)'],
  },
  {
    title: 'an alias from a wildcard',
    name: 'q.way',
    type: 'TXT',
    answer: ['q.way CNAME', 'q.way RRSIG(CNAME 3)', 'www TXT', 'www RRSIG(TXT 3)'],
    authority: ['p\\255\\255\\255.way NSEC RRSIG NSEC', 'p\\255\\255\\255.way RRSIG(NSEC 4)'],
  },
  {
    title: 'a type that a wildcard does not have',
    name: 'a.wild',
    type: 'MX',
    authority: [...SOA, `a.wild NSEC A AAAA ${TYPES}`, 'a.wild RRSIG(NSEC 4)'],
  },
  {
    title: 'a family that a Service does not have',
    name: WEB,
    type: 'AAAA',
    authority: [...SOA, `${WEB} NSEC A ${TYPES}`, `${WEB} RRSIG(NSEC 6)`],
  },
  {
    title: 'the same at the end of a chain, said of its last name',
    name: `${WEB}.z1`,
    type: 'AAAA',
    answer: [`${WEB}.z1 CNAME`, `${WEB}.z1 RRSIG(CNAME 7)`, `${WEB}.r1 CNAME`, `${WEB}.r1 RRSIG(CNAME 7)`],
    authority: [...SOA, `${WEB} NSEC A ${TYPES}`, `${WEB} RRSIG(NSEC 6)`],
  },
  {
    title: 'a type that no Service has, whose proof says nothing of health',
    name: `${WEB}.z9`,
    type: 'TXT',
    authority: [...SOA, `${WEB}.z9 NSEC A AAAA ${TYPES}`, `${WEB}.z9 RRSIG(NSEC 7)`],
  },
  {
    title: 'a Service without a healthy shard has the types that it has with one',
    name: 'down.shop.main.svc',
    type: 'A',
    authority: [...SOA, `down.shop.main.svc NSEC AAAA ${TYPES}`, 'down.shop.main.svc RRSIG(NSEC 6)'],
  },
  {
    title: 'the name above ports',
    name: `_tcp.${WEB}`,
    type: 'SRV',
    authority: [...SOA, `_tcp.${WEB} NSEC ${TYPES}`, `_tcp.${WEB} RRSIG(NSEC 7)`],
  },
  {
    title: 'a port has its SRV record, whatever else is asked for',
    name: `_http._tcp.${WEB}`,
    type: 'A',
    authority: [...SOA, `_http._tcp.${WEB} NSEC SRV ${TYPES}`, `_http._tcp.${WEB} RRSIG(NSEC 8)`],
  },
  {
    title: 'a type that a static name does not have',
    name: 'www',
    type: 'A',
    authority: [...SOA, `www NSEC TXT ${TYPES}`, 'www RRSIG(NSEC 3)'],
  },
  {
    title: 'a type that the apex does not have',
    name: '@',
    type: 'MX',
    authority: [...SOA, `@ NSEC NS SOA ${TYPES} DNSKEY`, '@ RRSIG(NSEC 2)'],
  },
  {
    title: 'RFC 4035 section 3.1.4.1: DS at the apex, whose parent is another zone',
    name: '@',
    type: 'DS',
    authority: [...SOA, `@ NSEC NS SOA ${TYPES} DNSKEY`, '@ RRSIG(NSEC 2)'],
  },
  {
    title: 'RFC 9824 section 3.3: an empty non-terminal exists',
    name: 'shop.main.svc',
    type: 'A',
    authority: [...SOA, `shop.main.svc NSEC ${TYPES}`, 'shop.main.svc RRSIG(NSEC 5)'],
  },
  {
    title: 'an empty non-terminal above a static record',
    name: 'er',
    type: 'A',
    authority: [...SOA, `er NSEC ${TYPES}`, 'er RRSIG(NSEC 3)'],
  },
  {
    title: 'RFC 9824 section 3.1: a name that does not exist is told from others by NXNAME',
    name: 'nope',
    type: 'A',
    authority: [...SOA, `nope NSEC ${TYPES} NXNAME`, 'nope RRSIG(NSEC 3)'],
  },
  {
    title: 'RFC 9824 section 5: with CO the RCODE says so, too',
    name: 'nope',
    type: 'A',
    options: DO_CO,
    rcode: 'NXDOMAIN',
    authority: [...SOA, `nope NSEC ${TYPES} NXNAME`, 'nope RRSIG(NSEC 3)'],
  },
  {
    title: 'with CO a name that exists is no NXDOMAIN',
    name: 'www',
    type: 'A',
    options: DO_CO,
    authority: [...SOA, `www NSEC TXT ${TYPES}`, 'www RRSIG(NSEC 3)'],
  },
  {
    title: 'without DO it is a plain NXDOMAIN',
    name: 'nope',
    type: 'A',
    options: { payloadMax: 1232 },
    rcode: 'NXDOMAIN',
    authority: ['@ SOA'],
    unsigned: ['@ SOA'],
  },
  {
    title: 'a referral to a zone that is not signed',
    name: 'x.sub',
    type: 'A',
    authority: ['sub NS', `sub NSEC NS ${TYPES}`, 'sub RRSIG(NSEC 3)'],
    unsigned: ['sub NS'],
  },
  {
    title: 'a referral to one that is',
    name: 'x.safe',
    type: 'A',
    authority: ['safe NS', 'safe DS', 'safe RRSIG(DS 3)'],
    unsigned: ['safe NS'],
  },
  { title: 'DS of a zone that is signed', name: 'safe', type: 'DS', answer: ['safe DS', 'safe RRSIG(DS 3)'] },
  {
    title: 'DS of one that is not',
    name: 'sub',
    type: 'DS',
    authority: [...SOA, `sub NSEC NS ${TYPES}`, 'sub RRSIG(NSEC 3)'],
  },
  {
    title: 'RFC 8482: one RRset for ANY',
    name: WEB,
    type: 'ANY',
    answer: [`${WEB} A`, `${WEB} A`, `${WEB} RRSIG(A 6)`],
  },
  { title: 'the signature alone for RRSIG', name: 'www', type: 'RRSIG', answer: ['www RRSIG(TXT 3)'] },
  {
    title: 'also without DO',
    name: 'www',
    type: 'RRSIG',
    options: {},
    answer: ['www RRSIG(TXT 3)'],
  },
  {
    title: 'NSEC asked for by its type',
    name: 'www',
    type: 'NSEC',
    answer: [`www NSEC TXT ${TYPES}`, 'www RRSIG(NSEC 3)'],
  },
  {
    title: 'NSEC of a name that does not exist',
    name: 'nope',
    type: 'NSEC',
    answer: [`nope NSEC ${TYPES} NXNAME`, 'nope RRSIG(NSEC 3)'],
  },
];

for (const algorithm of ['ECDSAP256SHA256', 'ED25519'] as const) {
  test(`signed by ${algorithm}`, async (t) => {
    const keys = [makeKey(algorithm)];
    const federation = makeWorld(keys);
    for (const {
      title,
      name,
      type,
      options = DO,
      rcode = 'NOERROR',
      answer = [],
      authority = [],
      unsigned = [],
    } of CASES)
      await t.test(title, async (t) => {
        const full = name === '@' ? 'example.com' : `${name}.example.com`;
        for (const reply of [ask(federation, full, type, options), ask(federation, full, type, options)]) {
          t.equal(reply.rcode, rcode);
          t.strictSame(shown(reply.answer), answer);
          t.strictSame(shown(reply.authority), authority);
          if (type === 'RRSIG') continue;
          for (const section of [
            reply.answer,
            reply.authority,
            reply.additional.filter((rr) => rr.name !== 'ns.sub.example.com'),
          ])
            checkSignatures(
              t,
              section.filter((rr) => !unsigned.includes(shown([rr])[0]!)),
              keys,
            );
        }
      });
  });
}

test('RFC 4035 section 2.2: while algorithms change, each RRset has a signature of both', async (t) => {
  const keys = [makeKey(), makeKey('ED25519')];
  const federation = makeWorld(keys);
  for (const [name, type] of [
    ['www', 'TXT'],
    ['nope', 'A'],
    [`${WEB}.z1`, 'A'],
    ['a.wild', 'A'],
  ] as const) {
    const reply = ask(federation, `${name}.example.com`, type);
    for (const section of [reply.answer, reply.authority]) checkSignatures(t, section, keys);
  }
});

test('keys for keys sign these alone', async (t) => {
  const [ksk, zsk] = [makeKey(undefined, { part: 'keys' }), makeKey(undefined, { part: 'zone' })];
  const federation = makeWorld([ksk, zsk]);
  checkSignatures(t, ask(federation, 'example.com', 'DNSKEY').answer, [ksk]);
  checkSignatures(t, ask(federation, 'www.example.com', 'TXT').answer, [zsk]);
});

test('the case of a question is echoed, and counts for nothing', async (t) => {
  const keys = [makeKey()];
  const federation = makeWorld(keys);
  for (const name of ['WeB.ShOp.MaIn.SvC.z1.ExAmPlE.cOm', 'NoPe.eXample.com', 'A.wILD.example.com']) {
    const reply = ask(federation, name, 'A');
    for (const section of [reply.answer, reply.authority]) checkSignatures(t, section, keys);
  }
});

test('whoever does not ask for signatures gets the octets of an unsigned domain', async (t) => {
  const [signed, plain] = [makeWorld([makeKey()]), makeWorld(undefined)];
  for (const { name, type } of CASES) {
    if (['RRSIG', 'NSEC', 'DNSKEY'].includes(type) || name === WEB || name.startsWith(`${WEB}.`)) continue;
    const full = name === '@' ? 'example.com' : `${name}.example.com`;
    for (const options of [{}, { payloadMax: 1232 }, { payloadMax: 1232, ednsFlags: 0x4000 }]) {
      const query = makeQuery(full, type, options);
      const [one, other] = [signed.askRaw(query)!, plain.askRaw(query)!];
      // The flag CO is known where there are signatures.
      if (options.ednsFlags !== undefined) one.writeUInt16BE(0, one.length - 4);
      t.ok(one.equals(other), `${full} ${type}`);
    }
  }
});

test('RFC 9824 section 3.5: NXNAME is no type to ask for', async (t) => {
  const reply = ask(makeWorld([makeKey()]), 'www.example.com', 'TYPE128');
  t.equal(reply.rcode, 'FORMERR');
  t.strictSame(reply.opt?.options, [[15, Buffer.of(0, 30)]]);
});

test('an RRset is truncated where its signature does not fit, and whole over TCP', async (t) => {
  const keys = [makeKey()];
  const federation = makeWorld(keys, { udpPayloadMax: 1100 });
  const query = makeQuery('big.example.com', 'TXT', DO);
  const reply = readMessage(federation.askRaw(query)!);
  t.ok(reply.octets <= 1100);
  t.same([reply.flags.includes('TC'), reply.answer.length], [true, 0]);
  const whole = readMessage(federation.askRaw(query, Transport.tcp)!);
  checkSignatures(t, whole.answer, keys);
  t.equal(whole.answer.length, 2);
  t.notOk(
    readMessage(federation.askRaw(makeQuery('big.example.com', 'TXT', { payloadMax: 1232 }))!).flags.includes(
      'TC',
    ),
  );
});

test('what a query waits for: data, or a denial, by whether the client has shown its address', async (t) => {
  const federation = makeWorld([makeKey()]);
  const { served } = federation.signer!;
  ask(federation, 'www.example.com', 'TXT');
  ask(federation, 'www.example.com', 'A');
  ask(federation, 'one.example.com', 'A');
  federation.askRaw(makeQuery('two.example.com', 'A', DO), Transport.tcp);
  ask(federation, 'a.wild.example.com', 'A');
  t.strictSame(served, [Waiting.data, Waiting.data, Waiting.denial, Waiting.provenDenial, Waiting.denial]);
  for (const name of ['www', 'one', 'two']) ask(federation, `${name}.example.com`, 'A');
  t.equal(served.length, 5, 'and what is signed is not waited for again');
});

test('a change needs signatures for what it changes, and what comes back finds those of before', async (t) => {
  const keys = [makeKey()];
  const federation = makeWorld(keys);
  const { served } = federation.signer!;
  const names = [`${WEB}.z9`, `${WEB}.z8`, `${WEB}.r9`, WEB].map((name) => `${name}.example.com`);
  const askAll = (): number => {
    const before = served.length;
    for (const name of names) checkSignatures(t, ask(federation, name, 'A').answer, keys);
    return served.length - before;
  };
  t.equal(askAll(), 4);
  t.equal(askAll(), 0);
  federation.shard('two', 'web.shop.main', { addresses: ['192.0.2.2'], ready: false, ports: PORTS });
  t.equal(askAll(), 2, 'z8 is an alias to r9 now, which has one address less, as the global name does');
  federation.shard('two', 'web.shop.main', { addresses: ['192.0.2.2'], ports: PORTS });
  t.equal(askAll(), 0);
});

test('proofs for names as long as there are, and of octets of any kind, hold and stand for that name alone', async (t) => {
  const keys = [makeKey('ED25519')];
  const federation = makeWorld(keys);
  const random = seededRandom(11);
  for (let i = 0; i < 400; i++) {
    const under = i % 2 === 0 ? 'example.com' : 'wild.example.com';
    const name = Buffer.concat([
      randomLabels(random, 255 - encodeNameLower(under).length),
      encodeNameLower(under),
    ]);
    const query = makeQuery('example.com', 'A', { payloadMax: 4096, ednsFlags: 0x8000 });
    const question = Buffer.concat([query.subarray(0, 12), name, query.subarray(12 + 13)]);
    const reply = readMessage(federation.askRaw(question, Transport.tcp)!);
    t.equal(reply.rcode, 'NOERROR');
    for (const section of [reply.answer, reply.authority]) checkSignatures(t, section, keys);
    const { rdata } = reply.authority.find(({ type }) => type === 'NSEC')!;
    const next = rdata.subarray(0, nameEnd(rdata, 0));
    t.ok(
      canonicalOrder(name, next) < 0 && next.length <= 255,
      `${name.toString('hex')} lies before ${next.toString('hex')}`,
    );
  }
  t.equal(federation.counters[Counter.faults], 0);
});

/** Labels of any octets but capitals, which sort as small letters, of so many octets at most. */
function randomLabels(random: Random, octetsMax: number): Buffer {
  const labels: Buffer[] = [];
  let left = random(10) < 3 ? octetsMax : 1 + random(octetsMax);
  while (left >= 2) {
    const octets = Math.min(left - 1, random(2) === 0 ? 63 : 1 + random(63));
    const label = Buffer.from(
      Array.from({ length: octets }, () => [0, 0x40, 0x5b, 0x61, 0xfe, 0xff][random(6)]!),
    );
    labels.push(Buffer.of(octets), label);
    left -= octets + 1;
  }
  return Buffer.concat(labels);
}

/** RFC 4034 section 6.1. */
function canonicalOrder(one: Buffer, other: Buffer): number {
  const [a, b] = [labelsOf(one).toReversed(), labelsOf(other).toReversed()];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = Buffer.compare(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function labelsOf(wireName: Buffer): Buffer[] {
  const labels: Buffer[] = [];
  for (let at = 0; wireName[at]! > 0; at += 1 + wireName[at]!)
    labels.push(wireName.subarray(at + 1, at + 1 + wireName[at]!));
  return labels;
}
