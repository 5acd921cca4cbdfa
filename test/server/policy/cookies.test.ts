import { test } from 'tap';
import {
  COOKIE_OCTETS,
  CookieVerdict,
  createCookieMemory,
  openCookieSecrets,
  rollCookieSecret,
  verifyCookie,
  writeCookie,
} from '../../../src/server/policy/cookies.ts';
import { parseAddress } from '../../../src/zonebuilder/ip-text.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** RFC 9018 appendix A: the same secret in A.1 to A.3, another in A.4. */
const SECRET = hex('e5e973e5a6b2a43f48e7dc849e37bfcf');
const SECRET_A4 = hex('dd3bdf9344b678b185a6f5cb60fca715');
const SECRET_A4_NEXT = hex('445536bcd2513298075a5d379663c962');

function secretsOf(...rolled: Buffer[]) {
  const secrets = openCookieSecrets(createCookieMemory());
  for (const secret of rolled) rollCookieSecret(secrets, secret);
  return secrets;
}

type Secrets = ReturnType<typeof secretsOf>;

function verdict(secrets: Secrets, option: Buffer, client: string, nowSeconds: number): CookieVerdict {
  const address = parseAddress(client)!;
  // Neighbours on both sides: nothing outside the option is read as part of it.
  const query = Buffer.concat([Buffer.alloc(5, 0xee), option, Buffer.alloc(40, 0xee)]);
  return verifyCookie(secrets, query, 5, option.length, address, 0, address.length, nowSeconds);
}

function made(secrets: Secrets, clientCookie: Buffer, client: string, nowSeconds: number): Buffer {
  const address = parseAddress(client)!;
  const reply = Buffer.alloc(COOKIE_OCTETS + 2, 0xee);
  writeCookie(secrets, clientCookie, 0, address, 0, address.length, nowSeconds, reply, 1);
  return reply.subarray(1, 1 + COOKIE_OCTETS);
}

test('RFC 9018 A.1: a client that learns a new server cookie', async (t) => {
  const cookie = made(secretsOf(SECRET), hex('2464c4abcf10c957'), '198.51.100.100', 1559731985);
  t.equal(cookie.toString('hex'), '2464c4abcf10c957010000005cf79f111f8130c3eee29480');
  t.equal(verdict(secretsOf(SECRET), cookie, '198.51.100.100', 1559731985), CookieVerdict.valid);
});

test('RFC 9018 A.2: the same client, 40 minutes later, gets its cookie renewed', async (t) => {
  const secrets = secretsOf(SECRET);
  const old = hex('2464c4abcf10c957 01000000 5cf79f11 1f8130c3eee29480');
  t.equal(verdict(secrets, old, '198.51.100.100', 1559734385), CookieVerdict.aging);
  t.equal(
    made(secrets, old, '198.51.100.100', 1559734385).toString('hex'),
    '2464c4abcf10c957010000005cf7a871d4a564a1442aca77',
  );
});

test('RFC 9018 A.3: another client with reserved octets set, hashed as they came, renewed with zeros', async (t) => {
  const secrets = secretsOf(SECRET);
  const cookie = hex('fc93fc62807ddb86 01abcdef 5cf78f71 a314227b6679ebf5');
  t.equal(verdict(secrets, cookie, '203.0.113.203', 1559727985), CookieVerdict.valid);
  t.equal(
    made(secrets, cookie, '203.0.113.203', 1559734700).toString('hex'),
    'fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e',
  );
});

test('RFC 9018 A.4: an IPv6 client whose cookie was made under the previous secret', async (t) => {
  const secrets = secretsOf(SECRET_A4, SECRET_A4_NEXT);
  const cookie = hex('22681ab97d52c298 01000000 5cf7c57926556bd0934c72f8');
  const client = '2001:db8:220:1:59de:d0f4:8769:82b8';
  t.equal(verdict(secrets, cookie, client, 1559741961), CookieVerdict.aging);
  t.equal(
    made(secrets, cookie, client, 1559741961).toString('hex'),
    '22681ab97d52c298010000005cf7c609a6bb79d16625507a',
  );
  t.equal(verdict(secretsOf(SECRET_A4_NEXT), cookie, client, 1559741961), CookieVerdict.unproven);
});

