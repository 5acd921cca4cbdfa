/**
 * Random sequences of facts through a guard, beside the same sequences without one. What must hold after every fact, and at the
 * end, is in `checkAlways` and `checkEnd`; a sequence that breaks it is named by its seed.
 */

import t from 'tap';
import { nameOf, lossOf } from '../../src/steering/guard-evidence.ts';
import type { GuardSettings } from '../../src/steering/guard.ts';
import type { ClusterStatus, ShardState } from '../../src/zonebuilder/facts.ts';
import { makeRandom, type Random } from '../support/random.ts';
import { cause, Guarded, idOf, shard, SETTINGS } from './guarded.ts';
import { ModelDomain } from './model-domain.ts';

const SEQUENCES = 100_000;
const FACTS_MAX = 16;
const CLUSTERS = ['x', 'y', 'z'];
const SERVICES = ['a', 'b', 'c', 'd'];
const STATUSES: readonly ClusterStatus[] = ['available', 'available', 'held', 'withdrawn'];

/** A guarded domain, the same without a guard, and every state that was ever reported. */
class Pair {
  readonly random: Random;
  readonly settings: GuardSettings;
  guarded: Guarded;
  readonly plain = new ModelDomain();
  readonly said = new Set<string>();
  #addresses = 0;

  constructor(seed: number) {
    this.random = makeRandom(seed);
    this.settings = {
      ...SETTINGS,
      maxWithdrawFraction: this.random.below(5) / 4,
      minShards: 1 + this.random.below(4),
    };
    this.guarded = new Guarded(this.settings);
    for (const cluster of CLUSTERS) this.announce(cluster, 'available');
  }

  announce(cluster: string, status: ClusterStatus): void {
    // Two of the clusters are in one region.
    const state = { name: cluster, region: cluster === 'x' ? 'r' : 's', zones: [], status };
    this.guarded.guard.setCluster(state);
    this.plain.setCluster(state);
  }

  state(cluster: string, service: string): ShardState {
    const { random } = this;
    const older = random.oneIn(8) ? ({ older: true } as const) : {};
    const addresses = [`a${this.#addresses++}`];
    const made = random.pick<Partial<ShardState>>([
      { addresses },
      { addresses },
      { addresses, ready: false },
      { addresses, ready: false, missing: 'slices' },
      { addresses: [], missing: 'addresses' },
    ]);
    const state = shard(cluster, service, { ...made, ...older });
    this.said.add(textOf(state));
    return state;
  }

  list(cluster: string, states: readonly ShardState[]): void {
    this.plain.replaceShards(cluster, states);
    this.guarded.guard.replaceShards(cluster, states, cause('list'));
  }

  /** A new process: what is served comes from the snapshot, then every cluster is listed. */
  restart(): void {
    const snapshot = [...this.guarded.domain.all()];
    const statuses = [...this.plain.clusters.values()];
    const nowMs = this.guarded.time.now();
    this.guarded.guard.stop();
    this.guarded = new Guarded(this.settings);
    this.guarded.time.advance(nowMs);
    for (const state of statuses) this.guarded.guard.setCluster({ ...state, status: 'held' });
    for (const state of snapshot) this.guarded.domain.upsertShard(state);
    for (const state of statuses) {
      this.list(
        state.name,
        [...this.plain.all()].filter(({ cluster }) => cluster === state.name),
      );
      this.guarded.guard.setCluster(state);
    }
  }
}

type Step = (pair: Pair, cluster: string, service: string) => void;

const upsert: Step = (pair, cluster, service) => {
  const state = pair.state(cluster, service);
  pair.plain.upsertShard(state);
  pair.guarded.guard.upsertShard(state);
};

const remove: Step = (pair, cluster, service) => {
  const id = idOf(cluster, service);
  if (pair.random.oneIn(4)) pair.guarded.unpublished.add(nameOf(id));
  if (pair.plain.shard(id) !== undefined) pair.guarded.guard.removeShard(id, cause('gone'));
  pair.plain.removeShard(id);
  pair.guarded.unpublished.clear();
};

