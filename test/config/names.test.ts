import { test } from 'tap';
import { federationNamedLike } from '../../src/config/check-names.ts';
import { codesOf, example, outcomeOf, withClusters } from './example.ts';

test('zones and regions', async (t) => {
  const cases: { title: string; clusters: string[]; codes: string[] }[] = [
    {
      title: 'a zone of the same name in two regions',
      clusters: [
        'name: a, region: r1, zones: [a], inCluster: true',
        'name: b, region: r2, zones: [a], manifests: ./b',
      ],
      codes: ['ZONE_AMBIGUOUS clusters[0].zones[0]', 'ZONE_AMBIGUOUS clusters[1].zones[0]'],
    },
    {
      title: 'one zone that two clusters are in',
      clusters: [
        'name: a, region: r1, zones: [a], inCluster: true',
        'name: b, region: r1, zones: [a], manifests: ./b',
      ],
      codes: [],
    },
    {
      title: 'a zone named like its own region',
      clusters: ['name: a, region: r1, zones: [r1], inCluster: true'],
      codes: ['ZONE_IS_REGION clusters[0].zones[0]'],
    },
    {
      title: 'a zone named like another region, in other case',
      clusters: [
        'name: a, region: r1, zones: [z, R2], inCluster: true',
        'name: b, region: r2, manifests: ./b',
      ],
      codes: ['ZONE_IS_REGION clusters[0].zones[1]'],
    },
    {
      title: 'a zone listed twice',
      clusters: ['name: a, region: r1, zones: [z, Z], inCluster: true'],
      codes: ['DUPLICATE_ZONE clusters[0].zones[1]'],
    },
    {
      title: 'svc as region',
      clusters: ['name: a, region: svc, inCluster: true'],
      codes: ['RESERVED_NAME clusters[0].region'],
    },
    {
      title: 'svc as zone',
      clusters: ['name: a, region: r1, zones: [SVC], inCluster: true'],
      codes: ['RESERVED_NAME clusters[0].zones[0]'],
    },
    {
      title: 'two clusters of one name, in different case',
      clusters: ['name: a, inCluster: true', 'name: A, manifests: ./b'],
      codes: ['DUPLICATE_CLUSTER clusters[1].name'],
    },
    {
      title: 'two clusters read from one folder',
      clusters: ['name: a, manifests: ./b', 'name: b, manifests: ./b'],
      codes: ['SAME_ORIGIN clusters[1]'],
    },
    {
      title: 'two contexts of one kubeconfig',
      clusters: [
        'name: a, kubeconfig: { path: k, context: a }',
        'name: b, kubeconfig: { path: k, context: b }',
      ],
      codes: [],
    },
    {
      title: 'no origin, and two origins',
      clusters: ['name: a', 'name: b, manifests: ./b, inCluster: true'],
      codes: ['NO_ORIGIN clusters[0]', 'SEVERAL_ORIGINS clusters[1]'],
    },
    {
      title: 'an origin with a fault of its own is not reported as absent',
      clusters: ['name: a, kubeconfig: { context: x }'],
      codes: ['MISSING_KEY clusters[0].kubeconfig.path'],
    },
  ];
  for (const { title, clusters, codes } of cases) t.same(codesOf(withClusters(...clusters)), codes, title);
});

function withFederations(list: string): string {
  return example({ federations: `federations: [${list}]` });
}

test('federations', async (t) => {
  t.same(codesOf(withFederations('{ name: svc }')), ['RESERVED_NAME federations[0].name']);
  t.same(codesOf(withFederations('{ name: a }, { name: A }')), ['DUPLICATE_FEDERATION federations[1].name']);
  t.same(codesOf(withFederations('{ name: a.b }')), ['BAD_LABEL federations[0].name']);
  t.same(codesOf(withFederations('{ name: a, policy: nearest }')), [
    'NEAREST_WITHOUT_GEOIP federations',
    'PLACE_UNKNOWN clusters[0].region',
  ]);
  t.same(codesOf(withFederations('{ name: a, policy: all }')), []);
});

test('a federation named like a namespace is a warning', async (t) => {
  const text = withClusters('name: a, inCluster: true, namespaces: { allow: [web, Fed] }');
  t.same(codesOf(text), ['FEDERATION_IS_NAMESPACE clusters[0].namespaces.allow[1]']);
  t.ok(outcomeOf(text).loaded);
  const { federations } = outcomeOf(example()).loaded!.settings;
  t.equal(federationNamedLike('fed', federations), 'fed', 'at run time, too');
  t.equal(federationNamedLike('web', federations), undefined);
});

/** A configuration whose domain has so many octets in wire form. */
function domainOf(octets: number): string {
  const whole = Math.floor((octets - 1) / 64);
  const rest = octets - 1 - 64 * whole;
  const name = ('d'.repeat(63) + '.').repeat(whole) + 'd'.repeat(Math.max(0, rest - 1));
  return example({ domain: `domain: ${name}`, nameservers: 'nameservers: [{ name: ns.example.net }]' });
}

test('RFC 1035 2.3.4: names of Services must fit into 255 octets', async (t) => {
  // Of S.N.F.svc.Z.R.D, fed has 4 octets, svc 4, z1 3 and r1 3: 241 are left for S, N and D.
  const cases: [number, string[]][] = [
    [113, []],
    [114, ['LITTLE_ROOM_FOR_NAMES domain']],
    [237, ['LITTLE_ROOM_FOR_NAMES domain']],
    [238, ['NO_ROOM_FOR_NAMES domain']],
  ];
  for (const [octets, codes] of cases)
    t.same(codesOf(domainOf(octets)), codes, `a domain of ${octets} octets`);
});
