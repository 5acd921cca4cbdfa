/** The way down waits for the other slices of the same moment; the way up waits for nothing. */

import { test } from 'tap';
import { ClusterObjects } from '../../../src/watchers/objects/cluster-objects.ts';
import { LINGER_MS } from '../../../src/watchers/objects/lingering-slices.ts';
import { FakeTime } from '../fake-time.ts';
import { clusterSettings, READY, service, slice, slim } from '../kubernetes-objects.ts';
import { RecordingSink } from '../recording-sink.ts';

const IN_Z1 = { ...READY, zone: 'z1' };
const IN_Z2 = { ...READY, zone: 'z2', addresses: ['10.1.0.6'] };
const UNREADY_Z2 = { ...IN_Z2, conditions: { ready: false } };

interface Bench {
  readonly time: FakeTime;
  readonly sink: RecordingSink;
  readonly objects: ClusterObjects;
  readonly put: (object: unknown) => void;
}

function watched(settings = {}, ...slices: readonly unknown[]): Bench {
  const time = new FakeTime();
  const sink = new RecordingSink();
  const objects = new ClusterObjects({
    settings: clusterSettings({ zones: ['z1', 'z2'], region: 'r', ...settings }),
    federations: [{ name: 'main', select: 'label', policy: 'all' }],
    domain: 'example.com',
    sink,
    timers: time,
    clock: time.clock,
  });
  const put = (object: unknown): void =>
    objects.apply(slim(object, objects.slimOptions), { object: 'event', timeMs: time.clock() });
  for (const object of [service(), ...slices]) put(object);
  objects.commitInitial({ object: 'list', timeMs: 1 });
  sink.take();
  return { time, sink, objects, put };
}

const zones = ({ sink }: Bench): unknown => sink.shard('web/nginx')?.readyZones;

test('a zone whose endpoint moves from one slice to another never leaves', async (t) => {
  const bench = watched({}, slice([IN_Z1], { name: 'a' }), slice([IN_Z2], { name: 'b' }));
  bench.put(slice([UNREADY_Z2], { name: 'b' }));
  await bench.time.advance(10);
  bench.put(slice([IN_Z1, IN_Z2], { name: 'a' }));
  await bench.time.advance(1_000);
  t.same(zones(bench), ['z1', 'z2']);
  t.same(bench.sink.take(), [], 'no answer changed');
  t.equal(bench.time.timers, 0);
});

test('a Pod of a headless Service that is now in another zone leaves the first after that moment', async (t) => {
  const headless = service({ spec: { type: 'ClusterIP', clusterIPs: ['None'] }, ingress: [] });
  const other = { ...IN_Z2, zone: 'z1' };
  const bench = watched(
    { publish: 'clusterIP' },
    headless,
    slice([IN_Z1, IN_Z2], { name: 'a' }),
    slice([], { name: 'b' }),
  );
  t.same(bench.sink.shard('web/nginx')?.addressZones, ['z1', 'z2']);
  const moved = { ...IN_Z1, zone: 'z2' };
  bench.put(slice([moved, other], { name: 'a' }));
  t.same(bench.sink.shard('web/nginx')?.addressZones, ['z2', 'z1'], 'both zones still have an endpoint');
  await bench.time.advance(1_000);
  t.same(bench.sink.shard('web/nginx')?.addressZones, ['z2', 'z1']);
  t.same(zones(bench), ['z1', 'z2']);
});

test('slices that are deleted and made anew within a moment change nothing', async (t) => {
  const bench = watched({}, slice([IN_Z1], { name: 'a' }));
  bench.objects.remove('EndpointSlice', 'web', 'a', { object: 'event', timeMs: 2 });
  await bench.time.advance(LINGER_MS - 1);
  t.match(bench.sink.shard('web/nginx'), { ready: true });
  bench.put(slice([IN_Z1], { name: 'b' }));
  await bench.time.advance(1_000);
  t.same(bench.sink.take(), []);
});

test('what stays away leaves after that moment, with the change that took it as its cause', async (t) => {
  const bench = watched({}, slice([IN_Z1], { name: 'a' }), slice([IN_Z2], { name: 'b' }));
  const causeMs = bench.time.clock();
  bench.put(slice([], { name: 'b' }));
  await bench.time.advance(LINGER_MS - 1);
  t.same(zones(bench), ['z1', 'z2']);
  bench.put(slice([], { name: 'a' }));
  await bench.time.advance(1);
  t.same(zones(bench), ['z1'], 'each after its own time');
  t.match(bench.sink.shard('web/nginx')?.cause, {
    object: 'event',
    timeMs: causeMs,
    settledMs: causeMs + LINGER_MS,
  });
  await bench.time.advance(LINGER_MS);
  t.match(bench.sink.shard('web/nginx'), { ready: false });
  t.same(bench.sink.take(), ['upsertShard one nginx.web.main', 'upsertShard one nginx.web.main']);
});

test('a zone that comes up counts at once, also beside one on its way down', (t) => {
  const bench = watched({}, slice([IN_Z1], { name: 'a' }));
  bench.put(slice([IN_Z2], { name: 'a' }));
  t.same(zones(bench), ['z1', 'z2']);
  t.end();
});

test('addresses of Pods linger as zones do', async (t) => {
  const bench = watched({ publish: 'clusterIP' }, slice([IN_Z1, IN_Z2]));
  bench.put(service({ spec: { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] } }));
  bench.put(slice([IN_Z1]));
  const addresses = (): unknown => bench.sink.shard('web/nginx')?.addresses;
  t.same(addresses(), ['10.1.0.5', '10.1.0.6']);
  await bench.time.advance(LINGER_MS);
  t.same(addresses(), ['10.1.0.5']);
});

test('a Service that is deleted leaves at once, and so does what a complete list lacks', async (t) => {
  const bench = watched({}, slice([IN_Z1], { name: 'a' }), slice([IN_Z2], { name: 'b' }));
  bench.objects.replaceAll('EndpointSlice', [slim(slice([IN_Z1], { name: 'a' }))], {
    object: 'list',
    timeMs: 3,
  });
  t.same(zones(bench), ['z1']);
  bench.put(slice([], { name: 'a' }));
  bench.objects.remove('Service', 'web', 'nginx', { object: 'event', timeMs: 4 });
  t.equal(bench.sink.shards.size, 0);
  await bench.time.advance(1_000);
  t.equal(bench.sink.shards.size, 0);
});

test('a source that stops leaves no timer', (t) => {
  const bench = watched({}, slice([IN_Z1]));
  bench.put(slice([]));
  t.equal(bench.time.timers, 1);
  bench.objects.stop();
  t.equal(bench.time.timers, 0);
  t.end();
});