const STEPS: readonly Step[] = [
  upsert,
  upsert,
  upsert,
  upsert,
  remove,
  remove,
  (pair, cluster) => {
    const names = SERVICES.filter(() => !pair.random.oneIn(3));
    pair.list(
      cluster,
      names.map((name) => pair.state(cluster, name)),
    );
  },
  (pair, cluster) => {
    const known = [...pair.plain.all()].filter((one) => one.cluster === cluster);
    pair.list(
      cluster,
      known.filter(() => !pair.random.oneIn(3)),
    );
  },
  (pair, cluster) => pair.announce(cluster, pair.random.pick(STATUSES)),
  ({ guarded, random }) => guarded.time.advance(random.below(400_000)),
  ({ guarded, random }) => {
    if (random.oneIn(3)) guarded.guard.release(random.oneIn(2) ? undefined : String(random.below(4)));
  },
  (pair, cluster) => {
    if (!pair.random.oneIn(4)) return;
    pair.plain.removeCluster(cluster);
    pair.guarded.guard.removeCluster(cluster);
    pair.announce(cluster, 'available');
  },
  (pair) => {
    if (pair.random.oneIn(4)) pair.restart();
  },
];

/** @returns what does not hold */
function checkAlways({ guarded, plain, said }: Pair): string | undefined {
  const { domain, guard } = guarded;
  const held = new Map(CLUSTERS.map((cluster) => [cluster, 0]));
  for (const state of domain.all()) {
    if (!said.has(textOf(state))) return `invented: ${textOf(state)}`;
    const without = plain.shard(state)?.state;
    if (state.held !== true) {
      if (without === undefined || textOf(without) !== textOf(state)) return `not as said: ${textOf(state)}`;
      continue;
    }
    held.set(state.cluster, held.get(state.cluster)! + 1);
    if (without !== undefined && lossOf(without) === undefined)
      return `held against evidence: ${textOf(state)}`;
  }
  for (const [cluster, count] of held)
    if (guard.held(cluster) !== count)
      return `${guard.held(cluster)} withheld of ${cluster}, ${count} marked`;
  for (const state of plain.all()) if (domain.shard(state) === undefined) return `lost: ${textOf(state)}`;
  return undefined;
}

/** Everything stays as it is, in contact, for the time that is to pass. */
function checkEnd(pair: Pair): string | undefined {
  const { guarded, plain } = pair;
  for (const cluster of CLUSTERS) pair.announce(cluster, 'available');
  guarded.time.advance(SETTINGS.holdSeconds * 1000);
  if (textsOf(guarded.domain) !== textsOf(plain)) return 'not the same as without a guard in the end';
  if (guarded.guard.stops().length > 0) return 'a stop without end';
  return guarded.time.timers > 0 ? 'a timer without end' : undefined;
}

function textsOf(domain: ModelDomain): string {
  return [...domain.all()].map(textOf).toSorted().join('\n');
}

function textOf({ cluster, service, addresses, ready, missing }: ShardState): string {
  return `${cluster}/${service} ${addresses[0] ?? '-'} ${ready} ${missing ?? '-'}`;
}

/** @returns what went wrong, and how often something was held */
function play(seed: number): { readonly fault: string | undefined; readonly holds: number } {
  const pair = new Pair(seed);
  let fault: string | undefined;
  for (let left = 1 + pair.random.below(FACTS_MAX); left > 0 && fault === undefined; left--) {
    const { random } = pair;
    random.pick(STEPS)(pair, random.pick(CLUSTERS), random.pick(SERVICES));
    fault = checkAlways(pair);
  }
  return { fault: fault ?? checkEnd(pair), holds: pair.guarded.told.length };
}

t.test(`${SEQUENCES} random sequences of facts: nothing is invented, nothing is held for ever`, async (t) => {
  const faults: string[] = [];
  let holding = 0;
  for (let seed = 1; seed <= SEQUENCES; seed++) {
    const { fault, holds } = play(seed);
    if (holds > 0) holding++;
    if (fault !== undefined && faults.length < 5) faults.push(`seed ${seed}: ${fault}`);
  }
  t.same(faults, []);
  t.ok(holding > SEQUENCES / 4, `${holding} of them held something`);
});
