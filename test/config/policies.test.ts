/** Policies of federations, their weights and lists of regions. */
import { test } from 'tap';
import { codesOf, example, outcomeOf } from './example.ts';

const CLUSTERS = `clusters:
  - { name: a, region: eu-west-1, manifests: ./a }
  - { name: b, region: us-east-1, manifests: ./b }`;

function withFederation(keys: string, clusters = CLUSTERS): string {
  return example({ federations: `federations:\n  - { name: fed, ${keys} }`, clusters });
}

const cases: readonly (readonly [title: string, keys: string, codes: readonly string[]])[] = [
  ['weights of a region and a cluster', 'policy: weighted, weights: { eu-west-1: 3, b: 0 }', []],
  ['weighted without weights', 'policy: weighted', []],
  ['weights for Services that ask for them', 'weights: { a: 1 }', []],
  [
    'a weight of a place that there is not',
    'policy: weighted, weights: { eu-west: 1 }',
    ['POLICY_PLACE_UNKNOWN federations[0].weights.eu-west'],
  ],
  [
    'a weight above 1000',
    'policy: weighted, weights: { a: 1001 }',
    ['OUT_OF_RANGE federations[0].weights.a'],
  ],
  [
    'a weight that is no whole number',
    'policy: weighted, weights: { a: 0.5 }',
    ['WRONG_TYPE federations[0].weights.a'],
  ],
  ['a weight below 0', 'policy: weighted, weights: { a: -1 }', ['OUT_OF_RANGE federations[0].weights.a']],
  ['failover with its list', 'policy: failover, failover: [eu-west-1, us-east-1], failback: manual', []],
  ['failover without a list', 'policy: failover', ['POLICY_NEEDS_LIST federations[0].policy']],
  [
    'a region of the list that there is not',
    'policy: failover, failover: [eu-west-1, b]',
    ['POLICY_PLACE_UNKNOWN federations[0].failover[1]'],
  ],
  [
    'a region that is listed twice',
    'policy: failover, failover: [eu-west-1, eu-west-1]',
    ['FAILOVER_REPEATED federations[0].failover[1]'],
  ],
  ['failback without a list', 'failback: manual', ['POLICY_UNUSED federations[0].failback']],
  ['a number of addresses', 'maxAddresses: 255', []],
  ['no address in a reply', 'maxAddresses: 0', ['OUT_OF_RANGE federations[0].maxAddresses']],
  [
    'more addresses than a reply may be limited to',
    'maxAddresses: 256',
    ['OUT_OF_RANGE federations[0].maxAddresses'],
  ],
  ['a policy that there is not', 'policy: fastest', ['WRONG_VALUE federations[0].policy']],
];

for (const [title, keys, codes] of cases) {
  test(title, async (t) => {
    const found = codesOf(withFederation(keys)).filter((code) => code.includes('federations'));
    t.same(
      found.filter((code) => !code.startsWith('NEAREST')),
      codes,
    );
  });
}

test('a cluster whose nodes tell its region may be in any', async (t) => {
  const open = 'clusters:\n  - { name: a, manifests: ./a }';
  const found = codesOf(withFederation('policy: failover, failover: [eu-west-1]', open));
  t.notOk(found.some((code) => code.startsWith('POLICY')));
});

test('what is said reaches the settings', async (t) => {
  const { settings } = outcomeOf(
    withFederation('policy: failover, weights: { A: 2 }, failover: [EU-West-1], failback: auto'),
  ).loaded!;
  t.match(settings.federations[0], {
    policy: 'failover',
    weights: { a: 2 },
    failover: ['eu-west-1'],
    failback: 'auto',
  });
});
