/** A handover that breaks off at each of its steps: the process goes on with everything that it had given away. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { handOver, type Handover } from '../../src/process/predecessor.ts';
import { loadLibc } from '../../src/server/linux/libc.ts';
import { SocketLedger } from '../../src/server/workers/socket-ledger.ts';
import { startServer } from '../../src/serve/server.ts';
import { serialToLeave } from '../../src/serve/succession.ts';
import { fakeParts, SETTINGS, shard } from '../serve/fake-parts.ts';
import { scratch } from '../support/scratch.ts';

if (process.platform !== 'linux') {
  t.plan(0, 'sockets are passed on by the batch transport, which is Linux’s');
  process.exit();
}

const CHILD = fileURLToPath(new URL('failing-successor.ts', import.meta.url));
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const never = (): { stop(): Promise<void> } => ({ stop: async () => {} });

/** Up to where the successor comes, and what it says its serial is. */
const ENDS: readonly (readonly [string, 'start' | 'estate' | 'ceded', 'ahead' | 'behind'])[] = [
  ['before it says anything', 'start', 'ahead'],
  ['before it is ready', 'estate', 'ahead'],
  ['when state folder and admin address are its own', 'ceded', 'ahead'],
  ['with a serial that would go back', 'ceded', 'behind'],
];

for (const [when, last, where] of ENDS) {
  t.test(`a successor that ends ${when} leaves everything to the process before`, async (t) => {
    const stateDir = join(scratch(t, { state: {} }), 'state');
    const parts = { ...fakeParts(), openLedger: async () => new SocketLedger(loadLibc()) };
    const options = { log: quiet, clock: () => 1_790_000_000_000, parts, schedule: never, version: '1.2.3' };
    const server = await startServer({ ...SETTINGS, stateDir }, options);
    t.teardown(() => server.stop());
    const status = async (): Promise<{ serial: number }> => {
      const response = await fetch(`http://127.0.0.1:${server.adminAddress!.port}/api/v1/status`);
      return (await response.json()) as { serial: number };
    };
    const { serial } = await status();
    const next = where === 'ahead' ? serialToLeave(serial) : serial - 1;
    const command: Handover['command'] = { file: process.execPath, args: [CHILD, last, String(next)] };
    const { signal } = new AbortController();
    const handover = { succession: server.succession, log: quiet, command, signal, nice: 0 };
    const reason = where === 'ahead' ? /ended with 7/ : /is not after/;
    await t.rejects(handOver(handover), { name: 'SuccessionError', message: reason });
    const [source] = parts.sources;
    source!.context.sink.upsertShard(shard('one', 'later'));
    const after = await status();
    t.ok(after.serial > serial, 'changes are published, and the serial has not gone back');
    t.equal(after.serial > next, last === 'ceded' || where === 'behind');
    const lock = JSON.parse(readFileSync(join(stateDir, 'lock'), 'utf8')) as { pid: number };
    t.equal(lock.pid, process.pid);
  });
}

t.test('one that is to end breaks a handover off', async (t) => {
  const stateDir = join(scratch(t, { state: {} }), 'state');
  const parts = { ...fakeParts(), openLedger: async () => new SocketLedger(loadLibc()) };
  const options = { log: quiet, clock: () => 1_790_000_000_000, parts, schedule: never, version: '1.2.3' };
  const server = await startServer({ ...SETTINGS, stateDir }, options);
  t.teardown(() => server.stop());
  const command = { file: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] };
  const abort = new AbortController();
  const handover = { succession: server.succession, log: quiet, command, signal: abort.signal, nice: 0 };
  const outcome = handOver(handover);
  abort.abort();
  await t.rejects(outcome, { message: /is to end/ });
});
