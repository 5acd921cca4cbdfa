/**
 * Keeps the tables of where clients are: has them compiled when databases, places or networks change, and publishes them with what
 * their rows mean. Answers go on meanwhile by the tables before, at the start by none: a client is unknown then, and gets what
 * everybody gets. What cannot be compiled changes nothing, and is told.
 */
import type { Settings } from '../../config/settings.ts';
import { compileClients } from '../../geo/client-networks.ts';
import type { GeoFileReport, GeoTables } from '../../geo/compile.ts';
import { withClients } from '../../geo/tables.ts';
import type { Job, Schedule } from '../../jobs.ts';
import type { Clock, Log } from '../../log.ts';
import type { Timer, Timers } from '../../timers.ts';
import type { ClusterState } from '../../zonebuilder/facts.ts';
import type { RowOrders } from '../../zonebuilder/orders.ts';
import { clientNetworks, type Claim } from './claims.ts';
import type { Compile } from './compile-job.ts';
import { DatabaseWatch, fingerprintOf } from './database-watch.ts';
import { clusterRow, rowOrders, worldOf, type World, type WorldPlace } from './world.ts';

/** What the tables depend on. */
export type GeoSettings = Pick<Settings, 'clusters' | 'regions' | 'geoip' | 'federations'>;

/** Tables and what their rows mean; they belong together. */
export interface Published {
  readonly memory: SharedArrayBuffer;
  readonly orders: RowOrders;
}

export interface GeoKeeperOptions {
  readonly compile: Compile;
  /** The clusters as they are known at the moment. */
  readonly clusters: () => readonly ClusterState[];
  /** Puts tables in force; resolves once no answer follows others. */
  readonly publish: (published: Published) => Promise<void>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly schedule: Schedule;
  readonly log: Log;
}

/** How the tables are. */
export interface GeoState {
  /** Databases in use, with when they were built. */
  readonly files: readonly GeoFileReport[];
  readonly world: World;
  /** Places by their position in the orders of rows. */
  readonly places: readonly WorldPlace[];
  /** Absent: nothing has been published. */
  readonly published?: Published;
  /** When the tables were published, in milliseconds since the epoch. */
  readonly publishedMs?: number;
  /** How long the newest compilation of databases took, in milliseconds. */
  readonly compileMs?: number;
  /** Why the newest databases are not in use. */
  readonly trouble?: Trouble;
  readonly reloads: Readonly<Record<'success' | 'failure', number>>;
}

export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly sinceMs: number;
}

/** Time in which changes of clusters are gathered before tables are made anew, in milliseconds: Nodes come and go in rows. */
export const GATHER_MS = 3000;
/** When databases are looked at that no watch has told of, such as those on network file systems: every ten minutes. */
const LOOK_CRON = '30 */10 * * * *';

/** Tables of databases as they were compiled. */
interface Base {
  readonly key: string;
  readonly tables: GeoTables;
  readonly places: readonly WorldPlace[];
}

const NO_WORLD: World = { places: [], claims: [], clusters: [], regions: new Map() };

export class GeoKeeper {
  readonly #options: GeoKeeperOptions;
  readonly #watch: DatabaseWatch;
  readonly #abort = new AbortController();
  #settings: GeoSettings | undefined;
  #job: Job | undefined;
  #timer: Timer | undefined;
  #base: Base | undefined;
  #world: World = NO_WORLD;
  /** Of the last tables and orders: what they were made of. */
  #madeOf = '';
  /** Databases and places that could not be compiled: not tried again. */
  #failed = '';
  #version = 0;
  #published: Published | undefined;
  /** What workers may still have while the newest is on its way to them. */
  #former: Published | undefined;
  #publishedMs: number | undefined;
  #compileMs: number | undefined;
  #trouble: Trouble | undefined;
  readonly #reloads = { success: 0, failure: 0 };
  #running: Promise<void> | undefined;
  #isWanted = false;
  #told: ReadonlySet<string> = new Set();

  constructor(options: GeoKeeperOptions) {
    this.#options = options;
    this.#watch = new DatabaseWatch(options.timers, () => void this.refresh());
  }

  /** Takes on settings, the first and every later time. Waits for nothing. */
  adopt(settings: GeoSettings): void {
    this.#settings = settings;
    const paths = settings.geoip?.databases ?? [];
    this.#watch.follow(paths);
    if (paths.length > 0) this.#job ??= this.#options.schedule('geoip', LOOK_CRON, () => this.refresh());
    void this.refresh();
  }

