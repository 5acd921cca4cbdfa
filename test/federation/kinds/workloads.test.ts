/** What federated workloads and Ingresses are in a cluster, and what the clusters' make of their status. */

import { test } from 'tap';
import { daemonSetKind } from '../../../src/federation/kinds/daemon-set.ts';
import { deploymentKind } from '../../../src/federation/kinds/deployment.ts';
import { ingressKind } from '../../../src/federation/kinds/ingress.ts';
import { replicaSetKind } from '../../../src/federation/kinds/replica-set.ts';
import type { Fields, MemberView } from '../../../src/federation/sync/kind.ts';
import { member, objectOf } from './members.ts';

const deployment = deploymentKind({ division: 'v1' });
const replicaSet = replicaSetKind({ division: 'v1' });
const NOW_MS = Date.parse('2026-11-28T12:00:00.400Z');

const replicaSetStatus = (replicas: number, labelled: number, ready: number, available: number): Fields => ({
  replicas,
  fullyLabeledReplicas: labelled,
  readyReplicas: ready,
  availableReplicas: available,
  observedGeneration: 1,
});
const rollout = (available: string, progress: string): Fields => ({
  conditions: [
    { type: 'Available', status: available },
    { type: 'Progressing', status: 'True', reason: progress },
  ],
});
const template = (spec: Fields): Fields => ({ template: { spec } });
const entries = (...ingress: Fields[]) => ({ status: { loadBalancer: { ingress } } });

test('a ReplicaSet says what its clusters say together', async (t) => {
  const federated = objectOf(replicaSet, { spec: { replicas: 7 }, generation: 4 });
  const members = [
    member(replicaSet, 'A', { status: replicaSetStatus(4, 3, 3, 2) }),
    member(replicaSet, 'B', { status: replicaSetStatus(3, 3, 3, 3) }),
    member(replicaSet, 'C', { status: replicaSetStatus(9, 9, 9, 9) }, { ready: false }),
  ];
  t.same(replicaSet.status!(federated, members, NOW_MS), {
    replicas: 7,
    fullyLabeledReplicas: 6,
    readyReplicas: 6,
    availableReplicas: 5,
    observedGeneration: 4,
  });
  t.match(replicaSet.status!(federated, [], NOW_MS), { replicas: 0, availableReplicas: 0 });
});

test('a DaemonSet says what its clusters say together', async (t) => {
  const federated = objectOf(daemonSetKind, { spec: {}, generation: 2 });
  const status = {
    desiredNumberScheduled: 3,
    currentNumberScheduled: 3,
    updatedNumberScheduled: 2,
    numberMisscheduled: 1,
    numberReady: 2,
    numberAvailable: 2,
    numberUnavailable: 1,
    observedGeneration: 5,
  };
  const members = ['A', 'B'].map((name) => member(daemonSetKind, name, { status, generation: 5 }));
  t.same(daemonSetKind.status!(federated, members, NOW_MS), {
    desiredNumberScheduled: 6,
    currentNumberScheduled: 6,
    updatedNumberScheduled: 4,
    numberMisscheduled: 2,
    numberReady: 4,
    numberAvailable: 4,
    numberUnavailable: 2,
    observedGeneration: 2,
  });
});

test('what the federation endpoint runs itself has the status that its controllers write', async (t) => {
  for (const kind of [deployment, replicaSet, daemonSetKind]) {
    const object = objectOf(kind, { spec: {} });
    const members = [member(kind, 'A', { status: { observedGeneration: 1 } })];
    const run = { ...object, metadata: { ...object.metadata, statusWriters: ['kube-controller-manager'] } };
    t.same(kind.status!(run, members, NOW_MS), {}, kind.type.kind);
    t.match(kind.status!(object, members, NOW_MS), { observedGeneration: 1 }, kind.type.kind);
  }
});

