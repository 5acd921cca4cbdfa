import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { removeLeftovers } from '../../src/state/leftovers.ts';
import { loadAdminToken } from '../../src/state/admin-token.ts';
import { openStateDirectory } from '../../src/state/layout.ts';
import { scratch } from '../support/scratch.ts';

t.test('a missing state folder is made for its owner only', async (t) => {
  const directory = join(scratch(t), 'a', 'state');
  const layout = await openStateDirectory(directory);
  t.equal(statSync(directory).mode & 0o777, 0o700);
  t.equal(layout.serial, join(directory, 'serial.json'));
});

t.test('the mode of a state folder that exists is left as it is', async (t) => {
  const directory = join(scratch(t), 'state');
  mkdirSync(directory);
  chmodSync(directory, 0o750);
  await openStateDirectory(directory);
  t.equal(statSync(directory).mode & 0o777, 0o750);
});

t.test('a state folder that cannot be made is one line', async (t) => {
  const directory = join(scratch(t, { file: '' }), 'file', 'state');
  await t.rejects(openStateDirectory(directory), { code: 'UNUSABLE', message: /^stateDir .*ENOTDIR[^\n]*$/ });
});

t.test('the admin token is made once, readable for its owner only', async (t) => {
  const path = join(scratch(t), 'admin.token');
  const token = await loadAdminToken(path);
  t.match(token, /^[\w-]{43}$/);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(await loadAdminToken(path), token);
  t.equal(readFileSync(path, 'utf8'), `${token}\n`);
});

t.test('an admin token that others can read is closed to them', async (t) => {
  const path = join(scratch(t), 'admin.token');
  writeFileSync(path, 'x'.repeat(40), { mode: 0o644 });
  t.equal(await loadAdminToken(path), 'x'.repeat(40));
  t.equal(statSync(path).mode & 0o777, 0o600);
});

t.test('a short or malformed admin token is refused', async (t) => {
  for (const text of ['', 'short', 'x'.repeat(513), `${'x'.repeat(40)} y`]) {
    const path = join(scratch(t, { 'admin.token': text }), 'admin.token');
    await t.rejects(loadAdminToken(path), { code: 'UNUSABLE', message: /delete it/ });
  }
});

t.test('what a crash left beside the files of the state folder is removed, and nothing else', async (t) => {
  const leftovers = [
    'lock.1.new',
    'lock.77.stale',
    'serial.json.2.new',
    'snapshot.ndjson.4711.new',
    'admin.token.3.new',
  ];
  const others = [
    'snapshot.ndjson',
    'lock',
    'serial.json',
    'notes.1.new',
    'snapshot.ndjson.new',
    'snapshot.ndjson.x.new',
  ];
  const directory = scratch(t, Object.fromEntries([...leftovers, ...others].map((name) => [name, 'x'])));
  const layout = await openStateDirectory(directory);
  t.strictSame((await removeLeftovers(layout)).toSorted(), leftovers.toSorted());
  t.strictSame(readdirSync(directory).toSorted(), others.toSorted());
  t.strictSame(await removeLeftovers(layout), []);
});
