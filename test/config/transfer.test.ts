import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { ConfigError, formatFault } from '../../src/config/fault.ts';
import { loadSettings } from '../../src/config/load.ts';
import { codesOf, example, outcomeOf } from './example.ts';

const SECRET = 'AAECAwQFBgcICQoLDA0ODw==';
const KEY = '{ name: K1.example, secretFile: k1 }';

const transfer = (text: string): string => example({ transfer: `transfer: ${text}` });

test('transfers are off until they are asked for; names and addresses are in canonical form, paths relative to the file', async (t) => {
  t.equal(outcomeOf(example()).loaded!.settings.transfer, undefined);
  const text = `{ keys: [${KEY}], allow: [{ networks: ["2001:DB8::/32"], key: k1.EXAMPLE. }], notify: ["192.0.2.1:53", { address: "[2001:DB8::1]:53", key: k1.example }] }`;
  t.same(outcomeOf(transfer(text)).loaded!.settings.transfer, {
    keys: [{ name: 'k1.example', algorithm: 'hmac-sha256', secretFile: '/etc/fedns/k1' }],
    allow: [{ networks: ['2001:db8::/32'], key: 'k1.example' }],
    notify: [
      { address: '192.0.2.1', port: 53 },
      { address: '2001:db8::1', port: 53, key: 'k1.example' },
    ],
    notifyDelayMs: 500,
    journalOctets: 67_108_864,
    transfers: 10,
    tls: 'allow',
    standby: false,
  });
});

test('what an operator may get wrong about transfers', async (t) => {
  const cases: readonly [string, string, string[]][] = [
    ['networks alone', '{ allow: [{ networks: [10.0.0.0/8] }] }', []],
    ['a key alone', `{ keys: [${KEY}], allow: [{ key: k1.example }] }`, []],
    ['a rule for everybody', '{ allow: [{}] }', ['TRANSFER_OPEN transfer.allow[0]']],
    ['a key that is not there', '{ allow: [{ key: k2 }] }', ['UNKNOWN_KEY_NAME transfer.allow[0].key']],
    [
      'a secondary with such a key',
      '{ notify: [{ address: "192.0.2.1:53", key: k2 }] }',
      ['UNKNOWN_KEY_NAME transfer.notify[0].key'],
    ],
    ['two keys of one name', `{ keys: [${KEY}, ${KEY}] }`, ['DUPLICATE_KEY_NAME transfer.keys[1].name']],
    [
      'SHA-1 (RFC 8945 section 6)',
      '{ keys: [{ name: k1, algorithm: hmac-sha1, secretFile: k1 }] }',
      ['WRONG_VALUE transfer.keys[0].algorithm'],
    ],
    [
      'the secret itself in the file',
      `{ keys: [{ name: k1, secret: "${SECRET}" }] }`,
      ['MISSING_KEY transfer.keys[0].secretFile', 'UNKNOWN_KEY transfer.keys[0].secret'],
    ],
    ['TLS that is off', '{ tls: require }', ['MISSING_KEY transfer.tls']],
    ['a catalog in the domain', '{ catalog: cat.example.com }', ['CATALOG_IN_DOMAIN transfer.catalog']],
    ['a catalog above the domain', '{ catalog: com }', ['CATALOG_IN_DOMAIN transfer.catalog']],
    ['a catalog beside it', '{ catalog: catalog.invalid }', []],
    ['a secondary without a port', '{ notify: ["192.0.2.1"] }', ['WRONG_VALUE transfer.notify[0]']],
    ['a journal that holds nothing', '{ journalOctets: 1 }', ['OUT_OF_RANGE transfer.journalOctets']],
  ];
  for (const [title, text, codes] of cases)
    t.same(codesOf(transfer(text)).toSorted(), codes.toSorted(), title);
});

test('a secret that others can read, or that is none, is a fault with file, line and key, and is not shown', async (t) => {
  const folder = t.testdir({ 'one.yaml': '' });
  const file = join(folder, 'fedns.yaml');
  await writeFile(file, transfer('\n  keys:\n    - name: k1\n      secretFile: k1\n'));
  const faultOf = async (content: string, mode: number): Promise<string> => {
    await writeFile(join(folder, 'k1'), content);
    await chmod(join(folder, 'k1'), mode);
    try {
      loadSettings(file);
      return '';
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.faults.map((fault) => formatFault(fault).replaceAll(folder, '')).join('\n');
    }
  };
  const cases: readonly [string, string, number, string][] = [
    ['a good one', `${SECRET}\n`, 0o600, ''],
    ['one that a volume of a Pod has', SECRET, 0o440, ''],
    [
      'everybody may read it',
      SECRET,
      0o644,
      '/fedns.yaml:11:19: transfer.keys[0].secretFile: /k1 has mode 0644, others may get at the secret (chmod 0600 k1)',
    ],
    [
      'the group may write it',
      SECRET,
      0o660,
      '/fedns.yaml:11:19: transfer.keys[0].secretFile: /k1 has mode 0660, others may get at the secret (chmod 0600 k1)',
    ],
    [
      'text',
      'not base64!',
      0o600,
      '/fedns.yaml:11:19: transfer.keys[0].secretFile: /k1 does not hold one line of base64',
    ],
    [
      'base64 with a letter too many',
      `${SECRET}A`,
      0o600,
      '/fedns.yaml:11:19: transfer.keys[0].secretFile: /k1 does not hold one line of base64',
    ],
    [
      'few octets',
      'AAEC',
      0o600,
      '/fedns.yaml:11:19: transfer.keys[0].secretFile: the secret in /k1 has 3 octets, at least 16 are needed',
    ],
  ];
  for (const [title, content, mode, expected] of cases) {
    const message = await faultOf(content, mode);
    t.equal(message, expected, title);
    t.notMatch(message, /AAEC|not base64!/, 'nothing of the content is shown');
  }
});
