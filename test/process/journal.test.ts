/** The journal of real processes: what is in it after a crash, what its commands say, and what a full disk does to it. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { JournalEntry } from '../../src/journal/entry.ts';
import { needCommand } from '../support/commands.ts';
import {
  addressesOf,
  config,
  lookAgain,
  MAIN,
  manifest,
  NGINX,
  type Process,
  serve,
  site,
  start,
  untapped,
} from './serving.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(120_000);

/** The entries of a state folder, whole lines only. */
function entriesIn(folder: string): JournalEntry[] {
  const directory = join(folder, 'state', 'journal');
  const lines = readdirSync(directory)
    .toSorted()
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1));
  return lines.map((line) => JSON.parse(line) as JournalEntry);
}

/** What the global name had at each change of it. */
function answersIn(entries: readonly JournalEntry[]): string[][] {
  return entries.flatMap((entry) => {
    const level = entry.kind === 'change' ? entry.levels.find(({ place }) => place === '') : undefined;
    return level?.after.kind === 'addresses' ? [[...level.after.a]] : [];
  });
}

async function kill({ child, ended }: Process): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

function fedns(...args: readonly string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(...untapped(process.execPath, [MAIN, ...args]), {
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

t.test('after kill -9 in the midst of a line, journal and explain --at tell of both runs', async (t) => {
  const { folder, file, port } = await site(t);
  const first = await serve(t, file);
  writeFileSync(join(folder, 'cluster', 'nginx.yaml'), manifest('192.0.2.11'));
  while (answersIn(entriesIn(folder)).length < 2) await lookAgain();
  const atMs = Date.now();
  await kill(first);
  const [name = ''] = readdirSync(join(folder, 'state', 'journal'));
  appendFileSync(join(folder, 'state', 'journal', name), '{"seq":999,"kind":"chan');

  const offline = fedns('journal', '--config', file, '-o', 'json');
  t.match(offline.err, /no fedns answers .*; reading .*state/);
  t.strictSame(answersIn(JSON.parse(offline.out) as JournalEntry[]), [['192.0.2.10'], ['192.0.2.11']]);

  writeFileSync(join(folder, 'cluster', 'nginx.yaml'), manifest('192.0.2.12'));
  await serve(t, file);
  while ((await addressesOf(port, NGINX))[0] !== '192.0.2.12') await lookAgain();
  const running = fedns('journal', '--config', file, '--name', NGINX, '-o', 'json');
  t.equal(running.err, '');
  const answers = answersIn(JSON.parse(running.out) as JournalEntry[]).map(String);
  t.strictSame(answers.slice(0, 2), ['192.0.2.10', '192.0.2.11']);
  t.equal(answers.at(-1), '192.0.2.12');
  const seqs = entriesIn(folder).map(({ seq }) => seq);
  t.strictSame(
    seqs,
    seqs.map((_, i) => i + 1),
    'numbers go on, and the torn line is gone',
  );

  const then = fedns('explain', NGINX, '--config', file, '--at', new Date(atMs).toISOString());
  t.match(then.out, /IN A 192\.0\.2\.11\n/);
  t.match(then.out, /since +[^\n]*: Service mynamespace\/nginx[^\n]*cluster one/);
  t.equal(then.code, 0);
  const before = fedns('explain', NGINX, '--config', file, '--at', '2d');
  t.match(before.out, /the journal begins at .* and does not reach back so far\nUNKNOWN\n/);
  t.equal(before.code, 3);
});

t.test('journal -f shows a change while it happens', async (t) => {
  const { folder, file } = await site(t);
  const running = await serve(t, file);
  const follower = start(t, process.execPath, [MAIN, 'journal', '--config', file, '-f']);
  await follower.until(/fedns started/);
  writeFileSync(join(folder, 'cluster', 'nginx.yaml'), manifest('192.0.2.10', false));
  await follower.until(/EndpointSlice mynamespace\/nginx-1 [^\n]* global +192\.0\.2\.10 → no address/);
  running.child.kill('SIGTERM');
  t.equal(await follower.ended, 1);
  t.match(follower.output(), /fedns stopped|ended the listing|broke off/);
});

t.test('a reload is in the journal with all that is answered otherwise, and nothing else', async (t) => {
  const { folder, file, port } = await site(t);
  const running = await serve(t, file);
  const text = readFileSync(file, 'utf8');
  const count = entriesIn(folder).length;
  const reload = async (more: string, isThere: (entry: JournalEntry) => boolean): Promise<void> => {
    writeFileSync(file, `${text}${more}`);
    running.child.kill('SIGHUP');
    while (!entriesIn(folder).some(isThere)) await lookAgain();
  };
  const records = 'records: [{ name: www.example.com, type: A, data: 192.0.2.99 }]\n';
  await reload(records, ({ kind }) => kind === 'records');
  await reload(
    `${records}ttl: 60\n`,
    (entry) => entry.kind === 'change' && entry.cause.object === 'configuration',
  );
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10']);
  const entries = entriesIn(folder).slice(count);
  t.match(
    entries.find(({ kind }) => kind === 'records'),
    { name: 'www.example.com', type: 'A', before: [], after: [/^\d+ 192\.0\.2\.99$/] },
  );
  const changes = entries.filter((entry) => entry.kind === 'change');
  t.match(changes, [
    { service: /^nginx\./, levels: [{ place: '', before: { ttlSeconds: 180 }, after: { ttlSeconds: 60 } }] },
  ]);
  t.equal(changes.length, 1);
  t.notOk(
    entries.some(({ kind }) => kind === 'places'),
    'the places are the same',
  );
  running.child.kill('SIGTERM');
  await running.ended;
  t.match(entriesIn(folder).at(-1), { kind: 'event', what: 'stopped' });
});

/** FOLDER, node, main.ts, name: fills the disk while fedns runs, changes an answer, makes room, changes it again. */
const FULL_DISK = `
set -eu
ip link set lo up
mkdir -p "$1/state"
mount -t tmpfs -o size=512k tmpfs "$1/state"
"$2" "$3" serve --config "$1/fedns.yaml" >"$1/log" 2>&1 & fedns=$!
trap 'kill $fedns' EXIT
until grep -q '"msg":"listening"' "$1/log"; do kill -0 $fedns || exit 3; sleep 0.1; done
answers() { until [ "$(dig @127.0.0.1 -p 5300 +short "$4")" = "$5" ]; do sleep 0.1; done; }
cat /dev/zero >"$1/state/other" 2>/dev/null || true
cp "$1/second.yaml" "$1/cluster/nginx.yaml"
answers "$@" 192.0.2.2
until grep -q JOURNAL_WRITE "$1/log"; do cp "$1/first.yaml" "$1/cluster/nginx.yaml"; answers "$1" "$2" "$3" "$4" 192.0.2.1; cp "$1/second.yaml" "$1/cluster/nginx.yaml"; answers "$1" "$2" "$3" "$4" 192.0.2.2; done
rm "$1/state/other"
cp "$1/third.yaml" "$1/cluster/nginx.yaml"
answers "$1" "$2" "$3" "$4" 192.0.2.3
until grep -q 'the journal is written again' "$1/log"; do sleep 0.1; done
"$2" "$3" journal --config "$1/fedns.yaml" -o ndjson
`;

function missingNamespace(): string | false {
  for (const command of ['unshare', 'ip', 'dig']) needCommand(command);
  const { status } = spawnSync('unshare', ['--net', '--mount', '--map-root-user', 'true']);
  return status !== 0 && 'this system gives no mount namespace';
}

t.test(
  'a full disk hurts no answer: the journal says that it lacks something, and goes on',
  { skip: missingNamespace() },
  async (t) => {
    const folder = scratch(t, {
      'fedns.yaml': config(5300, 9153, 'stateDir: ./state\n'),
      'first.yaml': manifest('192.0.2.1'),
      'second.yaml': manifest('192.0.2.2'),
      'third.yaml': manifest('192.0.2.3'),
      cluster: { 'nginx.yaml': manifest('192.0.2.1') },
    });
    const args = ['--net', '--mount', '--map-root-user', 'sh', '-c', FULL_DISK, 'sh'];
    const { stdout, stderr, status } = spawnSync(
      ...untapped('unshare', [...args, folder, process.execPath, MAIN, NGINX]),
      { encoding: 'utf8' },
    );
    t.equal(status, 0, stderr);

    const entries = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as JournalEntry);
    t.match(
      entries.find(({ kind }) => kind === 'gap'),
      { why: /ENOSPC/ },
    );
    t.strictSame(answersIn(entries).at(-1), ['192.0.2.3']);
    t.match(
      readFileSync(join(folder, 'log'), 'utf8'),
      /"JOURNAL_WRITE","reason":"ENOSPC[^\n]*the journal is not written/,
    );
  },
);
