/** The journal with its real thread: what is told and read while it goes on, and what happens when the thread dies. */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { Capture } from '../../src/journal/capture.ts';
import type { JournalEntry } from '../../src/journal/entry.ts';
import { followJournal } from '../../src/journal/follow.ts';
import { LiveJournal, SUBSCRIBERS_MAX, type JournalThread } from '../../src/journal/live-journal.ts';
import type { JournalFilter } from '../../src/journal/query.ts';
import type { ThreadStart } from '../../src/journal/thread-protocol.ts';
import { systemTimers } from '../../src/timers.ts';
import { makeFederation } from '../support/federation.ts';
import { entriesOf } from './world.ts';
import { scratch } from '../support/scratch.ts';

interface Live {
  readonly journal: LiveJournal;
  readonly log: string[];
  readonly threads: Worker[];
}

function start(test: Test, isKept = true): Live {
  const log: string[] = [];
  const take = (fields: object, message: string): void =>
    void log.push(`${message} ${JSON.stringify(fields)}`);
  const threads: Worker[] = [];
  const directory = join(scratch(test, {}), 'journal');
  const journal = new LiveJournal({
    ...(isKept && { store: { directory, maxOctets: 2 ** 24, maxDays: 1 } }),
    clock: Date.now,
    timers: systemTimers,
    log: { debug: take, info: take, warn: take, error: take },
    startThread: (workerData: ThreadStart) => {
      const url = new URL('../../src/journal/thread.ts', import.meta.url);
      threads.push(new Worker(url, { workerData, execArgv: [] }));
      return threads.at(-1) as unknown as JournalThread;
    },
  });
  journal.start();
  test.teardown(() => journal.stop());
  return { journal, log, threads };
}

async function read(journal: LiveJournal, filter: JournalFilter = {}): Promise<JournalEntry[]> {
  let text = '';
  for await (const slice of journal.read(filter)) text += slice.lines;
  return parse(text);
}

function parse(lines: string): JournalEntry[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalEntry);
}

const textOf = (entry: JournalEntry): string => (entry.kind === 'event' ? (entry.text ?? '') : entry.kind);

t.test('what was noted is read at once, and told to those who follow', async (t) => {
  const { journal } = start(t);
  const told = Promise.withResolvers<readonly JournalEntry[]>();
  const end = journal.subscribe(told.resolve);
  journal.note({ what: 'drainSet', subject: 'zone us-a.us', by: 'admin token', why: 'a test', text: 'one' });
  const entries = await read(journal);
  t.match(entries, [{ seq: 1, kind: 'event', what: 'drainSet', subject: 'zone us-a.us', text: 'one' }]);
  t.strictSame(await told.promise, entries);
  end();
});

t.test(
  'what a follower reads has nothing twice and leaves nothing out, however much comes meanwhile',
  async (t) => {
    const { journal } = start(t);
    const total = 3000;
    for (let i = 0; i < total / 2; i++) journal.note({ what: 'planStep', text: String(i) });
    const gone = new AbortController();
    const seen: string[] = [];
    let next = total / 2;
    for await (const lines of followJournal(journal, {}, { signal: gone.signal, timers: systemTimers })) {
      seen.push(...parse(lines).map(textOf));
      for (let i = 0; i < 100 && next < total; i++) journal.note({ what: 'planStep', text: String(next++) });
      if (seen.length >= total) gone.abort();
    }
    t.strictSame(
      seen,
      Array.from({ length: total }, (_, i) => String(i)),
    );
  },
);

t.test('a follower gets what it has asked for', async (t) => {
  const { journal } = start(t);
  const gone = new AbortController();
  const seen: JournalEntry[] = [];
  journal.note({ what: 'drainSet', subject: 'cluster one' });
  journal.note({ what: 'drainSet', subject: 'cluster two' });
  const lines = followJournal(journal, { cluster: 'two' }, { signal: gone.signal, timers: systemTimers });
  for await (const text of lines) {
    seen.push(...parse(text));
    if (seen.length === 1) {
      journal.note({ what: 'drainEnded', subject: 'cluster one' });
      journal.note({ what: 'drainEnded', subject: 'cluster two' });
    }
    if (seen.length >= 2) gone.abort();
  }
  t.match(seen, [
    { what: 'drainSet', subject: 'cluster two' },
    { what: 'drainEnded', subject: 'cluster two' },
  ]);
});

