/** How long signatures are used, when they are made anew, and who gives way when there is no room. */
import { test } from 'tap';
import { createResponder } from '../../../src/server/answer/answer.ts';
import { createCounterBlock } from '../../../src/server/counters-sum.ts';
import { Counter } from '../../../src/server/counters.ts';
import { createCookieMemory } from '../../../src/server/policy/cookies.ts';
import { EMPTY_POLICY } from '../../../src/server/policy/policy.ts';
import { Transport } from '../../../src/server/responder.ts';
import { withoutSecrets } from '../../../src/server/signing/keys.ts';
import type { SigningSettings } from '../../../src/server/signing/settings.ts';
import {
  countSignatures,
  createSignatures,
  findSignature,
  keepSignature,
  openSignatures,
} from '../../../src/server/signing/signatures.ts';
import {
  admit,
  claim,
  createWaitingRoom,
  isFull,
  openWaitingRoom,
  slotCopy,
  take,
  Waiting,
  waitingIn,
} from '../../../src/server/signing/waiting.ts';
import { makeFederation, type Federation } from '../../support/federation.ts';
import { makeQuery, readMessage, type Message } from '../../support/message.ts';
import { DAY_SECONDS, makeKey, makeSigning } from '../../support/signing.ts';

const NOW = Date.UTC(2026, 10, 28) / 1000;
const DO = { payloadMax: 1232, ednsFlags: 0x8000 };
const RECORDS = ['www.example.com TXT "here"'];

interface Signed {
  readonly inception: number;
  readonly expiration: number;
  readonly keyTag: number;
  readonly signature: string;
}

function ask(federation: Federation, name = 'www.example.com', type = 'TXT'): Message {
  return readMessage(federation.askRaw(makeQuery(name, type, DO))!);
}

function signatureOf({ answer }: Message): Signed {
  const { rdata } = answer.find(({ type }) => type === 'RRSIG')!;
  return {
    inception: rdata.readUInt32BE(12),
    expiration: rdata.readUInt32BE(8),
    keyTag: rdata.readUInt16BE(16),
    signature: rdata.toString('hex', rdata.length - 64),
  };
}

test('a signature begins before it is made, ends by chance a little earlier, and is made anew from half of its time on', async (t) => {
  let now = NOW;
  const federation = makeFederation({
    records: RECORDS,
    signing: makeSigning([makeKey()]),
    clock: () => now * 1000,
  });
  const { signer } = federation;
  const first = signatureOf(ask(federation));
  t.equal(first.inception, NOW - 3600);
  t.ok(first.expiration <= NOW + 3 * DAY_SECONDS && first.expiration > NOW + 3 * DAY_SECONDS - 3600);
  now += Math.floor(1.4 * DAY_SECONDS);
  t.same(signatureOf(ask(federation)), first, 'before half of its time nothing is due');
  t.equal(signer!.serveNext(), undefined);
  now = NOW + Math.floor(2.3 * DAY_SECONDS);
  t.same(signatureOf(ask(federation)), first, 'one that is due is used meanwhile');
  signer!.serveNext();
  t.equal(signer!.served.at(-1), Waiting.refresh);
  const second = signatureOf(ask(federation));
  t.equal(second.inception, now - 3600);
  t.not(second.signature, first.signature);
  const { served } = signer!;
  const before = served.length;
  ask(federation);
  signer!.serveNext();
  t.equal(served.length, before, 'and what is new is not due');
});

test('a signature whose time is nearly over is not used, whoever was to make it anew', async (t) => {
  let now = NOW;
  const federation = makeFederation({
    records: RECORDS,
    signing: makeSigning([makeKey()]),
    clock: () => now * 1000,
  });
  const first = signatureOf(ask(federation));
  now = first.expiration - 200;
  t.equal(signatureOf(ask(federation)).inception, now - 3600, 'it would end before the TTL of 300 s does');
});

test('a clock that is set back makes signatures that have begun', async (t) => {
  let now = NOW;
  const federation = makeFederation({
    records: RECORDS,
    signing: makeSigning([makeKey()]),
    clock: () => now * 1000,
  });
  const first = signatureOf(ask(federation));
  now = NOW - 1800;
  t.same(signatureOf(ask(federation)), first, 'within the margin it has');
  now = NOW - 2 * DAY_SECONDS;
  t.equal(signatureOf(ask(federation)).inception, now - 3600);
});

