import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { acquireLock } from '../../src/state/lock.ts';
import { scratch } from '../support/scratch.ts';

t.test('a state folder has one owner at a time', async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'lock');
  const lock = await acquireLock(path);
  t.equal(statSync(path).mode & 0o777, 0o600);
  await t.rejects(acquireLock(path), { code: 'LOCKED', message: new RegExp(`process ${process.pid}`) });
  await lock.release();
  t.notOk(existsSync(path));
  const again = await acquireLock(path);
  await again.release();
  t.strictSame(readdirSync(directory), [], 'nothing is left behind');
});

t.test('a living process of this host keeps its claim, a dead one loses it', async (t) => {
  const path = join(scratch(t), 'lock');
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  writeFileSync(path, JSON.stringify({ pid: other.pid, host: hostname() }));
  await t.rejects(acquireLock(path), { code: 'LOCKED' });
  other.kill('SIGKILL');
  await once(other, 'exit');
  const lock = await acquireLock(path);
  t.match(JSON.parse(readFileSync(path, 'utf8')), { pid: process.pid });
  await lock.release();
});

t.test('a claim that says nothing of a living owner is taken over', async (t) => {
  const parent = process.ppid;
  const cases = {
    'an empty file': '',
    'a file that is no claim': '[]',
    'the process id was reused by a process that began later': JSON.stringify({
      pid: parent,
      began: '1',
      host: hostname(),
    }),
    'an earlier life of the same container': JSON.stringify({
      pid: process.pid,
      began: '1',
      host: hostname(),
    }),
    'a Pod that was moved': JSON.stringify({ pid: parent, host: 'elsewhere' }),
  };
  for (const [title, text] of Object.entries(cases)) {
    const path = join(scratch(t, { lock: text }), 'lock');
    const lock = await acquireLock(path);
    t.match(JSON.parse(readFileSync(path, 'utf8')), { pid: process.pid, host: hostname() }, title);
    await lock.release();
  }
});
