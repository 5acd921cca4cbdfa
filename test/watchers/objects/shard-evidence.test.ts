/** What a shard says of why it is not healthy: the guard believes what endpoints say, and not what is merely missing. */

import { test } from 'tap';
import { ClusterObjects } from '../../../src/watchers/objects/cluster-objects.ts';
import type { ShardState } from '../../../src/zonebuilder/facts.ts';
import { clusterSettings, READY, service, serviceExport, slice, slim } from '../kubernetes-objects.ts';
import { RecordingSink } from '../recording-sink.ts';

const EVENT = { object: 'event', timeMs: 1 };
const DELETING = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const UNREADY = { ...READY, conditions: { ready: false } };

function watched(values: readonly unknown[], settings = clusterSettings()) {
  const sink = new RecordingSink();
  const objects = new ClusterObjects({
    settings,
    federations: [
      { name: 'main', select: 'label', policy: 'all' },
      { name: 'exported', select: 'export', policy: 'all' },
    ],
    domain: 'example.com',
    sink,
    clock: () => 1,
  });
  for (const value of values) objects.apply(slim(value), EVENT);
  objects.commitInitial(EVENT);
  return { sink, objects, shard: (): ShardState | undefined => sink.shard('web/nginx') };
}

const versioned = (object: Record<string, unknown>, resourceVersion: string): Record<string, unknown> => ({
  ...object,
  metadata: { ...(object['metadata'] as object), resourceVersion },
});

for (const [title, values, missing] of [
  ['endpoints that are not ready say so themselves', [service(), slice([UNREADY])], undefined],
  ['a slice without endpoints says that there are none', [service(), slice([])], undefined],
  ['a Service without a slice says nothing', [service()], 'slices'],
  [
    'a Service that is being deleted is missing, whatever is ready',
    [service({ metadata: DELETING }), slice([READY])],
    'service',
  ],
  [
    'a Service that is being deleted, whose endpoints are not ready, is down',
    [service({ metadata: DELETING }), slice([UNREADY])],
    undefined,
  ],
  ['a load balancer without address is missing it', [service({ ingress: [] }), slice([READY])], 'addresses'],
  [
    'an address that is refused is there',
    [service({ ingress: [{ ip: '127.0.0.1' }] }), slice([READY])],
    undefined,
  ],
  ['a healthy shard misses nothing', [service(), slice([READY])], undefined],
] as const) {
  test(title, async (t) => {
    const { shard } = watched(values);
    t.equal(shard()?.missing, missing);
  });
}

test('a shard that was missing its slices, and then says that none is ready, is told anew', async (t) => {
  const { sink, objects, shard } = watched([service()]);
  sink.take();
  objects.apply(slim(slice([UNREADY])), EVENT);
  t.same(sink.take(), ['upsertShard one nginx.web.main']);
  t.equal(shard()?.missing, undefined);
});

const ID = { federation: 'main', namespace: 'web', service: 'nginx' };

for (const [title, values, federation, lacks] of [
  ['a Service that is gone is lacked', [], 'main', true],
  [
    'a Service that is there and has lost its label is not',
    [service({ labels: {} }), slice([READY])],
    'main',
    false,
  ],
  [
    'a Service that is gone, with endpoints left that are not ready, is not',
    [slice([UNREADY])],
    'main',
    false,
  ],
  ['a Service that is gone, with a ready endpoint left, is lacked', [slice([READY])], 'main', true],
  ['an export that is gone is lacked', [service(), slice([READY])], 'exported', true],
  ['an export that is there is not', [service(), slice([READY]), serviceExport()], 'exported', false],
] as const) {
  test(title, async (t) => {
    const { objects } = watched(values);
    t.equal(objects.lacks({ ...ID, federation }), lacks);
  });
}

test('a Service that a filter excludes is not lacked: it is there', async (t) => {
  const settings = clusterSettings({ namespaces: { allow: [], deny: ['web'] } });
  t.equal(watched([service(), slice([READY])], settings).objects.lacks(ID), false);
});

test('KEP-5504: an earlier version of an object is told as older, until a later one comes', async (t) => {
  const { objects, shard } = watched([service(), versioned(slice([READY]), '20')]);
  t.equal(shard()?.older, undefined);
  objects.apply(slim(versioned(slice([UNREADY]), '9')), EVENT);
  t.match(shard(), { ready: false, older: true });
  objects.apply(slim(versioned(slice([UNREADY]), '19')), EVENT);
  t.equal(shard()?.older, true, 'also by the version that was seen first');
  objects.apply(slim(versioned(slice([UNREADY]), '20')), EVENT);
  t.match(shard(), { ready: false, older: undefined });
});

test('an earlier version that says the same is no news', async (t) => {
  const { objects, sink } = watched([service(), versioned(slice([READY]), '20')]);
  sink.take();
  objects.apply(slim(versioned(slice([READY]), '9')), EVENT);
  objects.apply(slim(versioned(service(), '2')), EVENT);
  t.same(sink.take(), []);
});

test('versions that nothing can be told of are neither older nor newer', async (t) => {
  for (const version of ['0', 'abc', '007', '99999999999999999999']) {
    const { objects, shard } = watched([service(), versioned(slice([READY]), '20')]);
    objects.apply(slim(versioned(slice([UNREADY]), version)), EVENT);
    t.match(shard(), { ready: false, older: undefined }, version);
  }
});

test('an object that was deleted has no newest version any more', async (t) => {
  const { objects, shard } = watched([service(), versioned(slice([READY]), '20')]);
  objects.remove('EndpointSlice', 'web', 'nginx-abcde', EVENT);
  objects.apply(slim(versioned(slice([UNREADY]), '9')), EVENT);
  t.equal(shard()?.older, undefined);
});

test('versions that are accepted are no older ones any more, and those of another cluster never were', async (t) => {
  for (const way of ['acceptVersions', 'forgetVersions'] as const) {
    const { objects, shard } = watched([service(), versioned(slice([READY]), '20')]);
    if (way === 'forgetVersions') objects.forgetVersions();
    objects.apply(slim(versioned(slice([UNREADY]), '9')), EVENT);
    t.equal(shard()?.older, way === 'acceptVersions' ? true : undefined);
    if (way === 'acceptVersions') objects.acceptVersions();
    t.equal(shard()?.older, undefined);
    objects.apply(slim(versioned(slice([READY]), '8')), EVENT);
    t.equal(shard()?.older, true, 'but older than these is older');
  }
});
