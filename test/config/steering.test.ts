import { test } from 'tap';
import { codesOf, example, outcomeOf } from './example.ts';

const steering = (text: string): string => example({ steering: `steering: ${text}` });

test('how replicas drain together', (t) => {
  const cases: readonly (readonly [string, string, unknown])[] = [
    ['nothing', '{}', { peers: [] }],
    [
      'a ConfigMap of the cluster that fedns runs in',
      '{ configMap: { namespace: dns, name: fedns-drains } }',
      { peers: [], configMap: { namespace: 'dns', name: 'fedns-drains', origin: { kind: 'inCluster' } } },
    ],
    [
      'of another, with a path relative to the file',
      '{ configMap: { namespace: dns, name: d, kubeconfig: { path: ./host } } }',
      { configMap: { origin: { kind: 'kubeconfig', path: '/etc/fedns/host', allowInsecure: false } } },
    ],
    [
      'peers by name and address',
      '{ peers: ["Fedns.Example.:9153", "192.0.2.1:1", "[2001:DB8::1]:9153"] }',
      {
        peers: [
          { host: 'fedns.example', port: 9153 },
          { host: '192.0.2.1', port: 1 },
          { host: '2001:db8::1', port: 9153 },
        ],
      },
    ],
  ];
  for (const [title, text, expected] of cases)
    t.match(outcomeOf(steering(text)).loaded?.settings.steering, expected as object, title);
  t.match(outcomeOf(example()).loaded?.settings.steering, { peers: [] }, 'left out');
  const faulty: readonly (readonly [string, string, readonly string[]])[] = [
    ['a key misspelt', '{ configmap: {} }', ['UNKNOWN_KEY steering.configmap']],
    ['no name', '{ configMap: { namespace: dns } }', ['MISSING_KEY steering.configMap.name']],
    [
      'a name with a slash',
      '{ configMap: { namespace: dns, name: a/b } }',
      ['BAD_LABEL steering.configMap.name'],
    ],
    ['a peer without a port', '{ peers: [fedns.example] }', ['BAD_LISTEN steering.peers[0]']],
    ['a peer at port 0', '{ peers: ["fedns.example:0"] }', ['BAD_LISTEN steering.peers[0]']],
    ['a peer at port 65536', '{ peers: ["192.0.2.1:65536"] }', ['BAD_LISTEN steering.peers[0]']],
    ['a URL', '{ peers: ["http://fedns.example:9153"] }', ['BAD_LISTEN steering.peers[0]']],
  ];
  for (const [title, text, codes] of faulty) t.same(codesOf(steering(text)), codes, title);
  t.end();
});
