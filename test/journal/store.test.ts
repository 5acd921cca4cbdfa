/** The files of the journal: what a crash, a full disk and their limits leave of them. */
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import t, { type Test } from 'tap';
import type { Item } from '../../src/journal/batch.ts';
import { Desk } from '../../src/journal/desk.ts';
import type { JournalEntry } from '../../src/journal/entry.ts';
import { readJournal } from '../../src/journal/query.ts';
import { scratch } from '../support/scratch.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

interface Opened {
  readonly directory: string;
  readonly desk: Desk;
  note(count: number, timeMs?: number): void;
  entries(): JournalEntry[];
}

let nowMs = 1_790_000_000_000;

function open(test: Test, directory = scratch(test, {}), maxOctets = 64 * MIB, maxDays = 30): Opened {
  const folder = join(directory, 'journal');
  const desk = new Desk({ store: { directory: folder, maxOctets, maxDays }, clock: () => nowMs });
  test.teardown(() => desk.stop());
  return {
    directory: folder,
    desk,
    note: (count, timeMs = nowMs) => desk.write({ items: events(count, timeMs), chunks: [] }),
    entries: () => [...readJournal(folder, {})].filter((entry) => entry !== undefined),
  };
}

/** Events of some two hundred octets each that hardly compress. */
function events(count: number, timeMs: number): Item[] {
  return Array.from({ length: count }, () => ({
    kind: 'event',
    timeMs,
    event: { what: 'planStep', text: Array.from({ length: 12 }, () => Math.random().toString(36)).join('') },
  }));
}

/** Numbers that follow each other, from the first to the last. */
function assertGapless(test: Test, entries: readonly JournalEntry[], first: number, last: number): void {
  test.equal(entries[0]?.seq, first);
  test.equal(entries.at(-1)?.seq, last);
  test.equal(entries.length, last - first + 1);
}

t.test('entries go on where the run before ended, with the number that follows', async (t) => {
  const first = open(t);
  first.note(3);
  first.desk.stop();
  const second = open(t, join(first.directory, '..'));
  second.note(2);
  assertGapless(t, second.entries(), 1, 5);
  t.equal(readdirSync(second.directory).length, 1, 'in the same segment');
  t.equal(statSync(second.directory).mode & 0o777, 0o700);
  t.equal(statSync(join(second.directory, '000000000001.ndjson')).mode & 0o777, 0o600);
});

t.test(
  'a last line that was torn costs that line, for readers at once and for the file with the next start',
  async (t) => {
    const first = open(t);
    first.note(3);
    first.desk.stop();
    const file = join(first.directory, '000000000001.ndjson');
    truncateSync(file, statSync(file).size - 7);
    assertGapless(t, first.entries(), 1, 2);
    const second = open(t, join(first.directory, '..'));
    second.note(1);
    assertGapless(t, second.entries(), 1, 3);
    for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) t.ok(JSON.parse(line));
  },
);

t.test('a file that is nothing but a torn line is begun anew', async (t) => {
  const directory = scratch(t, { journal: { '000000000007.ndjson': '{"seq":7,"kind":"ev' } });
  const { note, entries } = open(t, directory);
  note(1);
  t.equal(entries().length, 1);
});

t.test('a segment that is full is compressed, and read as before', async (t) => {
  const { directory, note, entries, desk } = open(t, scratch(t, {}), 8 * MIB);
  for (let i = 0; i < 8; i++) note(1000);
  const names = readdirSync(directory).toSorted();
  t.ok(names.length > 1, names.join(' '));
  t.match(names[0], /^000000000001-1790000000000-1790000000000\.ndjson\.zst$/);
  const text = zstdDecompressSync(readFileSync(join(directory, names[0]!))).toString();
  t.match(JSON.parse(text.slice(0, text.indexOf('\n'))), { seq: 1, kind: 'event' });
  assertGapless(t, entries(), 1, 8000);
  t.equal(desk.status.octets, sizeOf(directory), 'the status says what is there');
});

