/** Parts whose insides are plain maps, for the tests of what joins them. */

import type { Settings } from '../../src/config/settings.ts';
import type {
  DataPlane,
  Parts,
  ServedDomain,
  ServedDomainHooks,
  SharedContext,
  SourceContext,
} from '../../src/serve/parts.ts';
import type { HostnameAddresses } from '../../src/state/snapshot-format.ts';
import { OutageGovernor } from '../../src/watchers/health/outage-governor.ts';
import { systemTimers } from '../../src/timers.ts';
import type { ClusterReport, ClusterSource } from '../../src/watchers/source.ts';
import type { Cause, ClusterState, ShardId, ShardState } from '../../src/zonebuilder/facts.ts';
import { type DrainRule, drainText } from '../../src/zonebuilder/drains.ts';
import { packStatics } from '../../src/zonebuilder/static-set.ts';
import { report } from '../admin/fake-control-plane.ts';

export const SETTINGS: Settings = {
  file: '/nowhere/fedns.yaml',
  domain: 'example.com',
  nameservers: [{ name: 'ns1.example.com', addresses: ['192.0.2.1'] }],
  hostmaster: 'hostmaster.example.com',
  listen: [{ address: '127.0.0.1', port: 0 }],
  admin: { address: '127.0.0.1', port: 0 },
  adminHosts: [],
  ttlMinSeconds: 5,
  ttlSeconds: 180,
  negativeTtlSeconds: 15,
  nodataTtlSeconds: 180,
  apexTtlSeconds: 21600,
  access: { allow: [], deny: [] },
  cookies: { policy: 'offer' },
  tcp: { connections: 1000, connectionsPerClient: 100, idleSeconds: 10 },
  identity: { version: '', hostname: '' },
  drainSeconds: 0,
  whenNoneHealthy: 'nodata',
  transport: 'auto',
  workers: 1,
  pinWorkers: false,
  udpPayloadMax: 1232,
  regions: [],
  federations: [{ name: 'myfederation', select: 'label', policy: 'all' }],
  ecs: { trust: [] },
  outage: { graceSeconds: 60, refusedGraceSeconds: 43_200, failStaticAbove: 0.5 },
  dampingSeconds: 0,
  resolvers: [],
  clusters: ['one', 'two'].map((name) => ({
    name,
    region: 'us-central1',
    zones: ['us-central1-a'],
    origin: { kind: 'manifests', path: `/nowhere/${name}` },
    clients: [],
    publish: 'loadBalancer',
    addresses: { allow: [], deny: [] },
    hostnames: { allow: [], deny: [] },
    namespaces: { allow: [], deny: [] },
    limits: { objects: 1000, objectOctets: 1000, changesPerSecond: 1000 },
  })),
  statics: packStatics([], 'example.com'),
  steering: { peers: [] },
  drills: [],
  plans: [],
  log: { level: 'error', format: 'json', queries: 0 },
  guard: { enabled: true, maxWithdrawFraction: 0.5, windowSeconds: 60, minShards: 10, holdSeconds: 300 },
};

export function shard(cluster: string, service: string): ShardState {
  return {
    cluster,
    federation: 'myfederation',
    namespace: 'mynamespace',
    service,
    addresses: ['192.0.2.7'],
    ready: true,
    readyZones: 'every',
    ports: [],
    cause: { object: `Service mynamespace/${service}`, timeMs: 1 },
  };
}

/** A domain that remembers facts. */
export class FakeDomain implements ServedDomain {
  settings: Settings;
  readonly states = new Map<string, ClusterState>();
  readonly shards = new Map<string, ShardState[]>();
  /** In force, in words. */
  drains: readonly string[] = [];
  readonly #hooks: ServedDomainHooks;
  readonly image = {
    control: new SharedArrayBuffer(8),
    arena: new SharedArrayBuffer(8),
    generation: 1,
  };

  constructor(settings: Settings, hooks: ServedDomainHooks) {
    this.settings = settings;
    this.#hooks = hooks;
    hooks.nextSerial();
  }

