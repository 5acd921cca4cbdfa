/** A small federation to ask: facts in, a function from query octets to a decoded reply out. */
import { createResponder } from '../../src/server/answer/answer.ts';
import { COUNTER_BLOCK_OCTETS } from '../../src/server/counters.ts';
import type { QueryPolicy } from '../../src/server/policy/policy.ts';
import type { Responder } from '../../src/server/responder.ts';
import { TCP_REPLY_OCTETS, Transport } from '../../src/server/responder.ts';
import type { SigningSettings } from '../../src/server/signing/settings.ts';
import { withoutSecrets } from '../../src/server/signing/keys.ts';
import type { SharedSettings } from '../../src/server/workers/worker-pool.ts';
import { apexOf } from './apex.ts';
import type {
  Change,
  HealthChange,
  ServiceNotice,
  ZoneBuilderOptions,
} from '../../src/zonebuilder/builder.ts';
import { ZoneBuilder } from '../../src/zonebuilder/builder.ts';
import type { ClusterState, ShardState } from '../../src/zonebuilder/facts.ts';
import { type FederationPolicy, POLICY_ALL } from '../../src/zonebuilder/policy.ts';
import { parseRdata } from '../../src/zonebuilder/rr-types.ts';
import { packStatics, type StaticRecord } from '../../src/zonebuilder/static-set.ts';
import { InlineSigner } from './inline-signer.ts';
import type { Message, QueryOptions } from './message.ts';
import { makeQuery, readMessage } from './message.ts';

export const CAUSE = { object: 'test', timeMs: 1 };

export interface FederationOptions {
  readonly domain?: string;
  readonly whenNoneHealthy?: ZoneBuilderOptions['whenNoneHealthy'];
  readonly ttlMinSeconds?: number;
  readonly ttlDegradedSeconds?: number | undefined;
  /** Which shards global names answer with; default: all. */
  readonly policies?: Partial<FederationPolicy>;
  /** Clusters may bring hosts. */
  readonly hasHosts?: boolean;
  /** Levels without addresses have those of the level above. */
  readonly flatten?: boolean;
  /** Most addresses of one reply. */
  readonly maxAddresses?: number;
  /** Lines `name type data`, names absolute. */
  readonly records?: readonly string[];
  /** Records besides, of types that a configuration cannot have. */
  readonly statics?: readonly StaticRecord[];
  /** Default: any name may be a federation's. */
  readonly federations?: readonly string[];
  readonly udpPayloadMax?: number;
  readonly policy?: QueryPolicy;
  readonly recorder?: ZoneBuilderOptions['recorder'];
  /** With what replies are signed, private keys included. */
  readonly signing?: SigningSettings;
  /** Milliseconds since 1970, for cookies and rate limiting. */
  readonly clock?: () => number;
}

/** A zone builder and a responder on its image. */
export interface Federation {
  readonly builder: ZoneBuilder;
  readonly responder: Responder;
  /** For workers of its own. */
  readonly settings: () => SharedSettings;
  readonly changes: Change[];
  /** Shards that became healthy or unhealthy. */
  readonly health: HealthChange[];
  readonly notices: ServiceNotice[];
  readonly counters: Float64Array;
  /** Where replies are signed: signs what queries wait for. */
  readonly signer: InlineSigner | undefined;
  cluster(
    name: string,
    region: string | undefined,
    zones: readonly string[],
    status?: ClusterState['status'],
  ): void;
  shard(cluster: string, service: string, facts?: Partial<ShardState>): void;
  /** Asks over UDP; undefined when there is no reply. */
  ask(name: string, type: string, options?: QueryOptions): Message;
  askRaw(query: Buffer, transport?: Transport, from?: Buffer): Buffer | undefined;
}

