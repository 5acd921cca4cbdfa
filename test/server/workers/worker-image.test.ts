import { connect } from 'node:net';
import { once } from 'node:events';
import t from 'tap';
import { Counter } from '../../../src/server/counters.ts';
import { sumCounters } from '../../../src/server/counters-sum.ts';
import { WorkerPool, type SharedSettings } from '../../../src/server/workers/worker-pool.ts';
import { chooseTransport } from '../../../src/server/workers/udp-transport.ts';
import { apexOf } from '../../support/apex.ts';
import { ZoneBuilder } from '../../../src/zonebuilder/builder.ts';
import type { ImageMemory } from '../../../src/zonebuilder/image.ts';
import { packStatics } from '../../../src/zonebuilder/static-set.ts';
import { makeShard } from '../../support/federation.ts';
import { makeQuery, readMessage } from '../../support/message.ts';
import { Client, keepLog, TRANSPORTS } from '../transport-fixture.ts';

const DOMAIN = 'example.com';
/** So many Services make the first arena too small. */
const SERVICES = 12_000;

/** Pages of 4 KiB that an arena may share with other memory at its ends. */
const PAGES_AT_EDGES = 32;

function pagesInUse(arena: SharedArrayBuffer): number {
  const words = new Int32Array(arena);
  let pages = 0;
  for (let at = 0; at < words.length; at += 1024)
    if (words.subarray(at, at + 1024).some((word) => word !== 0)) pages++;
  return pages;
}

/** A pool that serves a growing federation, over UDP and TCP, with the shipped responder. */
async function startServed(kind: (typeof TRANSPORTS)[number]) {
  const memories: ImageMemory[] = [];
  const adoptions: Promise<void>[] = [];
  let pool: WorkerPool | undefined = undefined as WorkerPool | undefined;
  const builder = new ZoneBuilder({
    domain: DOMAIN,
    ttlSeconds: 180,
    whenNoneHealthy: 'nodata',
    statics: packStatics([], 'example.com'),
    nextSerial: () => 1,
    clock: () => 1,
    onMemory: (memory) => {
      memories.push(memory);
      if (pool !== undefined) adoptions.push(pool.adopt(settingsOf(memory)));
    },
  });
  pool = new WorkerPool({
    transport: await chooseTransport(kind),
    listen: [{ address: '127.0.0.1', port: 0 }],
    workers: 2,
    settings: settingsOf(builder.memory),
    firstReader: 0,
    tcp: {},
    log: keepLog(),
  });
  builder.setCluster({ name: 'c1', region: 'r1', zones: ['z1'], status: 'available' });
  const [listen] = await pool.start();
  return { builder, pool, listen: listen!, memories, adoptions };
}

function settingsOf(image: ImageMemory): SharedSettings {
  const apex = apexOf(DOMAIN);
  return { image, apex, udpPayloadMax: 1232 };
}

for (const kind of TRANSPORTS) {
  t.test(
    `a Service is answered as soon as it is known, also while the image moves, ${kind}`,
    async (test) => {
      const { builder, pool, listen, memories, adoptions } = await startServed(kind);
      const clients = await Promise.all(Array.from({ length: 4 }, () => Client.connect(listen)));
      for (let i = 0; i < SERVICES; i++) {
        const addresses = [`198.51.${i >> 8}.${i & 255}`];
        builder.upsertShard(makeShard('c1', `svc${i}.ns.fed`, { addresses }));
        if (i % 500 !== 0) continue;
        const reply = readMessage(
          await clients[i % 4]!.ask(makeQuery(`svc${i}.ns.fed.svc.r1.${DOMAIN}`, 'A')),
        );
        if (reply.answer[0]?.data !== addresses[0]) test.same(reply.answer, addresses);
      }
      test.ok(memories.length > 1, 'the image has moved');
      await Promise.all(adoptions);
      const [now, ...before] = memories.map(({ arena }) => pagesInUse(arena) > PAGES_AT_EDGES).toReversed();
      test.equal(now, true);
      test.equal(before.some(Boolean), kind !== 'batch', 'memory that it has left is given back');
      test.equal(sumCounters(pool.counters)[Counter.queriesUdp], SERVICES / 500);
      test.equal(sumCounters(pool.counters)[Counter.faults], 0);
      for (const client of clients) client.close();
      await pool.stop();
    },
  );

  t.test(`TCP is answered from the same image at the same port, ${kind}`, async (test) => {
    const { builder, pool, listen } = await startServed(kind);
    builder.upsertShard(makeShard('c1', 'nginx.ns.fed', { addresses: ['192.0.2.1'] }));
    const query = makeQuery(`nginx.ns.fed.svc.${DOMAIN}`, 'A');
    const socket = connect(listen.port, listen.address);
    socket.write(Buffer.concat([Buffer.of(0, query.length), query]));
    const [data] = (await once(socket, 'data')) as [Buffer];
    test.match(readMessage(data.subarray(2)).answer, [{ data: '192.0.2.1' }]);
    socket.destroy();
    test.equal(sumCounters(pool.counters)[Counter.queriesTcp], 1);
    await pool.stop();
    test.equal(pool.report().alive, 0);
  });
}
