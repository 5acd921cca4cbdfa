import t from 'tap';
import {
  At,
  createQueryRing,
  Lost,
  Reader,
  RECORD_OCTETS,
  RING_OCTETS,
  takeRecords,
  viewRing,
} from '../../src/server/query-ring.ts';
import { Recorder } from '../../src/server/recorder.ts';
import { Transport } from '../../src/server/responder.ts';
import { seededRandom } from '../fuzz/random.ts';

const CLIENT = Uint8Array.of(192, 0, 2, 53);

/** A recorder on a ring, with clocks that stand still until they are set. */
function record(shares = { log: 1, dnstap: 0 }, random: () => number = () => 0.5) {
  const ring = createQueryRing();
  const time = { wallMs: 1_795_835_190_000, steadyMs: 1000 };
  const recorder = new Recorder(random, { wallMs: () => time.wallMs, steadyMs: () => time.steadyMs });
  recorder.adopt({ ring, shares });
  return { recorder, view: viewRing(ring), time };
}

function write(
  recorder: Recorder,
  query: Uint8Array,
  reply: Uint8Array,
  transport: Transport = Transport.udp,
): void {
  recorder.begin(Reader.log, transport, query, 0, query.length);
  recorder.client(CLIENT, 0, CLIENT.length, 40397);
  recorder.server(CLIENT, 0, 0, 53);
  recorder.end(reply, 0, reply.length);
}

/** The messages of the records that are there. */
function take({ view }: { view: ReturnType<typeof viewRing> }, max = Infinity): string[] {
  const found: string[] = [];
  takeRecords(view, max, (at) => {
    const query = view.shorts[(at + At.queryOctets) >> 1]!;
    const reply = view.shorts[(at + At.replyOctets) >> 1]!;
    const start = at + RECORD_OCTETS;
    const text = (from: number, octets: number): string =>
      Buffer.from(view.octets.slice(from, from + octets)).toString();
    found.push(`${text(start, query)}|${text(start + query, reply)}`);
  });
  return found;
}

t.test('a record has the query, the reply, both ends and both times', (t) => {
  const { recorder, view, time } = record();
  const messages = Buffer.from('..query..reply');
  recorder.begin(Reader.log | Reader.dnstap, Transport.tls, messages, 2, 5);
  recorder.client(Uint8Array.of(9, 192, 0, 2, 53), 1, 4, 40397);
  recorder.server(Buffer.from('20010db8000000000000000000000001', 'hex'), 0, 16, 853);
  time.steadyMs += 0.25;
  recorder.end(messages, 9, 5);
  const seen: unknown[] = [];
  takeRecords(view, 9, (at) => {
    const { octets, shorts, doubles } = view;
    seen.push(
      octets[at + At.readers],
      octets[at + At.transport],
      octets.slice(at + At.client, at + At.client + octets[at + At.clientOctets]!),
      octets[at + At.serverOctets],
      shorts[(at + At.clientPort) >> 1],
      shorts[(at + At.serverPort) >> 1],
      doubles[(at + At.queryMs) >> 3],
      doubles[(at + At.replyMs) >> 3],
    );
  });
  const ms = 1_795_835_190_000;
  t.strictSame(seen, [3, Transport.tls, CLIENT, 16, 40397, 853, ms, ms + 0.25]);
  t.end();
});

t.test('an IPv4 client of a dual-stack socket is one of 4 octets', (t) => {
  const { recorder, view } = record();
  recorder.begin(Reader.log, Transport.udp, Buffer.from('q'), 0, 1);
  recorder.client(Buffer.from('00000000000000000000ffffc0000235', 'hex'), 0, 16, 1);
  recorder.end(Buffer.from('r'), 0, 1);
  takeRecords(view, 1, (at) => {
    t.equal(view.octets[at + At.clientOctets], 4);
    t.strictSame(view.octets.slice(at + At.client, at + At.client + 4), CLIENT);
  });
  t.end();
});

t.test('records come out as they went in, whatever their lengths, round after round', (t) => {
  const ring = record();
  const random = seededRandom(7);
  const expected: string[] = [];
  const found: string[] = [];
  for (let i = 0; i < 3000; i++) {
    const query = Buffer.from(`${i}${'q'.repeat(random(600))}`);
    const reply = Buffer.from('r'.repeat(random(4000)));
    write(ring.recorder, query, reply);
    expected.push(`${query.toString()}|${reply.toString()}`);
    if (random(8) === 0) found.push(...take(ring));
  }
  found.push(...take(ring));
  t.ok(expected.join('').length > 4 * RING_OCTETS, 'several rounds');
  t.strictSame(found, expected);
  t.equal(ring.view.doubles[Lost.log], 0);
  t.end();
});

