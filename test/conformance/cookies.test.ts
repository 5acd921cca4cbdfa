import { test } from 'tap';
import { Counter } from '../../src/server/counters.ts';
import { createCookieMemory } from '../../src/server/policy/cookies.ts';
import type { QueryPolicy } from '../../src/server/policy/policy.ts';
import { createRateLimitMemory } from '../../src/server/policy/rate-limit.ts';
import { Transport } from '../../src/server/responder.ts';
import type { Federation } from '../support/federation.ts';
import { makeQuery, readMessage, type Message } from '../support/message.ts';
import { optRecord, rawQuery, tryCases, type Case, type Check, type Expectation } from './case.ts';
import { DEFAULT_POLICY, makeDomain, SERVICE, waysTo } from './fixture.ts';

const COOKIE = 10;
const CLIENT_COOKIE = Buffer.from('0102030405060708', 'hex');
const START_MS = 1_800_000_000_000;

function cookieQuery(cookie: Uint8Array, name = SERVICE): Buffer {
  return makeQuery(name, 'A', { options: [[COOKIE, Buffer.from(cookie)]] });
}

/** A query for nothing but the cookie (RFC 7873 section 5.4). */
function cookieOnly(cookie: Buffer): Buffer {
  const option = Buffer.concat([Buffer.of(0, COOKIE, 0, cookie.length), cookie]);
  return rawQuery([0, 0, 0, 1], 0, optRecord(option));
}

function cookieOf(reply: Message): Buffer | undefined {
  return reply.opt?.options.find(([code]) => code === COOKIE)?.[1];
}

function ask(
  federation: Federation,
  query: Buffer,
  from?: Buffer,
  transport: Transport = Transport.udp,
): Message {
  return readMessage(federation.askRaw(query, transport, from)!);
}

/** Learns a server cookie as a client does. */
function learn(federation: Federation, from?: Buffer): Buffer {
  return cookieOf(ask(federation, cookieQuery(CLIENT_COOKIE), from))!;
}

const ANSWERED: Expectation = { rcode: 'NOERROR', answer: ['A', 'A'], options: [COOKIE] };
const isCookie: Check = (reply, t) => {
  t.equal(cookieOf(reply)!.length, 24);
  t.same(cookieOf(reply)!.subarray(0, 8), CLIENT_COOKIE);
};

const cases: readonly Case[] = [
  {
    title: 'RFC 7873 section 5.2.3: a client cookie is answered with a server cookie',
    query: cookieQuery(CLIENT_COOKIE),
    expect: { ...ANSWERED, check: isCookie },
  },
  {
    title: 'RFC 7873 section 5.2.4: a server cookie that is not ours is replaced',
    query: cookieQuery(Buffer.concat([CLIENT_COOKIE, Buffer.alloc(16)])),
    expect: { ...ANSWERED, check: isCookie },
  },
  ...[0, 1, 7, 9, 15, 41, 100].map((octets) => ({
    title: `RFC 7873 section 5.2.2: a cookie of ${octets} octets is malformed`,
    query: cookieQuery(Buffer.alloc(octets, 1)),
    expect: { rcode: 'FORMERR', flags: [], opt: true },
  })),
  ...[16, 17, 39, 40].map((octets) => ({
    title: `a cookie of ${octets} octets is some server's`,
    query: cookieQuery(Buffer.alloc(octets, 1)),
    expect: ANSWERED,
  })),
  {
    title: 'RFC 7873 section 5.4: a query without a question brings a cookie',
    query: cookieOnly(CLIENT_COOKIE),
    expect: { rcode: 'NOERROR', flags: [], question: 'none', options: [COOKIE], check: isCookie },
  },
  {
    title: 'RFC 7873 section 5.4: and tells whether the one that the client has is good',
    query: cookieOnly(Buffer.alloc(24, 1)),
    expect: { rcode: 'BADCOOKIE', flags: [], question: 'none', options: [COOKIE] },
  },
];

