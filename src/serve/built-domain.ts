/** Owns how the zone builder is dressed as the served domain: settings in, listings and explanations out. */

import { QuestionError } from '../admin/control-plane.ts';
import type { ExplainQuestion, Explanation, RecordFilter, RecordSet } from '../admin/control-plane.ts';
import type { ServicesControl } from '../admin/services.ts';
import type { Settings } from '../config/settings.ts';
import type { ImageHandle } from '../server/responder.ts';
import type { ClusterFacts } from '../state/snapshot-format.ts';
import type { Refusal } from '../watchers/source.ts';
import type { DrainEffect, PlaceConflict, ShardStanding } from '../zonebuilder/builder.ts';
import { ZoneBuilder } from '../zonebuilder/builder.ts';
import type { DrainIndex, DrainRule, DrainTarget } from '../zonebuilder/drains.ts';
import { explain } from '../zonebuilder/explain.ts';
import type { ClientReport } from '../zonebuilder/explain-policy.ts';
import type { Cause, ClusterState, ShardId, ShardState } from '../zonebuilder/facts.ts';
import { type FederationPolicy, POLICY_ALL } from '../zonebuilder/policy.ts';
import type { RowOrders } from '../zonebuilder/orders.ts';
import { countingShards, type Remaining, remainingUnder } from '../zonebuilder/remaining.ts';
import { soaRecord, walkRecords } from '../zonebuilder/records.ts';
import { typeCode, typeText } from '../zonebuilder/rr-types.ts';
import { type ClusterDrains, drainsOfCluster } from '../zonebuilder/verdict.ts';
import {
  changesUnder,
  type Loss,
  lossesUnder,
  type NameChange,
  unweightedUnder,
} from '../zonebuilder/what-if.ts';
import { explainAbsence } from './absence.ts';
import type { Witness } from './absence.ts';
import type { ServedDomain, ServedDomainHooks } from './parts.ts';
import { primaryOf } from './apex.ts';
import { readName } from './question-name.ts';
import { servicesOf } from './services-view.ts';

export class BuiltDomain implements ServedDomain {
  #settings: Settings;
  readonly #hooks: ServedDomainHooks;
  readonly #builder: ZoneBuilder;