test('a generation counts as observed when each cluster that counts has acted on it', async (t) => {
  const acted = { status: { observedGeneration: 3 }, generation: 3 };
  const behind = { status: { observedGeneration: 2 }, generation: 3 };
  const cases: [title: string, members: MemberView<any>[], observed: number][] = [
    ['all', [member(deployment, 'A', acted), member(deployment, 'B', acted)], 8],
    ['one controller is behind', [member(deployment, 'A', acted), member(deployment, 'B', behind)], 7],
    [
      'one has the spec of before',
      [member(deployment, 'A', acted), member(deployment, 'B', acted, { upToDate: false })],
      7,
    ],
    ['one has no object yet', [member(deployment, 'A', acted), member(deployment, 'B')], 7],
    [
      'one does not count',
      [member(deployment, 'A', acted), member(deployment, 'B', behind, { ready: false })],
      8,
    ],
    ['there is no cluster', [], 7],
  ];
  const federated = objectOf(deployment, { spec: {}, status: { observedGeneration: 7 }, generation: 8 });
  for (const [title, members, observed] of cases)
    t.equal(deployment.status!(federated, members, NOW_MS)['observedGeneration'], observed, title);
});

test('a Deployment is available where it is in each cluster, and has failed where it has in one', async (t) => {
  const good = { status: rollout('True', 'NewReplicaSetAvailable') };
  const rolling = { status: rollout('True', 'ReplicaSetUpdated') };
  const failed = { status: rollout('False', 'ProgressDeadlineExceeded') };
  const cases: [members: MemberView<any>[], verdicts: string[]][] = [
    [
      [member(deployment, 'A', good), member(deployment, 'B', good)],
      [
        'True MinimumReplicasAvailable Each cluster has minimum availability.',
        'True NewReplicaSetAvailable Each cluster has progressed.',
      ],
    ],
    [
      [member(deployment, 'B', rolling), member(deployment, 'A', rolling)],
      [
        'True MinimumReplicasAvailable Each cluster has minimum availability.',
        'True ReplicaSetUpdated Progressing: A, B.',
      ],
    ],
    [
      [member(deployment, 'A', good), member(deployment, 'B', failed)],
      [
        'False MinimumReplicasUnavailable Without minimum availability: B.',
        'False ProgressDeadlineExceeded No progress: B.',
      ],
    ],
    [
      [member(deployment, 'A', good), member(deployment, 'B', failed, { ready: false })],
      [
        'True MinimumReplicasAvailable Each cluster has minimum availability.',
        'True NewReplicaSetAvailable Each cluster has progressed.',
      ],
    ],
    [
      [member(deployment, 'A')],
      [
        'False MinimumReplicasUnavailable Without minimum availability: A.',
        'True ReplicaSetUpdated Progressing: A.',
      ],
    ],
    [
      [],
      [
        'False MinimumReplicasUnavailable There is no cluster.',
        'True NewReplicaSetAvailable Each cluster has progressed.',
      ],
    ],
  ];
  for (const [members, verdicts] of cases) {
    const status = deployment.status!(objectOf(deployment, { spec: {} }), members, NOW_MS);
    const found = status['conditions'] as { status: string; reason: string; message: string }[];
    t.same(
      found.map((each) => `${each.status} ${each.reason} ${each.message}`),
      verdicts,
    );
  }
});

test('a condition keeps the time at which it came to be what it is', async (t) => {
  const good = {
    status: { conditions: [{ type: 'Available', status: 'True' }] },
  };
  const before = {
    type: 'Available',
    status: 'True',
    reason: 'MinimumReplicasAvailable',
    message: 'Each cluster has minimum availability.',
    lastTransitionTime: '2026-11-28T10:00:00Z',
    lastUpdateTime: '2026-11-28T11:00:00Z',
  };
  const times = (conditions: object[]): string[] => {
    const federated = objectOf(deployment, { spec: {}, status: { conditions } });
    const status = deployment.status!(federated, [member(deployment, 'A', good)], NOW_MS);
    const [found] = status['conditions'] as { lastTransitionTime: string; lastUpdateTime: string }[];
    return [found!.lastTransitionTime, found!.lastUpdateTime];
  };
  const now = '2026-11-28T12:00:00Z';
  t.same(times([]), [now, now], 'new');
  t.same(times([before]), [before.lastTransitionTime, before.lastUpdateTime], 'unchanged');
  t.same(times([{ ...before, message: 'Another.' }]), [before.lastTransitionTime, now], 'told otherwise');
  t.same(times([{ ...before, status: 'False' }]), [now, now], 'changed');
});

