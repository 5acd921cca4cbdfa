/** Where a federated object goes, by its annotations. */

import { test } from 'tap';
import { isPlaced, readPlacement, unknownNames } from '../../../src/federation/sync/placement.ts';

const SELECTOR = 'federation.alpha.kubernetes.io/cluster-selector';
const CLUSTERS = [
  { name: 'a', labels: { region: 'eu', tier: '2' } },
  { name: 'b', labels: { region: 'us' } },
  { name: 'c', labels: {} },
];

const read = (annotations: Record<string, string>): ReturnType<typeof readPlacement> =>
  readPlacement({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', annotations } });
const placed = (annotations: Record<string, string>): string =>
  CLUSTERS.filter((cluster) => isPlaced(read(annotations), cluster) === true)
    .map(({ name }) => name)
    .join('');
const selector = (operator: string, ...values: string[]): Record<string, string> => ({
  [SELECTOR]: JSON.stringify([{ key: 'region', operator, ...(values.length > 0 && { values }) }]),
});

test('annotations choose clusters', async (t) => {
  const cases: readonly (readonly [title: string, annotations: Record<string, string>, clusters: string])[] =
    [
      ['without any, all', {}, 'abc'],
      ['an empty one is none', { [SELECTOR]: ' ', 'fedns.io/clusters': '' }, 'abc'],
      ['names between commas', { 'fedns.io/clusters': 'a, c' }, 'ac'],
      ['names as JSON', { 'fedns.io/clusters': '["b"]' }, 'b'],
      ['no name at all', { 'fedns.io/clusters': '[]' }, ''],
      ['in, as v1 wrote it', selector('in', 'eu', 'us'), 'ab'],
      ['In, as selectors of today have it', selector('In', 'eu'), 'a'],
      ['=', selector('=', 'us'), 'b'],
      ['==', selector('==', 'us'), 'b'],
      ['a cluster without the label is not in', selector('notin', 'eu'), 'bc'],
      ['!=', selector('!=', 'eu'), 'bc'],
      ['exists', selector('exists'), 'ab'],
      ['DoesNotExist', selector('DoesNotExist'), 'c'],
      ['!', selector('!'), 'c'],
      ['gt', { [SELECTOR]: '[{"key":"tier","operator":"gt","values":["1"]}]' }, 'a'],
      ['lt', { [SELECTOR]: '[{"key":"tier","operator":"lt","values":["1"]}]' }, ''],
      ['no requirement is met by all', { [SELECTOR]: '[]' }, 'abc'],
      ['both must be met', { ...selector('exists'), 'fedns.io/clusters': 'b,c' }, 'b'],
    ];
  for (const [title, annotations, clusters] of cases) t.equal(placed(annotations), clusters, title);
});

test('what cannot be understood places nothing and takes nothing away', async (t) => {
  const cases: readonly (readonly [annotations: Record<string, string>, message: RegExp])[] = [
    [{ [SELECTOR]: '[{"key":' }, /cluster-selector is no JSON: .*(?:position \d+|end of JSON input)/],
    [{ [SELECTOR]: '{"key":"region"}' }, /cluster-selector: {"key":"region"} is not understood/],
    [selector('near', 'eu'), /cluster-selector\[0\]\.operator: "near" is not understood/],
    [selector('in'), /cluster-selector\[0\]\.values: \[\] is not understood/],
    [selector('exists', 'eu'), /cluster-selector\[0\]\.values: \["eu"\] is not understood/],
    [selector('constructor', 'eu'), /operator: "constructor"/],
    [{ 'fedns.io/clusters': '[1]' }, /fedns\.io\/clusters: 1 is not understood/],
  ];
  for (const [annotations, message] of cases) {
    const placement = read(annotations);
    t.equal(isPlaced(placement, CLUSTERS[0]!), undefined);
    t.match(placement.kind === 'unknown' ? placement.problem.message : '', message);
  }
});

test('names that no member has are found', async (t) => {
  const members = new Set(['a', 'b']);
  t.same(unknownNames(read({ 'fedns.io/clusters': 'z,a,x' }), members), ['x', 'z']);
  t.same(unknownNames(read({}), members), []);
});

const unread = (operator: string, ...values: string[]): object => ({
  key: 'tier',
  operator,
  ...(values.length > 0 && { values }),
});
const inRegion = (value: string): object => ({ key: 'region', operator: 'in', values: [value] });

test('while labels of a cluster have not been read, only what is known of it decides', async (t) => {
  const cluster = { name: 'b', labels: { region: 'us' }, areLabelsPartial: true };
  const cases: readonly (readonly [title: string, requirements: object[], placed: boolean | undefined])[] = [
    ['a label that is known is met', [inRegion('us')], true],
    ['or not', [inRegion('eu')], false],
    ['one that is not known may be there', [unread('in', 'gold')], undefined],
    ['or absent', [unread('notin', 'gold')], undefined],
    ['both', [inRegion('us'), unread('exists')], undefined],
    ['what is not met decides', [unread('exists'), inRegion('eu')], false],
  ];
  for (const [title, requirements, expected] of cases)
    t.equal(isPlaced(read({ [SELECTOR]: JSON.stringify(requirements) }), cluster), expected, title);
  t.equal(isPlaced(read({ 'fedns.io/clusters': 'a', [SELECTOR]: '[]' }), cluster), false, 'so does a name');
});
