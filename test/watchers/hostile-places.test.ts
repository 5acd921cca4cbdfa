/**
 * SECURITY.md's promise, "nobody but a cluster itself decides about that cluster's shards", against a cluster that reports
 * whatever it likes: an innocent one's names lead where they led before. From Kubernetes objects to answers.
 */
import t from 'tap';
import type { ClusterSettings } from '../../src/config/settings.ts';
import { ClusterObjects } from '../../src/watchers/objects/cluster-objects.ts';
import { slimObject } from '../../src/watchers/objects/objects.ts';
import { makeFederation, type Federation } from '../support/federation.ts';
import { lines } from '../support/message.ts';
import { clusterSettings, node, READY, service, slice } from './kubernetes-objects.ts';

const CAUSE = { object: 'test', timeMs: 1 };

interface Member {
  readonly apply: (...values: readonly unknown[]) => void;
  readonly read: () => void;
  readonly codes: () => string[];
}

function join(f: Federation, name: string, settings: Partial<ClusterSettings> = {}): Member {
  const objects = new ClusterObjects({
    settings: clusterSettings({ name, ...settings }),
    federations: [{ name: 'main', select: 'label', policy: 'all' }],
    domain: 'example.com',
    sink: f.builder,
    clock: () => 1,
  });
  objects.setStatus('pending');
  return {
    apply: (...values) => {
      for (const value of values) objects.apply(slimObject(value), CAUSE);
    },
    read: () => objects.commitInitial(CAUSE),
    codes: () => [
      ...objects.report().refusals.map(({ code }) => code),
      ...f.builder.conflicts.filter(({ cluster }) => cluster === name).map(({ label }) => `label ${label}`),
    ],
  };
}

function at(name: string, region: string, zone?: string): unknown {
  return node(name, {
    'topology.kubernetes.io/region': region,
    ...(zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }),
  });
}

const NAMES = ['', '.rg', '.za', '.za.rg', '.zb', '.zb.rg', '.far', '.f1', '.f1.far'].map(
  (place) => `nginx.web.main.svc${place}.example.com`,
);

/** What is answered for every name of the innocent cluster, without the hostile one's own addresses. */
function picture(f: Federation): string[] {
  return NAMES.flatMap((name) => {
    const reply = f.ask(name, 'A');
    return [`${name} ${reply.rcode}`, ...lines(reply.answer).filter((line) => !line.includes('203.0.113.'))];
  });
}

const ATTACKS: readonly (readonly [string, readonly unknown[], readonly string[]])[] = [
  ['a Node in a zone of that name elsewhere', [at('n1', 'elsewhere', 'za')], ['label za']],
  ['a Node in a region that is called like the zone', [at('n1', 'za', 'x')], ['label za']],
  ['a Node in a zone that is called like the region', [at('n1', 'elsewhere', 'rg')], ['label rg']],
  [
    'an endpoint in the zone',
    [at('n1', 'elsewhere', 'own'), slice([{ ...READY, zone: 'za' }])],
    ['ENDPOINT_ZONE_UNKNOWN'],
  ],
  [
    'an endpoint in the zone, where no Node has one',
    [at('n1', 'elsewhere'), slice([{ ...READY, zone: 'za' }])],
    ['label za'],
  ],
  ['a zone that fails over', [at('n1', 'elsewhere', 'f1')], ['label f1']],
  [
    'many Nodes everywhere',
    ['za', 'zb', 'rg', 'far', 'f1'].map((zone) => at(zone, 'elsewhere', zone)),
    ['label za', 'label rg', 'label zb', 'label far', 'label f1'],
  ],
];

/** The innocent clusters: one in two zones, one whose only zone has no ready endpoint. */
function innocents(f: Federation, isConfigured: boolean): Member[] {
  const good = join(f, 'good', isConfigured ? { region: 'rg', zones: ['za', 'zb'] } : {});
  const far = join(f, 'far', isConfigured ? { region: 'far', zones: ['f1'] } : {});
  good.apply(
    at('n1', 'rg', 'za'),
    at('n2', 'rg', 'zb'),
    service(),
    slice([
      { ...READY, zone: 'za' },
      { ...READY, zone: 'zb' },
    ]),
  );
  far.apply(at('n1', 'far', 'f1'), service({ ingress: [{ ip: '198.51.100.1' }] }));
  return [good, far];
}

for (const isConfigured of [true, false]) {
  for (const [title, objects, codes] of ATTACKS) {
    const place = isConfigured ? 'configured' : 'observed';
    t.test(`${title} changes no name of a cluster whose place is ${place}`, (t) => {
      const f = makeFederation();
      const members = innocents(f, isConfigured);
      const evil = join(f, 'evil');
      evil.apply(service({ ingress: [{ ip: '203.0.113.66' }] }));
      for (const member of [...members, evil]) member.read();
      const before = picture(f);
      t.ok(before.includes('nginx.web.main.svc.za.example.com A 192.0.2.1'), 'the short name is served');
      evil.apply(...objects);
      t.strictSame(picture(f), before);
      t.strictSame(evil.codes().toSorted(), codes.toSorted(), 'and the hostile cluster is told');
      for (const member of members) t.strictSame(member.codes(), [], 'the innocent ones are not');
      t.end();
    });
  }
}

t.test('a configured cluster is unharmed also where the hostile one was read first', (t) => {
  for (const [title, objects] of ATTACKS) {
    const f = makeFederation();
    const evil = join(f, 'evil');
    evil.apply(service({ ingress: [{ ip: '203.0.113.66' }] }), ...objects);
    evil.read();
    for (const member of innocents(f, true)) member.read();
    const alone = makeFederation();
    for (const member of innocents(alone, true)) member.read();
    t.strictSame(picture(f), picture(alone), title);
  }
  t.end();
});

t.test('a cluster that invents places without end keeps no other from having its own', (t) => {
  const f = makeFederation();
  const evil = join(f, 'evil', { region: 'elsewhere' });
  evil.read();
  for (let i = 0; i < 2000; i++) evil.apply(at('n1', 'elsewhere', `z${i}`));
  t.ok(f.builder.locationNames().length < 500, `${f.builder.locationNames().length} names`);
  const good = innocents(f, false);
  for (const member of good) member.read();
  t.equal(f.ask('nginx.web.main.svc.za.rg.example.com', 'A').answer.length, 1);
  t.end();
});

t.test('the builder alone gives numbers back, whatever a source tells it', (t) => {
  const f = makeFederation();
  for (let i = 0; i < 1500; i++) {
    f.cluster(
      'evil',
      'elsewhere',
      Array.from({ length: 64 }, (_, zone) => `z${i}-${zone}`),
    );
  }
  t.ok(f.builder.locationNames().length < 500);
  f.cluster('new', 'rg', ['za']);
  f.shard('new', 'nginx.web.main', { addresses: ['192.0.2.1'] });
  t.equal(f.ask('nginx.web.main.svc.za.example.com', 'A').answer.length, 1);
  f.builder.removeCluster('evil');
  t.strictSame(
    f.builder.locationNames().map(({ text }) => text),
    ['rg', 'za.rg', 'za'],
  );
  t.end();
});
