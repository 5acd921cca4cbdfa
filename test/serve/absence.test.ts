/**
 * Why a name is not served: real objects of several clusters, reduced as the sources do, in a real zone builder, and
 * one row for each way in which an operator is left without an answer.
 */

import t from 'tap';
import { explainAbsence } from '../../src/serve/absence.ts';
import type { Witness } from '../../src/serve/absence.ts';
import type { ClusterSettings, FederationSettings } from '../../src/config/settings.ts';
import { ClusterObjects } from '../../src/watchers/objects/cluster-objects.ts';
import type { FollowedHostname } from '../../src/watchers/hostnames/hostnames.ts';
import { slimObject } from '../../src/watchers/objects/objects.ts';
import type { ClusterReport } from '../../src/watchers/source.ts';
import type { ClusterStatus } from '../../src/zonebuilder/facts.ts';
import { explain } from '../../src/zonebuilder/explain.ts';
import type { Explanation } from '../../src/zonebuilder/explain.ts';
import { makeFederation } from '../support/federation.ts';
import { clusterSettings, READY, service, slice } from '../watchers/kubernetes-objects.ts';
import { report } from '../admin/fake-control-plane.ts';

const FEDERATIONS: readonly FederationSettings[] = [
  { name: 'main', select: 'label', policy: 'all' },
  { name: 'shared', select: 'export', policy: 'all' },
];
const SOA = { name: 'example.com.', type: 'SOA', ttlSeconds: 1, data: ['ns1. h. 1 2 3 4 5'] };

interface Member {
  readonly settings?: Partial<ClusterSettings>;
  readonly objects?: readonly unknown[];
  readonly status?: ClusterStatus;
  /** It has the status without ever having been read. */
  readonly neverRead?: boolean;
  readonly report?: Partial<ClusterReport>;
}

/** `web/nginx`, healthy. */
const NGINX = [service(), slice([READY])];

/** A cluster in region us, zone us-a, unless the settings say otherwise. */
function explained(members: Readonly<Record<string, Member>>, name: string, type = 'A'): Explanation {
  const f = makeFederation({ records: ['www.example.com A 192.0.2.80'] });
  const sources = new Map(
    Object.entries(members).map(
      ([cluster, { settings, objects = [], status = 'available', neverRead = false }]) => {
        const kept = new ClusterObjects({
          settings: clusterSettings({ name: cluster, region: 'us', zones: ['us-a'], ...settings }),
          federations: FEDERATIONS,
          domain: 'example.com',
          sink: f.builder,
          clock: () => 5000,
          resolver: { follow: (hostname) => FOLLOWED[hostname] },
        });
        kept.setStatus('pending');
        for (const value of objects)
          kept.apply(slimObject(value, kept.slimOptions), { object: 'list', timeMs: 1 });
        if (neverRead) kept.setStatus(status);
        else if (status !== 'pending') {
          kept.commitInitial({ object: 'list', timeMs: 1 });
          kept.setStatus(status);
        }
        return [cluster, kept] as const;
      },
    ),
  );
  const witness: Witness = {
    *accounts(namespace, serviceName) {
      for (const [cluster, kept] of sources) yield [cluster, kept.account(namespace, serviceName)];
    },
    *serviceKeys() {
      for (const kept of sources.values()) yield* kept.serviceKeys();
    },
    reports: () => Object.entries(members).map(([cluster, member]) => report(cluster, member.report)),
  };
  const federations = FEDERATIONS.map((federation) => federation.name);
  const explanation = explain(f.builder, { name, type }, SOA);
  return explainAbsence(name, explanation, { builder: f.builder, federations, witness });
}

const FOLLOWED: Readonly<Record<string, FollowedHostname>> = {
  'gone.example.net': {
    addresses: [],
    trouble: { message: 'NXDOMAIN', sinceMs: 1 },
    stop: () => {},
  },
  'new.example.net': { addresses: [], stop: () => {} },
  'local.example.net': { addresses: ['127.0.0.1'], stop: () => {} },
};

const unlabelled = (changes: Parameters<typeof service>[0] = {}): unknown =>
  service({ labels: {}, ...changes });
const ofType = (type: string): unknown => service({ spec: { type }, ingress: [] });
const NAME = 'nginx.web.main.svc.example.com';
const without = (...objects: unknown[]): Readonly<Record<string, Member>> => ({ a: { objects } });
const placed = (region: string, ...objects: unknown[]): Member => ({
  settings: { region, zones: ['z'] },
  objects,
});

interface Case {
  readonly title: string;
  readonly members: Readonly<Record<string, Member>>;
  /** Default: {@link NAME}. */
  readonly name?: string;
  readonly says: readonly (RegExp | string)[];
  readonly saysNot?: readonly RegExp[];
}

