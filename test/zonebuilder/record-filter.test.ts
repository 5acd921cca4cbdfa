import t from 'tap';
import { makeGuide, NGINX } from '../support/guide.ts';
import { listRecords, walkRecords } from '../../src/zonebuilder/records.ts';
import type { RecordSet } from '../../src/zonebuilder/records.ts';
import type { RecordFilter } from '../../src/zonebuilder/record-filter.ts';

const SOA: RecordSet = { name: 'example.com.', type: 'SOA', ttlSeconds: 1, data: ['ns1. h. 1 2 3 4 5'] };

const isNginx = ({ name }: RecordSet): boolean => name.includes(`${NGINX}.svc.`);

t.test('a filter shows what the whole listing shows of it, and nothing else', (t) => {
  const { builder } = makeGuide();
  const all = [...listRecords(builder, SOA)];
  const region = `${NGINX}.svc.us-central1.example.com`;
  const cases: readonly (readonly [RecordFilter, (set: RecordSet) => boolean])[] = [
    [{}, () => true],
    [{ federation: 'myfederation' }, isNginx],
    [{ namespace: 'mynamespace', service: 'nginx' }, isNginx],
    [{ service: 'ngin' }, () => false],
    [{ federation: 'myfederation', namespace: 'nginx' }, () => false],
    [{ name: region }, ({ name }) => name === `${region}.`],
    [{ name: '*.us-central1.example.com' }, ({ name }) => name.endsWith('.us-central1.example.com.')],
    [{ name: 'example.com' }, ({ name }) => name === 'example.com.'],
    [{ name: 'nothing.example.com' }, () => false],
    [{ types: ['A', 'SOA'] }, ({ type }) => type === 'A' || type === 'SOA'],
    [{ types: ['CNAME'], name: region }, () => false],
    [{ types: ['SOA'], service: 'nginx' }, () => false],
  ];
  for (const [filter, belongs] of cases) {
    const listed = [...walkRecords(builder, SOA, filter)].filter((set) => set !== undefined);
    t.strictSame(listed, all.filter(belongs), JSON.stringify(filter));
  }
  t.ok(all.some(isNginx) && all.some((set) => !isNginx(set)));
  t.end();
});

t.test(
  'a Service that goes while a listing is read is left out, and one that is not wanted is one step',
  (t) => {
    const { builder } = makeGuide();
    const walk = walkRecords(builder, SOA);
    for (const { name } of builder.clusters()) builder.removeCluster(name);
    t.notOk([...walk].some((set) => set?.name.includes('.svc.')));
    const other = [...walkRecords(makeGuide().builder, SOA, { service: 'other' })];
    t.strictSame(other, [undefined]);
    t.end();
  },
);
