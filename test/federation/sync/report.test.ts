/** What the condition of a federated object says. */

import { test } from 'tap';
import {
  conditionsOf,
  PROPAGATED,
  propagation,
  readConditions,
  VALID,
  type Standing,
} from '../../../src/federation/sync/report.ts';

const there: Standing = { kind: 'there' };
const coming: Standing = { kind: 'coming' };
const none: Standing = { kind: 'none' };
const away: Standing = { kind: 'away', message: 'no reply within 20 s' };
const refused: Standing = { kind: 'trouble', reason: 'Refused', message: 'exceeded quota: objects' };
const held: Standing = { kind: 'held', hold: { removals: 9, objects: 10, sinceMs: 0 } };

const cases: readonly (readonly [
  title: string,
  standings: Record<string, Standing>,
  goesAway: boolean,
  said: string,
])[] = [
  ['everywhere', { a: there, b: there }, false, 'True InAllClusters: in 2 of 2 clusters: a, b'],
  ['where it is placed', { a: there, b: none }, false, 'True InAllClusters: in 1 of 1 clusters: a'],
  ['nowhere', { a: none }, false, 'False NoCluster: in 0 of 0 clusters'],
  ['under way', { a: there, b: coming }, false, 'False UnderWay: in 1 of 2 clusters: a; b: under way'],
  [
    'refused',
    { a: there, b: refused },
    false,
    'False Refused: in 1 of 2 clusters: a; b: exceeded quota: objects',
  ],
  [
    'refused there and away here',
    { a: away, b: refused },
    false,
    'False Refused: in 0 of 2 clusters; b: exceeded quota: objects; a is waited for: no reply within 20 s',
  ],
  ['going', { a: coming, b: none }, true, 'False Removing: still in 1 clusters; a: under way'],
  [
    'going, and waited for',
    { a: away, b: none },
    true,
    'False WaitingForClusters: still in 1 clusters; a is waited for: no reply within 20 s',
  ],
  [
    'held',
    { a: held },
    true,
    'False RemovalHeld: still in 1 clusters; a: the removal of 9 of 10 objects at once waits for fedns federate --confirm',
  ],
];

test('what clusters add up to', async (t) => {
  for (const [title, standings, goesAway, said] of cases) {
    const { status, reason, message } = propagation(new Map(Object.entries(standings)), goesAway);
    t.equal(`${status} ${reason}: ${message}`, said, title);
  }
});

test('many clusters are counted', async (t) => {
  const many = new Map(Array.from({ length: 100 }, (_, i) => [`c${i}`, there] as const));
  t.equal(
    propagation(many, false).message,
    'in 100 of 100 clusters: c0, c1, c2, c3, c4, c5, c6, c7 and 92 more',
  );
  const words: Standing = { kind: 'trouble', reason: 'Refused', message: 'x'.repeat(500) };
  const loud = new Map(Array.from({ length: 100 }, (_, i) => [`c${i}`, words] as const));
  t.equal(propagation(loud, false).message.length, 2000);
});

test('a condition keeps its time while its status is the same', async (t) => {
  const said = propagation(new Map([['a', refused]]), false);
  const first = conditionsOf(said, [], [], 0);
  t.same(
    first.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    [[PROPAGATED, '1970-01-01T00:00:00Z']],
  );
  const again = conditionsOf(propagation(new Map([['a', away]]), false), [], first, 60_000);
  t.equal(again[0]?.lastTransitionTime, '1970-01-01T00:00:00Z', 'for another reason, too');
  const good = conditionsOf(propagation(new Map([['a', there]]), false), [], again, 120_000);
  t.match(good, [{ status: 'True', lastTransitionTime: '1970-01-01T00:02:00Z' }]);
});

test('what its author has to mend is a condition of its own, as long as there is something', async (t) => {
  const problems = [
    { reason: 'PreferencesMalformed', message: 'line 1, column 3' },
    { reason: 'UnknownCluster', message: 'names z' },
  ];
  const said = propagation(new Map([['a', there]]), false);
  t.match(conditionsOf(said, problems, [], 0)[1], {
    type: VALID,
    status: 'False',
    reason: 'PreferencesMalformed',
    message: 'line 1, column 3; names z',
  });
  t.equal(conditionsOf(said, [], [], 0).length, 1);
});

test('of a list of conditions, those of others are passed over', async (t) => {
  const own = { type: PROPAGATED, status: 'True', reason: 'r', message: 'm', lastTransitionTime: 't' };
  for (const [value, found] of [
    [[{ type: 'Available' }, { ...own, observedGeneration: 3 }, null, 'x'], [own]],
    [undefined, []],
    ['text', []],
  ] as const)
    t.same(readConditions(value), found);
});
