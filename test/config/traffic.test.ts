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

test('which queries are written down, and where', async (t) => {
  const cases: readonly [string, string, string[]][] = [
    ['one of a hundred in the log', 'log: { queries: 0.01 }', []],
    ['more than all', 'log: { queries: 2 }', ['OUT_OF_RANGE log.queries']],
    ['dnstap to a socket', 'dnstap: { socket: /run/dnstap.sock }', []],
    ['dnstap over TCP, of a part', 'dnstap: { tcp: "[::1]:6000", sample: 0.5, messages: [auth-query] }', []],
    ['dnstap to nowhere', 'dnstap: { identity: a }', ['MISSING_KEY dnstap.socket']],
    ['dnstap to two places', 'dnstap: { socket: a, file: b }', ['SEVERAL_DESTINATIONS dnstap.file']],
    [
      'a path that no socket can have',
      `dnstap: { socket: /${'s'.repeat(107)} }`,
      ['SOCKET_PATH_TOO_LONG dnstap.socket'],
    ],
    [
      'messages that an authority has not',
      'dnstap: { file: a, messages: [client-query] }',
      ['WRONG_VALUE dnstap.messages[0]'],
    ],
    ['no message at all', 'dnstap: { file: a, messages: [] }', ['OUT_OF_RANGE dnstap.messages']],
  ];
  for (const [title, traffic, codes] of cases) t.same(codesOf(example({ traffic })), codes, title);
});

test('where dnstap messages go is a choice, with its path beside the configuration', async (t) => {
  const cases = [
    ['{ socket: tap.sock }', { kind: 'socket', path: '/etc/fedns/tap.sock' }],
    ['{ tcp: "192.0.2.9:6000" }', { kind: 'tcp', listen: { address: '192.0.2.9', port: 6000 } }],
    ['{ file: x.tap, keep: 1 }', { kind: 'file', path: '/etc/fedns/x.tap', octetsMax: 134_217_728, keep: 1 }],
  ] as const;
  for (const [text, to] of cases) {
    const options = { file: '/etc/fedns/fedns.yaml', lookAt };
    const { settings } = parseSettings(example({ dnstap: `dnstap: ${text}` }), options);
    t.same(settings.dnstap, { to, messages: ['auth-query', 'auth-response'], sample: 1 }, text);
  }
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
