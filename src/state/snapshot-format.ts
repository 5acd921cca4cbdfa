/**
 * Owns the text of a snapshot: one JSON document a line, a header, then each cluster followed by its shards, then the
 * addresses of load-balancer hostnames, then a trailer with counts and a digest of everything above it. When it is written and what becomes of it: snapshot.ts.
 */

import { createHash } from 'node:crypto';
import type { ClusterState, ShardPort, ShardState } from '../zonebuilder/facts.ts';
import { POLICIES, type PolicyName } from '../zonebuilder/policy.ts';

/** What was known of one cluster. */
export interface ClusterFacts {
  readonly cluster: ClusterState;
  readonly shards: Iterable<ShardState>;
  /** No configuration names it: a Secret described it. */
  readonly joined?: true;
}

/** What a load-balancer hostname last resolved to, by address family. */
export interface HostnameAddresses {
  readonly hostname: string;
  readonly A: readonly string[];
  readonly AAAA: readonly string[];
}

/** When a snapshot was written, in milliseconds since the epoch, and the SOA serial then. */
export interface SnapshotHead {
  readonly savedMs: number;
  readonly serial: number;
}

/** What follows the last shard. */
export interface SnapshotEnd {
  readonly clusters: number;
  readonly shards: number;
  /** Of all octets before it, in hexadecimal digits. */
  readonly sha256: string;
}

/** A line between the first and the last. A shard is one of the cluster that was named last. */
export type SnapshotLine =
  | { readonly kind: 'cluster'; readonly cluster: ClusterState; readonly joined: boolean }
  | { readonly kind: 'shard'; readonly shard: ShardState }
  | { readonly kind: 'hostname'; readonly hostname: HostnameAddresses };

/** A text that is no snapshot, or one that was damaged. */
export class SnapshotError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SnapshotError';
  }
}

/** Version 2 added hostnames and which clusters had joined by themselves. */
export const SNAPSHOT_VERSION = 2;
const OLDEST_VERSION = 1;
const FORMAT = 'fedns-snapshot';

/** Octets of one line: the longest legal shard, with thousands of addresses, stays far below. */
export const SNAPSHOT_LINE_OCTETS_MAX = 4 * 1024 * 1024;
/** Characters gathered before they are written: enough to make writes cheap, little enough not to hold the thread. */
const CHUNK_CHARACTERS = 64 * 1024;

/**
 * The snapshot's text in chunks of about 64 KiB. The facts may change between two chunks: each line stands for
 * itself, and a shard is a fact of its own.
 */
export function* encodeSnapshot(
  head: SnapshotHead,
  facts: Iterable<ClusterFacts>,
  hostnames: Iterable<HostnameAddresses> = [],
): Generator<string> {
  const hash = createHash('sha256');
  const counts = { clusters: 0, shards: 0 };
  let chunk = '';
  for (const line of encodeLines(head, facts, hostnames, counts)) {
    chunk += line;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    hash.update(chunk);
    yield chunk;
    chunk = '';
  }
  hash.update(chunk);
  yield `${chunk}${JSON.stringify({ end: { ...counts, sha256: hash.digest('hex') } })}\n`;
}

function* encodeLines(
  head: SnapshotHead,
  facts: Iterable<ClusterFacts>,
  hostnames: Iterable<HostnameAddresses>,
  counts: { clusters: number; shards: number },
): Generator<string> {
  yield `${JSON.stringify({ format: FORMAT, version: SNAPSHOT_VERSION, ...head })}\n`;
  for (const { cluster, shards, joined } of facts) {
    counts.clusters++;
    yield `${JSON.stringify({ cluster, joined })}\n`;
    for (const shard of shards) {
      counts.shards++;
      yield `${JSON.stringify({ shard: { ...shard, cluster: undefined } })}\n`;
    }
  }
  for (const { hostname, A, AAAA } of hostnames) {
    yield `${JSON.stringify({ hostname: { hostname, A, AAAA } })}\n`;
  }
}

/** Reads the first line. @throws Error saying what is wrong with it */
export function decodeHead(line: string): SnapshotHead {
  const fields = fieldsOf(JSON.parse(line));
  if (fields['format'] !== FORMAT) throw new Error('not a fedns snapshot');
  const version = fields['version'];
  if (typeof version !== 'number' || version < OLDEST_VERSION || version > SNAPSHOT_VERSION) {
    throw new Error(`version ${String(version)}, this fedns reads ${OLDEST_VERSION} to ${SNAPSHOT_VERSION}`);
  }
  return { savedMs: numberOf(fields, 'savedMs'), serial: numberOf(fields, 'serial') };
}

/** Reads the last line. @throws Error saying what is wrong with it */
export function decodeEnd(line: string): SnapshotEnd {
  const fields = fieldsOf(JSON.parse(line));
  if (fields['end'] === undefined) throw new Error('it ends too early');
  const end = fieldsOf(fields['end']);
  return {
    clusters: numberOf(end, 'clusters'),
    shards: numberOf(end, 'shards'),
    sha256: textOf(end, 'sha256'),
  };
}

