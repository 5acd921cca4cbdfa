/** What the builder publishes, and when: an observer of the image beside the facts. */
import t from 'tap';
import { makeFederation } from '../support/federation.ts';

const FACTS = { addresses: ['192.0.2.1'], ready: true };
const CAUSE = { object: 'test', timeMs: 1 };

t.test('the shards of a pending cluster are published once, when its status is known', (t) => {
  for (const [status, rcode, answers] of [
    ['available', 'NOERROR', 1],
    ['held', 'NOERROR', 1],
    ['withdrawn', 'NOERROR', 0],
  ] as const) {
    const federation = makeFederation();
    federation.cluster('one', 'r1', ['z1'], 'pending');
    federation.shard('one', 'web.team.fed', FACTS);
    t.equal(federation.ask('web.team.fed.svc.example.com', 'A').rcode, 'SERVFAIL', 'nothing negative yet');
    const before = federation.changes.flatMap(({ services }) => services);
    t.strictSame(before, [], 'nor is anything published');
    federation.cluster('one', 'r1', ['z1'], status);
    const reply = federation.ask('web.team.fed.svc.example.com', 'A');
    t.equal(reply.rcode, rcode, status);
    t.equal(reply.answer.length, answers);
    const services = federation.changes.flatMap((change) => change.services);
    t.strictSame(services, ['web.team.fed'], 'once');
  }
  t.end();
});

t.test('a pending cluster delays nobody else’s answers, and leaves none of its own behind', (t) => {
  const federation = makeFederation();
  federation.cluster('one', 'r1', ['z1']);
  federation.shard('one', 'web.team.fed', FACTS);
  federation.cluster('two', 'r2', ['z2'], 'pending');
  const ports = [{ name: 'http', protocol: 'tcp', port: 80 }] as const;
  federation.shard('two', 'web.team.fed', { addresses: ['192.0.2.2'], ports });
  t.equal(federation.ask('web.team.fed.svc.example.com', 'A').answer.length, 1);
  federation.shard('one', 'web.team.fed', { addresses: ['192.0.2.1', '192.0.2.3'] });
  t.equal(federation.ask('web.team.fed.svc.example.com', 'A').answer.length, 2);
  federation.builder.removeCluster('two');
  t.equal(federation.ask('_http._tcp.web.team.fed.svc.example.com', 'SRV').rcode, 'NXDOMAIN');
  t.end();
});

t.test('within a batch the first negative answer waits for the last Service', (t) => {
  const federation = makeFederation();
  federation.cluster('one', 'r1', ['z1'], 'pending');
  federation.builder.batch(CAUSE, () => {
    federation.shard('one', 'web.team.fed', FACTS);
    federation.cluster('one', 'r1', ['z1']);
    t.equal(federation.ask('web.team.fed.svc.example.com', 'A').rcode, 'SERVFAIL');
  });
  t.equal(federation.ask('web.team.fed.svc.example.com', 'A').answer.length, 1);
  t.equal(federation.ask('mail.team.fed.svc.example.com', 'A').rcode, 'NXDOMAIN');
  t.end();
});

t.test('a batch that is held over several turns is published once, and may be taken back as a whole', (t) => {
  const federation = makeFederation();
  const { builder } = federation;
  const size = (): number => builder.size.entries;
  const before = size();
  builder.hold();
  federation.cluster('one', 'r1', ['z1'], 'held');
  federation.shard('one', 'web.team.fed', FACTS);
  t.equal(federation.ask('web.team.fed.svc.example.com', 'A').answer.length, 0);
  builder.removeCluster('one');
  builder.release(CAUSE);
  t.equal(federation.ask('web.team.fed.svc.example.com', 'A').rcode, 'NXDOMAIN');
  t.equal(size(), before, 'names above it are gone too');
  builder.hold();
  federation.cluster('one', 'r1', ['z1'], 'held');
  federation.shard('one', 'web.team.fed', FACTS);
  builder.release(CAUSE);
  t.equal(federation.ask('web.team.fed.svc.example.com', 'A').answer.length, 1);
  t.end();
});

t.test('shards are counted as they come, change and go', (t) => {
  const federation = makeFederation();
  const count = (): unknown => federation.builder.shardCounts().get('one');
  federation.cluster('one', 'r1', ['z1'], 'pending');
  federation.cluster('two', 'r2', ['z2']);
  federation.shard('two', 'web.team.fed', FACTS);
  t.strictSame(count(), { shards: 0, healthyShards: 0 });
  federation.shard('one', 'web.team.fed', FACTS);
  federation.shard('one', 'mail.team.fed', { ...FACTS, ready: false });
  t.strictSame(count(), { shards: 2, healthyShards: 0 }, 'a pending cluster counts nowhere');
  federation.cluster('one', 'r1', ['z1']);
  t.strictSame(count(), { shards: 2, healthyShards: 1 });
  federation.shard('one', 'mail.team.fed', FACTS);
  t.strictSame(count(), { shards: 2, healthyShards: 2 });
  federation.shard('one', 'mail.team.fed', { addresses: [] });
  t.strictSame(count(), { shards: 2, healthyShards: 1 }, 'ready without an address');
  federation.builder.removeShard(
    { cluster: 'one', federation: 'fed', namespace: 'team', service: 'web' },
    CAUSE,
  );
  t.strictSame(count(), { shards: 1, healthyShards: 0 });
  federation.builder.replaceShards('one', [], CAUSE);
  t.strictSame(count(), { shards: 0, healthyShards: 0 });
  t.strictSame(federation.builder.shardCounts().get('two'), { shards: 1, healthyShards: 1 });
  federation.builder.removeCluster('one');
  t.equal(count(), undefined);
  t.end();
});

t.test(
  'a shard that changes health is told of once, after the answers show it; a first list tells of none',
  (t) => {
    const federation = makeFederation();
    const told = (): string[] =>
      federation.health
        .splice(0)
        .map(({ cluster, service, isHealthy }) => `${cluster} ${service} ${isHealthy}`);
    federation.cluster('one', 'r1', ['z1'], 'pending');
    federation.shard('one', 'web.team.fed', FACTS);
    federation.cluster('one', 'r1', ['z1']);
    t.strictSame(told(), [], 'what a pending cluster reports is the first that is known of it');
    const id = { cluster: 'one', federation: 'fed', namespace: 'team', service: 'web' };
    const cases: readonly (readonly [string, () => void, readonly string[]])[] = [
      ['the same again', () => federation.shard('one', 'web.team.fed', FACTS), []],
      [
        'unready',
        () => federation.shard('one', 'web.team.fed', { ...FACTS, ready: false }),
        ['one web.team.fed false'],
      ],
      ['still unready', () => federation.shard('one', 'web.team.fed', { addresses: [] }), []],
      ['ready', () => federation.shard('one', 'web.team.fed', FACTS), ['one web.team.fed true']],
      ['a new one, unready', () => federation.shard('one', 'mail.team.fed', { ...FACTS, ready: false }), []],
      ['gone', () => federation.builder.removeShard(id, CAUSE), ['one web.team.fed false']],
      [
        'in a batch, as after a restart',
        () => federation.builder.batch(CAUSE, () => federation.shard('one', 'web.team.fed', FACTS)),
        [],
      ],
      [
        'the cluster is withdrawn: one line of its own says so',
        () => federation.cluster('one', 'r1', ['z1'], 'withdrawn'),
        [],
      ],
    ];
    for (const [title, change, expected] of cases) {
      change();
      t.strictSame(told(), expected, title);
    }
    t.end();
  },
);