test('cookies', async (t) => {
  await tryCases(t, await waysTo(t, makeDomain()), cases);
});

test('RFC 9018 section 4.3: a fresh cookie comes back as it was, an old one renewed', async (t) => {
  let nowMs = START_MS;
  const federation = makeDomain({ clock: () => nowMs });
  const first = learn(federation);
  nowMs += 1800_000;
  t.same(cookieOf(ask(federation, cookieQuery(first))), first);
  nowMs += 1000;
  const second = cookieOf(ask(federation, cookieQuery(first)))!;
  t.notSame(second, first);
  t.equal(ask(federation, cookieOnly(first)).rcode, 'NOERROR', 'the old one is still good');
  nowMs += 1800_000;
  t.equal(ask(federation, cookieOnly(first)).rcode, 'BADCOOKIE', 'an hour later it is not');
  t.equal(ask(federation, cookieOnly(second)).rcode, 'NOERROR');
});

test('RFC 7873 section 5.2.4: a cookie is of no use to another address', async (t) => {
  const federation = makeDomain();
  const cookie = learn(federation, Buffer.of(192, 0, 2, 1));
  t.equal(ask(federation, cookieOnly(cookie), Buffer.of(192, 0, 2, 1)).rcode, 'NOERROR');
  t.equal(ask(federation, cookieOnly(cookie), Buffer.of(192, 0, 2, 2)).rcode, 'BADCOOKIE');
});

test('one client is one over every socket, also where IPv6 shows its IPv4 address', async (t) => {
  const policy: QueryPolicy = { ...DEFAULT_POLICY, ...limitedTo(10) };
  const federation = makeDomain({ policy, clock: () => START_MS });
  const v4 = Buffer.of(192, 0, 2, 1);
  const mapped = Buffer.concat([Buffer.alloc(10), Buffer.of(255, 255), v4]);
  t.equal(ask(federation, cookieOnly(learn(federation, mapped)), v4).rcode, 'NOERROR');
  const plain = makeQuery(SERVICE, 'A');
  const replies = [...Array(40).keys()].map((i) =>
    federation.askRaw(plain, Transport.udp, i % 2 === 0 ? v4 : mapped),
  );
  t.equal(replies.filter((reply) => reply !== undefined).length, 9, 'ten with the one above');
});

test('where cookies are required, answers over UDP go to proven addresses only', async (t) => {
  const policy: QueryPolicy = {
    ...DEFAULT_POLICY,
    cookies: { memory: createCookieMemory(), required: true },
  };
  const federation = makeDomain({ policy });
  const badCookie = ask(federation, cookieQuery(CLIENT_COOKIE));
  t.match(badCookie, { rcode: 'BADCOOKIE', answer: [], authority: [], question: { name: SERVICE } });
  const proven = cookieQuery(cookieOf(badCookie)!);
  t.match(ask(federation, proven), { rcode: 'NOERROR', answer: [{ type: 'A' }, { type: 'A' }] });
  const without = ask(federation, makeQuery(SERVICE, 'A'));
  // AA: glibc takes an empty reply with neither AA nor RA for a lame server and never gets as far as TC.
  t.match(
    without,
    { rcode: 'NOERROR', answer: [], flags: ['TC', 'AA', 'QR'] },
    'a client without cookies is sent to TCP',
  );
  for (const name of ['example.net', '.']) {
    t.strictSame(ask(federation, makeQuery(name, 'A')).flags, ['TC', 'QR'], `${name} is not ours`);
  }
  const chaos = ask(federation, makeQuery('version.bind', 'TXT', { class: 3 }));
  t.strictSame(chaos.flags, ['TC', 'QR'], 'nor is another class');
  t.equal(ask(federation, makeQuery(SERVICE, 'A'), undefined, Transport.tcp).answer.length, 2);
});