  /** @param prepareMemory - called with new memory of the image before it is filled */
  constructor(
    settings: Settings,
    hooks: ServedDomainHooks,
    prepareMemory: (memory: SharedArrayBuffer) => void = () => {},
  ) {
    this.#settings = settings;
    this.#hooks = hooks;
    this.#builder = new ZoneBuilder({
      domain: settings.domain,
      ttlSeconds: settings.ttlSeconds,
      ttlMinSeconds: settings.ttlMinSeconds,
      ttlDegradedSeconds: settings.ttlDegradedSeconds,
      maxAddresses: maxAddressesOf(settings),
      flattens: flattensOf(settings),
      policies: policiesOf(settings),
      onNotice: (notice) => hooks.onNotice?.(notice),
      negativeTtlSeconds: settings.negativeTtlSeconds,
      federations: settings.federations.map(({ name }) => name),
      hasHosts: settings.federations.some(({ hosts }) => hosts === true),
      whenNoneHealthy: settings.whenNoneHealthy,
      statics: settings.statics,
      nextSerial: hooks.nextSerial,
      clock: hooks.clock,
      onMemory: hooks.onImage,
      prepareMemory,
      recorder: hooks.recorder,
      onHealth: hooks.onHealth,
      onChange: ({ cluster, cause, services }) =>
        hooks.onChange({ cluster, causeMs: cause.settledMs ?? cause.timeMs, services }),
      onConflict: (conflict) => hooks.onRefusal?.(conflict.cluster, refusalOf(conflict)),
    });
  }

  get image(): ImageHandle {
    return this.#builder.memory;
  }

  *facts(): Generator<ClusterFacts> {
    for (const cluster of this.#builder.clusters()) {
      yield { cluster, shards: this.#builder.shardsOfCluster(cluster.name) };
    }
  }

  records(filter: RecordFilter): Iterable<RecordSet | undefined> {
    return walkRecords(this.#builder, this.#soa(), readFilter(filter));
  }

  explain(question: ExplainQuestion, witness: Witness): Explanation {
    const name = readName(question.name);
    const builder = this.#builder;
    const client = question.client === undefined ? undefined : this.#hooks.locate?.(question.client);
    const type = readType(question.type);
    const explanation = explain(builder, { name, type }, this.#soa(), client ?? nowhere(question.client));
    const federations = this.#settings.federations.map((federation) => federation.name);
    return explainAbsence(name, explanation, { builder, federations, witness });
  }

  get services(): ServicesControl {
    const serial = this.#hooks.currentSerial;
    return servicesOf(this.#builder, serial);
  }

  shard(id: ShardId): ShardStanding | undefined {
    return this.#builder.shard(id);
  }

  shardIds(cluster: string): Iterable<ShardId> {
    return this.#builder.shardIds(cluster);
  }

  healthyByRegion(): ReadonlyMap<string, number> {
    return this.#builder.healthyByRegion();
  }

  stateOf(cluster: string): ClusterState | undefined {
    return this.#builder.cluster(cluster);
  }

  serviceNames(): Iterable<string> {
    return this.#builder.serviceNames();
  }

  blobOf(service: string): Uint8Array | undefined {
    return this.#builder.blobOf(service);
  }

  setDrains(rules: Iterable<DrainRule>, cause: Cause): DrainEffect {
    return this.#builder.setDrains(rules, cause);
  }

  changesUnder(drains: DrainIndex): Iterable<NameChange | undefined> {
    return changesUnder(this.#builder, drains);
  }

  lossesUnder(drains: DrainIndex): Iterable<Loss | undefined> {
    return lossesUnder(this.#builder, drains);
  }

  unweightedUnder(drains: DrainIndex): ReturnType<ServedDomain['unweightedUnder']> {
    return unweightedUnder(this.#builder, drains);
  }

  remainingUnder(target: DrainTarget): Iterable<Remaining | undefined> {
    return remainingUnder(this.#builder, target);
  }

  countingShards(service: string): number {
    return countingShards(this.#builder, service);
  }

  clusterStates(): readonly ClusterState[] {
    return this.#builder.clusters();
  }

  hasService(name: string): boolean {
    return this.#builder.view(name) !== undefined;
  }

  get federations(): readonly string[] {
    return this.#settings.federations.map(({ name }) => name);
  }

  drainsOf(cluster: string): ClusterDrains | undefined {
    const state = this.#builder.cluster(cluster);
    return state && drainsOfCluster(state, this.#builder.drains);
  }

  setOrders(orders: RowOrders): void {
    this.#builder.setOrders(orders);
  }

  beginServing(): void {
    this.#builder.beginServing();
  }

  refusalsOf(cluster: string): Refusal[] {
    return this.#builder.conflicts.filter((conflict) => conflict.cluster === cluster).map(refusalOf);
  }

  shardCounts(): ReturnType<ServedDomain['shardCounts']> {
    return this.#builder.shardCounts();
  }

  figures(): ReturnType<ServedDomain['figures']> {
    const { used, capacity } = this.#builder.size;
    return { services: this.#builder.serviceCount, imageOctetsUsed: used, imageOctetsTotal: capacity };
  }

  replaceStatics(settings: Settings): void {
    this.#builder.replaceStatics(settings.statics);
    this.#settings = settings;
  }

  batch(cause: Cause, work: () => void): void {
    this.#builder.batch(cause, work);
  }

  showSerial(serial: number): void {
    this.#builder.showSerial(serial);
  }

  hold(): void {
    this.#builder.hold();
  }

  release(cause: Cause): void {
    this.#builder.release(cause);
  }

  setCluster(state: ClusterState): void {
    this.#builder.setCluster(state);
  }

  removeCluster(name: string): void {
    this.#builder.removeCluster(name);
  }

  upsertShard(shard: ShardState): void {
    this.#builder.upsertShard(shard);
  }

  removeShard(id: ShardId, cause: Cause): void {
    this.#builder.removeShard(id, cause);
  }

  replaceShards(cluster: string, shards: readonly ShardState[], cause: Cause): void {
    this.#builder.replaceShards(cluster, shards, cause);
  }

  #soa(): RecordSet {
    const { domain, hostmaster, apexTtlSeconds, nodataTtlSeconds } = this.#settings;
    return soaRecord({
      domain,
      hostmaster,
      primary: primaryOf(this.#settings),
      serial: this.#hooks.currentSerial(),
      apex: { ttlSeconds: apexTtlSeconds, nodataTtlSeconds },
    });
  }
}

/** A client of whom nothing is known, since there is nothing to look it up in. */
function nowhere(client: string | undefined): ClientReport | undefined {
  if (client === undefined) return undefined;
  const steps = [{ rule: 'client', text: `${client}: there is nothing that tells where clients are` }];
  const scope = client.includes(':') ? 56 : 24;
  return { client, steps, row: -1, version: 0, subnet: { scope, place: 'client' } };
}

/** The policies of the federations, by name. */
function policiesOf({ federations }: Settings): (federation: string) => FederationPolicy {
  const policies = new Map(
    federations.map(({ name, policy, weights = {}, failover = [], failback = 'auto' }) => [
      name,
      { policy, weights: new Map(Object.entries(weights)), failover, failback },
    ]),
  );
  return (federation) => policies.get(federation) ?? POLICY_ALL;
}

/** The most addresses of one reply, by federation; 0: all of them. */
function maxAddressesOf({ federations, maxAddresses = 0 }: Settings): (federation: string) => number {
  const own = new Map(federations.map((federation) => [federation.name, federation.maxAddresses]));
  return (federation) => own.get(federation) ?? maxAddresses;
}

/** Whether levels without addresses have those of the level above, by federation. */
function flattensOf({ federations }: Settings): (federation: string) => boolean {
  const flat = new Set(federations.filter(({ flatten }) => flatten === true).map(({ name }) => name));
  return (federation) => flat.has(federation);
}

/** The filter in the forms that the zone builder knows. */
function readFilter({ name, types, ...labels }: RecordFilter): RecordFilter {
  const lower = Object.entries(labels).map(([key, text]) => [key, text.toLowerCase()]);
  return {
    ...Object.fromEntries(lower),
    ...(name !== undefined && { name: readName(name) }),
    ...(types !== undefined && { types: types.map(readType) }),
  };
}

/** The type as listings show it: its mnemonic, where it has one. */
function readType(text: string): string {
  const type = typeCode(text);
  if (type === undefined) throw new QuestionError(`${text} is no RR type`);
  return typeText(type);
}

/** What an operator is told of a place that goes without its name of one label. */
function refusalOf({ place, label, holder, sinceMs }: PlaceConflict): Refusal {
  const isRegion = place === label;
  const what = isRegion ? 'region' : 'zone';
  const owner =
    holder === undefined ? 'more than one place' : holder === label ? `the region ${holder}` : `${holder}`;
  const rest = isRegion ? 'its zones alias to the global name' : `only ${place} is a name of it`;
  const message = `the name ${label} belongs to ${owner}, so the ${what} goes without: ${rest}`;
  return { code: 'SHORT_NAME_TAKEN', object: `${what} ${place}`, message, sinceMs };
}
