/** Entries as people write them into the shared object, and what they are told of those that are none. */

import t from 'tap';
import type { Drain } from '../../src/steering/drains/drain.ts';
import { DrainEntryError, readEntries, writeEntry } from '../../src/steering/drains/drain-entry.ts';
import { readObject, withDrains, type ConfigMap } from '../../src/steering/shared/drain-object.ts';

const NOW_MS = Date.parse('2026-11-28T04:00:00Z');

t.test('an entry says what is drained, and nothing that is not understood', (t) => {
  const cases: readonly (readonly [string, unknown, Partial<Drain> | RegExp])[] = [
    [
      'the least',
      { kind: 'cluster', name: 'gce-1' },
      { kind: 'cluster', name: 'gce-1', percent: 0, sinceMs: NOW_MS, scope: 'shared' },
    ],
    ['with its end', { kind: 'zone', name: 'a.r', until: '2026-11-28T05:00:00+01:00' }, { untilMs: NOW_MS }],
    ['in part', { kind: 'region', name: 'r', to: '10%' }, { percent: 10 }],
    ['a Service in a cluster', { kind: 'service', name: 's.n.f', cluster: 'gce-1' }, { cluster: 'gce-1' }],
    ['no kind', { name: 'a' }, /entry 1: kind: one of cluster, region, zone, service/],
    ['another kind', { kind: 'rack', name: 'a' }, /kind/],
    ['no name', { kind: 'region' }, /entry 1: name: REGION is needed/],
    ['a zone without its region', { kind: 'zone', name: 'a' }, /name: ZONE\.REGION/],
    ['a Service without its federation', { kind: 'service', name: 's.n' }, /SERVICE\.NAMESPACE\.FEDERATION/],
    ['a name that is none', { kind: 'region', name: 'a_b' }, /name/],
    ['a key misspelt', { kind: 'region', name: 'r', untill: '2026-11-28T05:00:00Z' }, /untill: not one of/],
    [
      'a time without a zone',
      { kind: 'region', name: 'r', until: '2026-11-28T05:00:00' },
      /until: a time such as/,
    ],
    ['no time', { kind: 'region', name: 'r', until: '30m' }, /until/],
    ['all of it', { kind: 'region', name: 'r', to: '100%' }, /to: 0% to 99%/],
    ['a number', { kind: 'region', name: 'r', to: 10 }, /to: a text is needed/],
    ['a region in a cluster', { kind: 'region', name: 'r', cluster: 'c' }, /cluster: only for a Service/],
    ['a text', 'region r', /kind and name are needed/],
  ];
  for (const [title, entry, expected] of cases) {
    if (expected instanceof RegExp)
      t.throws(
        () => readEntries([entry], 'shared', NOW_MS),
        { message: expected, name: 'DrainEntryError' },
        title,
      );
    else t.match(readEntries([entry], 'shared', NOW_MS), [expected], title);
  }
  const twice = [
    { kind: 'region', name: 'r' },
    { kind: 'region', name: 'r', to: '10%' },
  ];
  t.throws(() => readEntries(twice, 'shared', NOW_MS), new DrainEntryError('region r is there twice'));
  t.throws(() => readEntries({ kind: 'region', name: 'r' }, 'shared', NOW_MS), /a list of drains/);
  t.end();
});

t.test('what is written is what is read', (t) => {
  const drains: Drain[] = [
    {
      scope: 'shared',
      kind: 'zone',
      name: 'a.r',
      percent: 0,
      sinceMs: NOW_MS,
      untilMs: NOW_MS + 1,
      reason: 'yes: "no" # 1',
      by: 'anna',
    },
    { scope: 'shared', kind: 'service', name: 's.n.f', cluster: 'null', percent: 99, sinceMs: NOW_MS - 1 },
    { scope: 'shared', kind: 'cluster', name: '007', percent: 0, sinceMs: 0, reason: 'null' },
  ];
  t.strictSame(readEntries(drains.map(writeEntry), 'shared', 0), drains);
  const where = { namespace: 'n', name: 'c' };
  const first = withDrains(undefined, where, drains);
  t.strictSame(readObject(first, 0).content, { drains });
  const kept: ConfigMap = {
    ...first,
    metadata: { ...where, resourceVersion: '7' },
    data: { other: 'x', 'drains.yaml': '[]' },
  };
  const next = withDrains(kept, where, drains);
  t.equal(next.metadata.resourceVersion, '7', 'written only over what was read');
  t.equal(next.data?.['other'], 'x');
  t.strictSame(readObject(next, 0).content, { drains });
  t.end();
});

function content(yaml: string | undefined): unknown {
  const data = yaml === undefined ? undefined : { 'drains.yaml': yaml };
  return readObject({ metadata: {}, data }, NOW_MS).content;
}

t.test('a ConfigMap without drains says so, and one that unfolds without end is refused', (t) => {
  for (const empty of [undefined, '', '# nothing\n', '[]', '---\n'])
    t.strictSame(content(empty), { drains: [] }, JSON.stringify(empty) ?? 'no key');
  const bomb = `- &a [x, x]\n- &b [*a, *a]\n- [*b, *b]\n`;
  t.match(content(bomb), { fault: /no YAML/ });
  t.match(content('a: b'), { fault: /a list of drains/ });
  t.end();
});
