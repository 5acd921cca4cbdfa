/** How the replicas of a Deployment or ReplicaSet come to be divided, by what is seen of the clusters. */

import { test } from 'tap';
import { deploymentKind } from '../../../src/federation/kinds/deployment.ts';
import { replicaSetKind } from '../../../src/federation/kinds/replica-set.ts';
import type { MemberView } from '../../../src/federation/sync/kind.ts';
import { member, objectOf, type Parts } from './members.ts';

const deployment = deploymentKind({ division: 'v1' });
const replicaSet = replicaSetKind({ division: 'v1' });
const PREFERENCES = 'federation.kubernetes.io/deployment-preferences';

function running(wanted: number, ready: number, replicas = wanted): Parts {
  return { spec: { replicas: wanted }, status: { replicas, readyReplicas: ready } };
}

const readyCondition = (status: string) => ({ type: 'Ready', status });
const pending = (reason: string, lastTransitionTime: string) => ({
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason, lastTransitionTime }],
});

/** What each cluster is given, as `A=3 B=3`. */
function shares(replicas: number, members: MemberView<any>[], annotations = {}): string {
  const federated = objectOf(deployment, { spec: { replicas }, annotations });
  const division = deployment.divide!(federated, members, 0);
  return [...division.shares].map(([cluster, share]) => `${cluster}=${share}`).join(' ');
}

interface Case {
  readonly title: string;
  readonly replicas: number;
  readonly members: MemberView<any>[];
  readonly annotations?: Record<string, string>;
  readonly shares: string;
}

const CASES: readonly Case[] = [
  {
    title: 'clusters that have no such object yet',
    replicas: 6,
    members: [member(deployment, 'A'), member(deployment, 'B')],
    shares: 'A=3 B=3',
  },
  {
    title: 'no cluster',
    replicas: 6,
    members: [],
    shares: '',
  },
  {
    title: 'all run in one and are ready: they stay',
    replicas: 6,
    members: [member(deployment, 'A', running(6, 6)), member(deployment, 'B')],
    shares: 'A=6 B=0',
  },
  {
    title: 'all run in one, rebalanced',
    replicas: 6,
    members: [member(deployment, 'A', running(6, 6)), member(deployment, 'B')],
    annotations: { [PREFERENCES]: '{"rebalance":true,"clusters":{"*":{"weight":1}}}' },
    shares: 'A=3 B=3',
  },
  {
    title: 'a Pod is not ready for a moment, and has not been looked at: nothing is moved',
    replicas: 6,
    members: [member(deployment, 'A', running(6, 5)), member(deployment, 'B', running(0, 0))],
    shares: 'A=6 B=0',
  },
  {
    title: 'a Pod runs without being ready: nothing is moved',
    replicas: 6,
    members: [
      member(deployment, 'A', running(6, 5), { answer: { running: 6 } }),
      member(deployment, 'B', running(0, 0)),
    ],
    shares: 'A=6 B=0',
  },
  {
    title: 'Pods that do not run are no reason to stay',
    replicas: 6,
    members: [
      member(deployment, 'A', running(6, 2), { answer: { running: 2 } }),
      member(deployment, 'B', running(0, 0)),
    ],
    shares: 'A=3 B=3',
  },
  {
    title: 'Pods without room are moved on',
    replicas: 6,
    members: [
      member(deployment, 'A', running(3, 1), { answer: { running: 1, capacity: 1 } }),
      member(deployment, 'B', running(3, 3)),
    ],
    shares: 'A=1 B=5',
  },
  {
    title: 'Pods without room, rebalanced: others run meanwhile, and they wait where they belong',
    replicas: 6,
    members: [
      member(deployment, 'A', running(3, 1), { answer: { running: 1, capacity: 1 } }),
      member(deployment, 'B', running(3, 3)),
    ],
    annotations: { [PREFERENCES]: '{"rebalance":true,"clusters":{"*":{"weight":1}}}' },
    shares: 'A=3 B=5',
  },
  {
    title: 'a cluster that does not count keeps what it has, and the others run all',
    replicas: 6,
    members: [
      member(deployment, 'A', running(3, 3), { ready: false }),
      member(deployment, 'B', running(3, 3)),
    ],
    shares: 'A=3 B=6',
  },
  {
    title: 'a cluster that was never read and does not count is given nothing',
    replicas: 6,
    members: [member(deployment, 'A', undefined, { ready: false }), member(deployment, 'B')],
    shares: 'A=0 B=6',
  },
  {
    title: 'preferences by cluster',
    replicas: 10,
    members: [member(deployment, 'A'), member(deployment, 'B'), member(deployment, 'C')],
    annotations: { [PREFERENCES]: '{"clusters":{"A":{"weight":1},"B":{"weight":2},"C":{"weight":3}}}' },
    shares: 'A=1 B=4 C=5',
  },
  {
    title: 'preferences that name no cluster',
    replicas: 10,
    members: [member(deployment, 'A', running(10, 10)), member(deployment, 'B')],
    annotations: { [PREFERENCES]: '{}' },
    shares: 'A=0 B=0',
  },
  {
    title: 'preferences of another kind do not count',
    replicas: 4,
    members: [member(deployment, 'A'), member(deployment, 'B')],
    annotations: { 'federation.kubernetes.io/replica-set-preferences': '{}' },
    shares: 'A=2 B=2',
  },
  {
    title: 'by the method that the object names',
    replicas: 10,
    members: [member(deployment, 'A'), member(deployment, 'B'), member(deployment, 'C')],
    annotations: {
      [PREFERENCES]: '{"clusters":{"A":{"weight":1},"B":{"weight":2},"C":{"weight":3}}}',
      'fedns.io/division': 'webster',
    },
    shares: 'A=2 B=3 C=5',
  },
];