export function makeFederation(options: FederationOptions = {}): Federation {
  const domain = options.domain ?? 'example.com';
  const changes: Change[] = [];
  const health: HealthChange[] = [];
  const notices: ServiceNotice[] = [];
  let serial = 100;
  const statics = [
    `${domain} NS ns1.${domain}`,
    `ns1.${domain} A 192.0.2.53`,
    ...(options.records ?? []),
  ].map(toRecord);
  let stale = false;
  const builder = new ZoneBuilder({
    domain,
    ttlSeconds: 180,
    whenNoneHealthy: options.whenNoneHealthy ?? 'nodata',
    statics: packStatics([...statics, ...(options.statics ?? [])], domain),
    ...(options.federations && { federations: options.federations }),
    nextSerial: () => ++serial,
    recorder: options.recorder,
    clock: () => 1,
    onMemory: () => (stale = true),
    onChange: (change) => changes.push(change),
    onHealth: (flips) => health.push(...flips),
    onNotice: (notice) => notices.push(notice),
    ttlMinSeconds: options.ttlMinSeconds ?? 0,
    ttlDegradedSeconds: options.ttlDegradedSeconds,
    maxAddresses: () => options.maxAddresses ?? 0,
    flattens: () => options.flatten === true,
    hasHosts: options.hasHosts === true,
    policies: () => ({ ...POLICY_ALL, ...options.policies }),
  });
  const counters = new SharedArrayBuffer(COUNTER_BLOCK_OCTETS);
  const apex = apexOf(domain, {
    nxdomainWhenNoneHealthy: options.whenNoneHealthy === 'nxdomain',
    hasHosts: options.hasHosts === true,
    ...(options.federations && { federations: options.federations }),
  });
  const shared = (): SharedSettings => ({
    image: builder.memory,
    apex,
    udpPayloadMax: options.udpPayloadMax ?? 1232,
    ...(options.policy && { policy: options.policy }),
    ...(options.signing && { signing: options.signing }),
  });
  const signing = options.signing && withoutSecrets(options.signing);
  const settings = () => ({ ...shared(), ...(signing && { signing }), reader: 0, counters });
  const responder = createResponder(settings(), options.clock);
  const signer = options.signing && new InlineSigner(shared(), options.clock);
  const client = Buffer.of(192, 0, 2, 99);
  const reply = Buffer.alloc(TCP_REPLY_OCTETS + 7);
  const askRaw = (
    query: Buffer,
    transport: Transport = Transport.udp,
    from: Buffer = client,
  ): Buffer | undefined => {
    if (stale) {
      responder.adopt(settings());
      signer?.adopt(shared());
    }
    stale = false;
    responder.enter();
    const length = responder.answer(query, 0, query.length, reply, 7, transport, from, 0, from.length);
    responder.leave();
    if (length < 0) return signer!.serve(responder);
    return length === 0 ? undefined : Buffer.from(reply.subarray(7, 7 + length));
  };
  return {
    builder,
    responder,
    settings: shared,
    changes,
    health,
    notices,
    counters: new Float64Array(counters),
    signer,
    cluster: (name, region, zones, status = 'available') =>
      builder.setCluster({ name, zones, status, ...(region === undefined ? {} : { region }) }),
    shard: (cluster, service, facts) => builder.upsertShard(makeShard(cluster, service, facts)),
    ask: (name, type, query) => readMessage(askRaw(makeQuery(name, type, query))!),
    askRaw,
  };
}

/** A ready shard of `service.namespace.federation` without addresses, changed by `facts`. */
export function makeShard(cluster: string, nameText: string, facts: Partial<ShardState> = {}): ShardState {
  const [service = '', namespace = '', federation = ''] = nameText.split('.');
  return {
    cluster,
    service,
    namespace,
    federation,
    addresses: [],
    ready: true,
    readyZones: 'every',
    ports: [],
    cause: CAUSE,
    ...facts,
  };
}

export function toRecord(line: string): StaticRecord {
  const [name = '', type = '', ...data] = line.split(' ');
  return { name, ttlSeconds: 300, ...parseRdata(type, data.join(' ')) };
}
