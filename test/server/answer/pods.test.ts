/** Headless Services of flat networks: a zone answers with its own Pods, everything above with all of them. */
import t from 'tap';
import type { ShardState } from '../../../src/zonebuilder/facts.ts';
import { makeFederation, type Federation, type FederationOptions } from '../../support/federation.ts';

const PORTS = [{ name: 'http', protocol: 'tcp', port: 80 }] as const;
const OTHER_PORTS = [{ name: 'http', protocol: 'tcp', port: 8080 }] as const;

const C1: Partial<ShardState> = {
  addresses: ['10.1.0.1', '10.1.0.2', 'fd00::1', '10.1.0.3', 'fd00::2'],
  readyZones: ['us1', 'us2'],
  addressZones: ['us2', 'us1', 'us1', '', 'us2'],
  ports: PORTS,
};

/** c1 and c2 share zones of us, and c1 has a Pod in no zone; c3 has one address for both of its zones. */
function federation(options: FederationOptions = {}, ofC2: Partial<ShardState> = {}): Federation {
  const f = makeFederation(options);
  f.cluster('c1', 'us', ['us1', 'us2', 'us3']);
  f.cluster('c2', 'us', ['us1', 'us2']);
  f.cluster('c3', 'eu', ['eu1', 'eu2']);
  f.shard('c1', 'web.n.f', C1);
  f.shard('c2', 'web.n.f', {
    addresses: ['10.2.0.1', '10.2.0.2'],
    readyZones: ['us1', 'us2'],
    addressZones: ['us1', 'us2'],
    ports: PORTS,
    ...ofC2,
  });
  f.shard('c3', 'web.n.f', { addresses: ['10.3.0.1'], readyZones: ['eu1', 'eu2'], ports: PORTS });
  return f;
}

/** The data of the answer, sorted, without the domain; an alias with an arrow. */
function ask(f: Federation, name: string, type: string): string[] {
  const { answer } = f.ask(`${name}.example.com`, type);
  const texts = answer.map(
    (record) => `${record.type === 'CNAME' ? '=> ' : ''}${record.data.replace('.example.com.', '')}`,
  );
  return texts.toSorted();
}

const US = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.2.0.1', '10.2.0.2'];

type Case = readonly [title: string, name: string, type: string, expected: readonly string[]];

const CASES: readonly Case[] = [
  ['a zone has its own Pods, of every cluster there', 'web.n.f.svc.us1.us', 'A', ['10.1.0.2', '10.2.0.1']],
  ['so has another, by its short name', 'web.n.f.svc.us2', 'A', ['10.1.0.1', '10.2.0.2']],
  ['by IPv6 alike', 'web.n.f.svc.us1', 'AAAA', ['fd00::1']],
  ['a zone without a Pod leads to its region', 'web.n.f.svc.us3', 'A', [...US, '=> web.n.f.svc.us']],
  ['the region has all of them, those in no zone too', 'web.n.f.svc.us', 'A', US],
  ['so has the global name', 'web.n.f.svc', 'A', [...US, '10.3.0.1']],
  ['a shard with one address has it in each zone', 'web.n.f.svc.eu2', 'A', ['10.3.0.1']],
  ['the name of a cluster has all of its Pods', 'c1.web.n.f.svc', 'A', ['10.1.0.1', '10.1.0.2', '10.1.0.3']],
  ['by IPv6 alike, each once', 'c1.web.n.f.svc', 'AAAA', ['fd00::1', 'fd00::2']],
  ['of a cluster between whose Pods others stand, too', 'c2.web.n.f.svc', 'A', ['10.2.0.1', '10.2.0.2']],
  ['a port leads to the Pods of the zone', '_http._tcp.web.n.f.svc.us1', 'SRV', ['0 100 80 web.n.f.svc.us1']],
];

t.test('each name has its Pods', (t) => {
  const f = federation();
  for (const [title, name, type, expected] of CASES)
    t.strictSame(ask(f, name, type), expected.toSorted(), title);
  t.end();
});