t.test('no more follow than may', async (t) => {
  const { journal } = start(t);
  const ends = Array.from({ length: SUBSCRIBERS_MAX }, () => journal.subscribe(() => {}));
  t.throws(() => journal.subscribe(() => {}), { message: /follow the journal already/ });
  ends[0]!();
  t.doesNotThrow(() => journal.subscribe(() => {}));
});

t.test('a thread that dies is replaced, and what it had is missed in the journal', async (t) => {
  const { journal, log, threads } = start(t);
  const federation = makeFederation({
    recorder: journal.open({ domain: 'example.com', isAbsentWithout: false }),
  });
  federation.cluster('c0', 'us', ['us1']);
  federation.shard('c0', 'web.shop.f', { addresses: ['192.0.2.1'] });
  await read(journal);
  const exited = once(threads[0]!, 'exit');
  await threads[0]!.terminate();
  await exited;
  // While there is none, changes wait.
  federation.shard('c0', 'web.shop.f', { addresses: ['192.0.2.2'] });
  while (threads.length < 2) await pause(20);
  federation.shard('c0', 'web.shop.f', { addresses: ['192.0.2.3'] });
  const entries = await read(journal);
  const addresses = entries.flatMap((entry) =>
    entry.kind === 'change'
      ? entry.levels.filter(({ place }) => place === 'us').map(({ after }) => after)
      : [],
  );
  t.match(addresses, [{ a: ['192.0.2.1'] }, { a: ['192.0.2.2'] }, { a: ['192.0.2.3'] }]);
  t.match(log.join('\n'), /the thread of the journal ended; another follows/);
  const seqs = entries.map(({ seq }) => seq);
  t.strictSame(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
});

t.test('without a folder nothing is kept, and changes are told all the same', async (t) => {
  const { journal, threads } = start(t, false);
  const recorder = journal.open({ domain: 'example.com', isAbsentWithout: false });
  const federation = makeFederation({ recorder });
  federation.cluster('c0', 'us', ['us1']);
  federation.shard('c0', 'web.shop.f', { addresses: ['192.0.2.1'] });
  t.equal(threads.length, 0, 'nobody wants to know, and there is no thread');
  const told = Promise.withResolvers<readonly JournalEntry[]>();
  journal.subscribe(told.resolve);
  federation.shard('c0', 'web.shop.f', { addresses: ['192.0.2.2'] });
  const [entry] = await told.promise;
  t.match(entry, { kind: 'change', levels: [{ place: '' }, { place: 'us' }, { place: 'us1.us' }, {}] });
  t.strictSame(await read(journal), []);
  t.match(journal.status, { lost: 0, octets: 0 });
});

t.test('what waits is bounded: what does not fit is counted, and the journal says so', async (t) => {
  const capture = new Capture({ clock: () => 5, onWaiting: () => {}, waitingOctetsMax: 4000 });
  const federation = makeFederation({
    recorder: capture.open({ domain: 'example.com', isAbsentWithout: false }),
  });
  federation.cluster('c0', 'us', ['us1']);
  for (let i = 0; i < 50; i++) federation.shard('c0', `s${i}.shop.f`, { addresses: ['192.0.2.1'] });
  const lost = capture.lost;
  t.ok(lost > 0 && lost < 50, `${lost}`);
  t.ok(capture.waitingOctets <= 4400, 'and an item or two that say what was lost');
  const entries = entriesOf(capture);
  t.match(entries().at(-1), { kind: 'gap', lost, sinceMs: 5, why: 'too many changes at once' });
  federation.shard('c0', 's49.shop.f', { addresses: ['192.0.2.2'] });
  t.match(entries().at(-1), { kind: 'change', service: 's49.shop.f' }, 'then it goes on');
  t.equal(capture.lost, lost);
});
