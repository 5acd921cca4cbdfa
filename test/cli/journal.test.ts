/** `fedns journal`: what it asks, and what it prints; with a running server, and without. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import type { JournalControl, JournalQuestion } from '../../src/admin/journal-control.ts';
import { Metrics } from '../../src/admin/metrics.ts';
import { AdminServer } from '../../src/admin/server.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { Answer, JournalEntry } from '../../src/journal/entry.ts';
import { QuestionError } from '../../src/admin/control-plane.ts';
import { fakeControlPlane } from '../admin/fake-control-plane.ts';
import { scratch } from '../support/scratch.ts';

const NOW_MS = Date.UTC(2026, 10, 28, 3, 0, 0);
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const addresses = (...a: string[]): Answer => ({ kind: 'addresses', ttlSeconds: 180, a, aaaa: [] });
const cause = { object: 'EndpointSlice shop/web-1', resourceVersion: '4711', timeMs: NOW_MS - 61_000 };
const head = { timeMs: NOW_MS - 60_000, serial: 7, cause };

const ENTRIES: readonly JournalEntry[] = [
  {
    seq: 1,
    kind: 'event',
    timeMs: NOW_MS - 90_000,
    what: 'drainSet',
    subject: 'zone us-a.us',
    by: 'admin token',
  },
  {
    ...head,
    seq: 2,
    kind: 'change',
    service: 'web.shop.f',
    cluster: 'one',
    levels: [
      { place: '', before: addresses('192.0.2.1', '192.0.2.2'), after: addresses('192.0.2.2') },
      { place: 'us', before: addresses('192.0.2.1'), after: { kind: 'alias', to: '' } },
      { place: 'cluster one', before: addresses('192.0.2.1'), after: { kind: 'nodata' } },
    ],
    ports: { before: ['_http._tcp 80'], after: ['_http._tcp 8080'] },
  },
  { ...head, seq: 3, kind: 'places', serial: 8, added: [{ name: 'eu', place: 'eu' }], removed: [] },
  {
    ...head,
    seq: 4,
    kind: 'records',
    serial: 9,
    cause: { object: 'configuration', timeMs: 0 },
    name: 'www.example.com',
    type: 'A',
    before: [],
    after: ['300 192.0.2.9'],
  },
  {
    seq: 5,
    kind: 'gap',
    timeMs: NOW_MS - 1000,
    lost: 12,
    sinceMs: NOW_MS - 2000,
    why: 'too many changes at once',
  },
];

const TABLE = `TIME                       CLUSTER   CAUSE                            NAME              PLACE    CHANGE
2026-11-28 02:58:30.000Z             a drain was set                  zone us-a.us               by admin token
2026-11-28 02:59:00.000Z   one       EndpointSlice shop/web-1 @4711   web.shop.f        global   -192.0.2.1 (1 stay)
                                                                                        us       192.0.2.1 → as global
                                                                                        SRV      -_http._tcp 80 +_http._tcp 8080
2026-11-28 02:59:00.000Z             EndpointSlice shop/web-1 @4711   names of places            +eu
2026-11-28 02:59:00.000Z             configuration                    www.example.com   A        nothing → 300 192.0.2.9
2026-11-28 02:59:59.000Z             gap                                                         12 entries are missing since 2026-11-28 02:59:58.000Z: too many changes at once
`;

interface Server {
  readonly port: number;
  readonly questions: JournalQuestion[];
}

async function running(test: Test, entries: readonly JournalEntry[] = ENTRIES): Promise<Server> {
  const questions: JournalQuestion[] = [];
  async function* lines(): AsyncGenerator<string> {
    for (const entry of entries) yield `${JSON.stringify(entry)}\n`;
  }
  async function* followed(): AsyncGenerator<string> {
    yield* lines();
    yield '\n';
    yield `${JSON.stringify({ ...ENTRIES[0]!, seq: 99 })}\n`;
  }
  const journal: JournalControl = {
    read: (question) => {
      if (question.name === 'a..b') throw new QuestionError('a..b: no name');
      questions.push(question);
      return lines();
    },
    follow: (question) => {
      questions.push(question);
      return followed();
    },
    explainAt: async ({ timeMs }) => ({
      rcode: timeMs === NOW_MS - 7_200_000 ? 'UNKNOWN' : 'NOERROR',
      steps: [{ rule: 'time', text: new Date(timeMs).toISOString() }],
      answer: [],
    }),
    status: () => ({ octets: 5, entries: 4, lost: 3, seq: 9, waitingOctets: 2 }),
  };
  const control = fakeControlPlane({ journal });
  const metrics = new Metrics({ control, clock: () => NOW_MS, version: '' });
  const server = new AdminServer({ control, metrics, log, listen: { address: '127.0.0.1', port: 0 } });
  await server.start();
  test.teardown(() => server.stop());
  return { port: server.address.port, questions };
}

async function run(
  args: readonly string[],
  port: number | undefined,
  settings: Partial<Settings> = {},
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const admin = port === undefined ? {} : { admin: { address: '127.0.0.1', port } };
  const code = await runProgram(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    clock: () => NOW_MS,
    version: '1.2.3',
    load: async () => ({ kind: 'loaded', settings: { ...admin, ...settings } as Settings, warnings: [] }),
    serve: async () => 0,
  });
  return { code, out, err };
}

t.test('journal prints a line for each name that is answered otherwise, with time and cause', async (t) => {
  const { port, questions } = await running(t);
  const { code, out, err } = await run(['journal'], port);
  t.strictSame([code, err], [0, '']);
  t.equal(out, TABLE);
  t.strictSame(questions, [{ sinceMs: NOW_MS - 3_600_000 }], 'of the last hour');
});

t.test('journal prints the same as data', async (t) => {
  const { port } = await running(t);
  t.strictSame(JSON.parse((await run(['journal', '-o', 'json'], port)).out), ENTRIES);
  t.strictSame(parse((await run(['journal', '-o', 'yaml'], port)).out), ENTRIES);
  const lines = (await run(['journal', '-o', 'ndjson'], port)).out.trimEnd().split('\n');
  t.strictSame(
    lines.map((line) => JSON.parse(line)),
    ENTRIES,
  );
});

t.test('journal asks for what is typed', async (t) => {
  const { port, questions } = await running(t);
  const typed = ['--since', '1h30m', '--until', '2026-11-28 02:30', '--name', 'a.b.c', '--cluster', 'one'];
  await run(['journal', ...typed, '--last', '7'], port);
  await run(['journal', '-n', '3'], port);
  await run(['journal', '--since', '2026-11-28T03:00:00+01:00'], port);
  const untilMs = Date.UTC(2026, 10, 28, 2, 30);
  t.strictSame(questions, [
    { sinceMs: NOW_MS - 5_400_000, untilMs, name: 'a.b.c', cluster: 'one', last: 7 },
    { last: 3 },
    { sinceMs: Date.UTC(2026, 10, 28, 2) },
  ]);
});

t.test('journal says in one line what is wrong with a question', async (t) => {
  const { port } = await running(t);
  for (const [args, err] of [
    [['--since', 'yesterday'], /^fedns: --since yesterday: neither a time such as [^\n]*\n$/],
    [['--name', 'a..b'], /^fedns: a\.\.b: no name\n$/],
    [['--last', '0'], /^fedns: last: 1 to 10000\n$/],
  ] as const) {
    const outcome = await run(['journal', ...args], port);
    t.equal(outcome.code, 1);
    t.match(outcome.err, err);
  }
});

t.test('journal -f goes on until the server ends it', async (t) => {
  const { port } = await running(t);
  const { code, out, err } = await run(['journal', '-f', '-o', 'json'], port);
  const seqs = out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as JournalEntry).seq);
  t.strictSame(seqs, [1, 2, 3, 4, 5, 99]);
  t.strictSame([code, err], [1, 'fedns: the server has ended the listing\n']);
  const table = await run(['journal', '-f'], port);
  t.match(table.out, /^TIME[^\n]*\n[^\n]*a drain was set[^]*\n[^\n]*a drain was set[^\n]*\n$/);
});

t.test(
  'of a publication that changed many Services the table shows some, and says how many there are',
  async (t) => {
    const many = Array.from({ length: 45 }, (_, i): JournalEntry => ({
      ...head,
      seq: i + 1,
      kind: 'change',
      service: `s${i}.shop.f`,
      cluster: 'one',
      cause: { object: 'cluster one withdrawn', timeMs: 0 },
      levels: [{ place: '', before: addresses('192.0.2.1'), after: { kind: 'nodata' } }],
    }));
    const { port } = await running(t, [...many, { ...ENTRIES[0]!, seq: 46 }]);
    const lines = (await run(['journal'], port)).out.trimEnd().split('\n');
    t.equal(lines.length, 1 + 20 + 1 + 1);
    t.match(lines[21], /cluster one withdrawn +25 more Services/);
    t.match(lines[22], /a drain was set/);
  },
);

t.test('where no fedns runs, the journal is read from the state folder', async (t) => {
  const stateDir = scratch(t, {});
  mkdirSync(join(stateDir, 'journal'));
  const text = ENTRIES.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  writeFileSync(join(stateDir, 'journal', '000000000001.ndjson'), `${text}{"seq":6,"kin`);
  const settings = { stateDir, domain: 'example.com' };
  const { code, out, err } = await run(['journal'], undefined, settings);
  t.strictSame([code, out], [0, TABLE]);
  t.match(err, /^fedns: .* has no admin address.*; reading \S+\n$/);
  const name = 'WEB.shop.f.svc.us.example.com.';
  const ofName = JSON.parse((await run(['journal', '--name', name, '-o', 'json'], undefined, settings)).out);
  t.strictSame(
    (ofName as JournalEntry[]).map(({ seq }) => seq),
    [2, 5],
  );
  const followed = await run(['journal', '-f'], undefined, settings);
  t.equal(followed.code, 1, 'what does not run cannot be followed');
});

t.test('nothing found is no fault, and is said', async (t) => {
  const { port } = await running(t, []);
  const { code, out, err } = await run(['journal', '-o', 'json'], port);
  t.strictSame([code, JSON.parse(out)], [0, []]);
  t.match(err, /^fedns: the journal has nothing of the kind/);
});

t.test('explain --at asks for a moment, and ends with 3 where it is not known', async (t) => {
  const { port } = await running(t);
  const known = await run(['explain', 'a.b.c.svc.example.com', '--at', '1h'], port);
  t.strictSame([known.code, known.out.split('\n')[1]], [0, '  time  2026-11-28T02:00:00.000Z']);
  t.equal((await run(['explain', 'a.b.c.svc.example.com', '--at', '2h'], port)).code, 3);
  const wrong = await run(['explain', 'a.b.c.svc.example.com', '--at', 'noon'], port);
  t.strictSame([wrong.code, wrong.out], [1, '']);
});

t.test('the metrics say how the journal is', async (t) => {
  const { port } = await running(t);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  t.match(text, /^fedns_journal_entries_total 4$/m);
  t.match(text, /^fedns_journal_lost_total 3$/m);
  t.match(text, /^fedns_journal_octets 5$/m);
  t.match(text, /^fedns_journal_waiting_octets 2$/m);
  t.match(text, /^fedns_journal_writable 1$/m);
});
