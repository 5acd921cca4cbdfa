/**
 * Owns the text of a snapshot: one JSON document a line, a header, then each cluster followed by its shards, then the
 * addresses of load-balancer hostnames, then a trailer with counts and a digest of everything above it. When it is written and what becomes of it: snapshot.ts.
 */

import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { ClusterState, ShardPort, ShardState } from '../zonebuilder/facts.ts';

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

/** A snapshot as read back. */
export interface Snapshot {
  /** When it was written, in milliseconds since the epoch. */
  readonly savedMs: number;
  /** The SOA serial then. */
  readonly serial: number;
  readonly clusters: readonly (ClusterFacts & { readonly shards: readonly ShardState[] })[];
  readonly hostnames: readonly HostnameAddresses[];
}

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
  head: { readonly savedMs: number; readonly serial: number },
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
  head: { readonly savedMs: number; readonly serial: number },
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

interface Reading {
  readonly hash: Hash;
  head: { savedMs: number; serial: number } | undefined;
  readonly clusters: (ClusterFacts & { shards: ShardState[] })[];
  readonly hostnames: HostnameAddresses[];
  shards: number;
  ended: boolean;
  /** Lines that the digest has not taken yet: it takes them in pieces, which is much cheaper. */
  undigested: string;
}

/**
 * Reads a snapshot line by line. Nothing of it counts unless the trailer is there and fits.
 *
 * @param batches - lines without their line feeds, in batches of any size
 * @throws SnapshotError naming the line
 */
export async function decodeSnapshot(batches: AsyncIterable<readonly string[]>): Promise<Snapshot> {
  const reading: Reading = {
    hash: createHash('sha256'),
    head: undefined,
    clusters: [],
    hostnames: [],
    shards: 0,
    ended: false,
    undigested: '',
  };
  let before = 0;
  for await (const lines of batches) {
    takeLines(reading, lines, before);
    before += lines.length;
  }
  if (reading.head === undefined || !reading.ended) throw new SnapshotError('it ends too early');
  return { ...reading.head, clusters: reading.clusters, hostnames: reading.hostnames };
}

function takeLines(reading: Reading, lines: readonly string[], before: number): void {
  let number = before;
  for (const line of lines) {
    number++;
    try {
      takeLine(reading, line);
    } catch (error) {
      throw new SnapshotError(`line ${number}: ${(error as Error).message}`);
    }
  }
}

function takeLine(reading: Reading, line: string): void {
  if (reading.ended) throw new Error('text after the end');
  const value = fieldsOf(JSON.parse(line));
  if (value['end'] !== undefined) return takeEnd(reading, fieldsOf(value['end']));
  digest(reading, line);
  if (reading.head === undefined) reading.head = readHead(value);
  else if (value['cluster'] !== undefined) takeCluster(reading, value);
  else if (value['hostname'] !== undefined) reading.hostnames.push(readHostname(fieldsOf(value['hostname'])));
  else takeShard(reading, fieldsOf(value['shard']));
}

function digest(reading: Reading, line: string): void {
  reading.undigested += `${line}\n`;
  if (reading.undigested.length < CHUNK_CHARACTERS) return;
  reading.hash.update(reading.undigested);
  reading.undigested = '';
}

function takeEnd(reading: Reading, end: Fields): void {
  const sha256 = reading.hash.update(reading.undigested).digest('hex');
  if (end['sha256'] !== sha256) throw new Error('the digest differs: the file is damaged');
  if (end['clusters'] !== reading.clusters.length || end['shards'] !== reading.shards) {
    throw new Error('the counts differ');
  }
  reading.ended = true;
}

function takeCluster(reading: Reading, value: Fields): void {
  const cluster = readCluster(fieldsOf(value['cluster']));
  reading.clusters.push({ cluster, shards: [], ...(value['joined'] === true && { joined: true }) });
}

function takeShard(reading: Reading, fields: Fields): void {
  const last = reading.clusters.at(-1);
  if (last === undefined) throw new Error('a shard before any cluster');
  last.shards.push(readShard(fields, last.cluster.name));
  reading.shards++;
}

function readHead(fields: Fields): { savedMs: number; serial: number } {
  if (fields['format'] !== FORMAT) throw new Error('not a fedns snapshot');
  const version = fields['version'];
  if (typeof version !== 'number' || version < OLDEST_VERSION || version > SNAPSHOT_VERSION) {
    throw new Error(`version ${String(version)}, this fedns reads ${OLDEST_VERSION} to ${SNAPSHOT_VERSION}`);
  }
  return { savedMs: numberOf(fields, 'savedMs'), serial: numberOf(fields, 'serial') };
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
    ports: listOf(fields, 'ports').map((port) => readPort(fieldsOf(port))),
    ...(fields['ttlSeconds'] !== undefined && { ttlSeconds: numberOf(fields, 'ttlSeconds') }),
    cause: {
      object: textOf(cause, 'object'),
      ...(cause['resourceVersion'] !== undefined && { resourceVersion: textOf(cause, 'resourceVersion') }),
      timeMs: numberOf(cause, 'timeMs'),
    },
  };
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
