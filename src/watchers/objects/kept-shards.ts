/**
 * The shards of one cluster as they were last pushed, so that a change that changes no fact makes no call. Owns the compact
 * form that half a million of them take.
 */

import type { Cause, ShardState } from '../../zonebuilder/facts.ts';
import { SharedTable, textOf } from './intern.ts';
import { namesOf } from './object-key.ts';
import { sameFacts, type ShardFacts } from './shards.ts';

/** What many shards have in common. */
type Profile = Pick<
  ShardState,
  | 'federation'
  | 'ready'
  | 'missing'
  | 'older'
  | 'readyZones'
  | 'ports'
  | 'ttlSeconds'
  | 'addressTtlSeconds'
  | 'maxAddresses'
  | 'srv'
  | 'policy'
  | 'weight'
>;

interface KeptShard {
  /** Shared: equal ones are the same object, as a rule. */
  readonly profile: Profile;
  /** With blanks between them. */
  readonly addresses: string;
  /** The same of {@link ShardState.addressZones}, for the few that have them. */
  readonly addressZones?: string;
  readonly cause: Cause;
}

/** What became of a Service's shards. */
export interface ShardChange {
  /** Those that are new or say something else. */
  readonly changed: readonly ShardState[];
  /** Federations in which the Service has no shard any more. */
  readonly gone: readonly string[];
}

const NO_SHARDS: readonly KeptShard[] = [];
const profiles = new SharedTable<Profile>();

export class KeptShards {
  readonly #cluster: string;
  /** By the key of the Service. Most Services are in one federation: the shard stands there itself, without a list. */
  readonly #shards = new Map<string, KeptShard | readonly KeptShard[]>();

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  has(service: string): boolean {
    return this.#shards.has(service);
  }

  get isEmpty(): boolean {
    return this.#shards.size === 0;
  }

  /** Walks all Services. */
  count(): number {
    let count = 0;
    for (const kept of this.#shards.values()) count += listOf(kept).length;
    return count;
  }

  /** Every shard with the cause of its last change. */
  *all(): Generator<ShardState> {
    for (const [key, kept] of this.#shards) {
      for (const shard of listOf(kept)) yield this.#unpack(key, shard);
    }
  }

  /** Keeps these shards of a Service in place of those that it had. Shards that did not change keep their cause. */
  put(service: string, facts: readonly ShardFacts[], cause: Cause): ShardChange {
    const before = listOf(this.#shards.get(service));
    const after: KeptShard[] = [];
    const changed: ShardState[] = [];
    for (const fact of facts) {
      const same = before.find((kept) => this.#says(service, kept, fact));
      after.push(same ?? pack(fact, cause));
      if (same === undefined) changed.push({ ...fact, cause });
    }
    const gone = before
      .map(({ profile }) => profile.federation)
      .filter((federation) => !facts.some((fact) => fact.federation === federation));
    if (changed.length > 0 || gone.length > 0) this.#keep(service, after);
    return { changed, gone };
  }

  #keep(service: string, after: readonly KeptShard[]): void {
    if (after.length === 0) this.#shards.delete(service);
    else this.#shards.set(service, after.length === 1 ? after[0]! : after);
  }

  #says(service: string, kept: KeptShard, facts: ShardFacts): boolean {
    if (kept.addresses !== facts.addresses.join(' ')) return false;
    if (kept.addressZones !== facts.addressZones?.join(' ')) return false;
    return kept.profile === profileOf(facts) || sameFacts(this.#unpack(service, kept), facts);
  }

  #unpack(service: string, { profile, addresses, addressZones, cause }: KeptShard): ShardState {
    const { namespace, name } = namesOf(service);
    return {
      ...profile,
      cluster: this.#cluster,
      namespace,
      service: name,
      addresses: addresses === '' ? [] : addresses.split(' '),
      ...(addressZones !== undefined && { addressZones: addressZones.split(' ') }),
      cause,
    } as ShardState;
  }
}

function listOf(kept: KeptShard | readonly KeptShard[] | undefined): readonly KeptShard[] {
  if (kept === undefined) return NO_SHARDS;
  return 'profile' in kept ? [kept] : kept;
}

function pack(facts: ShardFacts, cause: Cause): KeptShard {
  const { addressZones } = facts;
  return {
    profile: profileOf(facts),
    addresses: facts.addresses.join(' '),
    ...(addressZones !== undefined && { addressZones: addressZones.join(' ') }),
    cause,
  };
}

function profileOf(facts: ShardFacts): Profile {
  const { federation, ready, readyZones, ports, ttlSeconds, addressTtlSeconds, maxAddresses, srv } = facts;
  const { policy, weight, missing, older } = facts;
  const numbers = [ttlSeconds, addressTtlSeconds, maxAddresses, srv?.priority, srv?.weight, weight];
  const marks = `${numbers.join(',')} ${policy ?? ''} ${missing ?? ''} ${older ?? ''}`;
  const key = `${federation} ${ready} ${marks} ${JSON.stringify(readyZones)} ${textOf(ports)}`;
  return profiles.share(key, () => ({
    federation,
    ready,
    ...(missing === undefined ? {} : { missing }),
    ...(older === undefined ? {} : { older }),
    readyZones,
    ports,
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(addressTtlSeconds === undefined ? {} : { addressTtlSeconds }),
    ...(maxAddresses === undefined ? {} : { maxAddresses }),
    ...(srv === undefined ? {} : { srv }),
    ...(policy === undefined ? {} : { policy }),
    ...(weight === undefined ? {} : { weight }),
  }));
}
