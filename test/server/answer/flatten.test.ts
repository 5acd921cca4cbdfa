/** Flat Services: a level without a healthy shard answers with the addresses of the level above in place of an alias to it. */
import t from 'tap';
import { ROW_VALUES } from '../../../src/geo/network-tree.ts';
import { explain } from '../../../src/zonebuilder/explain.ts';
import { listRecords } from '../../../src/zonebuilder/records.ts';
import type { Federation, FederationOptions } from '../../support/federation.ts';
import { makeFederation } from '../../support/federation.ts';
import { geoPolicy, makeTables } from '../../support/geo.ts';
import { lines, makeQuery, readMessage, type Message } from '../../support/message.ts';

const HTTP = { name: 'http', protocol: 'tcp', port: 80 } as const;
const EU_HTTP = { name: 'web', protocol: 'tcp', port: 8080 } as const;

const region = (name: string) => ({ kind: 'region', region: name }) as const;

/** us has one zone up and one down, eu is down in its only zone. */
function makeWorld(options: FederationOptions = {}): Federation {
  const f = makeFederation({ flatten: true, ...options });
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'us', ['us2']);
  f.cluster('c3', 'eu', ['eu1']);
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'], ttlSeconds: 60, ports: [HTTP] });
  f.shard('c2', 's.n.f', { addresses: ['192.0.2.2', '2001:db8::2'], ready: false, ports: [HTTP] });
  f.shard('c3', 's.n.f', { addresses: ['192.0.2.3'], ready: false, ports: [HTTP, EU_HTTP] });
  return f;
}

function summary({ rcode, answer }: Message): string {
  return [rcode, ...lines(answer).map((line) => line.replaceAll('.example.com', ''))].join(' | ');
}

const flat = makeWorld();
const CASES: readonly (readonly [title: string, name: string, type: string, expected: string])[] = [
  [
    'a level with a healthy shard is as ever',
    's.n.f.svc.us1.us',
    'A',
    'NOERROR | s.n.f.svc.us1.us A 192.0.2.1',
  ],
  [
    'a zone without one has the addresses of its region',
    's.n.f.svc.us2.us',
    'A',
    'NOERROR | s.n.f.svc.us2.us A 192.0.2.1',
  ],
  ['so has its short name', 's.n.f.svc.us2', 'A', 'NOERROR | s.n.f.svc.us2 A 192.0.2.1'],
  [
    'a region without one has those of the global name',
    's.n.f.svc.eu',
    'A',
    'NOERROR | s.n.f.svc.eu A 192.0.2.1',
  ],
  ['and a zone of it, two levels up', 's.n.f.svc.eu1.eu', 'A', 'NOERROR | s.n.f.svc.eu1.eu A 192.0.2.1'],
  ['the level above decides for both families', 's.n.f.svc.us2.us', 'AAAA', 'NOERROR'],
  ['there is no alias to be asked for', 's.n.f.svc.us2.us', 'CNAME', 'NOERROR'],
  ['ANY is answered with the addresses', 's.n.f.svc.eu', 'ANY', 'NOERROR | s.n.f.svc.eu A 192.0.2.1'],
  ['other types are NODATA', 's.n.f.svc.eu', 'TXT', 'NOERROR'],
  [
    'a port leads to a level that has it, and never to an alias',
    '_http._tcp.s.n.f.svc.us2.us',
    'SRV',
    'NOERROR | _http._tcp.s.n.f.svc.us2.us SRV 0 100 80 s.n.f.svc.us.',
  ],
  [
    'a port that no healthy shard has is an alias up to the name that says so',
    '_web._tcp.s.n.f.svc.eu',
    'SRV',
    'NOERROR | _web._tcp.s.n.f.svc.eu CNAME _web._tcp.s.n.f.svc.',
  ],
  ['a place that is not known stays unknown', 's.n.f.svc.mars', 'A', 'NXDOMAIN'],
  ['the name of one cluster has what that has', 'c2.s.n.f.svc', 'A', 'NOERROR'],
];

for (const [title, name, type, expected] of CASES)
  t.test(title, (t) => {
    t.equal(summary(flat.ask(`${name}.example.com`, type)), expected);
    t.end();
  });

