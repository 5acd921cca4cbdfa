/** Listings from end to end: an admin server on a real socket, and the command that prints what it lists. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import type { ControlPlane, RecordSet } from '../../src/admin/control-plane.ts';
import { Metrics } from '../../src/admin/metrics.ts';
import { AdminServer } from '../../src/admin/server.ts';
import { runProgram } from '../../src/cli/program.ts';
import { fakeControlPlane, listingOf, RECORDS } from '../admin/fake-control-plane.ts';

const MIB = 1024 * 1024;
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function serving(test: Test, more: Partial<ControlPlane>): Promise<string> {
  const control = fakeControlPlane(more);
  const metrics = new Metrics({ control, clock: () => 0, version: '' });
  const server = new AdminServer({ control, metrics, log, listen: { address: '127.0.0.1', port: 0 } });
  await server.start();
  test.teardown(() => server.stop());
  return `http://127.0.0.1:${server.address.port}`;
}

interface Outcome {
  readonly code: number;
  readonly err: string;
}

async function run(args: readonly string[], out: (text: string) => void | Promise<void>): Promise<Outcome> {
  let err = '';
  const code = await runProgram(args, {
    out,
    err: (text) => void (err += text),
    clock: () => 0,
    version: '',
    load: async () => ({ kind: 'refused', faults: ['no configuration is read'], warnings: [] }),
    serve: async () => 0,
  });
  return { code, err };
}

/** RRsets of 60,000 characters: as long as one can be, so that few of them are long enough together. */
function* longRows(count: number, onRow: () => void = () => {}): Generator<RecordSet> {
  const data = ['x'.repeat(60_000)];
  for (let i = 0; i < count; i++) {
    onRow();
    yield { name: `n${i}.example.com.`, type: 'TXT', ttlSeconds: 180, data };
  }
}

/** What a listing of long rows was printed as. */
interface Printed {
  readonly outcome: Outcome;
  readonly octets: number;
  /** Of what was printed at once. */
  readonly longest: number;
  readonly tail: string;
}

async function print(test: Test, output: string, count: number): Promise<Printed> {
  const admin = await serving(test, { records: () => listingOf(longRows(count)) });
  let [octets, longest, tail] = [0, 0, ''];
  const outcome = await run(['records', '--admin', admin, '-o', output], (text) => {
    octets += text.length;
    longest = Math.max(longest, text.length);
    tail = (tail + text).slice(-70_000);
  });
  return { outcome, octets, longest, tail };
}

t.test('a listing longer than the longest text is printed whole', async (t) => {
  // V8's longest text has 2^29 - 24 characters.
  const count = Math.ceil((512 * MIB) / 60_000);
  const { outcome, octets, longest, tail } = await print(t, 'zone', count);
  t.strictSame(outcome, { code: 0, err: '' });
  t.ok(octets > 512 * MIB, `${octets} octets`);
  t.ok(longest < MIB, `at most ${longest} octets at once`);
  t.ok(tail.includes(`n${count - 1}.example.com.`), 'to its last record');
});

t.test('every form is printed in pieces', async (t) => {
  for (const output of ['json', 'ndjson', 'yaml', 'table']) {
    const count = 1200;
    const { outcome, longest, tail } = await print(t, output, count);
    t.strictSame(outcome, { code: 0, err: '' }, output);
    // A table waits for a thousand rows, to know its columns.
    t.ok(longest < (output === 'table' ? 64 : 1) * MIB, `${output}: at most ${longest} octets at once`);
    t.ok(tail.includes(`n${count - 1}.example.com.`), `${output}: to its last record`);
  }
});

t.test('a reader that pauses makes the server pause, and the control plane goes on meanwhile', async (t) => {
  let [rows, turns] = [0, 0];
  const count = 4000;
  const records: ControlPlane['records'] = () => listingOf(longRows(count, () => rows++));
  const admin = await serving(t, { records });
  const paused = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  const listing = run(['records', '--admin', admin, '-o', 'ndjson'], () => {
    paused.resolve();
    return resumed.promise;
  });
  await paused.promise;
  let before = -1;
  // Until nothing moves any more: the buffers of both sockets are full.
  for (let quiet = 0; quiet < 1000; quiet = rows === before ? quiet + 1 : 0) {
    before = rows;
    await turn();
    turns++;
  }
  t.ok(rows < count / 4, `${rows} of ${count} rows were built`);
  t.ok(turns > rows / 10, 'the event loop turned between rows');
  resumed.resolve();
  t.strictSame(await listing, { code: 0, err: '' });
  t.equal(rows, count);
});