  setCluster(state: ClusterState): void {
    this.states.set(state.name, state);
    this.#changed(state.name, this.#hooks.clock());
  }

  removeCluster(name: string): void {
    this.states.delete(name);
    this.shards.delete(name);
    this.#changed(name, this.#hooks.clock());
  }

  upsertShard(one: ShardState): void {
    this.shards.set(one.cluster, [...(this.shards.get(one.cluster) ?? []), one]);
    this.#changed(one.cluster, one.cause.timeMs);
  }

  removeShard(): void {}

  replaceShards(cluster: string, shards: readonly ShardState[], cause: Cause): void {
    this.shards.set(cluster, [...shards]);
    this.#changed(cluster, cause.timeMs);
  }

  *facts(): ReturnType<ServedDomain['facts']> {
    for (const cluster of this.states.values()) {
      yield { cluster, shards: this.shards.get(cluster.name) ?? [] };
    }
  }

  *records(): ReturnType<ServedDomain['records']> {
    for (const one of [...this.shards.values()].flat()) {
      const name = `${one.service}.${one.cluster}.${this.settings.domain}.`;
      yield { name, type: 'A', ttlSeconds: this.settings.ttlSeconds, data: one.addresses };
    }
  }

  shard({ cluster, service }: ShardId): ReturnType<ServedDomain['shard']> {
    const state = this.shards.get(cluster)?.find((one) => one.service === service);
    if (state === undefined) return undefined;
    const others = [...this.shards.values()].flat().filter((one) => one !== state && one.service === service);
    return { state, isHealthy: state.ready, isAlone: !others.some(({ ready }) => ready) };
  }

  *shardIds(cluster: string): ReturnType<ServedDomain['shardIds']> {
    yield* this.shards.get(cluster) ?? [];
  }

  healthyByRegion(): ReturnType<ServedDomain['healthyByRegion']> {
    return new Map([['', [...this.shards.values()].flat().filter(({ ready }) => ready).length]]);
  }

  explain(): ReturnType<ServedDomain['explain']> {
    return { rcode: 'NOERROR', steps: [], answer: [] };
  }

  readonly services = { names: () => [], row: () => undefined, report: () => undefined };

  stateOf(cluster: string): ReturnType<ServedDomain['stateOf']> {
    return this.states.get(cluster);
  }

  setOrders(): void {}

  setDrains(rules: Iterable<DrainRule>): ReturnType<ServedDomain['setDrains']> {
    this.drains = Array.from(rules, drainText);
    return { services: 0, ttlSecondsMax: 0 };
  }

  changesUnder(): readonly never[] {
    return [];
  }

  lossesUnder(): readonly never[] {
    return [];
  }

  unweightedUnder(): readonly never[] {
    return [];
  }

  remainingUnder(): readonly never[] {
    return [];
  }

  countingShards(): number {
    return 0;
  }

  clusterStates(): readonly ClusterState[] {
    return [...this.states.values()];
  }

  hasService(): boolean {
    return false;
  }

  readonly federations = ['myfederation'];

  drainsOf(): undefined {
    return undefined;
  }

  replaceStatics(settings: Settings): void {
    this.settings = settings;
    this.#changed('', this.#hooks.clock());
  }

  beginServing(): void {}

  refusalsOf(): readonly never[] {
    return [];
  }

  shardCounts(): ReturnType<ServedDomain['shardCounts']> {
    const rows = [...this.shards].map(
      ([name, { length }]) => [name, { shards: length, healthyShards: length }] as const,
    );
    return new Map(rows);
  }

  showSerial(): void {}

  batch(_cause: Cause, work: () => void): void {
    work();
  }

  hold(): void {}

  release(): void {}

  figures(): ReturnType<ServedDomain['figures']> {
    return { services: this.shards.size, imageOctetsUsed: 8, imageOctetsTotal: 8 };
  }

  #changed(cluster: string, causeMs: number): void {
    this.#hooks.nextSerial();
    this.#hooks.onChange({ cluster, causeMs, services: [] });
  }
}