test('a host without time dates signatures from what is known to be past', async (t) => {
  const times = {
    validitySeconds: 3 * DAY_SECONDS,
    inceptionMarginSeconds: 3600,
    jitterSeconds: 0,
    notBeforeSeconds: NOW,
    formerUntilSeconds: 2 ** 31 - 1,
  };
  const federation = makeFederation({
    records: RECORDS,
    signing: makeSigning([makeKey()], { times }),
    clock: () => 1000,
  });
  t.equal(signatureOf(ask(federation)).inception, NOW - 3600);
});

test('RFC 7583 section 3.2.1: a while after a roll no signature of the key before is handed out any more', async (t) => {
  const [older, newer] = [makeKey(), makeKey()];
  let now = NOW;
  const clock = () => now * 1000;
  const signing = makeSigning([older]);
  const before = makeFederation({ records: RECORDS, signing, clock });
  t.equal(signatureOf(ask(before)).keyTag, older.signing.keyTag);
  const { privateKey: _, ...former } = older.signing;
  const keys = [newer.signing, { ...former, isActive: false }];
  const times = { ...signing.times, formerUntilSeconds: NOW + 150 };
  const after = makeFederation({ records: RECORDS, signing: { ...signing, keys, times }, clock });
  now = NOW + 149;
  t.equal(signatureOf(ask(after)).keyTag, older.signing.keyTag);
  now = NOW + 150;
  t.equal(signatureOf(ask(after)).keyTag, newer.signing.keyTag);
});

test('in a roll the signatures of the key before are used, and made anew by the next key one by one', async (t) => {
  const [older, newer] = [makeKey(), makeKey()];
  const signing = makeSigning([older]);
  const before = makeFederation({ records: RECORDS, signing, clock: () => NOW * 1000 });
  const first = signatureOf(ask(before));
  const { privateKey: _, ...former } = older.signing;
  const rolled = { ...signing, keys: [newer.signing, { ...former, isActive: false }] };
  const after = makeFederation({ records: RECORDS, signing: rolled, clock: () => NOW * 1000 });
  t.same(signatureOf(ask(after)), first, 'nobody waits for the new key');
  t.equal(after.signer!.served.length, 0);
  after.signer!.serveNext();
  t.same(after.signer!.served, [Waiting.refresh]);
  t.equal(signatureOf(ask(after)).keyTag, newer.signing.keyTag);
  const gone = makeFederation({
    records: RECORDS,
    signing: { ...signing, keys: [makeKey().signing] },
    clock: () => NOW * 1000,
  });
  t.not(signatureOf(ask(gone)).keyTag, older.signing.keyTag, 'of a key that is not served any more none is');
});

test('a full memory lets go of what was of no use for longest', async (t) => {
  const kept = openSignatures(createSignatures(8));
  const make = (key: number) => ({
    key,
    inception: NOW,
    expiration: NOW + 9,
    refresh: NOW + 5,
    octets: new Uint8Array(64).fill(key),
  });
  for (let i = 1; i <= 6; i++) keepSignature(kept, 0, i, make(i), NOW + i);
  const found = [1, 2, 3, 4, 5, 6].map((i) => findSignature(kept, 0, i, i) !== 0);
  t.same(found, [false, false, true, true, true, true]);
  t.equal(countSignatures(kept), 4, 'sets are of four, and the other one is empty');
  keepSignature(kept, 0, 6, make(6), NOW + 9);
  t.equal(countSignatures(kept), 4, 'the same content has one place');
});

test('rows are first in, first out, hold what they have room for, and take as many again once that is served', async (t) => {
  const room = openWaitingRoom(createWaitingRoom());
  const query = new DataView(new ArrayBuffer(12));
  const slot = slotCopy();
  for (let round = 0; round < 3; round++) {
    let admitted = 0;
    for (; admitted < 5000 && !isFull(room, Waiting.denial); admitted++) {
      query.setUint16(0, admitted);
      admit(room, claim(room, Waiting.denial, query, 0, 12));
    }
    t.equal(claim(room, Waiting.denial, query, 0, 12), 0);
    t.equal(admitted, 512);
    t.equal(waitingIn(room, Waiting.denial), 512);
    t.equal(waitingIn(room, Waiting.data), 0, 'one row takes nothing from another');
    const served: number[] = [];
    while (take(room, Waiting.denial, new DataView(slot.buffer))) served.push((slot[160]! << 8) | slot[161]!);
    t.same(
      served,
      Array.from({ length: 512 }, (_, i) => i),
    );
  }
  t.equal(
    claim(room, Waiting.data, new DataView(new ArrayBuffer(2000)), 0, 900),
    0,
    'a query that is too long finds none',
  );
});

