/** Which objects of the endpoint are federated, and what is applied of them. */

import { test } from 'tap';
import { configMapKind } from '../../../src/federation/kinds/config-map.ts';
import { namespaceKind } from '../../../src/federation/kinds/namespace.ts';
import { secretKind } from '../../../src/federation/kinds/secret.ts';
import { serviceKind } from '../../../src/federation/kinds/service.ts';
import { copyOf, isOlder } from '../../../src/federation/sync/copies.ts';
import {
  desiredObject,
  federatedOf,
  whyHome,
  type Federated,
} from '../../../src/federation/sync/federated.ts';
import {
  confirmationOf,
  confirmedIn,
  notesOf,
  readNotes,
  withNotes,
} from '../../../src/federation/sync/held-notes.ts';
import type { AnyKind, KubeObject } from '../../../src/federation/sync/kind.ts';
import { FINALIZER } from '../../../src/federation/sync/marks.ts';

const ALL = { federation: 'main', select: 'all', ownNamespace: 'fedns' } as const;
const LABELLED = { ...ALL, select: 'label' } as const;

function object(path: string, more: object = {}): KubeObject {
  const [namespace, name] = path.split('/');
  const { metadata, ...fields } = more as { metadata?: object };
  const place = name === undefined ? { name: namespace! } : { namespace: namespace!, name };
  return { apiVersion: 'v1', kind: 'X', metadata: { ...place, uid: 'u', ...metadata }, ...fields };
}

const labels = (value: Record<string, string>): object => ({ metadata: { labels: value } });
const ours = labels({ 'fedns.io/federation': 'main' });

test('what stays at the endpoint', async (t) => {
  const cases: readonly (readonly [title: string, kind: AnyKind, object: KubeObject, stays: boolean])[] = [
    ['a Service', serviceKind, object('web/nginx'), false],
    ['one in default', serviceKind, object('default/nginx'), false],
    ['the Service of the API itself', serviceKind, object('default/kubernetes'), true],
    ['a Service of the system', serviceKind, object('kube-system/kube-dns'), true],
    ['in the namespace of fedns', configMapKind, object('fedns/drains'), true],
    ['the namespace of fedns', namespaceKind, object('fedns'), true],
    ['a Namespace', namespaceKind, object('web'), false],
    ['one that is called like a system', namespaceKind, object('kubernetes-apps'), false],
    ['Namespace default', namespaceKind, object('default'), true],
    ['Namespace kube-system', namespaceKind, object('kube-system'), true],
    ['certificates of a cluster', configMapKind, object('web/kube-root-ca.crt'), true],
    ['a Secret', secretKind, object('web/cert', { type: 'kubernetes.io/tls' }), false],
    ['a token', secretKind, object('web/token', { type: 'kubernetes.io/service-account-token' }), true],
    ['a member’s credentials', secretKind, object('infra/us', labels({ 'fedns.io/cluster': 'us' })), true],
    ['a copy', configMapKind, object('web/c', labels({ 'federation.fedns.io/managed': 'main' })), true],
    [
      'made by a controller',
      configMapKind,
      object('web/c', { metadata: { ownerReferences: [{ controller: true }] } }),
      true,
    ],
    [
      'with an owner that does not control it',
      configMapKind,
      object('web/c', { metadata: { ownerReferences: [{}] } }),
      false,
    ],
  ];
  for (const [title, kind, one, stays] of cases) t.equal(whyHome(kind, one, ALL) !== undefined, stays, title);
});

test('of a shared endpoint only what is labelled is federated', async (t) => {
  t.equal(whyHome(serviceKind, object('web/nginx', ours), LABELLED), undefined);
  t.match(whyHome(serviceKind, object('web/nginx'), LABELLED), /not labelled fedns\.io\/federation: main/);
  t.ok(whyHome(serviceKind, object('web/nginx', labels({ 'fedns.io/federation': 'other' })), LABELLED));
});

test('an object that is no longer selected is looked after until its copies are gone', async (t) => {
  t.equal(federatedOf(serviceKind, object('web/nginx'), LABELLED), undefined);
  const left = federatedOf(
    serviceKind,
    object('web/nginx', { metadata: { finalizers: [FINALIZER] } }),
    LABELLED,
  );
  t.match(left, { isWanted: false });
  const going = { metadata: { finalizers: [FINALIZER], deletionTimestamp: '2026-01-01T00:00:00Z' } };
  t.match(federatedOf(serviceKind, object('web/nginx', going), ALL), { isWanted: false });
});

const SERVICE = object('web/nginx', {
  metadata: {
    labels: { app: 'nginx' },
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'fedns.io/clusters': 'a',
      'fedns.io/ttl': '30',
      'service.beta.kubernetes.io/aws-load-balancer-type': 'nlb',
    },
  },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.0.0.1',
    clusterIPs: ['10.0.0.1'],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    healthCheckNodePort: 31000,
    selector: { app: 'nginx' },
    ports: [{ name: 'http', port: 80, nodePort: 30001, protocol: 'TCP' }],
  },
  status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
});

const desired = (federated: Federated | undefined, adopted = false): KubeObject =>
  desiredObject(federated!, { federation: 'main', cluster: 'c1', adopted });

