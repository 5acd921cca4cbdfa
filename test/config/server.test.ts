import { test } from 'tap';
import { codesOf, example } from './example.ts';

test('the TTL of degraded levels is at most the full one', async (t) => {
  for (const [ttlDegraded, codes] of [
    [0, []],
    [180, []],
    [181, ['OUT_OF_RANGE ttlDegraded']],
  ] as const)
    t.same(codesOf(example({ ttl: `ttl: 180\nttlDegraded: ${ttlDegraded}` })), codes, `${ttlDegraded}`);
});

test('name servers', async (t) => {
  const cases: { title: string; list: string; codes: string[] }[] = [
    { title: 'outside the domain without addresses', list: '{ name: ns.example.net }', codes: [] },
    {
      title: 'outside the domain with addresses',
      list: '{ name: ns.example.net, addresses: [192.0.2.1] }',
      codes: ['NAMESERVER_ADDRESS_OUTSIDE nameservers[0].addresses'],
    },
    {
      title: 'RFC 1034 4.2.1: in the domain without addresses',
      list: '{ name: ns1.example.com }',
      codes: ['NAMESERVER_NEEDS_ADDRESS nameservers[0]'],
    },
    {
      title: 'in the domain with a broken address',
      list: '{ name: ns1.example.com, addresses: [192.0.2.256] }',
      codes: ['BAD_ADDRESS nameservers[0].addresses[0]'],
    },
    {
      title: 'in the domain with an address and port',
      list: '{ name: ns1.example.com, addresses: ["192.0.2.1:53"] }',
      codes: ['BAD_ADDRESS nameservers[0].addresses[0]'],
    },
    { title: 'the domain itself', list: '{ name: example.com, addresses: [192.0.2.1] }', codes: [] },
    {
      title: 'named twice',
      list: '{ name: ns.example.net }, { name: NS.example.net }',
      codes: ['DUPLICATE_NAMESERVER nameservers[1].name'],
    },
    {
      title: 'one address twice',
      list: '{ name: ns.example.com, addresses: ["::1", "0::1"] }',
      codes: ['DUPLICATE_NAMESERVER nameservers[0].addresses[1]'],
    },
  ];
  for (const { title, list, codes } of cases) {
    t.same(codesOf(example({ nameservers: `nameservers: [${list}]` })), codes, title);
  }
});

test('listeners', async (t) => {
  const cases: { title: string; part: string; codes: string[] }[] = [
    { title: 'both families', part: 'listen: ["0.0.0.0:53", "[::]:53"]', codes: [] },
    { title: 'ports chosen by the system', part: 'listen: ["127.0.0.1:0", "127.0.0.1:0"]', codes: [] },
    {
      title: 'the same twice',
      part: 'listen: ["[::1]:53", "[0::1]:53"]',
      codes: ['DUPLICATE_LISTEN listen[1]'],
    },
    {
      title: 'an address beside the wildcard',
      part: 'listen: ["127.0.0.1:53", "0.0.0.0:53"]',
      codes: ['LISTEN_OVERLAP listen[0]'],
    },
    { title: 'an address beside the other wildcard', part: 'listen: ["127.0.0.1:53", "[::]:53"]', codes: [] },
    {
      title: 'admin where queries are taken',
      part: 'listen: ["127.0.0.1:53"]\nadmin: 127.0.0.1:53',
      codes: ['ADMIN_IS_LISTEN admin'],
    },
    { title: 'admin below the wildcard', part: 'admin: "[::1]:53"', codes: ['ADMIN_IS_LISTEN admin'] },
    { title: 'admin on another port', part: 'admin: "[::1]:9153"', codes: [] },
    { title: 'admin on port 0', part: 'listen: ["127.0.0.1:0"]\nadmin: 127.0.0.1:0', codes: [] },
  ];
  for (const { title, part, codes } of cases) t.same(codesOf(example({ part })), codes, title);
});
