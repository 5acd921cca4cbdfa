/** Hosts that Ingresses, Gateways and their routes name inside the domain, from objects of two clusters to answers. */
import t, { test } from 'tap';
import { ClusterObjects } from '../../../src/watchers/objects/cluster-objects.ts';
import type { HostnameFollower } from '../../../src/watchers/hostnames/hostnames.ts';
import type { FederationSettings } from '../../../src/config/settings.ts';
import { explain } from '../../../src/zonebuilder/explain.ts';
import { hostLabel, hostOfLabel } from '../../../src/zonebuilder/host-names.ts';
import { listRecords } from '../../../src/zonebuilder/records.ts';
import { makeFederation, type Federation, type FederationOptions } from '../../support/federation.ts';
import { lines } from '../../support/message.ts';
import { clusterSettings, READY, service, slice, slim } from '../kubernetes-objects.ts';

type Json = Record<string, unknown>;

const EVENT = { object: 'event', timeMs: 1 };
const LABEL = { 'fedns.io/federation': 'main' };
const MAIN: FederationSettings = { name: 'main', select: 'label', policy: 'all', hosts: true };

interface Changes {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Json;
  readonly metadata?: Json;
}

const metadata = ({
  name = 'web',
  namespace = 'shop',
  labels = LABEL,
  metadata: more = {},
}: Changes): Json => ({
  name,
  namespace,
  labels,
  ...more,
});

/** An Ingress as an API server has it. */
function ingress(
  hosts: readonly (string | undefined)[],
  entryPoints: readonly Json[],
  changes: Changes = {},
): Json {
  const paths = [
    { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
  ];
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: metadata(changes),
    spec: {
      ingressClassName: 'nginx',
      rules: hosts.map((host) => ({ ...(host !== undefined && { host }), http: { paths } })),
    },
    status: { loadBalancer: { ingress: entryPoints } },
  };
}

function gateway(
  listeners: readonly (string | undefined)[],
  addresses: readonly Json[],
  changes: Changes = {},
): Json {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: metadata({ name: 'gate', ...changes }),
    spec: {
      gatewayClassName: 'x',
      listeners: listeners.map((hostname, i) => ({
        name: `l${i}`,
        port: 443,
        protocol: 'HTTPS',
        ...(hostname !== undefined && { hostname }),
      })),
    },
    status: { addresses },
  };
}

function route(
  hostnames: readonly string[],
  parents: readonly [name: string, status: 'True' | 'False', namespace?: string][],
): Json {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'route', namespace: 'shop' },
    spec: { hostnames, parentRefs: parents.map(([name]) => ({ name })) },
    status: {
      parents: parents.map(([name, status, namespace]) => ({
        parentRef: {
          group: 'gateway.networking.k8s.io',
          kind: 'Gateway',
          name,
          ...(namespace !== undefined && { namespace }),
        },
        controllerName: 'x',
        conditions: [
          { type: 'Accepted', status, reason: 'x', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
        ],
      })),
    },
  };
}

interface World {
  readonly f: Federation;
  readonly us: ClusterObjects;
  readonly eu: ClusterObjects;
  readonly ask: (name: string, type?: string) => string;
}

function makeWorld(
  values: { readonly us?: readonly Json[]; readonly eu?: readonly Json[] },
  options: FederationOptions & {
    readonly federation?: Partial<FederationSettings>;
    readonly resolver?: HostnameFollower;
  } = {},
): World {
  const f = makeFederation({ hasHosts: true, federations: ['main'], ...options });
  const join = (name: 'us' | 'eu'): ClusterObjects => {
    const objects = new ClusterObjects({
      settings: clusterSettings({ name, region: name, zones: [`${name}1`] }),
      federations: [{ ...MAIN, ...options.federation }],
      domain: 'example.com',
      sink: f.builder,
      clock: () => 1,
      ...(options.resolver && { resolver: options.resolver }),
    });
    objects.setStatus('pending');
    for (const value of values[name] ?? []) objects.apply(slim(value), EVENT);
    objects.commitInitial(EVENT);
    return objects;
  };
  const [us, eu] = [join('us'), join('eu')];
  const ask = (name: string, type = 'A'): string => {
    const { rcode, answer } = f.ask(name, type);
    return [rcode, ...lines(answer)].join(' | ');
  };
  return { f, us, eu, ask };
}

const SHOP = 'shop.example.com';
const [US, EU] = [{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }];

