/** From some to none at once is held for the grace period, whichever list says so. */

import { test } from 'tap';
import { ClusterObjects } from '../../../src/watchers/objects/cluster-objects.ts';
import type { ObjectKind } from '../../../src/watchers/objects/objects.ts';
import { FakeTime } from '../fake-time.ts';
import { clusterSettings, node, READY, service, serviceExport, slice, slim } from '../kubernetes-objects.ts';
import { RecordingSink } from '../recording-sink.ts';

const GRACE_MS = 60_000;
const LIST = { object: 'list', timeMs: 7 };

interface Bench {
  readonly time: FakeTime;
  readonly sink: RecordingSink;
  readonly objects: ClusterObjects;
  readonly warnings: string[];
}

function watched({ earlier = false, objects: values = OBJECTS as readonly unknown[] } = {}): Bench {
  const time = new FakeTime();
  const sink = new RecordingSink();
  const warnings: string[] = [];
  const objects = new ClusterObjects({
    settings: clusterSettings(),
    federations: [
      { name: 'main', select: 'label', policy: 'all' },
      { name: 'exported', select: 'export', policy: 'all' },
    ],
    domain: 'example.com',
    sink,
    timers: time,
    clock: time.clock,
    graceSeconds: GRACE_MS / 1000,
    hasEarlierFacts: earlier,
    log: { info() {}, warn: (_fields, message) => warnings.push(message) },
  });
  for (const value of values) objects.apply(slim(value), { object: 'event', timeMs: 1 });
  objects.commitInitial(LIST);
  sink.take();
  return { time, sink, objects, warnings };
}

const NODE = node('n', { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z' });
const OBJECTS = [NODE, service(), service({ name: 'other' }), slice([READY]), serviceExport()];

for (const kind of ['Service', 'EndpointSlice', 'Node', 'ServiceExport'] satisfies ObjectKind[]) {
  test(`a list of ${kind}s that is suddenly empty takes nothing away within the grace period`, async (t) => {
    const { time, sink, objects, warnings } = watched();
    objects.replaceAll(kind, [], LIST);
    await time.advance(GRACE_MS - 1);
    objects.replaceAll(kind, [], LIST);
    t.same(sink.take(), []);
    t.match(objects.report().stale, [{ part: `list of ${kind}s`, code: 'LIST_EMPTY' }]);
    t.equal(warnings.length, 1, 'the log says it once');
    await time.advance(1);
    // Where a cluster is stays known without its Nodes.
    if (kind !== 'Node') t.not(sink.take().length, 0, 'but then');
    t.equal(
      objects.report().objects,
      OBJECTS.length - OBJECTS.filter((object) => object.kind === kind).length,
    );
    t.same(objects.report().stale, []);
    t.equal(time.timers, 0);
  });
}

test('a list that holds something is believed, also after an empty one', async (t) => {
  const { time, sink, objects } = watched();
  objects.replaceAll('Service', [], LIST);
  objects.replaceAll('Service', [slim(service())], LIST);
  t.same([...sink.shards.values()].map((shard) => shard.service).toSorted(), ['nginx', 'nginx']);
  t.equal(time.timers, 0);
  await time.advance(GRACE_MS);
  t.equal(sink.shards.size, 2);
});

test('what a cluster says of single objects counts at once, also after an empty list', async (t) => {
  const { time, sink, objects } = watched();
  objects.replaceAll('Service', [], LIST);
  objects.remove('Service', 'web', 'other', LIST);
  objects.apply(slim(service({ ingress: [{ ip: '192.0.2.9' }] })), LIST);
  t.equal(sink.shard('web/other'), undefined);
  t.same(sink.shard('web/nginx')?.addresses, ['192.0.2.9']);
  await time.advance(GRACE_MS);
  t.same(sink.shard('web/nginx')?.addresses, ['192.0.2.9'], 'and nothing is taken away afterwards');
});

test('the last object that is deleted by its cluster leaves at once', (t) => {
  const { sink, objects } = watched({ objects: [service(), slice([READY])] });
  objects.remove('Service', 'web', 'nginx', LIST);
  t.equal(sink.shards.size, 0);
  t.end();
});

test('a first picture without shards waits where an earlier run knew some', async (t) => {
  const { time, sink, objects } = watched({ earlier: true, objects: [NODE] });
  t.match(objects.report().stale, [{ part: 'first list', code: 'LIST_EMPTY' }]);
  await time.advance(GRACE_MS);
  t.same(sink.take(), ['replaceShards one 0']);
  t.same(objects.report().stale, []);
});

test('a shard that comes with its endpoints replaces all that an earlier run knew', (t) => {
  const { time, sink, objects } = watched({ earlier: true, objects: [NODE] });
  objects.apply(slim(service()), LIST);
  t.same(sink.take(), [], 'without any EndpointSlice the cluster lacks a whole kind still');
  t.equal(time.timers, 1);
  objects.apply(slim(slice([READY])), LIST);
  t.same(sink.take(), ['replaceShards one 1']);
  t.equal(time.timers, 0);
  t.end();
});

test('a first picture without shards is taken as it is where nothing was known', (t) => {
  const { objects } = watched({ objects: [] });
  t.same(objects.report().stale, []);
  t.end();
});