test('where cookies are off, the option is unknown', async (t) => {
  const { cookies: _off, ...policy } = DEFAULT_POLICY;
  const federation = makeDomain({ policy });
  for (const octets of [0, 3, 8, 24, 41]) {
    const reply = ask(federation, cookieQuery(Buffer.alloc(octets, 1)));
    t.match(reply, { rcode: 'NOERROR', opt: { options: [] } }, `${octets} octets`);
  }
});

test('rate limiting lets proven clients and TCP pass, and answers the others that know cookies with BADCOOKIE', async (t) => {
  const policy: QueryPolicy = {
    ...DEFAULT_POLICY,
    rateLimit: {
      memory: createRateLimitMemory(),
      settings: { perSecond: 5, windowSeconds: 5, slip: 2, exempt: [] },
    },
  };
  const federation = makeDomain({ policy, clock: () => START_MS });
  const plain = makeQuery(SERVICE, 'A');
  const replies = Array.from({ length: 25 }, () => federation.askRaw(plain));
  const messages = replies.filter((reply) => reply !== undefined).map(readMessage);
  t.equal(messages.filter(({ answer }) => answer.length === 2).length, 5, 'the rate');
  const slipped = messages.filter(({ flags }) => flags.includes('TC'));
  t.equal(slipped.length, 10, 'every second one of the rest');
  t.ok(slipped.every(({ answer, rcode }) => answer.length === 0 && rcode === 'NOERROR'));
  t.ok(
    slipped.every(({ flags }) => flags.includes('AA')),
    'no client takes it for a lame server',
  );
  t.equal(replies.length - messages.length, 10);
  t.equal(federation.counters[Counter.droppedRateLimited], 10);
  t.equal(federation.counters[Counter.rateLimitedSlip], 10);

  const challenged = Array.from({ length: 2 }, () => federation.askRaw(cookieQuery(CLIENT_COOKIE)));
  const challenge = readMessage(challenged.find((reply) => reply !== undefined)!);
  t.match(challenge, { rcode: 'BADCOOKIE', answer: [] });
  const proven = cookieQuery(cookieOf(challenge)!);
  for (let i = 0; i < 50; i++) t.equal(ask(federation, proven).answer.length, 2);
  t.equal(federation.counters[Counter.cookiesValid], 50);
  for (let i = 0; i < 50; i++) t.equal(ask(federation, plain, undefined, Transport.tcp).answer.length, 2);
  t.ok(
    federation.askRaw(plain, Transport.udp, Buffer.of(198, 51, 100, 1)),
    'another network is not concerned',
  );
});

function limitedTo(perSecond: number): QueryPolicy {
  const settings = { perSecond, windowSeconds: 5, slip: 0, exempt: [] };
  return { ...DEFAULT_POLICY, rateLimit: { memory: createRateLimitMemory(), settings } };
}

/** How many of 200 queries within a moment are answered at a limit of 10. */
function sent(name: (i: number) => string): number {
  const federation = makeDomain({ policy: limitedTo(10), clock: () => START_MS });
  const queries = Array.from({ length: 200 }, (_, i) => makeQuery(name(i), 'A'));
  return queries.filter((query) => federation.askRaw(query) !== undefined).length;
}

test('random names under one domain, or under a wildcard, meet the limit together', async (t) => {
  const four = [SERVICE, 'alias.example.com', 'type666.example.com', 'sub.example.com'];
  const floods: readonly [string, (i: number) => string, number][] = [
    ['NXDOMAIN', (i) => `n${i}.example.com`, 10],
    ['NXDOMAIN among Services', (i) => `n${i}.shop.main.svc.example.com`, 10],
    ['a wildcard', (i) => `n${i}.wild.example.com`, 10],
    ['referrals', (i) => `n${i}.sub.example.com`, 10],
    ['names of others', (i) => `n${i}.example.net`, 10],
    ['a Service also by its alias, NODATA and a referral', (i) => four[i % 4]!, 30],
  ];
  for (const [title, name, expected] of floods) t.equal(sent(name), expected, title);
});