  /** Something of the clusters may have changed: places or networks. */
  touch(): void {
    if (this.#settings === undefined || this.#abort.signal.aborted) return;
    this.#timer ??= this.#options.timers.after(GATHER_MS, () => {
      this.#timer = undefined;
      void this.refresh();
    });
  }

  /**
   * Looks at databases and clusters, and makes anew what has changed.
   *
   * @returns resolves when nothing is left to be made; never rejects
   */
  refresh(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /**
   * What the rows of the tables mean that are in force, or are about to be: for a domain that is to follow the one that was told.
   * Oldest first.
   */
  get orders(): readonly RowOrders[] {
    return [this.#former, this.#published].flatMap((published) => published?.orders ?? []);
  }

  state(): GeoState {
    return {
      files: this.#base?.tables.files ?? [],
      world: this.#world,
      places: this.#base?.places ?? [],
      reloads: this.#reloads,
      ...(this.#published !== undefined && { published: this.#published }),
      ...(this.#publishedMs !== undefined && { publishedMs: this.#publishedMs }),
      ...(this.#compileMs !== undefined && { compileMs: this.#compileMs }),
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
    };
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#watch.stop();
    this.#timer?.cancel();
    await this.#job?.stop();
  }

  /** Until nothing is wanted any more; what is asked for meanwhile is done in the next round. */
  async #run(): Promise<void> {
    try {
      while (this.#isWanted && !this.#abort.signal.aborted) {
        this.#isWanted = false;
        await this.#round();
      }
    } catch (cause) {
      this.#options.log.error(
        { code: 'GEOIP_FAILED', reason: String(cause) },
        'tables of clients’ places failed',
      );
    }
    // In the same step as the last look at what is wanted: nothing that is asked for is lost in between.
    this.#running = undefined;
  }

  async #round(): Promise<void> {
    const settings = this.#settings!;
    const world = worldOf(settings, this.#options.clusters());
    const paths = settings.geoip?.databases ?? [];
    // Who knows no client needs no tables: most servers are like that.
    if (paths.length === 0 && world.claims.length === 0 && this.#published === undefined) return;
    const fingerprints = await Promise.all(paths.map(fingerprintOf));
    const key = JSON.stringify([paths, fingerprints, world.places]);
    if (key !== this.#base?.key && key !== this.#failed) await this.#compile(key, paths, world);
    // Without databases clients' networks count all the same.
    if (this.#base === undefined) await this.#compile('', [], { ...world, places: [] });
    if (this.#base !== undefined && !this.#abort.signal.aborted) await this.#publish(this.#base, world);
  }

  async #compile(key: string, paths: readonly string[], { places }: Pick<World, 'places'>): Promise<void> {
    const { compile, timers, log } = this.#options;
    const startMs = timers.now();
    const builtMs = Object.fromEntries(
      (this.#base?.tables.files ?? []).map((file) => [file.path, file.builtMs]),
    );
    const plain = places.map(({ location, point, countries }) => ({
      location,
      countries,
      ...(point && { point }),
    }));
    const order = { paths, places: plain, clients: [], version: 1, builtMs };
    const outcome = await compile(order, this.#abort.signal);
    if (this.#abort.signal.aborted) return;
    if (outcome.kind === 'failed') return this.#fail(key, outcome);
    this.#base = { key, tables: outcome.tables, places };
    if (paths.length === 0) return;
    this.#compileMs = timers.now() - startMs;
    this.#trouble = undefined;
    this.#reloads.success++;
    const files = outcome.tables.files.map(({ path, type, builtMs: ms }) => ({
      path,
      type,
      built: isoDay(ms),
    }));
    const fields = { files, places: places.length, octets: outcome.tables.memory.byteLength };
    log.info(
      { ...fields, seconds: Math.round(this.#compileMs / 100) / 10 },
      'clients are found by these databases',
    );
  }

  #fail(key: string, { code, message }: { readonly code: string; readonly message: string }): void {
    this.#failed = key;
    this.#reloads.failure++;
    this.#trouble = { code, message, sinceMs: this.#trouble?.sinceMs ?? this.#options.clock() };
    const goesOn = this.#base?.tables.files.length
      ? 'the databases before stay in use'
      : 'no client is found by a database';
    this.#options.log.error({ code, reason: message }, `a GeoIP database cannot be used: ${goesOn}`);
  }

  async #publish(base: Base, world: World): Promise<void> {
    const version = this.#version + 1;
    const { tables, places } = base;
    const orders = rowOrders(world, { compiled: tables.orders, places }, version);
    const madeOf = JSON.stringify([base.key, orders.rows, world.claims.map(textOfClaim)]);
    this.#world = world;
    if (madeOf === this.#madeOf) return;
    const networks = clientNetworks(world.claims, (cluster) => clusterRow(world, cluster));
    const clients = { clients4: compileClients(networks, 32), clients6: compileClients(networks, 128) };
    const published = { memory: withClients(tables.memory, clients, version), orders };
    this.#version = version;
    this.#former = this.#published;
    this.#published = published;
    this.#madeOf = madeOf;
    this.#tellContests(world.claims);
    await this.#options.publish(published);
    this.#former = undefined;
    this.#publishedMs = this.#options.clock();
  }

  /** Each once: a network that two clusters claim helps none of their clients. */
  #tellContests(claims: readonly Claim[]): void {
    const told = new Set<string>();
    for (const { cluster, contestedBy } of claims) {
      if (contestedBy === undefined) continue;
      const pair = [cluster, contestedBy].toSorted().join(' and ');
      if (!told.has(pair) && !this.#told.has(pair))
        this.#options.log.warn(
          { clusters: [cluster, contestedBy] },
          'clusters claim the same networks: these are nobody’s',
        );
      told.add(pair);
    }
    this.#told = told;
  }
}

function textOfClaim({ text, cluster, contestedBy = '' }: Claim): string {
  return `${text} ${cluster} ${contestedBy}`;
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
