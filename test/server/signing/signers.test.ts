/** Signers as threads: over each transport, when one dies, when the image moves, and when keys come and go with a reload. */
import { test, type Test } from 'tap';
import { WorkerPool, type SharedSettings } from '../../../src/server/workers/worker-pool.ts';
import { chooseTransport } from '../../../src/server/workers/udp-transport.ts';
import type { ListenAddress } from '../../../src/config/settings.ts';
import { makeFederation, type Federation } from '../../support/federation.ts';
import { makeQuery, readMessage, type Message } from '../../support/message.ts';
import { makeKey, makeSigning } from '../../support/signing.ts';
import { framed, TcpClient } from '../tcp/tcp-client.ts';
import { Client, keepLog, TRANSPORTS } from '../transport-fixture.ts';

const DO = { payloadMax: 1232, ednsFlags: 0x8000 };
const DYING = new URL('./dying-signer.ts', import.meta.url).href;

interface World {
  readonly federation: Federation;
  readonly pool: WorkerPool;
  readonly listen: ListenAddress;
  /** Asks over UDP until there is a reply, as a resolver does. */
  ask(name: string, type: string): Promise<Message>;
}

async function startWorld(t: Test, kind: 'batch' | 'portable'): Promise<World> {
  const key = makeKey();
  const federation = makeFederation({
    records: ['www.example.com TXT "here"', '*.wild.example.com A 192.0.2.9'],
    statics: [key.record],
    signing: makeSigning([key], { signers: 2 }),
  });
  federation.cluster('one', 'r9', ['z9']);
  federation.shard('one', 'web.shop.main', { addresses: ['192.0.2.1'] });
  const { signing: _, ...plain } = federation.settings();
  const pool = new WorkerPool({
    transport: await chooseTransport(kind),
    listen: [{ address: '0.0.0.0', port: 0 }],
    workers: 1,
    settings: plain as SharedSettings,
    firstReader: 1,
    tcp: {},
    responderUrl: DYING,
    pauses: { firstMs: 1, maxMs: 10, forgiveMs: 60_000 },
    log: keepLog(),
  });
  const [listen] = await pool.start();
  t.teardown(() => pool.stop());
  const client = await Client.connect({ address: '127.0.0.1', port: listen!.port });
  t.teardown(() => client.close());
  let id = 0;
  const ask = async (name: string, type: string): Promise<Message> => {
    const query = makeQuery(name, type, { ...DO, id: ++id });
    for (;;) {
      const seen = client.replies.length;
      client.send(query);
      await Promise.race([client.received(seen + 1), new Promise((resolve) => setTimeout(resolve, 200))]);
      const reply = client.replies.slice(seen).find((each) => each.readUInt16BE(0) === id);
      if (reply !== undefined) return readMessage(reply);
    }
  };
  return { federation, pool, listen: listen!, ask };
}

function types({ answer, authority }: Message): string[] {
  return [...answer, ...authority].map(({ type }) => type);
}

const SIGNED_DENIAL = ['SOA', 'RRSIG', 'NSEC', 'RRSIG'];

/** In this order, on one pool. */
const CHECKS: readonly (readonly [title: string, check: (t: Test, world: World) => Promise<void>])[] = [
  ['keys that come with a reload sign from then on, and those that go do not', reloadKeys],
  ['replies that waited come to whoever asked, over UDP and TCP', askAllWays],
  ['a signer that dies is replaced, and what it was about to sign is asked for again', killSigners],
  ['an image that moves to other memory takes its signatures along', moveImage],
  ['no flip lets an unsigned answer out, nor a refusal', flip],
];

async function reloadKeys(t: Test, { federation, pool, ask }: World): Promise<void> {
  t.same(types(await ask('www.example.com', 'TXT')), ['TXT']);
  await pool.adopt(federation.settings());
  t.same(types(await ask('www.example.com', 'TXT')), ['TXT', 'RRSIG']);
  const { signing: _, ...plain } = federation.settings();
  await pool.adopt(plain as SharedSettings);
  t.same(types(await ask('www.example.com', 'TXT')), ['TXT']);
  await pool.adopt(federation.settings());
  t.same(types(await ask('gone.example.com', 'A')), SIGNED_DENIAL);
}

async function askAllWays(t: Test, { ask, listen }: World): Promise<void> {
  for (let round = 0; round < 2; round++) {
    t.same(types(await ask('www.example.com', 'TXT')), ['TXT', 'RRSIG']);
    t.same(types(await ask('nope.example.com', 'A')), SIGNED_DENIAL);
    t.same(types(await ask('a.wild.example.com', 'A')), ['A', 'RRSIG', 'NSEC', 'RRSIG']);
  }
  const client = await TcpClient.open(listen.port);
  const names = Array.from({ length: 200 }, (_, i) => `n${i}.example.com`);
  client.send(Buffer.concat(names.map((name, id) => framed(makeQuery(name, 'A', { ...DO, id })))));
  client.socket.end();
  await client.ended;
  const replies = client.messages().map(readMessage);
  t.same(
    replies.map(({ id }) => id).toSorted((a, b) => a - b),
    names.map((_, id) => id),
    'RFC 7766 section 6.2.1.1: each query of a pipeline, before the connection ends',
  );
  t.ok(replies.every((reply) => types(reply).join() === SIGNED_DENIAL.join()));
}

async function killSigners(t: Test, { ask, pool, listen }: World): Promise<void> {
  const killer = await Client.connect({ address: '127.0.0.1', port: listen.port });
  t.teardown(() => killer.close());
  for (let deaths = 1; deaths <= 3; deaths++) {
    await killer.sent(makeQuery('die.example.com', 'A', DO));
    t.same(types(await ask(`after${deaths}.example.com`, 'A')), SIGNED_DENIAL);
    t.same(types(await ask('www.example.com', 'TXT')), ['TXT', 'RRSIG'], 'what is signed needs none');
  }
  while (pool.report().restarts === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function moveImage(t: Test, { federation, pool, ask }: World): Promise<void> {
  t.same(types(await ask('web.shop.main.svc.example.com', 'A')), ['A', 'RRSIG']);
  const before = federation.builder.memory.generation;
  for (let i = 0; federation.builder.memory.generation === before; i++)
    federation.shard('one', `s${i}.shop.main`, { addresses: ['192.0.2.1'] });
  await pool.adopt(federation.settings());
  t.same(types(await ask('web.shop.main.svc.example.com', 'A')), ['A', 'RRSIG']);
  t.same(types(await ask('s1.shop.main.svc.z9.example.com', 'A')), ['A', 'RRSIG']);
}

async function flip(t: Test, { federation, ask }: World): Promise<void> {
  federation.cluster('two', 'r9', ['z8']);
  for (let i = 0; i < 200; i++) {
    federation.shard('two', 'web.shop.main', { addresses: [`192.0.2.${10 + (i % 7)}`], ready: i % 2 === 0 });
    const reply = await ask('web.shop.main.svc.z8.example.com', 'A');
    const signatures = reply.answer.filter(({ type }) => type === 'RRSIG').length;
    if (reply.rcode !== 'NOERROR' || signatures !== (i % 2 === 0 ? 1 : 2))
      t.fail(`flip ${i}: ${reply.rcode} ${types(reply).join(' ')}`);
  }
}

for (const kind of TRANSPORTS)
  test(`over the ${kind} transport, at a wildcard address`, async (t) => {
    const world = await startWorld(t, kind);
    for (const [title, check] of CHECKS) await t.test(title, (t) => check(t, world));
  });