/** A worker whose rows nobody serves. */
function makeWorker(signing: SigningSettings, federation: Federation) {
  const counters = createCounterBlock();
  const policy = { ...EMPTY_POLICY, cookies: { memory: createCookieMemory(), required: false } };
  const responder = createResponder(
    { ...federation.settings(), signing: withoutSecrets(signing), reader: 5, counters, policy },
    () => NOW * 1000,
  );
  const reply = Buffer.alloc(65_535);
  const client = Buffer.of(192, 0, 2, 7);
  return {
    counters: new Float64Array(counters),
    /** @returns the reply; undefined: the query waits */
    ask(query: Buffer, transport: Transport): Message | undefined {
      responder.enter();
      let length = responder.answer(query, 0, query.length, reply, 0, transport, client, 0, 4);
      responder.leave();
      if (length < 0) {
        const at = responder.parking!.claim();
        if (at !== 0) {
          admit(responder.parking!.room, at);
          return undefined;
        }
        length = responder.parking!.turnAway();
      }
      return readMessage(Buffer.from(reply.subarray(0, length)));
    },
  };
}

test('past the budget denials for clients that may be anybody suffer first, and data never', async (t) => {
  const signing = makeSigning([makeKey()]);
  const federation = makeFederation({ records: RECORDS, signing, clock: () => NOW * 1000 });
  const worker = makeWorker(signing, federation);
  ask(federation);
  ask(federation, 'kept.example.com', 'A');
  const denial = (i: number, options: object = DO) => makeQuery(`r${i}.example.com`, 'A', options);
  const kept = worker.ask(makeQuery('kept.example.com', 'A', DO), Transport.udp)!;
  t.same(
    kept.authority.map(({ type }) => type),
    ['SOA', 'RRSIG', 'NSEC', 'RRSIG'],
  );
  let waited = 0;
  while (worker.ask(denial(waited), Transport.udp) === undefined) waited++;
  t.equal(waited, 512);
  const turned = worker.ask(denial(9000), Transport.udp)!;
  t.same([turned.flags.includes('TC'), turned.rcode, turned.answer.length], [true, 'NOERROR', 0]);
  const cookie = Buffer.from('0011223344556677', 'hex');
  const challenged = worker.ask(denial(9001, { ...DO, options: [[10, cookie]] }), Transport.udp)!;
  t.equal(challenged.rcode, 'BADCOOKIE');
  const shown = challenged.opt!.options.find(([code]) => code === 10)![1];
  t.equal(
    worker.ask(denial(9001, { ...DO, options: [[10, shown]] }), Transport.udp),
    undefined,
    'who shows the cookie waits in another row',
  );
  t.equal(worker.ask(denial(9002), Transport.tcp), undefined, 'as who comes by TCP does');
  const known = worker.ask(makeQuery('www.example.com', 'TXT', DO), Transport.udp)!;
  t.same(
    known.answer.map(({ type }) => type),
    ['TXT', 'RRSIG'],
    'what is signed is answered as ever',
  );
  t.same(
    worker.ask(makeQuery('kept.example.com', 'A', DO), Transport.udp),
    kept,
    'and so is a denial that is signed, the room being full or not',
  );
  t.equal(
    worker.ask(makeQuery('www.example.com', 'A', DO), Transport.udp),
    undefined,
    'and what exists has room to wait',
  );
  t.equal(
    worker.ask(denial(9003, { payloadMax: 1232 }), Transport.udp)!.rcode,
    'NXDOMAIN',
    'who wants no proof waits for none',
  );
  let proven = 2;
  while (worker.ask(denial(proven), Transport.tcp) === undefined) proven++;
  t.equal(proven, 512);
  t.equal(
    worker.ask(denial(9004), Transport.tcp)!.rcode,
    'SERVFAIL',
    'past that row nothing is left but to say so',
  );
  t.equal(worker.counters[Counter.signaturesRefused], 3 + 2);
});

test('random names push nothing out that exists', async (t) => {
  const signing = makeSigning([makeKey()]);
  const federation = makeFederation({ records: RECORDS, signing });
  ask(federation);
  const { served } = federation.signer!;
  for (let i = 0; i < 2000; i++) ask(federation, `r${i}.example.com`, 'A');
  const before = served.length;
  ask(federation);
  t.equal(served.length, before);
  t.ok(countSignatures(openSignatures(signing.denials)) <= 256);
  t.ok(countSignatures(openSignatures(signing.signatures)) <= 3, 'the TXT record and the SOA');
});
