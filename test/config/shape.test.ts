import { test } from 'tap';
import { codesOf, example, outcomeOf, printed, withClusters } from './example.ts';

test('all faults are listed at once, each with line, column, path and fix', async (t) => {
  const text = [
    'domain: exämple.com', // 1
    'nameservers: [{ name: ns.example.net }]',
    'listen: 127.0.0.1',
    'ttl: 3m',
    'negativTtl: 4', // 5
    'graceSeconds: 3',
    'workers: 0',
    'federations: [{ name: fed, select: lable }, { name: fed }]',
    'clusters:',
    '  - name: a_b', // 10
    '    inCluster: true',
    '  - name: one',
    '    region: 7',
    '    manifest: ./one',
    '    clients: [10.0.0.1/8]', // 15
    'log:',
  ].join('\n');
  t.same(printed(text), [
    '1:9: domain: exämple.com is not in ASCII (its DNS form is xn--exmple-cua.com)',
    '3:9: listen: must be a list, not "127.0.0.1" (as a list: [127.0.0.1])',
    '4:6: ttl: must be a number, not "3m" (in seconds: 180)',
    '5:1: negativTtl: unknown key negativTtl (did you mean negativeTtl?)',
    '6:1: graceSeconds: unknown key graceSeconds (graceSeconds belongs to outage)',
    '7:10: workers: must be at least 1',
    '8:36: federations[0].select: must be one of label, export, all, not "lable" (did you mean label?)',
    '8:53: federations[1].name: federations[0] is called fed, too',
    '10:11: clusters[0].name: "a_b" is no DNS label of letters, digits and hyphens (for example a-b)',
    '13:13: clusters[1].region: must be text, not 7 (in quotes: "7")',
    '14:5: clusters[1].manifest: unknown key manifest (did you mean manifests?)',
    '15:15: clusters[1].clients[0]: 10.0.0.1/8 has bits set behind its prefix (the network is 10.0.0.0/8)',
    '16:5: log: must be a mapping of keys to values, not nothing',
  ]);
});

test('mandatory keys', async (t) => {
  t.same(printed('ttl: 5'), [
    '1:1: domain: domain is missing',
    '1:1: nameservers: nameservers is missing',
    '1:1: federations: federations is missing',
    '1:1: clusters: clusters is missing',
  ]);
  t.same(codesOf(example({ federations: 'federations: []' })), ['OUT_OF_RANGE federations']);
  t.same(codesOf(example({ nameservers: 'nameservers: []' })), ['OUT_OF_RANGE nameservers']);
  t.same(codesOf(example({ clusters: 'clusters: []' })), ['NO_CLUSTER clusters']);
  t.same(codesOf(example({ clusters: 'clusters: []', s: 'clusterSecrets: { namespace: fedns }' })), []);
  t.same(codesOf(example({ geoip: 'geoip: {}' })), ['MISSING_KEY geoip.databases']);
});

const CASES: readonly { title: string; part: string; codes: string[] }[] = [
  { title: 'RFC 2181 8: the largest TTL', part: 'ttl: 2147483647', codes: [] },
  { title: 'RFC 2181 8: a larger TTL', part: 'ttl: 2147483648', codes: ['OUT_OF_RANGE ttl'] },
  { title: 'a TTL of zero', part: 'ttl: 0', codes: [] },
  { title: 'a negative TTL', part: 'negativeTtl: -1', codes: ['OUT_OF_RANGE negativeTtl'] },
  { title: 'a broken TTL', part: 'apexTtl: 1.5', codes: ['WRONG_TYPE apexTtl'] },
  { title: 'payload of 4096 octets', part: 'udpPayloadMax: 4096', codes: [] },
  { title: 'payload below 512 octets', part: 'udpPayloadMax: 511', codes: ['OUT_OF_RANGE udpPayloadMax'] },
  { title: 'workers: auto', part: 'workers: auto', codes: [] },
  { title: 'workers: many', part: 'workers: many', codes: ['WRONG_VALUE workers'] },
  { title: 'pinned workers', part: 'pinWorkers: true', codes: [] },
  { title: 'workers pinned to CPUs by number', part: 'pinWorkers: [0, 1]', codes: ['WRONG_TYPE pinWorkers'] },
  { title: 'transport: batch', part: 'transport: batch', codes: [] },
  { title: 'transport: fast', part: 'transport: fast', codes: ['WRONG_VALUE transport'] },
  { title: 'nothing healthy: lastKnown', part: 'whenNoneHealthy: lastKnown', codes: [] },
  {
    title: 'nothing healthy: lastknown',
    part: 'whenNoneHealthy: lastknown',
    codes: ['WRONG_VALUE whenNoneHealthy'],
  },
  { title: 'a state folder', part: 'stateDir: /var/lib/fedns', codes: [] },
  { title: 'an empty state folder', part: 'stateDir: ""', codes: ['OUT_OF_RANGE stateDir'] },
  { title: 'state: true', part: 'stateDir: true', codes: ['WRONG_VALUE stateDir'] },
  { title: 'a port that is none', part: 'listen: ["127.0.0.1:65536"]', codes: ['BAD_LISTEN listen[0]'] },
  { title: 'a host name to listen on', part: 'listen: ["localhost:53"]', codes: ['BAD_LISTEN listen[0]'] },
  { title: 'IPv6 without brackets', part: 'listen: ["::1:53"]', codes: ['BAD_LISTEN listen[0]'] },
  { title: 'IPv4 in brackets', part: 'listen: ["[127.0.0.1]:53"]', codes: ['BAD_LISTEN listen[0]'] },
  { title: 'no listen entry', part: 'listen: []', codes: ['OUT_OF_RANGE listen'] },
  { title: 'an admin port only', part: 'admin: :9153', codes: ['BAD_LISTEN admin'] },
  { title: 'a resolver by name', part: 'resolvers: [dns.google]', codes: ['BAD_LISTEN resolvers[0]'] },
  { title: 'a mail address', part: 'hostmaster: hostmaster@example.com', codes: [] },
  { title: 'two @', part: 'hostmaster: a@b@example.com', codes: ['BAD_MAILBOX hostmaster'] },
  {
    title: 'a mail address with a blank',
    part: 'hostmaster: "a\\tb@example.com"',
    codes: ['BAD_NAME hostmaster'],
  },
  { title: 'grace of a day', part: 'outage: { graceSeconds: 86400 }', codes: [] },
  { title: 'the whole as a fraction', part: 'outage: { failStaticAbove: 1 }', codes: [] },
  {
    title: 'a percentage',
    part: 'outage: { failStaticAbove: 50 }',
    codes: ['OUT_OF_RANGE outage.failStaticAbove'],
  },
  { title: 'an own prototype', part: '__proto__: { ttl: 3 }', codes: ['UNKNOWN_KEY __proto__'] },
];