t.test('where clusters disagree about a port, targets are names with all of a cluster’s Pods', (t) => {
  const f = federation({}, { ports: OTHER_PORTS });
  const expected = ['0 100 80 c1.web.n.f.svc', '0 100 8080 c2.web.n.f.svc'];
  t.strictSame(ask(f, '_http._tcp.web.n.f.svc.us', 'SRV'), expected);
  t.strictSame(ask(f, '_http._tcp.web.n.f.svc.us1', 'SRV'), expected);
  t.strictSame(ask(f, 'c1.web.n.f.svc', 'A'), ['10.1.0.1', '10.1.0.2', '10.1.0.3']);
  t.end();
});

t.test('a reply of fewer addresses has a fair share of each cluster’s Pods', (t) => {
  const f = federation({ maxAddresses: 2 });
  const seen = new Set<string>();
  for (let i = 0; i < 60; i++) {
    const two = ask(f, 'web.n.f.svc.us', 'A');
    t.equal(two.length, 2);
    t.ok(two[0]?.startsWith('10.1.') && two[1]?.startsWith('10.2.'), two.join(' '));
    for (const address of two) seen.add(address);
  }
  t.strictSame([...seen].toSorted(), US, 'and each has its turn');
  t.end();
});

t.test('a zone fails over when its last Pod leaves, and has the next that comes', (t) => {
  const f = federation({}, { addresses: [], ready: false, readyZones: [] });
  f.shard('c1', 'web.n.f', { addresses: ['10.1.0.1'], readyZones: ['us2'], ports: PORTS });
  t.strictSame(ask(f, 'web.n.f.svc.us1', 'A'), ['10.1.0.1', '=> web.n.f.svc.us']);
  f.shard('c1', 'web.n.f', C1);
  t.strictSame(ask(f, 'web.n.f.svc.us1', 'A'), ['10.1.0.2']);
  t.end();
});

t.test('a zone whose Pods have no address that may be published leads to its region', (t) => {
  const f = federation({}, { ready: false });
  f.shard('c1', 'web.n.f', {
    ...C1,
    addresses: ['10.1.0.1'],
    readyZones: ['us1', 'us2'],
    addressZones: ['us2'],
  });
  t.strictSame(ask(f, 'web.n.f.svc.us1', 'A'), ['10.1.0.1', '=> web.n.f.svc.us']);
  t.strictSame(ask(f, '_http._tcp.web.n.f.svc.us1', 'SRV').slice(1), ['=> _http._tcp.web.n.f.svc.us']);
  t.end();
});

t.test('a cluster that is told to be in one zone is there with all of its Pods', (t) => {
  const f = federation();
  f.cluster('c1', 'us', ['us2']);
  t.strictSame(ask(f, 'web.n.f.svc.us2', 'A'), ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.2.0.2']);
  t.end();
});

t.test('what was last known of Pods is at the global name', (t) => {
  const f = federation({ whenNoneHealthy: 'lastKnown' });
  for (const name of ['c1', 'c2', 'c3']) f.cluster(name, undefined, [], 'withdrawn');
  t.strictSame(ask(f, 'web.n.f.svc', 'A'), [...US, '10.3.0.1'].toSorted());
  t.end();
});

t.test('a shard comes back from the tree with the zone of each address', (t) => {
  const f = federation();
  const [shard] = f.builder.shardsOfCluster('c1');
  t.match(shard, {
    addresses: ['10.1.0.1', '10.1.0.2', '10.1.0.3', 'fd00::1', 'fd00::2'],
    addressZones: ['us2', 'us1', '', 'us1', 'us2'],
  });
  const [plain] = f.builder.shardsOfCluster('c3');
  t.notOk('addressZones' in plain!, 'an ordinary one says nothing of it');
  f.builder.upsertShard({ ...shard!, addressZones: ['us2'] });
  t.match([...f.builder.shardsOfCluster('c1')], [{ addressZones: ['us2', '', '', '', ''] }], 'missing: none');
  t.end();
});