test('containers, variables, mounts and volumes that the federated object does not have are taken out', async (t) => {
  const web = { name: 'web', env: [{ name: 'A' }], volumeMounts: [{ name: 'v', mountPath: '/v' }] };
  const desired = { spec: template({ containers: [web], volumes: [{ name: 'v' }] }) };
  const steps = (spec: Fields): string[] =>
    deployment.surplus!(objectOf(deployment, { spec: template(spec) }), desired).map((step) =>
      step.op === 'test' ? `test ${step.path} ${String(step.value)}` : `${step.op} ${step.path}`,
    );
  const root = '/spec/template/spec';
  t.same(steps({ containers: [web], volumes: [{ name: 'v' }] }), []);
  t.same(steps({ containers: [{ ...web, image: 'other' }] }), [], 'fields of what is wanted are the apply’s');
  t.same(steps({ containers: [{ name: 'x' }, web, { name: 'y' }], initContainers: [{ name: 'i' }] }), [
    `test ${root}/containers/2/name y`,
    `remove ${root}/containers/2`,
    `test ${root}/containers/0/name x`,
    `remove ${root}/containers/0`,
    `test ${root}/initContainers/0/name i`,
    `remove ${root}/initContainers/0`,
  ]);
  t.same(
    steps({
      containers: [{ name: 'web', env: [{ name: 'B' }, { name: 'A' }], volumeMounts: [{ mountPath: '/w' }] }],
      volumes: [{ name: 'w' }],
    }),
    [
      `test ${root}/containers/0/env/0/name B`,
      `remove ${root}/containers/0/env/0`,
      `test ${root}/containers/0/volumeMounts/0/mountPath /w`,
      `remove ${root}/containers/0/volumeMounts/0`,
      `test ${root}/volumes/0/name w`,
      `remove ${root}/volumes/0`,
    ],
  );
  t.same(deployment.surplus!(objectOf(deployment, {}), desired), [], 'an object without spec');
});

test('an Ingress is the same everywhere, and has the entry points of all clusters that count', async (t) => {
  const spec = { rules: [{ host: 'shop.example.com' }] };
  const federated = objectOf(ingressKind, { spec });
  t.same(ingressKind.desire(federated, undefined), { spec });
  const members = [
    member(ingressKind, 'A', entries({ hostname: 'b.example.net' }, { ip: '192.0.2.10' })),
    member(ingressKind, 'B', entries({ ip: '192.0.2.9' }, { ip: '192.0.2.10' }, { ip: '2001:db8::1' })),
    member(ingressKind, 'C', entries({ ip: '192.0.2.1' }), { ready: false }),
    member(ingressKind, 'D', { status: {} }),
    member(ingressKind, 'E'),
  ];
  t.same(ingressKind.status!(federated, members, NOW_MS), {
    loadBalancer: {
      ingress: [
        { ip: '192.0.2.9' },
        { ip: '192.0.2.10' },
        { ip: '2001:db8::1' },
        { hostname: 'b.example.net' },
      ],
    },
  });
});

test('an object in which nothing is as the API has it is read without an error', async (t) => {
  const odd = [
    {},
    { spec: {}, status: {} },
    { status: { replicas: '3', readyReplicas: -1, conditions: 'none', loadBalancer: [] } },
    { status: { replicas: 1.5, observedGeneration: null, conditions: [{}], loadBalancer: { ingress: {} } } },
  ] as never[];
  for (const kind of [deployment, replicaSet, daemonSetKind, ingressKind]) {
    for (const parts of odd) {
      const members = [member(kind, 'A', parts)];
      const status = kind.status!(objectOf(kind, parts), members, NOW_MS);
      t.notMatch(JSON.stringify(status), /"3"|:-1|1\.5|null/);
    }
  }
});
