import { test, type Test } from 'tap';
import { writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CookieSecretKeeper, type CookieSecretError } from '../../../src/server/policy/cookie-secret.ts';
import {
  CookieVerdict,
  createCookieMemory,
  openCookieSecrets,
  verifyCookie,
  writeCookie,
  type CookieSecrets,
} from '../../../src/server/policy/cookies.ts';
import { scratch } from '../../support/scratch.ts';

const CLIENT = Buffer.of(192, 0, 2, 1);
const NOW_SECONDS = 1_800_000_000;
const [FIRST, SECOND, THIRD] = ['11'.repeat(16), '22'.repeat(16), '33'.repeat(16)];

function make(secrets: CookieSecrets): Buffer {
  const cookie = Buffer.alloc(24);
  writeCookie(secrets, Buffer.from('clientck'), 0, CLIENT, 0, 4, NOW_SECONDS, cookie, 0);
  return cookie;
}

function isGood(secrets: CookieSecrets, cookie: Buffer): boolean {
  return verifyCookie(secrets, cookie, 0, 24, CLIENT, 0, 4, NOW_SECONDS) > CookieVerdict.unproven;
}

/** A server that reads its secrets from a file, or makes random ones. */
async function startServer(t: Test, file?: string) {
  const memory = createCookieMemory();
  const faults: CookieSecretError[] = [];
  const onFault = (error: CookieSecretError) => void faults.push(error);
  const keeper = new CookieSecretKeeper({ memory, onFault, ...(file !== undefined && { file }) });
  await keeper.start();
  t.teardown(() => keeper.stop());
  return { keeper, secrets: openCookieSecrets(memory), faults };
}

test('RFC 9018 section 5: replicas that read one secret know the cookies of each other', async (t) => {
  const file = join(scratch(t), 'secret');
  writeFileSync(file, `${FIRST}\n`);
  const one = await startServer(t, file);
  const two = await startServer(t, file);
  t.ok(isGood(two.secrets, make(one.secrets)));
  t.notOk(
    isGood((await startServer(t)).secrets, make(one.secrets)),
    'a stranger with a random secret does not',
  );
});

test('a replica that has the new secret already and one that has not still know each other', async (t) => {
  const dir = scratch(t);
  const [early, late] = [join(dir, 'early'), join(dir, 'late')];
  writeFileSync(early, `${SECOND}\n${FIRST}\n`);
  writeFileSync(late, FIRST);
  const one = await startServer(t, early);
  const two = await startServer(t, late);
  t.ok(isGood(one.secrets, make(two.secrets)));
  t.notOk(
    isGood(two.secrets, make(one.secrets)),
    'so the old secret is to be kept as current until all have the new',
  );
  writeFileSync(late, `${FIRST}\n${SECOND}`);
  await two.keeper.reload();
  t.ok(isGood(two.secrets, make(one.secrets)), 'or the new one is given as second first');
});

test('a change of the file keeps the cookies made before it good', async (t) => {
  const file = join(scratch(t), 'secret');
  writeFileSync(file, FIRST);
  const { keeper, secrets } = await startServer(t, file);
  const old = make(secrets);
  writeFileSync(file, SECOND);
  await keeper.reload();
  t.ok(isGood(secrets, old));
  writeFileSync(file, THIRD);
  await keeper.reload();
  t.notOk(isGood(secrets, old));
});

test('a file that holds no secret is reported once, and the secrets stay', async (t) => {
  const file = join(scratch(t), 'secret');
  writeFileSync(file, FIRST);
  const { keeper, secrets, faults } = await startServer(t, file);
  const cookie = make(secrets);
  for (const content of ['', 'secret', FIRST.slice(1), `${FIRST}\n${SECOND}\n${THIRD}`]) {
    writeFileSync(file, content);
    await keeper.reload();
    await keeper.reload();
  }
  rmSync(file);
  await keeper.reload();
  t.equal(faults.length, 2, 'one for its content, one for its absence');
  t.ok(isGood(secrets, cookie));
  await t.rejects(startServer(t, file), { code: 'BAD_COOKIE_SECRET', message: 'ENOENT' });
});

test('a random secret is rolled without a cookie losing its worth at once', async (t) => {
  const { keeper, secrets } = await startServer(t);
  const cookie = make(secrets);
  keeper.roll();
  t.ok(isGood(secrets, cookie));
  keeper.roll();
  t.notOk(isGood(secrets, cookie));
});