const CASES: readonly {
  readonly title: string;
  readonly us?: readonly Json[];
  readonly eu?: readonly Json[];
  readonly options?: Parameters<typeof makeWorld>[1];
  readonly asked: readonly (readonly [name: string, expected: string, type?: string])[];
}[] = [
  {
    title: 'a host has the entry points of the Ingresses of all clusters',
    us: [ingress([SHOP], [US])],
    eu: [ingress([SHOP], [EU, { ip: '2001:db8::2' }])],
    asked: [
      [SHOP, `NOERROR | ${SHOP} A 192.0.2.1 | ${SHOP} A 192.0.2.2`],
      [SHOP, `NOERROR | ${SHOP} AAAA 2001:db8::2`, 'AAAA'],
      [SHOP, 'NOERROR', 'MX'],
      [`other.${SHOP}`, 'NXDOMAIN'],
      [
        'shop._hosts.main.svc.us1.us.example.com',
        'NOERROR | shop._hosts.main.svc.us1.us.example.com A 192.0.2.1',
      ],
    ],
  },
  {
    title: 'several hosts of one Ingress, one named by two, and rules without a host',
    us: [
      ingress([SHOP, 'a.b.example.com', undefined], [US]),
      ingress([SHOP], [{ ip: '192.0.2.9' }], { name: 'second' }),
    ],
    asked: [
      [SHOP, `NOERROR | ${SHOP} A 192.0.2.1 | ${SHOP} A 192.0.2.9`],
      ['a.b.example.com', 'NOERROR | a.b.example.com A 192.0.2.1'],
      ['b.example.com', 'NOERROR'],
    ],
  },
  {
    title: 'a wildcard host, and a host below it',
    us: [ingress(['*.shop.example.com', 'own.shop.example.com'], [US])],
    eu: [ingress(['*.shop.example.com'], [EU])],
    asked: [
      ['x.shop.example.com', 'NOERROR | x.shop.example.com A 192.0.2.1 | x.shop.example.com A 192.0.2.2'],
      ['own.shop.example.com', 'NOERROR | own.shop.example.com A 192.0.2.1'],
      ['shop.example.com', 'NOERROR'],
    ],
  },
  {
    title: 'an Ingress without the label is nobody’s, one of another federation too',
    us: [
      ingress([SHOP], [US], { labels: {} }),
      ingress(['b.example.com'], [US], { name: 'b', labels: { 'fedns.io/federation': 'x' } }),
    ],
    asked: [
      [SHOP, 'NXDOMAIN'],
      ['b.example.com', 'NXDOMAIN'],
    ],
  },
  {
    title: 'select: all takes them all, and no exclusion counts for less',
    us: [
      ingress([SHOP], [US], { labels: {} }),
      ingress(['b.example.com'], [US], {
        name: 'b',
        metadata: { annotations: { 'fedns.io/exclude': 'true' } },
      }),
    ],
    options: { federation: { select: 'all' } },
    asked: [
      [SHOP, `NOERROR | ${SHOP} A 192.0.2.1`],
      ['b.example.com', 'NXDOMAIN'],
    ],
  },
  {
    title: 'a federation without hosts answers for none',
    us: [ingress([SHOP], [US])],
    options: { hasHosts: false, federation: { hosts: false } },
    asked: [[SHOP, 'NXDOMAIN']],
  },
  {
    title: 'the domain, hosts elsewhere, and names that Services have are refused',
    us: [
      ingress(
        [
          'example.com',
          'shop.example.net',
          'svc.example.com',
          'x.svc.a.example.com',
          'x.n.main.svc.example.com',
        ],
        [US],
      ),
    ],
    asked: [
      ['example.com', 'NOERROR'],
      ['x.n.main.svc.example.com', 'NXDOMAIN'],
      ['x.svc.a.example.com', 'NXDOMAIN'],
    ],
  },
  {
    title: 'an Ingress without an entry point yet is known, and has none; another cluster answers',
    us: [ingress([SHOP], [])],
    eu: [ingress([SHOP], [EU]), ingress(['only.example.com'], [], { name: 'only' })],
    asked: [
      [SHOP, `NOERROR | ${SHOP} A 192.0.2.2`],
      ['only.example.com', 'NOERROR'],
    ],
  },
  {
    title: 'addresses that no client could use are refused one by one',
    us: [ingress([SHOP], [{ ip: '127.0.0.1' }, US])],
    asked: [[SHOP, `NOERROR | ${SHOP} A 192.0.2.1`]],
  },
  {
    title: 'records of the configuration come first; other types stand beside',
    us: [ingress([SHOP, 'www.example.com', 'x.sub.example.com', 'taken.example.com'], [US])],
    options: {
      records: [
        'taken.example.com A 192.0.2.77',
        'www.example.com TXT beside',
        'sub.example.com NS ns.example.net',
      ],
    },
    asked: [
      ['taken.example.com', 'NOERROR | taken.example.com A 192.0.2.77'],
      ['www.example.com', 'NOERROR | www.example.com A 192.0.2.1'],
      ['www.example.com', 'NOERROR | www.example.com TXT "beside"', 'TXT'],
      ['x.sub.example.com', 'NOERROR'],
    ],
  },
  {
    title: 'the hosts of a Gateway’s listeners, and those of the routes that it has accepted',
    us: [
      gateway(
        ['api.example.com', undefined],
        [
          { type: 'IPAddress', value: '192.0.2.5' },
          { value: '2001:db8::5' },
          { type: 'x.io/Named', value: 'n' },
        ],
      ),
      route([SHOP], [['gate', 'True']]),
      route(['stolen.example.com'], [['gate', 'False']]),
    ].map((value, i) => ({
      ...value,
      metadata: {
        ...(value['metadata'] as Json),
        name: i === 2 ? 'second' : (value['metadata'] as Json)['name'],
      },
    })),
    asked: [
      ['api.example.com', 'NOERROR | api.example.com A 192.0.2.5'],
      ['api.example.com', 'NOERROR | api.example.com AAAA 2001:db8::5', 'AAAA'],
      [SHOP, `NOERROR | ${SHOP} A 192.0.2.5`],
      ['stolen.example.com', 'NXDOMAIN'],
    ],
  },
  {
    title: 'a route to a Gateway of another namespace, read before it, and to one that is not selected',
    us: [
      route(
        [SHOP],
        [
          ['gate', 'True', 'infra'],
          ['hidden', 'True'],
        ],
      ),
      gateway([], [{ value: '192.0.2.6' }], { namespace: 'infra' }),
      gateway([], [{ value: '192.0.2.7' }], { name: 'hidden', labels: {} }),
    ],
    asked: [[SHOP, `NOERROR | ${SHOP} A 192.0.2.6`]],
  },
  {
    title: 'annotations say TTL and policy as they do for Services',
    us: [ingress([SHOP], [US], { metadata: { annotations: { 'fedns.io/max-addresses': '1' } } })],
    eu: [ingress([SHOP], [US], { metadata: { annotations: { 'fedns.io/max-addresses': '1' } } })],
    asked: [[SHOP, `NOERROR | ${SHOP} A 192.0.2.1`]],
  },
];