const CASES: readonly Case[] = [
  {
    title: 'a Service without the label: the line that sets it',
    members: without(unlabelled(), slice([READY])),
    says: [
      'reason: a: it has no label fedns.io/federation: kubectl -n web label service nginx fedns.io/federation=main',
    ],
  },
  {
    title: 'the label names no federation',
    members: without(service({ labels: { 'fedns.io/federation': 'mian' } }), slice([READY])),
    says: [/a: the label fedns\.io\/federation names "mian", which is not configured; there is main/],
  },
  {
    title: 'the label is written as an annotation',
    members: without(unlabelled({ annotations: { 'fedns.io/federation': 'main' } }), slice([READY])),
    says: [/a: fedns\.io\/federation is written as annotation, and means something as label only/],
  },
  {
    title: 'the label is misspelt',
    members: without(service({ labels: { 'fedns.io/fedration': 'main' } }), slice([READY])),
    says: [/a: the label fedns\.io\/fedration means nothing; known are fedns\.io\/federation,/],
  },
  {
    title: 'type ClusterIP without publish',
    members: without(ofType('ClusterIP'), slice([READY])),
    says: [
      /a: a Service of type ClusterIP has no address outside its cluster; make it a LoadBalancer, or set publish/,
    ],
  },
  {
    title: 'type NodePort without publish',
    members: without(ofType('NodePort'), slice([READY])),
    says: [/a: a Service of type NodePort has no address/],
  },
  {
    title: 'type ExternalName',
    members: without(ofType('ExternalName')),
    says: [/a: a Service of type ExternalName cannot be federated/],
  },
  {
    title: 'excluded by annotation',
    members: without(service({ annotations: { 'fedns.io/exclude': 'true' } }), slice([READY])),
    says: ['reason: a: the annotation fedns.io/exclude takes it out'],
  },
  {
    title: 'namespace denied, whether the Service is known or not',
    members: {
      a: { settings: { namespaces: { allow: [], deny: ['web'] } }, objects: NGINX },
      b: { settings: { namespaces: { allow: ['shop'], deny: [] } } },
    },
    says: [/a: namespace web is excluded/, /b: namespace web is excluded/],
  },
  {
    title: 'selected by an export that is not there',
    members: without(unlabelled(), slice([READY])),
    name: 'nginx.web.shared.svc.example.com',
    says: [/a: no ServiceExport web\/nginx exists, and federation shared selects by those/],
  },
  {
    title: 'published in another federation',
    members: without(...NGINX),
    name: 'nginx.web.shared.svc.example.com',
    says: ['hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: 'misspelt Service',
    members: without(...NGINX),
    name: 'ngnix.web.main.svc.us.example.com',
    says: [
      /no cluster that was read has a Service ngnix in namespace web/,
      'hint: did you mean nginx.web.main.svc.us.example.com?',
    ],
  },
  {
    title: 'misspelt namespace',
    members: without(...NGINX),
    name: 'nginx.wbe.main.svc.example.com',
    says: ['hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: 'both misspelt',
    members: without(...NGINX),
    name: 'ngix.wep.main.svc.example.com',
    says: ['hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: 'namespace and Service in the wrong order',
    members: without(...NGINX),
    name: 'web.nginx.main.svc.example.com',
    says: ['hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: 'the Service is in another namespace',
    members: without(...NGINX),
    name: 'nginx.default.main.svc.example.com',
    says: ['hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: 'nothing is near',
    members: without(...NGINX),
    name: 'database.billing.main.svc.example.com',
    says: [/no cluster that was read has a Service database in namespace billing/],
    saysNot: [/did you mean/],
  },
  {
    title: 'misspelt federation',
    members: without(...NGINX),
    name: 'nginx.web.mian.svc.example.com',
    says: [
      'federation: mian is no federation; configured: main, shared',
      'hint: did you mean nginx.web.main.svc.example.com?',
    ],
  },
  {
    title: 'misspelt zone',
    members: without(...NGINX),
    name: 'nginx.web.main.svc.us-b.example.com',
    says: [
      /no cluster has registered a zone or region us-b/,
      'hint: did you mean nginx.web.main.svc.us-a.example.com?',
    ],
  },
  {
    title: 'zone of another region',
    members: without(...NGINX),
    name: 'nginx.web.main.svc.us-a.eu.example.com',
    says: ['hint: did you mean nginx.web.main.svc.us-a.us.example.com?'],
  },
  {
    title: 'a zone name that two regions have',
    members: { a: placed('us', ...NGINX), b: placed('eu', ...NGINX) },
    name: 'nginx.web.main.svc.z.example.com',
    says: [
      /ambiguous: zone z is in several regions, so it has long names only: .*svc\.z\.us\.example\.com, .*svc\.z\.eu\.example/,
    ],
  },
  {
    title: 'svc is missing',
    members: without(...NGINX),
    name: 'nginx.web.main.us.example.com',
    says: ['hint: did you mean nginx.web.main.svc.us.example.com?'],
  },
  {
    title: 'svc is misspelt',
    members: without(...NGINX),
    name: 'nginx.web.main.scv.us.example.com',
    says: ['hint: did you mean nginx.web.main.svc.us.example.com?'],
  },
  {
    title: 'the federation is missing',
    members: without(...NGINX),
    name: 'nginx.web.svc.example.com',
    says: ['hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: 'a misspelt static name',
    members: {},
    name: 'wwww.example.com',
    says: ['hint: did you mean www.example.com?'],
  },
  {
    title: 'a name of no form',
    members: {},
    name: 'qqqqqqqqqqqq.example.com',
    says: [/hint: names of Services are SERVICE\.NAMESPACE\.FEDERATION\.svc/],
  },
  {
    title: 'the domain is missing',
    members: without(...NGINX),
    name: 'nginx.web.main',
    says: [/domain: /, 'hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: 'the domain is missing, and the Service misspelt',
    members: without(...NGINX),
    name: 'ngnix.web.main',
    says: ['hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: 'the domain is misspelt',
    members: without(...NGINX),
    name: 'nginx.web.main.svc.exmaple.com',
    says: ['hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: "the cluster's own name of the Service",
    members: without(...NGINX),
    name: 'nginx.web.svc.cluster.local',
    says: ['hint: did you mean nginx.web.main.svc.example.com?'],
  },
  {
    title: 'another domain',
    members: without(...NGINX),
    name: 'kubernetes.io',
    says: ['hint: fedns serves example.com. and what is below it, nothing else'],
  },
  {
    title: 'a port that the Service does not have',
    members: without(...NGINX),
    name: '_https._tcp.nginx.web.main.svc.example.com',
    says: ['port: the Service has no port _https._tcp; it has _http._tcp'],
  },
  {
    title: 'a host name that does not resolve',
    members: without(service({ ingress: [{ hostname: 'gone.example.net' }] }), slice([READY])),
    says: [/a: the load balancer's host name gone\.example\.net does not resolve: NXDOMAIN/],
  },
  {
    title: 'a host name that is being resolved',
    members: without(service({ ingress: [{ hostname: 'new.example.net' }] }), slice([READY])),
    says: [/host name new\.example\.net does not resolve: no answer yet/],
  },
  {
    title: 'a host name that resolves to a refused address',
    members: without(service({ ingress: [{ hostname: 'local.example.net' }] }), slice([READY])),
    says: [/a: .*127\.0\.0\.1.*loopback/],
  },
  {
    title: 'a load balancer without an address yet',
    members: without(service({ ingress: [] }), slice([READY])),
    says: [/a: its load balancer has no address yet/],
    saysNot: [/externalIPs/],
  },
  {
    title: 'external addresses that nobody asked to publish',
    members: without(service({ ingress: [], spec: { externalIPs: ['192.0.2.9'] } }), slice([READY])),
    says: [/a: its spec\.externalIPs count only with the annotation fedns\.io\/external-ips: "true"/],
  },
  {
    title: 'being deleted',
    members: without(service({ metadata: { deletionTimestamp: '2026-11-01T00:00:00Z' } }), slice([READY])),
    says: ['reason: a: the Service is being deleted'],
    saysNot: [/none of its endpoints/],
  },
  {
    title: 'no slice at all',
    members: without(service()),
    says: [
      /a: no EndpointSlice belongs to it: it has no selector, its selector matches no Pod, or manifests lack/,
    ],
  },
  {
    title: 'slices, and none ready',
    members: without(service(), slice([{ ...READY, conditions: { ready: false } }])),
    says: ['reason: a: none of its endpoints is ready'],
    saysNot: [/no EndpointSlice/],
  },
  {
    title: 'the cluster is held',
    members: {
      a: {
        objects: NGINX,
        status: 'held',
        report: {
          condition: 'Offline',
          conditionSinceMs: 1_790_000_000_000,
          lastError: 'connection refused',
        },
      },
    },
    says: ['cluster: a is held, for it is Offline since 2026-09-21T14:13:20.000Z: connection refused'],
  },
  {
    title: 'a cluster was never read',
    members: {
      a: { objects: NGINX },
      b: { status: 'pending', report: { condition: 'Offline', lastError: 'no route to host' } },
    },
    name: 'other.web.main.svc.example.com',
    says: [/b is pending, for it is Offline since .*: no route to host/],
  },
  {
    title: 'several clusters were never read, also past the grace: each has its cause',
    members: {
      a: { objects: NGINX },
      b: { status: 'pending', report: { condition: 'Offline', lastError: 'no route to host' } },
      c: { status: 'withdrawn', neverRead: true, report: { condition: 'Offline', lastError: 'refused' } },
      d: { status: 'withdrawn', objects: NGINX, report: { condition: 'Offline', lastError: 'gone' } },
    },
    name: 'other.web.main.svc.example.com',
    says: [
      /pending: never read, .*: b, c;/,
      /cluster: b is pending, for it is Offline since .*: no route to host/,
      /cluster: c is not read, for it is Offline since .*: refused/,
    ],
    saysNot: [/cluster: d /],
  },
  {
    title: 'a region that answers: not what is unhealthy elsewhere',
    members: {
      a: placed('eu', ...NGINX),
      b: placed('eu', service(), slice([{ ...READY, conditions: { ready: false } }])),
      c: placed('us', service(), slice([{ ...READY, conditions: { ready: false } }])),
      d: { ...placed('us', ...NGINX), status: 'withdrawn', report: { condition: 'Offline' } },
    },
    name: 'nginx.web.main.svc.z.eu.example.com',
    says: [/shard: c \(us z\): unhealthy/, 'reason: b: none of its endpoints is ready'],
    saysNot: [/reason: c:/, /cluster: d /],
  },
  {
    title: 'a region without a healthy shard: what is unhealthy anywhere',
    members: {
      a: placed('eu', service(), slice([{ ...READY, conditions: { ready: false } }])),
      b: placed('us', service(), slice([{ ...READY, conditions: { ready: false } }])),
      c: placed('ap', ...NGINX),
    },
    name: 'nginx.web.main.svc.eu.example.com',
    says: ['reason: a: none of its endpoints is ready', 'reason: b: none of its endpoints is ready'],
  },
  {
    title: 'a healthy name is explained without reasons',
    members: without(...NGINX),
    says: [],
    saysNot: [/^(reason|hint|cluster|location|service: no)/m],
  },
];

for (const { title, members, name = NAME, says, saysNot = [] } of CASES) {
  t.test(title, (t) => {
    const { steps } = explained(members, name);
    const text = steps.map((step) => `${step.rule}: ${step.text}`).join('\n');
    for (const part of says) {
      if (typeof part === 'string') t.ok(text.split('\n').includes(part), `${part}\nin\n${text}`);
      else t.match(text, part);
    }
    for (const part of saysNot) t.notMatch(text, part);
    t.end();
  });
}

t.test(
  'a cluster of which nothing is published says what would change that, one that publishes does not',
  (t) => {
    const adviceFor = (...objects: unknown[]): string | undefined => {
      const f = makeFederation();
      const kept = new ClusterObjects({
        settings: clusterSettings(),
        federations: FEDERATIONS.slice(0, 1),
        domain: 'example.com',
        sink: f.builder,
        clock: () => 1,
      });
      for (const value of objects) kept.apply(slimObject(value), { object: 'list', timeMs: 1 });
      t.equal(kept.report().advice, undefined, 'nothing is said before the first list');
      kept.setStatus('pending');
      kept.commitInitial({ object: 'list', timeMs: 1 });
      return kept.report().advice;
    };
    t.equal(
      adviceFor(unlabelled()),
      'none of its 1 Services is published: kubectl -n NAMESPACE label service NAME fedns.io/federation=main',
    );
    t.match(adviceFor(), /no Service was found/);
    t.equal(adviceFor(...NGINX), undefined);
    t.match(adviceFor(NGINX[0]), /it has no EndpointSlice, so none of its Services is healthy/);
    t.end();
  },
);

t.test('a host name in trouble stands among what was not taken, for as long as it lasts', (t) => {
  const f = makeFederation();
  const followed: { addresses: string[]; trouble?: FollowedHostname['trouble']; stop(): void } = {
    addresses: [],
    trouble: { message: 'NXDOMAIN', sinceMs: 7 },
    stop: () => {},
  };
  const kept = new ClusterObjects({
    settings: clusterSettings(),
    federations: FEDERATIONS,
    domain: 'example.com',
    sink: f.builder,
    clock: () => 1,
    resolver: { follow: () => followed },
  });
  kept.setStatus('pending');
  kept.apply(slimObject(service({ ingress: [{ hostname: 'lb.example.net' }] })), { object: 'x', timeMs: 1 });
  kept.commitInitial({ object: 'list', timeMs: 1 });
  const expected = { code: 'HOSTNAME_UNRESOLVED', object: 'Service web/nginx', sinceMs: 7 };
  t.match(kept.report().refusals, [expected]);
  followed.addresses = ['192.0.2.9'];
  t.strictSame(kept.report().refusals, []);
  t.end();
});
