import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import type { Libc } from '../../../src/server/linux/linux.ts';
import { chooseTransport, type UdpTransport } from '../../../src/server/workers/udp-transport.ts';
import { Order } from '../echo-responder.ts';
import { askUntilAnswered, Client, createPool, keepLog, query, TRANSPORTS } from '../transport-fixture.ts';

/** A number that Linux could give to a CPU, and to none that a test runs on. */
const ABSENT_CPU = 8191;

/** A pool takes the process to be allowed a CPU that the kernel then refuses to each worker. */
const allowAbsent: Libc['schedGetaffinity'] = (_thread, _octets, mask) => {
  mask[ABSENT_CPU >>> 5] = 1 << (ABSENT_CPU & 31);
  return 0;
};

/** The transport, with another kernel's calls for the pool; its workers have the real one's. */
async function transportWith(kind: UdpTransport['kind'], calls: Partial<Libc>): Promise<UdpTransport> {
  const chosen = await chooseTransport(kind);
  return chosen.kind === 'batch' ? { ...chosen, libc: { ...chosen.libc, ...calls } } : chosen;
}

if (TRANSPORTS[0] === 'batch') {
  t.test(
    'worker i keeps to the i-th CPU that the process may use, and so does its successor',
    async (test) => {
      const allowed = parseCpus(readCpus('/proc/self/status'));
      // One more than there are CPUs, unless that is many.
      const workers = Math.min(allowed.length + 1, 5);
      const expected = Array.from({ length: workers }, (_, i) => allowed[i % allowed.length]!);
      const pool = await createPool('batch', { workers, pinWorkers: true });
      const [listen] = await pool.start();
      test.same(pool.report().cpus, expected);
      for (const cpu of expected) test.ok(cpusOfThreads().has(String(cpu)), `a thread keeps to CPU ${cpu}`);
      const client = await Client.connect(listen!);
      client.send(query(1, Order.die));
      while (pool.report().restarts < 1) await new Promise((resolve) => setImmediate(resolve));
      await askUntilAnswered(client);
      test.same(pool.report().cpus, expected);
      client.close();
      await pool.stop();
    },
  );

  for (const { title, workers, count } of [
    { title: 'a process on one CPU has one worker by itself, which keeps to it', workers: 'auto', count: 1 },
    { title: 'three workers on one CPU share it', workers: '3', count: 3 },
  ]) {
    t.test(title, async (test) => {
      // The last one: where there are several, its number is not that of a worker.
      const cpu = parseCpus(readCpus('/proc/self/status')).at(-1)!;
      const child = fileURLToPath(new URL('./pinning-child.ts', import.meta.url));
      const { NODE_OPTIONS: _, ...env } = process.env;
      const command = ['-c', String(cpu), process.execPath, child, workers];
      const { stdout } = await promisify(execFile)('taskset', command, { env });
      test.same(JSON.parse(stdout), { parallelism: 1, cpus: Array(count).fill(cpu) });
    });
  }

  t.test('the successor of a dead worker says itself that it is refused its CPU', async (test) => {
    const log = keepLog();
    const transport = await transportWith('batch', { schedGetaffinity: allowAbsent });
    const pool = await createPool('batch', { transport, pinWorkers: true, log });
    const [listen] = await pool.start();
    const client = await Client.connect(listen!);
    client.send(query(1, Order.die));
    while (warningsOf(log).length < 2) await new Promise((resolve) => setImmediate(resolve));
    const line = 'warn pinWorkers: the system refuses CPU 8191 (EINVAL); these workers stay free';
    test.same(warningsOf(log), [line, line]);
    client.close();
    await pool.stop();
  });
}

const UNPINNED: readonly {
  title: string;
  kind: UdpTransport['kind'];
  pinWorkers: boolean;
  calls?: Partial<Libc>;
  cpus?: readonly null[];
  warnings: readonly string[];
}[] = [
  { title: 'batch workers are free unless told otherwise', kind: 'batch', pinWorkers: false, warnings: [] },
  {
    title: 'workers that are refused their CPU serve all the same, and one line says so',
    kind: 'batch',
    pinWorkers: true,
    calls: { schedGetaffinity: allowAbsent },
    cpus: [null, null],
    warnings: [
      'warn pinWorkers: the system refuses CPU 8191 (EINVAL), CPU 8191 (EINVAL); these workers stay free',
    ],
  },
  {
    title: 'workers are free where the CPUs of the process are not known, and one line says so',
    kind: 'batch',
    pinWorkers: true,
    calls: { schedGetaffinity: () => -1, errno: () => 1 },
    warnings: ['warn pinWorkers has no effect: the CPUs that the process may use are not known (EPERM)'],
  },
  {
    title: 'portable workers are free whatever is told, and one line says so',
    kind: 'portable',
    pinWorkers: true,
    warnings: ['warn pinWorkers has no effect with the portable transport'],
  },
  { title: 'portable workers are free without a word', kind: 'portable', pinWorkers: false, warnings: [] },
];

for (const { title, kind, pinWorkers, calls = {}, cpus = [], warnings } of UNPINNED) {
  t.test(title, { skip: !TRANSPORTS.some((known) => known === kind) }, async (test) => {
    const log = keepLog();
    const transport = await transportWith(kind, calls);
    const pool = await createPool(kind, { transport, workers: 2, pinWorkers, log });
    const [listen] = await pool.start();
    const client = await Client.connect(listen!);
    await client.ask(query(1, Order.echo));
    test.same(warningsOf(log), warnings);
    test.same(pool.report().cpus, cpus);
    client.close();
    await pool.stop();
  });
}

function warningsOf({ lines }: { lines: readonly string[] }): string[] {
  return lines.filter((line) => line.startsWith('warn'));
}

/** The sets of CPUs that threads of this process keep to, as the kernel prints them. */
function cpusOfThreads(): Set<string> {
  const threads = readdirSync('/proc/self/task');
  return new Set(threads.map((thread) => readCpus(`/proc/self/task/${thread}/status`)));
}

function readCpus(file: string): string {
  return /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync(file, 'utf8'))![1]!;
}

/** The CPUs of a list such as `0-3,8`. */
function parseCpus(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}