t.test('steps that list nothing let others go on, too', async (t) => {
  let turns = 0;
  const steps = 256 * 50;
  const nothing = (function* (): Generator<undefined> {
    for (let i = 0; i < steps; i++) yield undefined;
  })();
  const admin = await serving(t, { records: () => listingOf(nothing) });
  const stop = new AbortController();
  const counting = (async () => {
    for (; !stop.signal.aborted; turns++) await turn();
  })();
  const listing = await (await fetch(`${admin}/api/v1/records`)).json();
  stop.abort();
  await counting;
  t.strictSame(listing, []);
  t.ok(turns >= 50, `${turns} turns`);
});

t.test('records that change while they are listed are reported, those that do not are not', async (t) => {
  let serial = 7;
  const changing = await serving(t, { records: () => listingOf(RECORDS, () => serial++) });
  t.strictSame(await run(['records', '--admin', changing], () => {}), {
    code: 0,
    err: 'fedns: the records changed while they were listed, from serial 7 to 8\n',
  });
  const still = await serving(t, {});
  t.strictSame(await run(['records', '--admin', still], () => {}), { code: 0, err: '' });
});

t.test('a listing that breaks off, or is none, ends with 1', async (t) => {
  const begin = '{"begin":"records","serial":1}\n';
  const row = `${JSON.stringify(RECORDS[0])}\n`;
  const type = 'application/x-ndjson';
  const cases: readonly (readonly [string, string, string, RegExp])[] = [
    ['without its end', begin + row, type, /broke off after 1 row/],
    [
      'with fewer rows than it says',
      `${begin}${row}{"end":"records","serial":1,"rows":2}\n`,
      type,
      /broke off/,
    ],
    ['cut within a row', begin + row.slice(0, 20), type, /broke off after 0 rows/],
    ['empty', '', type, /broke off/],
    ['with a row that is no JSON', `${begin}hello\n`, type, /no JSON/],
    ['of another server', '<html>', 'text/html', /not this fedns/],
  ];
  for (const [title, body, contentType, expected] of cases) {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': contentType }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const admin = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, err } = await run(['records', '--admin', admin], () => {});
    t.equal(code, 1, title);
    t.match(err, expected, title);
    server.closeAllConnections();
    server.close();
  }
});

t.test('filters reach the server as they were typed', async (t) => {
  const asked: object[] = [];
  const records: ControlPlane['records'] = (filter) => {
    asked.push(filter);
    return listingOf([]);
  };
  const admin = await serving(t, { records });
  const filters = ['--federation', 'f', '--namespace', 'shop', '--service', 'web', '--type', 'a,AAAA'];
  await run(['records', '--admin', admin, ...filters, '--name', '*.us.example.com'], () => {});
  await run(['records', '--admin', admin], () => {});
  t.strictSame(asked, [
    { federation: 'f', namespace: 'shop', service: 'web', name: '*.us.example.com', types: ['A', 'AAAA'] },
    {},
  ]);
});

t.test('more listings at a time than are allowed are refused, and others are read after them', async (t) => {
  const admin = await serving(t, { records: () => listingOf(longRows(2000)) });
  const held = await Promise.all(Array.from({ length: 16 }, () => fetch(`${admin}/api/v1/records`)));
  const refused = await fetch(`${admin}/api/v1/records`);
  t.equal(refused.status, 503);
  t.match(await refused.text(), /16 listings/);
  t.equal((await fetch(`${admin}/healthz`)).status, 200);
  await Promise.all(held.map((response) => response.body?.cancel()));
  let status = 503;
  while (status === 503) {
    const response = await fetch(`${admin}/api/v1/records`);
    ({ status } = response);
    await response.body?.cancel();
  }
  t.equal(status, 200, 'once the readers are gone');
});