export interface FakeSource extends ClusterSource {
  readonly context: SourceContext;
}

export interface FakeOptions {
  /** Shards that a cluster's first sync brings; undefined: the first attempt fails with this error. */
  readonly firstSync?: (cluster: string) => readonly ShardState[] | Error;
  readonly startDataPlane?: () => Promise<void>;
  readonly openDomain?: (settings: Settings) => void;
  readonly startShared?: (settings: Settings, context: SharedContext) => void;
  readonly prepare?: (settings: Settings) => void;
}

/** What the fakes saw, in its order. */
export interface FakeParts extends Parts {
  readonly events: string[];
  readonly domains: FakeDomain[];
  readonly sources: FakeSource[];
}

export function fakeParts(options: FakeOptions = {}): FakeParts {
  const events: string[] = [];
  const domains: FakeDomain[] = [];
  const sources: FakeSource[] = [];
  let hostnames: readonly HostnameAddresses[] = [];
  return {
    events,
    domains,
    sources,
    openDomain: (settings, hooks) => {
      options.openDomain?.(settings);
      const domain = new FakeDomain(settings, hooks);
      domains.push(domain);
      return domain;
    },
    openShared: (settings, context) => ({
      resolver: { follow: () => undefined },
      governor: new OutageGovernor({
        timers: systemTimers,
        graceSeconds: 60,
        refusedGraceSeconds: 43_200,
        failStaticAbove: 0.5,
      }),
      loaderOf: () => undefined,
      trouble: () => undefined,
      remembered: () => hostnames,
      remember: (list) => void (hostnames = list),
      start: () => options.startShared?.(settings, context),
      stop: async () => {},
    }),
    openSource: (cluster, context) => {
      const source = fakeSource(cluster.name, context, events, options);
      sources.push(source);
      return source;
    },
    compileGeo: async () => ({ kind: 'failed', code: 'GEOIP_FAILED', message: 'not here' }),
    openDataPlane: (): DataPlane => ({
      start: async () => {
        await options.startDataPlane?.();
        events.push('bind');
        const addresses = [{ address: '127.0.0.1', port: 1053 }];
        return { addresses, transport: 'portable', reason: 'a test', threads: 1 };
      },
      follow: () => events.push('follow'),
      prepare: async (settings) => {
        options.prepare?.(settings);
        return async () => void events.push('adopt');
      },
      locate: async () => {},
      settled: async () => {},
      counters: () => [],
      queries: () => ({ lines: 0, linesLost: { ring: 0, output: 0 }, faults: 0 }),
      stop: async () => void events.push('drain'),
    }),
  };
}

function fakeSource(
  name: string,
  context: SourceContext,
  events: string[],
  options: FakeOptions,
): FakeSource {
  let state: Partial<ClusterReport> = { condition: 'Pending' };
  let unplaced = false;
  const place = { name, region: 'us-central1', zones: ['us-central1-a'] };
  return {
    name,
    context,
    start: async () => {
      events.push(`start ${name}`);
      context.sink.setCluster({ ...place, status: 'pending' });
      const synced = options.firstSync?.(name) ?? [shard(name, 'nginx')];
      if (synced instanceof Error) {
        const { message } = synced;
        const refusal = { code: 'PATH_UNREADABLE', object: name, message, sinceMs: 0 };
        unplaced = true;
        state = { condition: 'Offline', lastError: message, refusals: [refusal] };
        return;
      }
      context.sink.setCluster({ ...place, status: 'available' });
      context.sink.replaceShards(name, synced, { object: 'list', timeMs: context.clock() });
      state = { condition: 'Ready', syncedMs: context.clock() };
    },
    stop: async () => void events.push(`stop ${name}`),
    account: () => ({ exists: false, reasons: [] }),
    serviceKeys: () => [],
    lacks: () => true,
    report: () => {
      const { syncedMs: _, region, ...unsynced } = report(name);
      const where = unplaced ? { topologyFrom: 'none', zones: [] } : { region };
      return { ...unsynced, ...(where as Partial<ClusterReport>), ...state };
    },
  };
}
