/**
 * Owns the snapshot of all facts: read once before the first sync, so that a restart serves the last state at once,
 * and written every minute if something changed, and at the end. How the file is read: snapshot-file.ts; its
 * text: snapshot-format.ts.
 */

import type { ClusterState, FactSink } from '../zonebuilder/facts.ts';
import type { Schedule } from '../jobs.ts';
import { replaceFile } from './atomic-file.ts';
import { reasonOf } from './layout.ts';
import { SNAPSHOT_OCTETS_MAX, type Snapshot } from './snapshot-file.ts';
import { SnapshotError, encodeSnapshot } from './snapshot-format.ts';
import type { ClusterFacts, HostnameAddresses, SnapshotLine } from './snapshot-format.ts';

/** At second 0 of every minute. */
const EVERY_MINUTE = '0 * * * * *';

export interface SnapshotLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
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

/** What was restored: the names of the clusters that the snapshot covers, and what hostnames resolved to. */
export interface Restored {
  readonly configured: readonly string[];
  /** Those that had joined by Secrets; whether they still belong, only the Secrets can tell. */
  readonly joined: readonly string[];
  readonly hostnames: readonly HostnameAddresses[];
}

/**
 * Puts a snapshot's facts into `sink`, each cluster `held` until its first sync. Clusters and federations that are
 * not configured any more are left out. Shards go there one by one as they are read: as a whole they would be many times
 * as large as what the sink keeps of them.
 *
 * @throws SnapshotError; then nothing of the snapshot is left in `sink`
 */
export async function restoreSnapshot(
  snapshot: Snapshot,
  scope: SnapshotScope,
  sink: FactSink,
): Promise<Restored> {
  const restoring = new Restoring(scope, sink);
  try {
    for await (const lines of snapshot.read()) for (const line of lines) restoring.take(line);
  } catch (error) {
    restoring.undo();
    throw error;
  }
  return restoring.restored;
}

/** What has been read so far, and the cluster that the next shards are of. */
class Restoring {
  readonly restored = {
    configured: [] as string[],
    joined: [] as string[],
    hostnames: [] as HostnameAddresses[],
  };
  readonly #sink: FactSink;
  readonly #scope: SnapshotScope;
  readonly #configured: ReadonlyMap<string, SnapshotScope['clusters'][number]>;
  readonly #federations: ReadonlySet<string>;
  /** Whether the cluster that was named last belongs to the configuration. */
  #belongs = false;

  constructor(scope: SnapshotScope, sink: FactSink) {
    this.#sink = sink;
    this.#scope = scope;
    this.#configured = new Map(scope.clusters.map((cluster) => [cluster.name, cluster]));
    this.#federations = new Set(scope.federations.map((federation) => federation.name));
  }

  take(line: SnapshotLine): void {
    if (line.kind === 'hostname') this.restored.hostnames.push(line.hostname);
    else if (line.kind === 'cluster') this.#takeCluster(line.cluster, line.joined);
    else if (this.#belongs && this.#federations.has(line.shard.federation))
      this.#sink.upsertShard(line.shard);
  }

  undo(): void {
    for (const name of [...this.restored.configured, ...this.restored.joined]) this.#sink.removeCluster(name);
  }

  #takeCluster(cluster: ClusterState, joined: boolean): void {
    const settings = this.#configured.get(cluster.name);
    const belongs = settings !== undefined || (joined && this.#scope.clusterSecrets !== undefined);
    // Of a cluster that was never read nothing is known, so nothing may be concluded from its having no shards.
    this.#belongs = belongs && cluster.status !== 'pending' && cluster.unread !== true;
    if (!this.#belongs) return;
    const region = settings?.region ?? cluster.region;
    this.#sink.setCluster({
      name: cluster.name,
      ...(region !== undefined && { region }),
      zones: settings?.zones ?? cluster.zones,
      status: cluster.status === 'withdrawn' ? 'withdrawn' : 'held',
      ...(settings?.region !== undefined && { regionConfigured: true }),
      ...(settings?.zones !== undefined && { zonesConfigured: true }),
      ...(cluster.places !== undefined && { places: cluster.places }),
      ...(cluster.shortNames !== undefined && { shortNames: cluster.shortNames }),
      ...(cluster.networks !== undefined && { networks: cluster.networks }),
    });
    this.restored[settings === undefined ? 'joined' : 'configured'].push(cluster.name);
  }
}

export interface SnapshotKeeperOptions {
  readonly path: string;
  readonly facts: () => Iterable<ClusterFacts>;
  readonly hostnames: () => Iterable<HostnameAddresses>;
  /** The newest SOA serial; it changes whenever an answer changed. */
  readonly serial: () => number;
  /** Changes whenever facts changed in something that no answer shows. Default: never. */
  readonly marks?: () => number;
  readonly clock: () => number;
  readonly schedule: Schedule;
  readonly log: SnapshotLog;
}

/** Writes the snapshot while the server runs. */
export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  #savedSerial: number | undefined;
  #savedMarks: number | undefined;
  #savedMs: number | undefined;
  #job: { stop(): Promise<void> } | undefined;
  #saving: Promise<boolean> | undefined;
  #isCeded = false;

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

  /** Whether the file has the newest answers. */
  get isCurrent(): boolean {
    const { serial, marks } = this.#options;
    return this.#savedSerial === serial() && this.#savedMarks === marks?.();
  }

  /** Leaves the file to another process; `false` takes it back. */
  async cede(isCeded: boolean): Promise<void> {
    this.#isCeded = isCeded;
    await this.#saving;
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
    const marks = this.#options.marks?.();
    if (this.#isCeded || this.isCurrent) return false;
    const savedMs = clock();
    try {
      await replaceFile(path, bounded(encodeSnapshot({ savedMs, serial }, facts(), hostnames())));
    } catch (error) {
      log.error({ code: 'SNAPSHOT_WRITE', path, reason: reasonOf(error) }, 'snapshot not written');
      return false;
    }
    this.#savedSerial = serial;
    this.#savedMarks = marks;
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
