import { test } from 'tap';
import { FlapDamping } from '../../../src/watchers/health/flap-damping.ts';
import type { Cause, ShardState } from '../../../src/zonebuilder/facts.ts';
import { FakeTime } from '../fake-time.ts';
import { RecordingSink } from '../recording-sink.ts';

const CAUSE: Cause = { object: 'test', timeMs: 0 };
const UP: ShardState = {
  cluster: 'one',
  federation: 'main',
  namespace: 'web',
  service: 'nginx',
  addresses: ['192.0.2.1'],
  ready: true,
  readyZones: 'every',
  ports: [],
  cause: CAUSE,
};
const DOWN: ShardState = { ...UP, ready: false, readyZones: [] };
const MOVED: ShardState = { ...UP, addresses: ['192.0.2.2'] };
const BARE: ShardState = { ...UP, addresses: [] };

function damped(seconds = 10): { time: FakeTime; sink: RecordingSink; damping: FlapDamping } {
  const time = new FakeTime();
  const sink = new RecordingSink();
  const damping = new FlapDamping(sink, time, seconds);
  damping.setCluster({ name: 'one', zones: [], status: 'available' });
  damping.upsertShard(UP);
  sink.take();
  return { time, sink, damping };
}

test('a shard that is down and up again within the time does not leave', async (t) => {
  const { time, sink, damping } = damped();
  for (let i = 0; i < 5; i++) {
    damping.upsertShard(DOWN);
    await time.advance(9_000);
    damping.upsertShard(UP);
    await time.advance(1_000);
  }
  t.same(new Set(sink.take()), new Set(['upsertShard one nginx.web.main']));
  t.equal(sink.shard('web/nginx'), UP);
  t.equal(time.timers, 0);
});

test('a shard that stays down leaves when the time is over', async (t) => {
  const { time, sink, damping } = damped();
  damping.upsertShard(DOWN);
  await time.advance(9_999);
  t.equal(sink.shard('web/nginx'), UP);
  await time.advance(1);
  t.equal(sink.shard('web/nginx'), DOWN);
  damping.upsertShard(DOWN);
  t.equal(time.timers, 0, 'and is not damped again');
});

test('what else happens to a shard on its way out does not prolong it', async (t) => {
  const { time, sink, damping } = damped();
  damping.upsertShard(DOWN);
  await time.advance(6_000);
  damping.upsertShard(BARE);
  await time.advance(4_000);
  t.equal(sink.shard('web/nginx'), BARE);
});

test('a shard that comes up, or moves, counts at once', (t) => {
  const { sink, damping } = damped();
  damping.upsertShard(MOVED);
  t.equal(sink.shard('web/nginx'), MOVED);
  damping.upsertShard({ ...DOWN, service: 'other' });
  t.equal(sink.shard('web/other')?.ready, false, 'one that was never up has nothing to leave');
  damping.upsertShard({ ...UP, service: 'other' });
  t.equal(sink.shard('web/other')?.ready, true);
  t.end();
});

test('a shard that is removed leaves at once', (t) => {
  const { time, sink, damping } = damped();
  damping.upsertShard(DOWN);
  damping.removeShard(UP, CAUSE);
  t.equal(sink.shards.size, 0);
  t.equal(time.timers, 0);
  t.end();
});

test('a relist is damped too', async (t) => {
  const { time, sink, damping } = damped();
  damping.upsertShard({ ...UP, service: 'gone' });
  damping.replaceShards('one', [DOWN], CAUSE);
  t.equal(sink.shard('web/nginx'), UP);
  t.equal(sink.shard('web/gone'), undefined);
  await time.advance(10_000);
  t.equal(sink.shard('web/nginx'), DOWN);
  damping.replaceShards('one', [UP], CAUSE);
  t.equal(sink.shard('web/nginx'), UP);
});

test('without damping everything passes', (t) => {
  const { time, sink, damping } = damped(0);
  damping.upsertShard(DOWN);
  t.equal(sink.shard('web/nginx'), DOWN);
  damping.replaceShards('one', [], CAUSE);
  damping.removeCluster('one');
  t.equal(sink.clusters.size, 0);
  t.equal(time.timers, 0);
  t.end();
});

test('a cluster that is removed, or damping that is stopped, leaves no timer', (t) => {
  for (const end of ['removeCluster', 'stop'] as const) {
    const { time, damping } = damped();
    damping.upsertShard(DOWN);
    t.equal(time.timers, 1);
    damping[end]('one');
    t.equal(time.timers, 0);
  }
  t.end();
});