test('of a Service everything is applied that is not the cluster’s own', async (t) => {
  t.strictSame(desired(federatedOf(serviceKind, SERVICE, ALL)), {
    spec: {
      type: 'LoadBalancer',
      selector: { app: 'nginx' },
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    },
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'nginx',
      namespace: 'web',
      labels: { 'fedns.io/federation': 'main', app: 'nginx', 'federation.fedns.io/managed': 'main' },
      annotations: { 'fedns.io/ttl': '30', 'service.beta.kubernetes.io/aws-load-balancer-type': 'nlb' },
    },
  });
  const headless = object('web/h', { spec: { clusterIP: 'None', ipFamilyPolicy: 'PreferDualStack' } });
  t.strictSame(desired(federatedOf(serviceKind, headless, ALL))['spec'], {
    ipFamilyPolicy: 'PreferDualStack',
    clusterIP: 'None',
  });
});

test('a revision is another one only where copies are to be others', async (t) => {
  const first = federatedOf(serviceKind, SERVICE, ALL)!;
  const same: readonly object[] = [
    { status: { loadBalancer: {} } },
    { metadata: { ...SERVICE.metadata, finalizers: [FINALIZER], resourceVersion: '9' } },
    {
      metadata: {
        ...SERVICE.metadata,
        annotations: { ...SERVICE.metadata.annotations, 'fedns.io/clusters': 'b' },
      },
    },
  ];
  for (const change of same)
    t.equal(federatedOf(serviceKind, { ...SERVICE, ...change }, ALL, first)?.revision, first.revision);
  const other: readonly object[] = [
    { spec: { ...SERVICE.spec, type: 'ClusterIP' } },
    { metadata: { ...SERVICE.metadata, labels: { app: 'apache' } } },
    { metadata: { ...SERVICE.metadata, uid: 'another' } },
  ];
  for (const change of other)
    t.not(federatedOf(serviceKind, { ...SERVICE, ...change }, ALL, first)?.revision, first.revision);
});

test('a copy is compared as it comes', async (t) => {
  const federated = federatedOf(serviceKind, SERVICE, ALL)!;
  const standard = {
    federation: 'main',
    cluster: 'c1',
    federated: (key: string) => (key === federated.key ? federated : undefined),
  };
  const there = desired(federated);
  const own = {
    clusterIP: '10.9.9.9',
    ports: [{ name: 'http', port: 80, nodePort: 32000, protocol: 'TCP' }],
  };
  const member: KubeObject = { ...there, spec: { ...there.spec, ...own } };
  t.match(copyOf(serviceKind, member, standard), {
    key: 'Service web/nginx',
    difference: undefined,
    against: federated.revision,
  });
  const drifted = { ...member, spec: { ...member.spec, type: 'NodePort' } };
  t.match(copyOf(serviceKind, drifted, standard), { difference: '.spec.type is "NodePort"' });
  const foreign = { ...member, spec: { ...member.spec, ports: [...own.ports, { name: 'x', port: 9000 }] } };
  t.match(copyOf(serviceKind, foreign, standard)?.difference, /^surplus /);
  t.equal(copyOf(serviceKind, object('web/nginx'), standard), undefined, 'one without the label is foreign');
  t.match(copyOf(serviceKind, { ...member, metadata: { ...member.metadata, name: 'stray' } }, standard), {
    against: 0,
  });
});

test('what is older than what is known is told by uid and version', async (t) => {
  const cases: readonly (readonly [a: string, b: string, older: boolean])[] = [
    ['9', '10', true],
    ['10', '9', false],
    ['10', '10', false],
    ['99999999999999999998', '99999999999999999999', true],
    ['abc', '10', false],
    ['', '10', false],
  ];
  for (const [a, b, older] of cases)
    t.equal(isOlder({ uid: 'u', version: a }, { uid: 'u', version: b }), older, `${a} ${b}`);
  t.equal(isOlder({ uid: 'u', version: '1' }, { uid: 'v', version: '2' }), false, 'another object');
});

test('foreign keys and ports are taken out', async (t) => {
  const map = object('web/c', { data: { a: '1', 'x/y~z': '2' }, binaryData: { b: 'AA==' } });
  t.strictSame(configMapKind.surplus?.(map, { data: { a: '1' } }), [
    { op: 'remove', path: '/data/x~1y~0z' },
    { op: 'remove', path: '/binaryData/b' },
  ]);
  const ports = [{ port: 80 }, { port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }, { port: 99 }];
  const wanted = {
    spec: {
      ports: [
        { port: 53, protocol: 'TCP' },
        { port: 80, protocol: 'TCP' },
      ],
    },
  };
  t.strictSame(serviceKind.surplus?.(object('web/s', { spec: { ports } }), wanted), [
    { op: 'test', path: '/spec/ports/3', value: { port: 99 } },
    { op: 'remove', path: '/spec/ports/3' },
    { op: 'test', path: '/spec/ports/1', value: { port: 53, protocol: 'UDP' } },
    { op: 'remove', path: '/spec/ports/1' },
  ]);
});

test('a confirmation is of what was shown', async (t) => {
  const holds = new Map([['us', { removals: 9, objects: 10, sinceMs: 1000.4 }]]);
  const notes = notesOf(holds, 'replica');
  const shown = withNotes({ mine: 'x' }, notes);
  t.same(readNotes(shown), notes);
  const confirmed = { ...shown, ...confirmationOf(readNotes(shown)) };
  t.same(confirmedIn(confirmed, notes), ['us']);
  const more = notesOf(new Map([['us', { removals: 10, objects: 10, sinceMs: 1000.4 }]]), 'replica');
  t.same(confirmedIn(confirmed, more), [], 'it has become more');
  t.same(confirmedIn(confirmed, notesOf(holds, 'another')), [], 'another replica asks');
  t.same(withNotes(confirmed, {}), { mine: 'x' }, 'once done, nothing of it is left');
  t.same(readNotes({ 'federation.fedns.io/held-removals': '[' }), {}, 'what people write there');
});