for (const { title, us = [], eu = [], options = {}, asked } of CASES) {
  test(title, (tt) => {
    const { ask } = makeWorld({ us, eu }, options);
    for (const [name, expected, type] of asked) tt.equal(ask(name, type), expected, `${name} ${type ?? 'A'}`);
    tt.end();
  });
}

test('what is refused is said, by the object', (tt) => {
  const { us, f } = makeWorld(
    { us: [ingress(['example.com', 'taken.example.com', 'x.svc.example.com'], [US])] },
    { records: ['taken.example.com CNAME elsewhere.example.net'] },
  );
  const refusals = us.report().refusals.filter(({ code }) => code === 'HOST_REFUSED');
  tt.strictSame(
    refusals.map(({ object }) => object),
    ['Ingress shop/web', 'Ingress shop/web'],
  );
  tt.match(refusals[0]!.message, /^host example\.com is the domain itself/);
  tt.match(f.notices.at(-1), {
    service: 'taken._hosts.main',
    text: /^taken\.example\.com: records of the configuration/,
  });
  tt.strictSame(
    f.builder.notices(f.builder.view('taken._hosts.main')!).length,
    1,
    'and when it is explained',
  );
  tt.end();
});

test('a host comes, moves and goes with its objects', (tt) => {
  const { us, eu, f, ask } = makeWorld({ us: [ingress([SHOP], [US])], eu: [ingress([SHOP], [EU])] });
  us.apply(slim(ingress(['new.example.com'], [US])), EVENT);
  tt.equal(ask(SHOP), `NOERROR | ${SHOP} A 192.0.2.2`, 'the other cluster still has it');
  tt.equal(ask('new.example.com'), 'NOERROR | new.example.com A 192.0.2.1');
  us.apply(slim(ingress(['new.example.com'], [{ ip: '192.0.2.8' }])), EVENT);
  tt.equal(ask('new.example.com'), 'NOERROR | new.example.com A 192.0.2.8', 'its entry points change');
  const changes = f.changes.length;
  us.apply(slim(ingress(['new.example.com'], [{ ip: '192.0.2.8' }])), EVENT);
  tt.equal(f.changes.length, changes, 'and nothing else does');
  eu.remove('Ingress', 'shop', 'web', EVENT);
  tt.equal(ask(SHOP), 'NXDOMAIN', 'nobody has it any more');
  us.apply(
    slim(ingress(['new.example.com'], [US], { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })),
    EVENT,
  );
  tt.equal(ask('new.example.com'), 'NXDOMAIN', 'what is being deleted names no host');
  us.apply(slim(gateway([], [{ value: '192.0.2.5' }])), EVENT);
  us.apply(slim(route([SHOP], [['gate', 'True']])), EVENT);
  tt.equal(ask(SHOP), `NOERROR | ${SHOP} A 192.0.2.5`);
  us.remove('Gateway', 'shop', 'gate', EVENT);
  tt.equal(ask(SHOP), 'NXDOMAIN', 'a route without its Gateway leads nowhere');
  us.apply(slim(gateway([], [{ value: '192.0.2.6' }])), EVENT);
  tt.equal(ask(SHOP), `NOERROR | ${SHOP} A 192.0.2.6`, 'until it is there again');
  tt.end();
});

