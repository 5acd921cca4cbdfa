/** Division by Webster's method: against its definition, and what Karmada's own code gave for the same inputs. */

import { test } from 'tap';
import { seededRandom } from '../../fuzz/random.ts';
import { divided, type Row } from './task.ts';

const FOUR = 'A B C D';
const FIVE = 'A B C D E';

const ROWS: readonly Row[] = [
  { title: '10 over weights 1, 2, 3', preferences: 'A w1; B w2; C w3', replicas: 10, plan: 'A=2 B=3 C=5' },
  { title: '7 over weights 1, 2, 3', preferences: 'A w1; B w2; C w3', replicas: 7, plan: 'A=1 B=2 C=4' },
  {
    title: '9 over four: none is left with nothing',
    preferences: '* w1',
    replicas: 9,
    clusters: FOUR,
    plan: 'A=2 B=2 C=2 D=3',
  },
  { title: '6 over five', preferences: '* w1', replicas: 6, clusters: FIVE, plan: 'A=1 B=1 C=1 D=1 E=2' },
  { title: '10 over three', preferences: '* w1', replicas: 10, plan: 'A=3 B=4 C=3' },
  { title: '10 over 2:1', preferences: 'A w2; B w1', replicas: 10, clusters: 'A B', plan: 'A=7 B=3' },
  { title: '10 over 3, 1, 1', preferences: 'A w3; B w1; C w1', replicas: 10, plan: 'A=6 B=2 C=2' },
  { title: '10 over 1000:1', preferences: 'A w1000; B w1', replicas: 10, clusters: 'A B', plan: 'A=10 B=0' },
  { title: 'weights of 0 get nothing', preferences: '* w0', replicas: 5, plan: 'A=0 B=0 C=0' },
  {
    title: 'weight 0 gets its minimum',
    preferences: 'A w0 min2; B w1',
    replicas: 5,
    clusters: 'A B',
    plan: 'A=2 B=3',
  },
  { title: 'empty preferences: none', preferences: '', replicas: 5, plan: 'A=0 B=0 C=0' },
  { title: 'no cluster', preferences: '* w1', replicas: 5, clusters: '', plan: '' },
  {
    title: 'a minimum counts against the part by weight',
    preferences: 'A w1 min3; B w1; C w1',
    replicas: 6,
    plan: 'A=3 B=2 C=1',
  },
  {
    title: 'minimums above what there is: the heavier first',
    preferences: 'A w1 min5; B w2 min5',
    replicas: 7,
    clusters: 'A B',
    plan: 'A=2 B=5',
  },
  {
    title: 'a minimum above the maximum is the maximum',
    preferences: 'A w1 min5 max2; B w1',
    replicas: 7,
    clusters: 'A B',
    plan: 'A=2 B=5',
  },
  {
    title: 'what is above a maximum goes to the others',
    preferences: 'A w3 max2; B w1; C w1',
    replicas: 10,
    plan: 'A=2 B=4 C=4',
  },
  { title: 'all at their maximum', preferences: '* w1 max2', replicas: 10, plan: 'A=2 B=2 C=2' },
  { title: 'what runs stays', preferences: '* w1', replicas: 12, current: 'A=6 B=6', plan: 'A=6 B=6 C=0' },
  {
    title: 'what runs is moved to rebalance',
    preferences: '* w1',
    rebalance: true,
    replicas: 12,
    current: 'A=6 B=6',
    plan: 'A=4 B=4 C=4',
  },
  {
    title: 'what runs counts against the part by weight',
    preferences: '* w1',
    replicas: 12,
    current: 'A=6',
    plan: 'A=6 B=3 C=3',
  },
  {
    title: 'a cluster short of room, nothing moved',
    preferences: '* w1',
    replicas: 10,
    clusters: 'A B',
    capacity: 'A=2',
    plan: 'A=2 B=8',
  },
  {
    title: 'a cluster short of room, rebalanced: its part waits',
    preferences: '* w1',
    rebalance: true,
    replicas: 10,
    clusters: 'A B',
    capacity: 'A=2',
    plan: 'A=2 B=8',
    overflow: 'A=3',
  },
  {
    title: 'both short of room: what is placed nowhere waits',
    preferences: '* w1',
    replicas: 10,
    clusters: 'A B',
    capacity: 'A=2 B=3',
    plan: 'A=2 B=3',
    overflow: 'A=3 B=2',
  },
  {
    title: 'a million over seven',
    preferences: '* w1',
    replicas: 1_000_000,
    clusters: 'A B C D E F G',
    plan: 'A=142857 B=142857 C=142857 D=142857 E=142857 F=142857 G=142858',
  },
];

for (const { title, plan, overflow = '', ...row } of ROWS) {
  test(title, async (t) => {
    t.same(divided('webster', row), { plan, overflow });
    const clusters = (row.clusters ?? 'A B C').split(' ').toReversed().join(' ');
    t.same(divided('webster', { ...row, clusters }), { plan, overflow }, 'in any order');
  });
}

test('a whole division gives what replica by replica gives', async (t) => {
  const below = seededRandom(7);
  for (let run = 0; run < 500; run++) {
    const weights = Array.from({ length: 1 + below(6) }, () => 1 + below(9));
    const names = weights.map((_, index) => `c${index}`);
    const replicas = below(200);
    const row = {
      preferences: names.map((name, index) => `${name} w${weights[index]}`).join(';'),
      clusters: names.join(' '),
      replicas,
    };
    const { plan } = divided('webster', row);
    const seats = plan.split(' ').map((word) => Number(word.split('=')[1]));
    t.ok(isWebster(seats, weights, replicas), `${replicas} over ${weights.join(', ')}: ${plan}`);
  }
});

test('two thousand million replicas take no longer than ten', async (t) => {
  const { plan } = divided('webster', {
    preferences: 'A w2; B w1',
    replicas: 2_147_483_647,
    clusters: 'A B',
  });
  t.equal(plan, 'A=1431655765 B=715827882');
});

/** No replica would have a better claim elsewhere: the last that each cluster got came no later than the next of another. */
function isWebster(seats: readonly number[], weights: readonly number[], replicas: number): boolean {
  const sum = seats.reduce((a, b) => a + b, 0);
  const last = seats.map((seat, i) => (seat === 0 ? Infinity : weights[i]! / (2 * seat - 1)));
  const next = seats.map((seat, i) => weights[i]! / (2 * seat + 1));
  return sum === replicas && Math.min(...last) >= Math.max(...next) - 1e-12;
}
