/** Which entries a question of the journal brings. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import t, { type Test } from 'tap';
import type { JournalEntry } from '../../src/journal/entry.ts';
import { type JournalFilter, readJournal } from '../../src/journal/query.ts';
import { scratch } from '../support/scratch.ts';

const cause = { object: 'EndpointSlice shop/web-1', resourceVersion: '7', timeMs: 1 };
const change = (seq: number, service: string, cluster: string): JournalEntry => ({
  seq,
  kind: 'change',
  timeMs: seq * 10,
  serial: seq,
  service,
  cluster,
  cause,
  levels: [{ place: `cluster ${cluster}`, before: { kind: 'absent' }, after: { kind: 'nodata' } }],
});

const ENTRIES: readonly JournalEntry[] = [
  { seq: 1, kind: 'event', timeMs: 10, what: 'started' },
  { seq: 2, kind: 'places', timeMs: 20, serial: 2, cluster: 'c1', cause, added: [], removed: [] },
  change(3, 'web.shop.f', 'c1'),
  change(4, 'db.shop.f', 'c1'),
  change(5, 'web.shop.f', 'c2'),
  { seq: 6, kind: 'gap', timeMs: 60, lost: 3, sinceMs: 55, why: 'too many' },
  { seq: 7, kind: 'event', timeMs: 70, what: 'drainSet', subject: 'service web.shop.f' },
  { seq: 8, kind: 'event', timeMs: 80, what: 'drainSet', subject: 'cluster c1' },
  {
    seq: 9,
    kind: 'records',
    timeMs: 90,
    serial: 9,
    cause,
    name: 'www.example.com',
    type: 'A',
    before: [],
    after: ['300 192.0.2.1'],
  },
  change(10, 'web.shop.f', 'c12'),
];

function text(from: number, to: number): string {
  return ENTRIES.slice(from, to)
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join('');
}

/** The first three compressed, the next three as a crash leaves a segment, the rest in the newest. */
function folder(test: Test): string {
  const directory = join(scratch(test, {}), 'journal');
  mkdirSync(directory);
  writeFileSync(join(directory, '000000000001-10-30.ndjson.zst'), zstdCompressSync(text(0, 3)));
  writeFileSync(join(directory, '000000000004.ndjson'), text(3, 6));
  writeFileSync(join(directory, '000000000007.ndjson'), `${text(6, 10)}{"seq":11,"torn`);
  return directory;
}

const QUESTIONS: readonly (readonly [string, JournalFilter, readonly number[]])[] = [
  ['all', {}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ['since a time', { sinceMs: 40 }, [4, 5, 6, 7, 8, 9, 10]],
  ['until a time', { untilMs: 30 }, [1, 2, 3]],
  ['a stretch of time without an entry', { sinceMs: 31, untilMs: 39 }, []],
  ['one Service, and what is missing', { service: 'web.shop.f' }, [3, 5, 6, 7, 10]],
  ['a Service that was never there', { service: 'eb.shop.f' }, [6]],
  ['a name of the configuration', { name: 'www.example.com' }, [6, 9]],
  ['one cluster, and not one whose name begins so', { cluster: 'c1' }, [2, 3, 4, 6, 8]],
  ['a Service in a cluster', { service: 'web.shop.f', cluster: 'c2' }, [5, 6]],
  ['the newest', { last: 2 }, [9, 10]],
  ['the newest of a Service, over segments', { last: 3, service: 'web.shop.f', cluster: 'c1' }, [3, 6]],
  ['behind a number', { afterSeq: 8 }, [9, 10]],
  ['a Service with what happened around it', { service: 'db.shop.f', withContext: true }, [1, 2, 4, 6]],
];

for (const [title, filter, expected] of QUESTIONS) {
  t.test(`${title}`, async (t) => {
    const found = [...readJournal(folder(t), filter)].flatMap((entry) => entry?.seq ?? []);
    t.strictSame(found, expected);
  });
}

t.test('a folder that is not there has no entry', async (t) => {
  t.strictSame([...readJournal(join(scratch(t, {}), 'journal'), {})], []);
});