t.test('health decides from one answer to the next', (t) => {
  const f = makeWorld();
  const ask = (): string => summary(f.ask('s.n.f.svc.us2.us.example.com', 'A'));
  f.shard('c2', 's.n.f', { addresses: ['192.0.2.2'], ready: true });
  t.equal(ask(), 'NOERROR | s.n.f.svc.us2.us A 192.0.2.2', 'its own, once there is one');
  f.shard('c2', 's.n.f', { addresses: ['192.0.2.2'], ready: false });
  f.shard('c3', 's.n.f', { addresses: ['192.0.2.3'], ready: true });
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'], ready: false });
  t.equal(ask(), 'NOERROR | s.n.f.svc.us2.us A 192.0.2.3', 'that of the other region, once its own has none');
  f.shard('c3', 's.n.f', { addresses: ['192.0.2.3'], ready: false });
  const down = f.ask('s.n.f.svc.us2.us.example.com', 'A');
  const chain = 's.n.f.svc.us CNAME s.n.f.svc. | s.n.f.svc.us2.us CNAME s.n.f.svc.us.';
  t.equal(
    summary(down),
    `NOERROR | ${chain}`,
    'with nothing to answer with it is an alias, as of any Service',
  );
  t.strictSame(
    down.authority.map(({ ttl }) => ttl),
    [15],
    'and NODATA for a short time',
  );
  t.end();
});

t.test('the TTL is that of the addresses', (t) => {
  const f = makeWorld({ ttlDegradedSeconds: 20 });
  t.equal(flat.ask('s.n.f.svc.us2.us.example.com', 'A').answer[0]!.ttl, 60);
  t.equal(flat.ask('s.n.f.svc.us2.us.example.com', 'AAAA').authority[0]!.ttl, 60, 'NODATA lasts as long');
  t.equal(
    f.ask('s.n.f.svc.us2.us.example.com', 'A').answer[0]!.ttl,
    20,
    'and shorter while the region is degraded',
  );
  t.end();
});

t.test('names that records have taken are led to, not answered for', (t) => {
  const f = makeWorld({
    records: ['s.n.f.svc.us.example.com CNAME elsewhere.example.net', 's.n.f.svc.eu.example.com TXT beside'],
  });
  f.shard('c1', 's.n.f', { addresses: ['192.0.2.1'] });
  t.equal(
    summary(f.ask('s.n.f.svc.us2.us.example.com', 'A')),
    'NOERROR | s.n.f.svc.us CNAME elsewhere.example.net. | s.n.f.svc.us2.us CNAME s.n.f.svc.us.',
  );
  t.equal(
    summary(f.ask('s.n.f.svc.eu1.eu.example.com', 'A')),
    'NOERROR | s.n.f.svc.eu1.eu A 192.0.2.1',
    'a record beside the Service takes nothing',
  );
  t.end();
});

t.test('a policy of the global name holds for levels that have what it has', (t) => {
  const tables = makeTables(
    [
      ['8.0.0.0/8', 0],
      ['9.0.0.0/8', 1],
    ],
    [['10.1.0.0/16', ROW_VALUES]],
  );
  const f = makeWorld({ policies: { policy: 'nearest' }, policy: geoPolicy(tables, []) });
  f.cluster('c4', 'asia', ['asia1']);
  f.shard('c4', 's.n.f', { addresses: ['192.0.2.4'] });
  const rows = [
    [region('us'), region('asia')],
    [region('asia'), region('us')],
  ];
  f.builder.setOrders({ version: 1, rows });
  const asks = (first: number) =>
    summary(
      readMessage(
        f.askRaw(makeQuery('s.n.f.svc.eu1.eu.example.com', 'A'), undefined, Buffer.of(first, 8, 8, 8))!,
      ),
    );
  t.equal(asks(8), 'NOERROR | s.n.f.svc.eu1.eu A 192.0.2.1', 'near us');
  t.equal(asks(9), 'NOERROR | s.n.f.svc.eu1.eu A 192.0.2.4', 'near asia');
  const aaaa = f.ask('s.n.f.svc.eu1.eu.example.com', 'AAAA');
  t.strictSame(
    [aaaa.answer.length, aaaa.authority.length],
    [0, 1],
    'a family that it has nowhere is NODATA for all',
  );
  const soa = { name: 'example.com.', type: 'SOA', ttlSeconds: 1, data: ['x'] };
  const listed = [...listRecords(f.builder, soa)].find(({ name }) => name === 's.n.f.svc.eu.example.com.');
  t.strictSame(listed, {
    name: 's.n.f.svc.eu.example.com.',
    type: 'A',
    ttlSeconds: 60,
    data: ['192.0.2.1', '192.0.2.4'],
    policy: 'nearest',
  });
  const client = {
    client: '8.8.8.8',
    steps: [],
    row: 1,
    version: 1,
    subnet: { scope: 24, place: 'client' },
  } as const;
  const said = explain(f.builder, { name: 's.n.f.svc.eu.example.com', type: 'A' }, soa, client);
  t.strictSame(
    said.answer.map(({ name, data }) => [name, data]),
    [['s.n.f.svc.eu.example.com.', ['192.0.2.4']]],
  );
  t.ok(
    said.steps.some(({ text }) =>
      text.startsWith(
        'level s.n.f.svc.eu.example.com.: no healthy shard, so it has what s.n.f.svc.example.com. has',
      ),
    ),
  );
  t.end();
});
