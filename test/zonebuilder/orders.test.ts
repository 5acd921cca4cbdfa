/** What rows of clients' places mean, as a reader of the image sees it. */
import t from 'tap';
import { ImageView } from '../../src/server/answer/image-view.ts';
import type { ZoneBuilder } from '../../src/zonebuilder/builder.ts';
import { Orders } from '../../src/zonebuilder/layout.ts';
import type { OrderStep } from '../../src/zonebuilder/orders.ts';
import { makeFederation } from '../support/federation.ts';

const US: OrderStep = { kind: 'region', region: 'us' };
const EU: OrderStep = { kind: 'region', region: 'eu' };
const ZONE: OrderStep = { kind: 'zone', zone: 'eu1', region: 'eu' };
const OWN: OrderStep = { kind: 'cluster', cluster: 'c2' };

/** The steps of a row in words; undefined where it says nothing. */
function readOrder(builder: ZoneBuilder, version: number, row: number): string[] | undefined {
  const view = new ImageView(builder.memory, 0);
  const order = view.findOrder(version, row);
  if (order === 0) return undefined;
  const places = new Map(
    builder
      .locationNames()
      .map(({ location, text }) => [location.id, text] as const)
      .toReversed(),
  );
  return Array.from({ length: view.stepCount(order) }, (_, i) => {
    const step = view.orderStep(order, i);
    if ((step & Orders.clusterBit) !== 0) return `cluster ${builder.clusterName(step & 0xffff)}`;
    return places.get(step) ?? `number ${step}`;
  });
}

t.test('a row is read as it was set, without what is not there', (t) => {
  const f = makeFederation();
  const { builder } = f;
  t.equal(readOrder(builder, 0, 0), undefined, 'before anything is set no row means anything');
  f.cluster('c1', 'us', ['us1']);
  f.cluster('c2', 'eu', ['eu1']);
  const nowhere: OrderStep = { kind: 'region', region: 'asia' };
  builder.setOrders({ version: 7, rows: [[US, nowhere, EU, US], undefined, [], [OWN, ZONE, EU, US]] });
  t.strictSame(readOrder(builder, 7, 0), ['us', 'eu'], 'unknown steps and repeated ones are left out');
  t.strictSame(readOrder(builder, 7, 3), ['cluster c2', 'eu1.eu', 'eu', 'us'], 'every kind of step');
  for (const row of [1, 2, 4, 254, 255, 65535])
    t.equal(readOrder(builder, 7, row), undefined, `row ${row} says nothing`);
  t.equal(readOrder(builder, 6, 0), undefined, 'a row of other tables says nothing');
  t.end();
});

t.test('orders follow locations and clusters that come and go', (t) => {
  const f = makeFederation();
  const { builder } = f;
  builder.setOrders({ version: 1, rows: [[OWN, ZONE, EU, US]] });
  t.equal(readOrder(builder, 1, 0), undefined, 'none of it is there');
  f.cluster('c1', 'us', []);
  t.strictSame(readOrder(builder, 1, 0), ['us']);
  f.cluster('c2', 'eu', ['eu1']);
  t.strictSame(readOrder(builder, 1, 0), ['cluster c2', 'eu1.eu', 'eu', 'us']);
  builder.removeCluster('c2');
  t.strictSame(readOrder(builder, 1, 0), ['us'], 'what has left is left out');
  builder.batch({ object: 'test', timeMs: 1 }, () => f.cluster('c2', 'eu', []));
  t.strictSame(readOrder(builder, 1, 0), ['cluster c2', 'eu', 'us'], 'a batch publishes them at its end');
  builder.setOrders({ version: 2, rows: [[US]] });
  t.strictSame(readOrder(builder, 2, 0), ['us']);
  t.strictSame(readOrder(builder, 1, 0), ['cluster c2', 'eu', 'us'], 'the rows before mean what they did');
  builder.removeCluster('c2');
  t.strictSame(readOrder(builder, 1, 0), ['us'], 'and follow what comes and goes');
  builder.setOrders({ version: 2, rows: [[], [US]] });
  t.strictSame(
    [readOrder(builder, 2, 0), readOrder(builder, 2, 1), readOrder(builder, 1, 0)],
    [undefined, ['us'], ['us']],
    'a version that is told anew takes nobody’s place',
  );
  builder.setOrders({ version: 3, rows: [[US]] });
  t.strictSame(
    [readOrder(builder, 3, 0), readOrder(builder, 2, 1), readOrder(builder, 1, 0)],
    [['us'], ['us'], undefined],
    'of two versions before the rows mean nothing any more',
  );
  t.end();
});

t.test('orders move with the image when it grows', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'us', ['us1']);
  f.builder.setOrders({ version: 3, rows: [[US]] });
  const { generation } = f.builder.memory;
  for (let i = 0; f.builder.memory.generation === generation; i++)
    f.shard('c1', `s${i}.n.f`, { addresses: ['192.0.2.1'] });
  t.strictSame(readOrder(f.builder, 3, 0), ['us']);
  f.builder.setOrders({ version: 4, rows: [[]] });
  t.equal(readOrder(f.builder, 4, 0), undefined, 'and are replaced there');
  t.strictSame(readOrder(f.builder, 3, 0), ['us']);
  t.end();
});