function sizeOf(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

t.test('octets stay below their limit at every moment: the oldest entries go', async (t) => {
  const { directory, note, entries } = open(t, scratch(t, {}), MIB);
  for (let i = 0; i < 60; i++) {
    note(250);
    t.ok(sizeOf(directory) <= MIB, `${sizeOf(directory)} octets`);
  }
  const kept = entries();
  assertGapless(t, kept, kept[0]!.seq, 15_000);
  t.ok(kept.length > 2000, 'most of the room is used');
});

t.test('what is older than its days goes, also where nothing comes', async (t) => {
  const world = open(t, scratch(t, {}), 64 * MIB, 3);
  world.note(5);
  nowMs += 2 * DAY_MS;
  world.note(5);
  world.desk.tend();
  t.equal(world.entries().length, 10);
  nowMs += 2 * DAY_MS;
  world.desk.tend();
  assertGapless(t, world.entries(), 6, 10);
  nowMs += 2 * DAY_MS;
  world.desk.tend();
  t.equal(world.entries().length, 0);
  world.note(1);
  assertGapless(t, world.entries(), 11, 11);
});

t.test('what a crash left while a segment was compressed is cleared away', async (t) => {
  const first = open(t, scratch(t, {}), 8 * MIB);
  for (let i = 0; i < 8; i++) first.note(1000);
  first.desk.stop();
  const { directory } = first;
  const [compressed = ''] = readdirSync(directory).toSorted();
  const unfolded = zstdDecompressSync(readFileSync(join(directory, compressed)));
  writeFileSync(join(directory, '000000000001.ndjson'), unfolded);
  writeFileSync(join(directory, '000000000099-1-2.ndjson.zst.new'), 'half');
  assertGapless(t, first.entries(), 1, 8000);
  const second = open(t, join(directory, '..'), 8 * MIB);
  assertGapless(t, second.entries(), 1, 8000);
  const names = readdirSync(directory);
  t.notOk(names.includes('000000000001.ndjson'));
  t.notOk(names.some((name) => name.endsWith('.new')));
});

t.test('a segment that the disk has damaged costs its own entries and no others', async (t) => {
  const { directory, note, entries } = open(t, scratch(t, {}), 8 * MIB);
  for (let i = 0; i < 12; i++) note(1000);
  const names = readdirSync(directory).toSorted();
  writeFileSync(join(directory, names[1]!), 'nothing of zstd');
  const seqs = entries().map(({ seq }) => seq);
  t.equal(seqs[0], 1);
  t.equal(seqs.at(-1), 12_000);
  t.ok(seqs.length < 12_000);
});

t.test(
  'a disk that refuses costs entries and nothing else; once it takes more, an entry says how many',
  async (t) => {
    const directory = scratch(t, { journal: 'a file where the folder should be' });
    const { note, entries, desk } = open(t, directory);
    t.match(desk.status, { trouble: { code: /^(EEXIST|ENOTDIR)$/ }, lost: 0 });
    note(4);
    t.match(desk.status, { lost: 4, entries: 0, trouble: { message: /journal/ } });
    rmSync(join(directory, 'journal'));
    mkdirSync(join(directory, 'journal'));
    note(2);
    t.notOk(desk.status.trouble);
    t.match(entries(), [{ kind: 'gap', lost: 4, why: /the disk did not take them/ }, { seq: 5 }, { seq: 6 }]);
  },
);

t.test('lines that are no entries cost themselves and no others', async (t) => {
  const lines = [
    'garbage',
    'null',
    '7',
    '[]',
    '{}',
    '{"seq":"9","timeMs":1,"kind":"event","what":"started"}',
    '{"seq":9,"timeMs":1}',
    '{"seq":9,"timeMs":1,"kind":"change","service":"web.shop.f","cause":{"object":"x"}}',
    '{"seq":9,"timeMs":1,"kind":"change","service":"web.shop.f","cause":{"object":"x"},"levels":[null]}',
    '{"seq":9,"timeMs":1,"kind":"change","service":"web.shop.f","cause":{},"levels":[{"place":"","before":{},"after":{"kind":"addresses"}}]}',
    '{"seq":9,"timeMs":1,"kind":"places","cause":{},"added":[7],"removed":[]}',
    '{"seq":9,"timeMs":1,"kind":"records","cause":{},"before":"","after":[]}',
    '{"seq":9,"timeMs":1,"kind":"gap","why":"x"}',
    '',
  ];
  const first = open(t);
  first.note(3);
  first.desk.stop();
  appendFileSync(join(first.directory, '000000000001.ndjson'), lines.join('\n'));
  const later = '{"seq":4,"timeMs":1,"kind":"of a later version"}\n';
  appendFileSync(join(first.directory, '000000000001.ndjson'), `${later}${lines.join('\n')}`);
  const second = open(t, join(first.directory, '..'));
  second.note(2);
  assertGapless(t, second.entries(), 1, 6);
  for (const filter of [{ cluster: 'c1' }, { service: 'web.shop.f', withContext: true }] as const)
    t.strictSame([...readJournal(second.directory, filter)].filter(isThere), [], 'nor are they looked into');
});

function isThere(entry: JournalEntry | undefined): boolean {
  return entry !== undefined;
}

t.test('files that are not of the journal are left alone', async (t) => {
  const directory = scratch(t, { journal: { 'notes.txt': 'mine', '7.ndjson': '{}\n' } });
  const { note, entries } = open(t, directory);
  note(1);
  t.equal(entries().length, 1);
  t.strictSame(readdirSync(join(directory, 'journal')).toSorted(), [
    '000000000001.ndjson',
    '7.ndjson',
    'notes.txt',
  ]);
});
