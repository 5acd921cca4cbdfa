import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { QueryWriter, RESTART_MS } from '../../src/querylog/writer/query-writer.ts';
import type { WritingOrder } from '../../src/querylog/writer/thread-protocol.ts';
import { At, createQueryRing, Head, Reader, RECORDS, viewRing } from '../../src/server/query-ring.ts';
import { makeQuery } from '../support/message.ts';
import { keepLog } from '../server/transport-fixture.ts';
import { systemTimers } from '../../src/timers.ts';
import { until } from '../watchers/fake-time.ts';
import { framesOf, ManualTimers, START, STOP } from './outputs.ts';
import { DOMAIN, write } from './ring.ts';
import { scratch } from '../support/scratch.ts';

const query = makeQuery('example.com', 'SOA');

function fileOrder(path: string): WritingOrder {
  const to = { kind: 'file', path, octetsMax: 1 << 24, keep: 1 } as const;
  const messages = ['auth-query', 'auth-response'] as const;
  return { domain: DOMAIN, dnstap: { to, identity: 'a', version: 'b', messages, sample: 1 } };
}

function open(t: Test, options: { threadUrl?: URL; timers?: ManualTimers } = {}) {
  const log = keepLog();
  const writer = new QueryWriter({ log, timers: systemTimers, ...options });
  t.teardown(() => writer.stop());
  return { log, writer };
}

t.test(
  'what is in the rings of all workers is written, also what came before, and the rest at the end',
  async (t) => {
    const path = join(scratch(t), 'x.tap');
    const rings = [createQueryRing(), createQueryRing()];
    const { writer } = open(t);
    for (const ring of rings) write(ring, { query, reply: query });
    await writer.adopt(rings, fileOrder(path));
    await until(() => writer.status().dnstap?.frames === 4);
    for (let i = 0; i < 2000; i++) write(rings[i % 2]!, { query });
    await writer.stop();
    const frames = framesOf(readFileSync(path));
    t.equal(frames.length, 1 + 4 + 2000 + 1);
    t.equal(frames[0], START);
    t.equal(frames.at(-1), STOP);
    t.equal(writer.status().faults, 0);
  },
);

t.test('a record is for its readers only', async (t) => {
  const path = join(scratch(t), 'x.tap');
  const ring = createQueryRing();
  const { writer } = open(t);
  write(ring, { query, readers: Reader.log });
  write(ring, { query, readers: Reader.dnstap });
  await writer.adopt([ring], fileOrder(path));
  await writer.stop();
  t.equal(framesOf(readFileSync(path)).length, 3);
});

t.test('what finds no room in a ring is in the status, in messages', async (t) => {
  const ring = createQueryRing();
  const { writer } = open(t);
  const reply = new Uint8Array(4000);
  for (let i = 0; i < 400; i++) write(ring, { query, reply });
  const path = join(scratch(t), 'x.tap');
  await writer.adopt([ring], fileOrder(path));
  const { dnstap, linesLost } = writer.status();
  t.ok(linesLost.ring > 0);
  t.equal(dnstap!.framesLost.ring, 2 * linesLost.ring);
  await writer.stop();
  t.equal(framesOf(readFileSync(path)).length, 2 + 800 - dnstap!.framesLost.ring);
});

t.test('without an order there is no thread, and one that was there ends', async (t) => {
  const path = join(scratch(t), 'x.tap');
  const ring = createQueryRing();
  const { writer } = open(t);
  await writer.adopt([], undefined);
  await writer.adopt([ring], fileOrder(path));
  write(ring, { query });
  await writer.adopt([ring], undefined);
  t.strictSame(framesOf(readFileSync(path)).length, 3);
  t.notOk('dnstap' in writer.status());
  await writer.adopt([ring], fileOrder(path));
  write(ring, { query });
  await until(() => writer.status().dnstap?.frames === 2);
});

t.test(
  'a thread that dies is followed by another after a pause that grows, and a ring goes on',
  async (t) => {
    const folder = scratch(t);
    const dying = join(folder, 'dying.mjs');
    writeFileSync(dying, "throw new Error('told to die');");
    const timers = new ManualTimers();
    const { writer, log } = open(t, { threadUrl: pathToFileURL(dying), timers });
    await writer.adopt([createQueryRing()], fileOrder(join(folder, 'x.tap')));
    for (const ms of [RESTART_MS.first, 2 * RESTART_MS.first, 4 * RESTART_MS.first]) {
      await until(() => timers.pending.some((each) => each.ms === ms));
      timers.fire(ms);
    }
    await until(() => log.lines.length === 4);
    t.strictSame(
      new Set(log.lines),
      new Set(['error the thread that writes queries down has ended; another follows']),
    );
    await writer.stop();
  },
);

t.test('a record that cannot be understood costs itself, is counted and told', async (t) => {
  const path = join(scratch(t), 'x.tap');
  const ring = createQueryRing();
  write(ring, { query });
  write(ring, { query });
  const view = viewRing(ring);
  // A transport that there is none of.
  view.octets[RECORDS + At.transport] = 99;
  const { writer, log } = open(t);
  await writer.adopt([ring], fileOrder(path));
  await writer.stop();
  t.equal(framesOf(readFileSync(path)).length, 3);
  t.equal(writer.status().faults, 1);
  t.strictSame(
    log.lines.filter((line) => line.startsWith('error')),
    ['error a query could not be written down: a bug'],
  );
  t.equal(view.words[Head.read], view.words[Head.written]);
});