test('values and ranges', async (t) => {
  for (const { title, part, codes } of CASES) t.same(codesOf(example({ part })), codes, title);
});

test('the domain is a proper name', async (t) => {
  const cases: [string, string[]][] = [
    ['federation.internal', []],
    ['_x.example.com', []],
    ['"."', ['BAD_NAME domain']],
    ['""', ['BAD_NAME domain']],
    ['a..b', ['BAD_NAME domain']],
    ['.example.com', ['BAD_NAME domain']],
    ['192.0.2.1', ['BAD_NAME domain']],
    ['"*.example.com"', ['BAD_NAME domain']],
    ['-a.example.com', ['BAD_NAME domain']],
    ['exa mple.com', ['BAD_NAME domain']],
    [`${'a'.repeat(64)}.com`, ['BAD_NAME domain']],
    [`${'a.'.repeat(127)}com`, ['BAD_NAME domain']],
    ['federation', ['SINGLE_LABEL_DOMAIN domain']],
  ];
  for (const [domain, codes] of cases) {
    const text = example({
      domain: `domain: ${domain}`,
      nameservers: 'nameservers: [{ name: ns.example.net }]',
    });
    t.same(codesOf(text), codes, domain);
  }
});

test('networks and labels of clusters', async (t) => {
  const cases: [string, string[]][] = [
    ['clients: [10.0.0.0/8, "2001:db8::/32", 192.0.2.1]', []],
    ['clients: []', []],
    ['clients: [10.0.0.0/33]', ['BAD_NETWORK clusters[0].clients[0]']],
    ['clients: [10.0.0.0/]', ['BAD_NETWORK clusters[0].clients[0]']],
    ['clients: [10.0.0.0/8/8]', ['BAD_NETWORK clusters[0].clients[0]']],
    ['clients: ["2001:db8::1/32"]', ['BAD_NETWORK clusters[0].clients[0]']],
    ['clients: [all]', ['BAD_NETWORK clusters[0].clients[0]']],
    ['addresses: { deny: [10.1.0.0/8] }', ['BAD_NETWORK clusters[0].addresses.deny[0]']],
    ['hostnames: { allow: [elb.amazonaws.com] }', []],
    ['hostnames: { allow: ["*.amazonaws.com"] }', ['BAD_NAME clusters[0].hostnames.allow[0]']],
    ['namespaces: { allow: [web_1] }', ['BAD_LABEL clusters[0].namespaces.allow[0]']],
    ['region: us.east', ['BAD_LABEL clusters[0].region']],
    ['zones: [-a]', ['BAD_LABEL clusters[0].zones[0]']],
    ['zones: []', ['OUT_OF_RANGE clusters[0].zones']],
    ['limits: { objects: 0 }', ['OUT_OF_RANGE clusters[0].limits.objects']],
    ['publish: clusterIP', []],
  ];
  for (const [part, codes] of cases) {
    t.same(codesOf(withClusters(`name: a, inCluster: true, ${part}`)), codes, part);
  }
});

test('a fault in one list entry does not hide or displace faults in others', async (t) => {
  const text = withClusters(
    'name: bad_name, inCluster: true',
    'name: b, region: svc, manifests: ./b',
    'name: b, inCluster: yes',
  );
  t.same(
    outcomeOf(text).faults.map(({ line, path, code }) => [line, path, code]),
    [
      [7, 'clusters[0].name', 'BAD_LABEL'],
      [8, 'clusters[1].region', 'RESERVED_NAME'],
      [9, 'clusters[2].name', 'DUPLICATE_CLUSTER'],
      [9, 'clusters[2].inCluster', 'WRONG_VALUE'],
    ],
  );
});