t.test('what finds no room is counted as lost, by reader, and what was there stays', (t) => {
  const ring = record();
  const message = Buffer.alloc(4000, 0x61);
  for (let i = 0; i < 300; i++) write(ring.recorder, message, message);
  const kept = take(ring).length;
  t.ok(kept > 100, 'the ring was full');
  t.equal(ring.view.doubles[Lost.log], 300 - kept);
  t.equal(ring.view.doubles[Lost.dnstap], 0);
  write(ring.recorder, Buffer.from('later'), Buffer.from('on'));
  t.strictSame(take(ring), ['later|on']);
  t.end();
});

t.test('RFC 1035 4.2.2: the longest messages of TCP find room in an empty ring, one after the other', (t) => {
  const ring = record();
  const longest = Buffer.alloc(65_535, 0x61);
  for (let i = 0; i < 40; i++) {
    write(ring.recorder, longest, longest, Transport.tcp);
    t.equal(take(ring).length, 1, `message ${i}`);
  }
  t.end();
});

t.test('a query without a reply is a record, and has no second time', (t) => {
  const { recorder, view } = record();
  write(recorder, Buffer.from('query'), Buffer.alloc(0));
  takeRecords(view, 1, (at) => {
    t.equal(view.doubles[(at + At.replyMs) >> 3], 0);
    t.equal(view.shorts[(at + At.replyOctets) >> 1], 0);
  });
  t.end();
});

t.test('a reader that takes a few at a time gets all of them', (t) => {
  const ring = record();
  for (const name of ['a', 'b', 'c']) write(ring.recorder, Buffer.from(name), Buffer.from(name));
  t.strictSame(take(ring, 2), ['a|a', 'b|b']);
  t.strictSame(take(ring, 2), ['c|c']);
  t.strictSame(take(ring, 2), []);
  t.end();
});

t.test('as many queries are drawn as the shares say, for each reader by itself', (t) => {
  const cases = [
    [0, 1],
    [0.01, 0],
    [0.5, 0.01],
    [1, 1],
    [1, 0],
  ] as const;
  const queries = 200_000;
  for (const [log, dnstap] of cases) {
    const random = seededRandom(11);
    const { recorder } = record({ log, dnstap }, () => random(1 << 30) / (1 << 30));
    const drawn = { log: 0, dnstap: 0 };
    for (let i = 0; i < queries; i++) {
      const readers = recorder.draw();
      if ((readers & Reader.log) !== 0) drawn.log++;
      if ((readers & Reader.dnstap) !== 0) drawn.dnstap++;
    }
    for (const [name, share] of Object.entries({ log, dnstap })) {
      const expected = queries * share;
      const spread = 5 * Math.sqrt(queries * share * (1 - share));
      const count = drawn[name as 'log' | 'dnstap'];
      t.ok(Math.abs(count - expected) <= spread, `${name} ${share}: ${count} of ${queries}`);
    }
  }
  t.end();
});

t.test(
  'a recorder is off without an order, with shares of 0, and again after a reload that takes them back',
  (t) => {
    const { recorder, view } = record({ log: 0, dnstap: 0 });
    t.equal(recorder.isOn, false);
    recorder.adopt({ ring: view.octets.buffer as SharedArrayBuffer, shares: { log: 0, dnstap: 0.5 } });
    t.equal(recorder.isOn, true);
    recorder.adopt(undefined);
    t.equal(recorder.isOn, false);
    t.end();
  },
);

t.test('times follow the wall clock where it steps, and are finer than it where it does not', (t) => {
  const { recorder, view, time } = record();
  const times: number[] = [];
  const stamp = (): void => {
    write(recorder, Buffer.from('q'), Buffer.alloc(0));
    takeRecords(view, 1, (at) => times.push(view.doubles[(at + At.queryMs) >> 3]! - 1_795_835_190_000));
  };
  stamp();
  time.steadyMs += 1.25;
  time.wallMs += 1;
  stamp();
  time.steadyMs += 10;
  time.wallMs += 3_600_010;
  stamp();
  time.steadyMs += 10;
  time.wallMs -= 7_200_000;
  stamp();
  t.strictSame(times, [0, 1.25, 3_600_011, -3_599_989]);
  t.end();
});