/**
 * Reads a line between the first and the last.
 *
 * @param cluster - the cluster that was named last
 * @throws Error saying what is wrong with it
 */
export function decodeLine(line: string, cluster: string | undefined): SnapshotLine {
  const fields = fieldsOf(JSON.parse(line));
  if (fields['cluster'] !== undefined) {
    const state = readCluster(fieldsOf(fields['cluster']));
    return { kind: 'cluster', cluster: state, joined: fields['joined'] === true };
  }
  if (fields['hostname'] !== undefined)
    return { kind: 'hostname', hostname: readHostname(fieldsOf(fields['hostname'])) };
  if (cluster === undefined) throw new Error('a shard before any cluster');
  return { kind: 'shard', shard: readShard(fieldsOf(fields['shard']), cluster) };
}

const STATUSES = ['pending', 'available', 'held', 'withdrawn'] as const;

function readCluster(fields: Fields): ClusterState {
  const status = STATUSES.find((known) => known === fields['status']);
  if (status === undefined) throw new Error('unknown cluster status');
  return {
    name: textOf(fields, 'name'),
    ...(fields['region'] !== undefined && { region: textOf(fields, 'region') }),
    zones: textsOf(fields, 'zones'),
    status,
    // Later additions, which an earlier fedns neither writes nor misses.
    ...(fields['places'] !== undefined && { places: textsOf(fields, 'places') }),
    ...(fields['shortNames'] !== undefined && { shortNames: textsOf(fields, 'shortNames') }),
    ...(fields['networks'] !== undefined && { networks: textsOf(fields, 'networks') }),
    ...(fields['unread'] === true && { unread: true }),
  };
}

function readShard(fields: Fields, cluster: string): ShardState {
  const cause = fieldsOf(fields['cause']);
  return {
    cluster,
    federation: textOf(fields, 'federation'),
    namespace: textOf(fields, 'namespace'),
    service: textOf(fields, 'service'),
    addresses: textsOf(fields, 'addresses'),
    ready: fields['ready'] === true,
    readyZones: fields['readyZones'] === 'every' ? 'every' : textsOf(fields, 'readyZones'),
    ...(fields['addressZones'] !== undefined && { addressZones: textsOf(fields, 'addressZones') }),
    ports: listOf(fields, 'ports').map((port) => readPort(fieldsOf(port))),
    ...(fields['ttlSeconds'] !== undefined && { ttlSeconds: numberOf(fields, 'ttlSeconds') }),
    ...(fields['addressTtlSeconds'] !== undefined && {
      addressTtlSeconds: numberOf(fields, 'addressTtlSeconds'),
    }),
    ...(fields['maxAddresses'] !== undefined && { maxAddresses: numberOf(fields, 'maxAddresses') }),
    ...(fields['srv'] !== undefined && { srv: readSrv(fieldsOf(fields['srv'])) }),
    ...(fields['policy'] !== undefined && { policy: readPolicy(fields['policy']) }),
    ...(fields['weight'] !== undefined && { weight: numberOf(fields, 'weight') }),
    ...(fields['inUse'] === true && { inUse: true }),
    ...(fields['held'] === true && { held: true }),
    cause: {
      object: textOf(cause, 'object'),
      ...(cause['resourceVersion'] !== undefined && { resourceVersion: textOf(cause, 'resourceVersion') }),
      timeMs: numberOf(cause, 'timeMs'),
    },
  };
}

function readPolicy(value: unknown): PolicyName {
  const policy = POLICIES.find((known) => known === value);
  if (policy === undefined) throw new Error('unknown policy');
  return policy;
}

function readSrv(fields: Fields): ShardState['srv'] & object {
  return { priority: numberOf(fields, 'priority'), weight: numberOf(fields, 'weight') };
}

function readHostname(fields: Fields): HostnameAddresses {
  return { hostname: textOf(fields, 'hostname'), A: textsOf(fields, 'A'), AAAA: textsOf(fields, 'AAAA') };
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

function readPort(fields: Fields): ShardPort {
  const protocol = PROTOCOLS.find((known) => known === fields['protocol']);
  if (protocol === undefined) throw new Error('unknown protocol');
  return { name: textOf(fields, 'name'), protocol, port: numberOf(fields, 'port') };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw new Error('an object is missing');
  return value as Fields;
}

function textOf(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== 'string') throw new Error(`${key} is no text`);
  return value;
}

function numberOf(fields: Fields, key: string): number {
  const value = fields[key];
  if (typeof value !== 'number') throw new Error(`${key} is no number`);
  return value;
}

function listOf(fields: Fields, key: string): readonly unknown[] {
  const value = fields[key];
  if (!Array.isArray(value)) throw new Error(`${key} is no list`);
  return value;
}

function textsOf(fields: Fields, key: string): readonly string[] {
  return listOf(fields, key).map((value) => {
    if (typeof value !== 'string') throw new Error(`${key} holds something that is no text`);
    return value;
  });
}
