/** Who holds the Lease, while clocks differ and the network comes and goes. */

import { test } from 'tap';
import type { ObjectClient } from '../../../src/federation/api/object-client.ts';
import { ACTIVE_MS, Leadership, LEASE_MS, ROUND_MS } from '../../../src/federation/sync/leadership.ts';
import { StillTime } from '../../support/still-time.ts';

/** As much of an API server as a Lease needs. */
class LeaseServer {
  object:
    | {
        metadata: { resourceVersion: string; annotations?: Record<string, string> };
        spec: { holderIdentity?: string };
      }
    | undefined;
  #version = 0;

  /** @param isCut - whether the client's network is down */
  client(isCut: () => boolean): ObjectClient {
    const answer = async <T>(work: () => T): Promise<T | { ok: false; failure: object }> => {
      if (!isCut()) return work();
      return {
        ok: false,
        failure: { cause: 'unreachable', message: 'no network', causes: [], retryAfterMs: 0 },
      };
    };
    const put = (object: object): object => {
      const { metadata, ...rest } = structuredClone(object) as NonNullable<LeaseServer['object']>;
      this.object = { ...rest, metadata: { ...metadata, resourceVersion: String(++this.#version) } };
      return { ok: true, value: structuredClone(this.object) };
    };
    const isOld = (object: { metadata: { resourceVersion?: string } }): boolean =>
      object.metadata.resourceVersion !== this.object?.metadata.resourceVersion;
    return {
      get: () =>
        answer(() => (this.object ? { ok: true, value: structuredClone(this.object) } : failed('absent'))),
      create: (_type: object, object: object) => answer(() => (this.object ? failed('exists') : put(object))),
      replace: (_ref: object, object: { metadata: object }) =>
        answer(() => (isOld(object) ? failed('changed') : put(object))),
    } as unknown as ObjectClient;
  }
}

function failed(cause: string): object {
  return { ok: false, failure: { cause, message: cause, causes: [], retryAfterMs: 0 } };
}

interface Replica {
  readonly leadership: Leadership;
  isActive: boolean;
  isCut: boolean;
  begun: number;
}

const NO_LOG = { debug() {}, info() {}, warn() {}, error() {} };

function replicaOf(server: LeaseServer, time: StillTime, identity: string): Replica {
  const replica = { isActive: false, isCut: false, begun: 0 } as Replica & { leadership: Leadership };
  Object.assign(replica, {
    leadership: new Leadership({
      objects: () => server.client(() => replica.isCut),
      namespace: 'fedns',
      name: 'lease',
      identity,
      timers: time,
      clock: time.clock,
      random: () => 0.5,
      log: NO_LOG,
      onLead: () => {
        replica.isActive = true;
        replica.begun++;
      },
      onLose: async () => {
        replica.isActive = false;
      },
    }),
  });
  replica.leadership.start();
  return replica;
}

/** Moves on in small steps. @returns the most that were active at a time */
async function advance(time: StillTime, ms: number, replicas: readonly Replica[]): Promise<number> {
  let most = 0;
  for (let passed = 0; passed < ms; passed += 100) {
    await time.advance(100);
    most = Math.max(most, replicas.filter(({ isActive }) => isActive).length);
  }
  return most;
}

test('one of three is active, and the same one for as long as it renews', async (t) => {
  const [server, time] = [new LeaseServer(), new StillTime(0)];
  const replicas = ['a', 'b', 'c'].map((name) => replicaOf(server, time, name));
  t.equal(await advance(time, 120_000, replicas), 1);
  t.same(
    replicas.map(({ begun }) => begun),
    [1, 0, 0],
  );
  await Promise.all(replicas.map(({ leadership }) => leadership.stop()));
});

test('a holder that is cut off stops before another begins, and comes back as one that waits', async (t) => {
  const [server, time] = [new LeaseServer(), new StillTime(0)];
  const [a, b] = [replicaOf(server, time, 'a'), replicaOf(server, time, 'b')];
  await advance(time, 20_000, [a, b]);
  a.isCut = true;
  for (let ms = 0; a.isActive && ms < ACTIVE_MS + ROUND_MS; ms += 100) await advance(time, 100, [a, b]);
  t.same([a.isActive, b.isActive], [false, false], 'for a while nobody is');
  t.equal(await advance(time, LEASE_MS, [a, b]), 1);
  t.same([a.isActive, b.isActive], [false, true]);
  a.isCut = false;
  t.equal(await advance(time, 60_000, [a, b]), 1);
  t.same([a.isActive, b.isActive], [false, true]);
  await Promise.all([a.leadership.stop(), b.leadership.stop()]);
});

test('a replica that has just come lets a Lease of another end by its own clock', async (t) => {
  const [server, time] = [new LeaseServer(), new StillTime(0)];
  const a = replicaOf(server, time, 'a');
  await advance(time, 5000, [a]);
  a.isCut = true;
  await advance(time, 60_000, [a]);
  // The time that stands in the Lease is an hour old by the clock of the newcomer.
  time.step(3_600_000);
  const b = replicaOf(server, time, 'b');
  await advance(time, LEASE_MS - 500, [a, b]);
  t.equal(b.isActive, false);
  await advance(time, ROUND_MS + 1000, [a, b]);
  t.equal(b.isActive, true);
  await Promise.all([a.leadership.stop(), b.leadership.stop()]);
});

test('one that stops gives the Lease back', async (t) => {
  const [server, time] = [new LeaseServer(), new StillTime(0)];
  const [a, b] = [replicaOf(server, time, 'a'), replicaOf(server, time, 'b')];
  await advance(time, 5000, [a, b]);
  await a.leadership.stop();
  t.equal(server.object?.spec.holderIdentity, undefined);
  await advance(time, ROUND_MS + 500, [b]);
  t.equal(b.isActive, true);
  await b.leadership.stop();
  t.equal(time.timers, 0, 'no timer is left');
});

test('many networks that come and go never make two active', async (t) => {
  const [server, time] = [new LeaseServer(), new StillTime(0)];
  const replicas = ['a', 'b', 'c'].map((name) => replicaOf(server, time, name));
  let seed = 7;
  let most = 0;
  for (let round = 0; round < 300; round++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const replica = replicas[seed % 3]!;
    replica.isCut = !replica.isCut;
    most = Math.max(most, await advance(time, 500 + (seed % 7000), replicas));
  }
  t.equal(most, 1);
  t.ok(
    replicas.every(({ begun }) => begun > 1),
    'each was active more than once',
  );
  await Promise.all(replicas.map(({ leadership }) => leadership.stop()));
});
