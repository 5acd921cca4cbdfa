/** What the configuration says of `fedns federate`, and what follows from what it leaves out. */
import { test } from 'tap';
import { codesOf, example, outcomeOf } from './example.ts';

const federated = (keys: string, more: Record<string, string> = {}): string =>
  example({ federate: `federate: { ${keys} }`, ...more });

const settings = (text: string): unknown => outcomeOf(text).loaded?.settings.federate;

test('what is written into member clusters', async (t) => {
  const cases: readonly (readonly [title: string, text: string, codes: readonly string[]])[] = [
    ['all by default', federated(''), []],
    ['a federation that there is', federated('federation: fed'), []],
    [
      'a federation that there is not',
      federated('federation: fad'),
      ['UNKNOWN_FEDERATION federate.federation'],
    ],
    ['no write at a time', federated('writesPerCluster: 0'), ['OUT_OF_RANGE federate.writesPerCluster']],
    ['a choice that there is not', federated('select: export'), ['WRONG_VALUE federate.select']],
    [
      'a way to divide that is written otherwise',
      federated('division: Webster'),
      ['WRONG_VALUE federate.division'],
    ],
    ['an unknown key', federated('endpiont: {}'), ['UNKNOWN_KEY federate.endpiont']],
    [
      'a part of removals above 1',
      example({ guard: 'guard: { maxDeleteFraction: 2 }' }),
      ['OUT_OF_RANGE guard.maxDeleteFraction'],
    ],
  ];
  for (const [title, text, codes] of cases) t.same(codesOf(text), codes, title);
});

test('what is not said follows from the rest of the configuration', async (t) => {
  const deletes = { maxFraction: 0.5, min: 3, windowSeconds: 60 };
  const same = { federation: 'fed', select: 'label', division: 'v1', writesPerCluster: 8, deletes };
  t.equal(settings(example()), undefined, 'without the block nothing is written');
  t.same(settings(federated('')), { ...same, namespace: 'fedns' });
  const secrets = { clusterSecrets: 'clusterSecrets: { namespace: infra }' };
  t.same(settings(federated('', secrets)), { ...same, namespace: 'infra' });
  t.match(
    settings(federated('endpoint: { path: host.kubeconfig, context: f }, select: all, division: webster')),
    {
      select: 'all',
      division: 'webster',
      endpoint: { kind: 'kubeconfig', path: '/etc/fedns/host.kubeconfig', context: 'f' },
    },
  );
});