for (const { title, replicas, members, annotations = {}, shares: wanted } of CASES)
  test(title, async (t) => t.equal(shares(replicas, members, annotations), wanted));

test('an object that does not say how many asks for one', async (t) => {
  const members = [member(deployment, 'A'), member(deployment, 'B')];
  const { shares: given } = deployment.divide!(objectOf(deployment, { spec: {} }), members, 0);
  t.equal(
    [...given.values()].reduce((a, b) => a + b, 0),
    1,
  );
});

test('an annotation that makes no sense is a problem of the object, and the division is the default', async (t) => {
  const cases: [annotations: Record<string, string>, reason: string, message: string][] = [
    [
      { [PREFERENCES]: '{"clusters":\n{"A":{"weight":"3"}}}' },
      'PreferencesInvalid',
      `annotation ${PREFERENCES}: line 2, column 16, clusters.A.weight: a whole number is wanted, not a string; ` +
        'replicas are divided evenly',
    ],
    [
      { 'fedns.io/division': 'fair' },
      'DivisionInvalid',
      'annotation fedns.io/division: v1 or webster is wanted, not "fair"; it is v1',
    ],
  ];
  const members = ['A', 'B', 'C', 'D'].map((cluster) => member(deployment, cluster));
  for (const [annotations, reason, message] of cases) {
    const federated = objectOf(deployment, { spec: { replicas: 9 }, annotations });
    const { shares: given, problems } = deployment.divide!(federated, members, 0);
    t.same(problems, [{ reason, message }]);
    t.same([...given.values()].toSorted(), [0, 3, 3, 3], 'evenly');
  }
});

test('what is applied is the spec with the share of the cluster for its replicas', async (t) => {
  for (const kind of [deployment, replicaSet]) {
    const spec = { replicas: 9, paused: true, selector: { matchLabels: { app: 'web' } } };
    t.same(kind.desire(objectOf(kind, { spec }), 2), { spec: { ...spec, replicas: 2 } });
  }
});

test('the Pods of a cluster are looked at while not all that are wanted are ready', async (t) => {
  const federated = objectOf(deployment, {
    spec: {
      selector: {
        matchLabels: { app: 'web' },
        matchExpressions: [
          { key: 'tier', operator: 'In', values: ['a', 'b'] },
          { key: 'env', operator: 'NotIn', values: ['test'] },
          { key: 'here', operator: 'Exists' },
          { key: 'gone', operator: 'DoesNotExist' },
        ],
      },
    },
  });
  const { due, path } = deployment.inquiry!;
  const cases: [wanted: number, ready: number, isDue: boolean][] = [
    [0, 0, false],
    [3, 3, false],
    [3, 2, true],
    [2, 3, true],
  ];
  for (const [wanted, ready, isDue] of cases)
    t.equal(due(federated, deployment.see(objectOf(deployment, running(wanted, ready)))), isDue);
  const url = new URL(path(federated), 'https://member');
  t.equal(url.pathname, '/api/v1/namespaces/shop/pods');
  t.equal(url.searchParams.get('labelSelector'), 'app=web,tier in (a,b),env notin (test),here,!gone');
});

test('Pods count as running when they run, and as without room after a minute', async (t) => {
  const nowMs = Date.parse('2026-11-28T12:00:00Z');
  const cases: [title: string, status: object, running: number, capacity: number | undefined][] = [
    ['ready', { phase: 'Running', conditions: [readyCondition('True')] }, 1, undefined],
    ['running, not ready', { phase: 'Running', conditions: [readyCondition('False')] }, 1, undefined],
    ['running, nothing said of readiness', { phase: 'Running', conditions: [] }, 0, undefined],
    ['nothing known', {}, 0, undefined],
    ['ended', { phase: 'Succeeded', conditions: [readyCondition('False')] }, 0, undefined],
    ['without room for 61 s', pending('Unschedulable', '2026-11-28T11:58:59Z'), 0, 4],
    ['without room for 60 s', pending('Unschedulable', '2026-11-28T11:59:00Z'), 0, undefined],
    ['gated', pending('SchedulingGated', '2026-11-28T11:00:00Z'), 0, undefined],
    ['scheduled', { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] }, 0, undefined],
  ];
  const federated = objectOf(deployment, { spec: {} });
  const seen = deployment.see(objectOf(deployment, running(5, 0)));
  for (const [title, status, count, capacity] of cases) {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1' }, status: { ...status } };
    const answer = deployment.inquiry!.read([pod], federated, seen, nowMs);
    t.same(answer, { running: count, ...(capacity !== undefined && { capacity }) }, title);
  }
});

test('more Pods without room than are wanted are no room at all', async (t) => {
  const pods = [1, 2].map((id) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `web-${id}` },
    status: {
      phase: 'Pending',
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          lastTransitionTime: '2026-11-28T11:00:00Z',
        },
      ],
    },
  }));
  const seen = deployment.see(objectOf(deployment, running(1, 0)));
  const answer = deployment.inquiry!.read(
    pods,
    objectOf(deployment, {}),
    seen,
    Date.parse('2026-11-28T12:00:00Z'),
  );
  t.same(answer, { running: 0, capacity: 0 });
});
