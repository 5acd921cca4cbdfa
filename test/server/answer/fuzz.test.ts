import { Packet } from 'dns2';
import { test } from 'tap';
import { CLIENT_SUBNET } from '../../../src/server/answer/client-subnet.ts';
import { Transport } from '../../../src/server/responder.ts';
import { makeQuery } from '../../support/message.ts';
import { DEFAULT_POLICY, makeDomain, SERVICE, waysTo } from '../../conformance/fixture.ts';
import { AnswerFuzzer } from '../../fuzz/answer-fuzzer.ts';
import { kindOf, readCorpus } from '../../fuzz/corpus.ts';
import { faultOf } from '../../fuzz/oracle.ts';
import { QueryMaker } from '../../fuzz/query-maker.ts';
import { seededRandom } from '../../fuzz/random.ts';
import { decodeStrictly } from '../../fuzz/strict-decoder.ts';
import { framed, TcpClient } from '../tcp/tcp-client.ts';

/** Queries of the run in the tests; `npm run fuzz` runs for as long as one likes. */
const QUERIES = 60_000;

test('made-up queries: no exception, no octet read or written outside, every reply strictly well formed and ours', async (t) => {
  const report = new AnswerFuzzer(2026).run(QUERIES);
  t.same(report.findings, []);
  t.ok(report.replies > QUERIES / 2, `${report.replies} replies`);
});

test('every input that is kept is answered as it must be, under each policy and over each transport', async (t) => {
  const fuzzer = new AnswerFuzzer(1);
  const kinds = new Set<string>();
  for (let round = 0; round < 24; round++) {
    for (const { query } of readCorpus()) kinds.add(kindOf(fuzzer.try(query)));
  }
  t.same(fuzzer.report.findings, []);
  t.ok(kinds.size > 100, `${kinds.size} kinds of replies`);
});

test('dns2 finds as many records in the replies', async (t) => {
  const federation = makeDomain();
  const differing: string[] = [];
  let read = 0;
  for (const { query } of readCorpus()) {
    const reply = federation.askRaw(query, Transport.tcp);
    if (!reply || reply.readUInt16BE(4) !== 1) continue;
    const ours = decodeStrictly(reply);
    // dns2 expects a whole address in the option, where RFC 7871 section 6 has it cut to the prefix.
    if (ours.opt?.options.some(({ code }) => code === CLIENT_SUBNET)) continue;
    const theirs = Packet.parse(reply);
    const additionals = ours.additionals.length + (ours.opt ? 1 : 0);
    const expected = [ours.answers.length, ours.authorities.length, additionals];
    const sections = [theirs.answers, theirs.authorities, theirs.additionals];
    read++;
    if (sections.some(({ length }, i) => length !== expected[i])) differing.push(query.toString('hex'));
  }
  t.same(differing, []);
  t.ok(read > 100, `${read} replies`);
});

test('made-up queries to the sockets of both UDP transports and TCP, a good query after each', async (t) => {
  const federation = makeDomain();
  const ways = (await waysTo(t, federation)).filter(({ name }) => name !== 'the responder');
  const good = makeQuery(SERVICE, 'A', { id: 0x600d });
  for (const way of ways) {
    const maker = new QueryMaker(seededRandom(7), new AnswerFuzzer(1).names);
    const faults: string[] = [];
    for (let i = 0; i < (way.over === 'UDP' ? 1500 : 300); i++) {
      // A header at least: a shorter message ends a TCP connection, which has a test of its own.
      const query = Buffer.from(maker.octets.subarray(0, Math.max(12, maker.next())));
      const reply = await way.ask(query);
      const transport = way.over === 'UDP' ? Transport.udp : Transport.tcp;
      const fault = faultOf(query, reply, transport);
      if (fault !== undefined) faults.push(`${fault}: ${query.toString('hex')}`);
      if (way.over === 'TCP' && !(await way.ask(good))) faults.push(`dead after ${query.toString('hex')}`);
    }
    t.same(faults, [], way.name);
  }
});

test('random streams over TCP end without harm to anybody else', async (t) => {
  const federation = makeDomain({ policy: DEFAULT_POLICY });
  const tcp = (await waysTo(t, federation)).find(({ name }) => name === 'TCP')!;
  const random = seededRandom(11);
  const good = makeQuery(SERVICE, 'A');
  for (let i = 0; i < 150; i++) {
    const client = await TcpClient.open(tcp.port!);
    for (let writes = 1 + random(4); writes > 0; writes--) {
      const octets = Buffer.from(Array.from({ length: random(200) }, () => random(256)));
      client.send(random(2) === 0 ? octets : framed(octets));
    }
    if (random(2) === 0) client.socket.end();
    else client.socket.resetAndDestroy();
    t.ok(await tcp.ask(good), `stream ${i}`);
    client.close();
  }
});
