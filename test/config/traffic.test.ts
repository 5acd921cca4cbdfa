import { test } from 'tap';
import type { FileKind } from '../../src/config/check-clusters.ts';
import type { ConfigError } from '../../src/config/fault.ts';
import { parseSettings } from '../../src/config/load.ts';
import { codesOf, example, outcomeOf } from './example.ts';

const settingsOf = (traffic: string) => outcomeOf(example({ traffic })).loaded!.settings;

test('rate limiting is off until it is asked for, and {} asks for the defaults', async (t) => {
  t.equal(settingsOf('').rateLimit, undefined);
  t.same(settingsOf('rateLimit: {}').rateLimit, { perSecond: 100, windowSeconds: 5, slip: 2, exempt: [] });
  const exempt = settingsOf('rateLimit: { exempt: [10.0.0.0/8, "2001:DB8::1"] }').rateLimit!.exempt;
  t.same(exempt, ['10.0.0.0/8', '2001:db8::1/128']);
});

test('DNS over TLS is off until there is a certificate; paths are relative to the file', async (t) => {
  t.equal(settingsOf('').tls, undefined);
  t.same(settingsOf('tls: { certificate: tls.crt, key: /etc/tls/tls.key }').tls, {
    listen: [
      { address: '0.0.0.0', port: 853 },
      { address: '::', port: 853 },
    ],
    certificate: '/etc/fedns/tls.crt',
    key: '/etc/tls/tls.key',
  });
  t.same(settingsOf('cookies: { secretFile: secret }').cookies, {
    policy: 'offer',
    secretFile: '/etc/fedns/secret',
  });
});

test('what an operator may get wrong about clients and their traffic', async (t) => {
  const cases: readonly [string, string, string[]][] = [
    ['a network that is none', 'access: { deny: [10.0.0.0/33] }', ['BAD_NETWORK access.deny[0]']],
    ['a key of TLS alone', 'tls: { key: tls.key }', ['MISSING_KEY tls.certificate']],
    ['a policy for cookies that there is not', 'cookies: { policy: on }', ['WRONG_VALUE cookies.policy']],
    ['no connection at all', 'tcp: { connections: 0 }', ['OUT_OF_RANGE tcp.connections']],
    ['a rate of zero', 'rateLimit: { perSecond: 0 }', ['OUT_OF_RANGE rateLimit.perSecond']],
    ['an NSID that does not fit', `identity: { nsid: ${'n'.repeat(65)} }`, ['OUT_OF_RANGE identity.nsid']],
    [
      'TLS on the port of the queries',
      'listen: ["127.0.0.1:53"]\ntls: { listen: ["127.0.0.1:53"], certificate: a, key: b }',
      ['DUPLICATE_LISTEN tls.listen[0]'],
    ],
    [
      'TLS on the port of the admin address',
      'admin: 127.0.0.1:9153\ntls: { listen: ["127.0.0.1:9153"], certificate: a, key: b }',
      ['DUPLICATE_LISTEN tls.listen[0]'],
    ],
  ];
  for (const [title, traffic, codes] of cases) t.same(codesOf(example({ traffic })), codes, title);
});

/** A folder called `folder`, the manifests, and nothing else. */
function lookAt(path: string): FileKind {
  if (path === 'folder') return 'folder';
  return path.endsWith('.yaml') ? 'file' : undefined;
}

test('files that are named must be there', async (t) => {
  const files = 'cookies: { secretFile: secret }\ntls: { certificate: tls.crt, key: folder }';
  let found: string[] = [];
  try {
    parseSettings(example({ files }), { file: '/etc/fedns/fedns.yaml', lookAt });
  } catch (error) {
    found = (error as ConfigError).faults.map(({ code, path }) => `${code} ${path}`);
  }
  t.same(found, ['NO_SUCH_FILE cookies.secretFile', 'NO_SUCH_FILE tls.certificate', 'NO_SUCH_FILE tls.key']);
});
