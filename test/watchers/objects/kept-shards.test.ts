import t from 'tap';
import { KeptShards } from '../../../src/watchers/objects/kept-shards.ts';
import type { ShardFacts } from '../../../src/watchers/objects/shards.ts';

const FIRST = { object: 'list of Services', timeMs: 1 };
const SECOND = { object: 'Service mynamespace/nginx', timeMs: 2 };
const KEY = 'mynamespace/nginx';

function facts(fields: Partial<ShardFacts> = {}): ShardFacts {
  return {
    cluster: 'one',
    federation: 'myfederation',
    namespace: 'mynamespace',
    service: 'nginx',
    addresses: ['192.0.2.1', '2001:db8::1'],
    ready: true,
    readyZones: ['us-central1-a'],
    ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    ...fields,
  };
}

const CHANGES: Record<string, Partial<ShardFacts>> = {
  'another address': { addresses: ['192.0.2.2'] },
  'no address': { addresses: [] },
  'no ready endpoint': { ready: false, readyZones: [] },
  'ready endpoints in another zone': { readyZones: ['us-central1-b'] },
  'ready endpoints that name no zone': { readyZones: 'every' },
  'addresses in one zone each': { addressZones: ['us-central1-a', ''] },
  'addresses in no zone': { addressZones: ['', ''] },
  'other ports': { ports: [] },
  'a TTL': { ttlSeconds: 0 },
};

for (const [title, change] of Object.entries(CHANGES)) {
  t.test(`a shard with ${title} is another one, and comes back as it was put`, (t) => {
    const shards = new KeptShards('one');
    const before = { ...facts(), cause: FIRST };
    const after = { ...facts(change), cause: SECOND };
    t.strictSame(shards.put(KEY, [facts()], FIRST), { changed: [before], gone: [] });
    t.strictSame(shards.put(KEY, [facts(change)], SECOND), { changed: [after], gone: [] });
    t.strictSame([...shards.all()], [after]);
    t.end();
  });
}

t.test('a shard that says the same keeps the cause of its last change', (t) => {
  const shards = new KeptShards('one');
  shards.put(KEY, [facts()], FIRST);
  t.strictSame(shards.put(KEY, [structuredClone(facts())], SECOND), { changed: [], gone: [] });
  t.strictSame([...shards.all()], [{ ...facts(), cause: FIRST }]);
  t.end();
});

t.test('a Service in two federations has two shards, which come and go by themselves', (t) => {
  const shards = new KeptShards('one');
  const other = facts({ federation: 'other' });
  shards.put(KEY, [facts()], FIRST);
  t.strictSame(shards.put(KEY, [facts(), other], SECOND).changed, [{ ...other, cause: SECOND }]);
  t.equal(shards.count(), 2);
  t.strictSame(shards.put(KEY, [other], SECOND), { changed: [], gone: ['myfederation'] });
  t.strictSame(shards.put(KEY, [], SECOND), { changed: [], gone: ['other'] });
  t.notOk(shards.has(KEY));
  t.equal(shards.count(), 0);
  t.end();
});