test('RFC 9018 section 4.3: a server cookie is bound to client cookie, address, time and secret', async (t) => {
  const secrets = secretsOf(SECRET);
  const at = 1_800_000_000;
  const mine = made(secrets, hex('0102030405060708'), '192.0.2.1', at);
  const changed = (index: number) => {
    const copy = Buffer.from(mine);
    copy[index] = copy[index]! ^ 1;
    return copy;
  };
  const cases: readonly [string, Secrets, Buffer, string, number, CookieVerdict][] = [
    ['as it was made', secrets, mine, '192.0.2.1', at, CookieVerdict.valid],
    ['30 minutes old', secrets, mine, '192.0.2.1', at + 1800, CookieVerdict.valid],
    ['over 30 minutes old', secrets, mine, '192.0.2.1', at + 1801, CookieVerdict.aging],
    ['an hour old', secrets, mine, '192.0.2.1', at + 3600, CookieVerdict.aging],
    ['over an hour old', secrets, mine, '192.0.2.1', at + 3601, CookieVerdict.unproven],
    ['5 minutes ahead', secrets, mine, '192.0.2.1', at - 300, CookieVerdict.valid],
    ['over 5 minutes ahead', secrets, mine, '192.0.2.1', at - 301, CookieVerdict.unproven],
    ['replayed from another address', secrets, mine, '192.0.2.2', at, CookieVerdict.unproven],
    ['replayed from an IPv6 address', secrets, mine, '::ffff:192.0.2.1', at, CookieVerdict.unproven],
    ['under a secret not known', secretsOf(SECRET_A4), mine, '192.0.2.1', at, CookieVerdict.unproven],
    ['with another client cookie', secrets, changed(0), '192.0.2.1', at, CookieVerdict.unproven],
    ['of another version', secrets, changed(8), '192.0.2.1', at, CookieVerdict.unproven],
    ['with a reserved octet changed', secrets, changed(9), '192.0.2.1', at, CookieVerdict.unproven],
    ['with its time changed', secrets, changed(15), '192.0.2.1', at, CookieVerdict.unproven],
    ['with its hash changed', secrets, changed(23), '192.0.2.1', at, CookieVerdict.unproven],
  ];
  for (const [title, jar, cookie, client, now, expected] of cases) {
    t.equal(verdict(jar, cookie, client, now), expected, title);
  }
});

test('RFC 9018 section 4.3: ages are counted across the wrap of the 32-bit clock', async (t) => {
  const secrets = secretsOf(SECRET);
  const before = made(secrets, hex('0102030405060708'), '192.0.2.1', 2 ** 32 - 10);
  t.equal(verdict(secrets, before, '192.0.2.1', 2 ** 32 + 10), CookieVerdict.valid);
  t.equal(verdict(secrets, before, '192.0.2.1', 2 ** 32 + 4000), CookieVerdict.unproven);
});

test('RFC 7873 section 5.2.2: an option of 8 or of 16 to 40 octets is well formed, no other', async (t) => {
  const secrets = secretsOf(SECRET);
  for (let length = 0; length <= 64; length++) {
    const expected =
      length === 8 || (length >= 16 && length <= 40) ? CookieVerdict.unproven : CookieVerdict.malformed;
    t.equal(
      verdict(secrets, Buffer.alloc(length, 1), '192.0.2.1', 1_800_000_000),
      expected,
      `${length} octets`,
    );
  }
});

test('a cookie stays good over one roll of the secret and not over two', async (t) => {
  const secrets = secretsOf(SECRET);
  for (let roll = 0; roll < 10; roll++) {
    const cookie = made(secrets, hex('0102030405060708'), '192.0.2.1', 1_800_000_000);
    const check = () => verdict(secrets, cookie, '192.0.2.1', 1_800_000_000);
    t.equal(check(), CookieVerdict.valid);
    rollCookieSecret(secrets, Buffer.alloc(16, roll));
    t.equal(check(), CookieVerdict.aging, 'renewed before the previous secret goes');
    rollCookieSecret(secrets, Buffer.alloc(16, roll + 100));
    t.equal(check(), CookieVerdict.unproven);
  }
});

test('what one worker makes, another accepts; random secrets of two servers differ', async (t) => {
  const memory = createCookieMemory();
  const cookie = made(openCookieSecrets(memory), hex('0102030405060708'), '192.0.2.1', 1_800_000_000);
  t.equal(verdict(openCookieSecrets(memory), cookie, '192.0.2.1', 1_800_000_000), CookieVerdict.valid);
  t.equal(verdict(secretsOf(), cookie, '192.0.2.1', 1_800_000_000), CookieVerdict.unproven);
});