test('lists of Services and of Ingresses leave each other alone', (tt) => {
  const { us, ask } = makeWorld({ us: [ingress([SHOP], [US]), service(), slice([READY])] });
  us.replaceAll('Service', [slim(service())], EVENT);
  tt.equal(ask(SHOP), `NOERROR | ${SHOP} A 192.0.2.1`);
  us.replaceAll('Ingress', [slim(ingress(['b.example.com'], [US], { name: 'b' }))], EVENT);
  tt.equal(ask(SHOP), 'NXDOMAIN');
  tt.equal(ask('b.example.com'), 'NOERROR | b.example.com A 192.0.2.1');
  tt.equal(ask('nginx.web.main.svc.example.com'), 'NOERROR | nginx.web.main.svc.example.com A 192.0.2.1');
  tt.end();
});

test('records, explanation and configuration go together with hosts', (tt) => {
  const { f, us, ask } = makeWorld({ us: [ingress([SHOP], [US])] });
  tt.equal(us.report().advice, undefined, 'a cluster that has nothing but hosts is served');
  const soa = { name: 'example.com.', type: 'SOA', ttlSeconds: 1, data: ['x'] };
  const listed = [...listRecords(f.builder, soa)].filter(({ name }) => name === `${SHOP}.`);
  tt.strictSame(listed, [{ name: `${SHOP}.`, type: 'A', ttlSeconds: 180, data: ['192.0.2.1'] }]);
  const { answer, steps } = explain(f.builder, { name: SHOP, type: 'A' }, soa);
  tt.strictSame(answer, listed);
  tt.match(
    steps.map(({ text }) => text).join('\n'),
    /shop\.example\.com\. has the addresses of shop\._hosts\.main\.svc\.example\.com/,
  );
  tt.equal(steps[0]!.text, 'shop.example.com. is a host of an Ingress or Gateway');
  f.builder.replaceStatics(f.builder.statics);
  tt.equal(ask(SHOP), `NOERROR | ${SHOP} A 192.0.2.1`);
  tt.end();
});

test('while a cluster is unread, a name that may be a host is not denied', (tt) => {
  const { f, ask } = makeWorld({ us: [ingress([SHOP], [US])] });
  f.cluster('late', 'asia', ['asia1'], 'pending');
  tt.equal(ask('other.example.com'), 'SERVFAIL');
  tt.equal(
    explain(
      f.builder,
      { name: 'other.example.com', type: 'A' },
      { name: 'example.com.', type: 'SOA', ttlSeconds: 1, data: ['x'] },
    ).rcode,
    'SERVFAIL',
  );
  tt.equal(ask('x.svc.a.example.com'), 'NXDOMAIN', 'but what no host can be is');
  tt.equal(ask(SHOP), `NOERROR | ${SHOP} A 192.0.2.1`);
  f.cluster('late', 'asia', ['asia1']);
  tt.equal(ask('other.example.com'), 'NXDOMAIN');
  tt.end();
});

test('an entry point that is a host name is resolved as a Service’s is', (tt) => {
  const followed: string[] = [];
  const resolver: HostnameFollower = {
    follow: (hostname) => {
      followed.push(hostname);
      return { addresses: ['192.0.2.44'], ttlSeconds: 60, stop: () => {} };
    },
  };
  const { ask, f } = makeWorld(
    {
      us: [
        ingress([SHOP], [{ hostname: 'lb.provider.example' }]),
        gateway(['api.example.com'], [{ type: 'Hostname', value: 'lb.provider.example' }]),
      ],
    },
    { resolver },
  );
  tt.equal(ask(SHOP), `NOERROR | ${SHOP} A 192.0.2.44`);
  tt.equal(ask('api.example.com'), 'NOERROR | api.example.com A 192.0.2.44');
  tt.equal(f.ask(SHOP, 'A').answer[0]!.ttl, 60, 'not for longer than its own TTL');
  tt.ok(followed.every((hostname) => hostname === 'lb.provider.example'));
  tt.end();
});

t.test('labels of hosts lead back to them', (tt) => {
  for (const host of ['shop.example.com', 'a.b.c.example.com', '*.example.com', '*.a.b.example.com'])
    tt.equal(hostOfLabel(hostLabel(host, 'example.com')!, 'example.com'), host);
  tt.equal(
    hostLabel(`${'a'.repeat(40)}.${'b'.repeat(40)}.example.com`, 'example.com'),
    undefined,
    'too long',
  );
  tt.end();
});
