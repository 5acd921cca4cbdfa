/**
 * Owns the snapshot of all facts: read once before the first sync, so that a restart serves the last state at once,
 * and written every minute if something changed, and at the end. Its text: snapshot-format.ts.
 */

import { open } from 'node:fs/promises';
import type { FactSink } from '../zonebuilder/facts.ts';
import type { Schedule } from '../jobs.ts';
import { replaceFile } from './atomic-file.ts';
import { reasonOf } from './layout.ts';
import {
  SNAPSHOT_LINE_OCTETS_MAX,
  SnapshotError,
  decodeSnapshot,
  encodeSnapshot,
} from './snapshot-format.ts';
import type { ClusterFacts, HostnameAddresses, Snapshot } from './snapshot-format.ts';

/**
 * Octets of a snapshot: 50,000 Services in 13 clusters make about 200 MB. A larger file is not ours or would not fit
 * into memory; it is neither written nor read.
 */
export const SNAPSHOT_OCTETS_MAX = 1024 * 1024 * 1024;

/** At second 0 of every minute. */
const EVERY_MINUTE = '0 * * * * *';

export interface SnapshotLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a look for a snapshot found. */
export type SnapshotLoad =
  | { readonly kind: 'none' }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'loaded'; readonly snapshot: Snapshot };

/** Reads the snapshot in `path`; whatever is wrong with it is a value, because the server starts all the same. */
export async function loadSnapshot(path: string): Promise<SnapshotLoad> {
  try {
    return { kind: 'loaded', snapshot: await decodeSnapshot(readLines(path)) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { kind: 'none' };
    return { kind: 'broken', reason: reasonOf(error) };
  }
}

/** What of a snapshot still belongs to the configuration. */
export interface SnapshotScope {
  /** The configured clusters; region and zones, where given, win over the snapshot's. */
  readonly clusters: readonly {
    readonly name: string;
    readonly region?: string;
    readonly zones?: readonly string[];
  }[];
  readonly federations: readonly { readonly name: string }[];
  /** Where Secrets are looked for, clusters that had joined by them come back too. */
  readonly clusterSecrets?: object;
}

/** Names of the clusters that a snapshot covers. */
export interface Covered {
  readonly configured: readonly string[];
  /** Those that had joined by Secrets; whether they still belong, only the Secrets can tell. */
  readonly joined: readonly string[];
}

/**
 * Puts a snapshot's facts into `sink`, each cluster `held` until its first sync. Clusters and federations that are
 * not configured any more are left out.
 */
export function restoreSnapshot(snapshot: Snapshot, scope: SnapshotScope, sink: FactSink): Covered {
  const configured = new Map(scope.clusters.map((cluster) => [cluster.name, cluster]));
  const federations = new Set(scope.federations.map((federation) => federation.name));
  const covered = { configured: [] as string[], joined: [] as string[] };
  for (const { cluster, shards, joined = false } of snapshot.clusters) {
    const settings = configured.get(cluster.name);
    const belongs = settings !== undefined || (joined && scope.clusterSecrets !== undefined);
    // Of a pending cluster nothing is known, so nothing may be concluded from its having no shards.
    if (!belongs || cluster.status === 'pending') continue;
    const region = settings?.region ?? cluster.region;
    const place = { ...(region !== undefined && { region }), zones: settings?.zones ?? cluster.zones };
    const status = cluster.status === 'withdrawn' ? 'withdrawn' : 'held';
    sink.setCluster({ name: cluster.name, ...place, status });
    const kept = shards.filter((shard) => federations.has(shard.federation));
    sink.replaceShards(cluster.name, kept, { object: 'snapshot', timeMs: snapshot.savedMs });
    covered[settings === undefined ? 'joined' : 'configured'].push(cluster.name);
  }
  return covered;
}

export interface SnapshotKeeperOptions {
  readonly path: string;
  readonly facts: () => Iterable<ClusterFacts>;
  readonly hostnames: () => Iterable<HostnameAddresses>;
  /** The newest SOA serial; it changes whenever an answer changed. */
  readonly serial: () => number;
  readonly clock: () => number;
  readonly schedule: Schedule;
  readonly log: SnapshotLog;
}

/** Writes the snapshot while the server runs. */
export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  #savedSerial: number | undefined;
  #savedMs: number | undefined;
  #job: { stop(): Promise<void> } | undefined;
  #saving: Promise<boolean> | undefined;

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#job = this.#options.schedule('snapshot', EVERY_MINUTE, async () => {
      await this.save();
    });
  }

  /** When the newest snapshot of this run was written, in milliseconds since the epoch. */
  get savedMs(): number | undefined {
    return this.#savedMs;
  }

  /**
   * Writes a snapshot if an answer changed since the last one. A write that fails is logged and tried again with the
   * next.
   *
   * @returns whether one was written
   */
  save(): Promise<boolean> {
    this.#saving ??= this.#saveIfChanged().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  /** Ends the job and writes what has changed since its last run. */
  async stop(): Promise<void> {
    await this.#job?.stop();
    await this.#saving;
    await this.save();
  }

  async #saveIfChanged(): Promise<boolean> {
    const { path, facts, hostnames, clock, log } = this.#options;
    const serial = this.#options.serial();
    if (serial === this.#savedSerial) return false;
    const savedMs = clock();
    try {
      await replaceFile(path, bounded(encodeSnapshot({ savedMs, serial }, facts(), hostnames())));
    } catch (error) {
      log.error({ code: 'SNAPSHOT_WRITE', path, reason: reasonOf(error) }, 'snapshot not written');
      return false;
    }
    this.#savedSerial = serial;
    this.#savedMs = savedMs;
    return true;
  }
}

function* bounded(chunks: Iterable<string>): Generator<string> {
  let octets = 0;
  for (const chunk of chunks) {
    octets += Buffer.byteLength(chunk);
    if (octets > SNAPSHOT_OCTETS_MAX) throw new SnapshotError(`more than ${SNAPSHOT_OCTETS_MAX} octets`);
    yield chunk;
  }
}

/**
 * The lines of a file, decoded as UTF-8, a batch for each piece that is read. The text behind the last line feed
 * counts as a line when it is not empty.
 */
async function* readLines(path: string): AsyncGenerator<readonly string[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > SNAPSHOT_OCTETS_MAX) throw new SnapshotError(`it has more than ${SNAPSHOT_OCTETS_MAX} octets`);
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let rest = '';
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 })) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split('\n');
      rest = lines.pop()!;
      if (rest.length > SNAPSHOT_LINE_OCTETS_MAX) throw new SnapshotError('a line is too long');
      yield lines;
    }
    if (rest !== '') yield [rest];
  } finally {
    await file.close();
  }
}
