/**
 * A member cluster that exists as files: Services, EndpointSlices, Nodes and ServiceExports as `kubectl get -o yaml`
 * prints them, re-read when they change. Owns which files there are and when what they say counts. What a file in
 * trouble means is in file-state.ts, which file an object is taken from in object-claims.ts, meaning in
 * cluster-objects.ts.
 *
 * ```
 *   FolderWatch ── notice ──► look ──► FileState × file ──► ObjectClaims ──► ClusterObjects ──► FlapDamping ──► FactSink
 *                                          waits: FoldersInMotion, sudden emptiness ──┘
 * ```
 */

import type { Cause } from '../../zonebuilder/facts.ts';
import type { Log } from '../../log.ts';
import { FlapDamping } from '../health/flap-damping.ts';
import { ClusterObjects, type ClusterObjectsOptions } from '../objects/cluster-objects.ts';
import type { ObjectKind } from '../objects/objects.ts';
import { RefusalLog } from '../refusal-log.ts';
import { RefusalBook } from '../refusals.ts';
import type {
  ClusterCondition,
  ClusterReport,
  ClusterSource,
  FederatedName,
  ServiceAccount,
  StalePart,
} from '../source.ts';
import type { Timer, Timers } from '../../timers.ts';
import { isBroken, isTakenNow, readFileState, type FileState } from './file-state.ts';
import { FolderWatch, SCOPES, type Notice } from './folder-watch.ts';
import { foldersInMotionOf, type FoldersInMotion } from './folders-in-motion.ts';
import { compareNames, listManifestFiles, type FoundFiles, type ManifestFile } from './manifest-files.ts';
import type { ManifestObject, PlacedFinding } from './manifest-document.ts';
import { NO_KIND_READ } from './manifest-parser.ts';
import { keyOf, ObjectClaims } from './object-claims.ts';
import { namedFiles } from './named-files.ts';

export interface ManifestSourceOptions extends ClusterObjectsOptions {
  readonly log: Log;
  readonly timers: Timers;
  /** How long a cluster's last objects count when all of them are gone at once, in seconds. */
  readonly graceSeconds: number;
  /** How long a shard must be down before it leaves, in seconds. */
  readonly dampingSeconds: number;
  /** How often to look where the file system gives no notice, in milliseconds. Default 5000. */
  readonly pollMs?: number;
  /**
   * Shards of an earlier run are in the sink, among them what a file that is broken now last said. Until every file
   * has been good once, they stand. Default: false, the files that are good are taken.
   */
  readonly hasEarlierFacts?: boolean;
}

/** All objects are gone: since when (wall clock), and until when the last ones count (monotonic clock). */
interface Emptiness {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly timer: Timer;
}

const POLL_MS = 5000;
/** Files read at the same time. */
const READS_AT_ONCE = 16;
/** Looks at a folder from which files vanish while it is read, before what was found has to do. */
const LISTINGS_MAX = 5;
/** Files named in one message. */
const NAMES_TOLD_MAX = 3;
/** Files in trouble that are reported one by one. */
const STALE_MAX = 20;

const NO_PATHS: ReadonlySet<string> = new Set();

export class ManifestSource implements ClusterSource {
  readonly name: string;
  readonly #path: string;
  readonly #options: ManifestSourceOptions;
  readonly #damping: FlapDamping;
  readonly #objects: ClusterObjects;
  readonly #refusals: RefusalBook;
  readonly #watch: FolderWatch;
  readonly #moving: FoldersInMotion;
  readonly #claims = new ObjectClaims();
  /** By name, in the order in which they count. */
  #files: ReadonlyMap<string, FileState> = new Map();
  #found: Omit<FoundFiles, 'files' | 'ok'> = { folders: [], leftOut: 0, otherNames: [] };
  /** Objects as last taken, by kind and name. */
  readonly #taken = new Map<string, ManifestObject>();
  /** Keys of those that may be others by now. */
  readonly #due = new Set<string>();
  /** Keys of those that a file lacks which is still there: their absence may be an accident. */
  readonly #missed = new Set<string>();
  /** Kinds of which everything is held, for no file has any. */
  readonly #absent = new Set<ObjectKind>();
  #condition: ClusterCondition = 'Pending';
  #conditionSinceMs: number;
  #syncedMs: number | undefined;
  #lastError: string | undefined;
  #scan: Promise<void> = Promise.resolve();
  #waiting: Notice | undefined;
  #looking = false;
  #emptied: Emptiness | undefined;
  /** When the first of the files that are taken for cut counts as it is. */
  #cutEnds: Timer | undefined;
  #stopped = false;

  constructor(options: ManifestSourceOptions) {
    const { settings, clock, sink, timers, dampingSeconds } = options;
    if (settings.origin.kind !== 'manifests') throw new TypeError(`${settings.name} has no manifests`);
    this.name = settings.name;
    this.#path = settings.origin.path;
    this.#options = options;
    this.#damping = new FlapDamping(sink, timers, dampingSeconds);
    this.#objects = new ClusterObjects({ ...options, sink: this.#damping });
    const refusals = new RefusalLog({ log: options.log, clock, cluster: settings.name });
    this.#refusals = new RefusalBook(clock, refusals.say);
    this.#conditionSinceMs = clock();
    this.#moving = foldersInMotionOf(sink);
    this.#watch = new FolderWatch({
      pollMs: options.pollMs ?? POLL_MS,
      onChange: (notice) => void this.#request(notice),
    });
  }

  /** Something has happened to the files that is not in the facts yet. */
  get isInMotion(): boolean {
    return this.#looking || this.#waiting !== undefined || this.#watch.isInMotion;
  }

  /** Announces the cluster as `pending`, reads it, and makes it `available` where that worked. */
  async start(): Promise<void> {
    this.#objects.setStatus('pending');
    this.#moving.join(this);
    this.#watch.start();
    await this.rescan();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watch.stop();
    this.#moving.leave(this);
    this.#emptied?.timer.cancel();
    await this.#scan;
    this.#cutEnds?.cancel();
    this.#objects.stop();
    this.#damping.stop();
  }

  /**
   * Looks at all files now. A look that is under way is finished first; those who ask meanwhile share the next one.
   *
   * @param readAll - read also files that look unchanged: two writes within a tick of the file system's clock
   *   leave the same times behind
   */
  rescan(readAll = false): Promise<void> {
    return this.#request({ paths: NO_PATHS, scope: readAll ? 'read' : 'list' });
  }

  look(): void {
    void this.rescan();
  }

  report(): ClusterReport {
    const { refusalsTotal: _total, shards: _shards, refusals, stale, ...objects } = this.#objects.report();
    return {
      name: this.name,
      kind: 'manifests',
      condition: this.#condition,
      conditionSinceMs: this.#conditionSinceMs,
      ...(this.#syncedMs === undefined ? {} : { syncedMs: this.#syncedMs }),
      lastOctetMs: this.#syncedMs === undefined ? {} : { manifests: this.#syncedMs },
      ...objects,
      refusals: [...this.#refusals.list(), ...refusals],
      stale: [...this.#stale(), ...stale],
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  account(namespace: string, service: string): ServiceAccount {
    return this.#objects.account(namespace, service);
  }

  /** Where the object stands that a refusal names, as `nginx.yaml:12:3`; undefined: what it names is a place already. */
  placeOf(object: string): string | undefined {
    return this.#taken.get(object)?.place;
  }

  serviceKeys(): Iterable<string> {
    return this.#objects.serviceKeys();
  }

  lacks(shard: FederatedName): boolean {
    return this.#objects.lacks(shard);
  }

  acceptVersions(): void {
    this.#objects.acceptVersions();
  }

  #request(notice: Notice): Promise<void> {
    const isFirst = this.#waiting === undefined;
    this.#waiting = this.#waiting === undefined ? notice : joined(this.#waiting, notice);
    if (!isFirst) return this.#scan;
    this.#scan = this.#scan.then(() => this.#lookNow());
    // A bug here must not end the re-reading, nor the process.
    this.#scan = this.#scan.catch((error: unknown) => this.#lose(String(error)));
    return this.#scan;
  }

  async #lookNow(): Promise<void> {
    const notice = this.#waiting;
    this.#waiting = undefined;
    if (this.#stopped || notice === undefined) return;
    this.#looking = true;
    try {
      await this.#look(notice);
    } finally {
      this.#looking = false;
      this.#moving.moved();
    }
  }

  async #look(notice: Notice): Promise<void> {
    const isPolled = notice.scope === 'list' && notice.paths.size === 0;
    const named = await this.#lookAtNamed(notice);
    const files = named ?? (await this.#lookAtAll(notice));
    if (files === undefined || this.#stopped) return;
    if (losesObjects(this.#files, files)) {
      await this.#moving.settle(this, this.#options.timers, isPolled);
      if (this.#stopped) return;
    }
    this.#adopt(files);
    if (this.#mustWait()) this.#reportFiles();
    else this.#take(named === undefined);
  }

  /** @returns undefined where everything has to be listed */
  async #lookAtNamed({ paths, scope }: Notice): Promise<ReadonlyMap<string, FileState> | undefined> {
    if (scope !== 'named' || !this.#objects.synced) return undefined;
    const named = await namedFiles(paths, this.#path, this.#files, this.#found.folders);
    if (named === undefined) return undefined;
    const states = await this.#readFiles(named, () => true);
    const isNew = [...states.keys()].some((name) => !this.#files.has(name));
    const files = new Map([...this.#files, ...states]);
    return isNew ? new Map([...files].toSorted(([a], [b]) => compareNames(a, b))) : files;
  }

  async #lookAtAll({ paths, scope }: Notice): Promise<ReadonlyMap<string, FileState> | undefined> {
    for (let left = LISTINGS_MAX; ; left--) {
      const listing = await listManifestFiles(this.#path);
      if (!listing.ok) return void this.#lose(listing.message);
      this.#found = listing;
      this.#watch.follow(listing.folders);
      // A file may move from a folder that is still to be read into one that has been: only two equal looks are believed.
      if (left > 1 && this.#misses(listing) && !(await isSettled(this.#path, listing))) continue;
      return this.#readFiles(listing.files, ({ path }) => scope === 'read' || paths.has(path));
    }
  }

  #misses({ files }: FoundFiles): boolean {
    const names = new Set(files.map(({ name }) => name));
    return [...this.#files.keys()].some((name) => !names.has(name));
  }

  async #readFiles(
    files: readonly ManifestFile[],
    isDue: (file: ManifestFile) => boolean,
  ): Promise<ReadonlyMap<string, FileState>> {
    const known = new Map<string, FileState>();
    for (let i = 0; i < files.length; i += READS_AT_ONCE) {
      const some = files.slice(i, i + READS_AT_ONCE);
      const states = await Promise.all(some.map((file) => this.#read(file, isDue(file))));
      for (const [j, state] of states.entries()) if (state !== undefined) known.set(some[j]!.name, state);
    }
    return known;
  }

  async #read(file: ManifestFile, isDue: boolean): Promise<FileState | undefined> {
    const { clock, timers, graceSeconds } = this.#options;
    const time = { nowMs: clock(), monotonicMs: timers.now(), graceMs: graceSeconds * 1000 };
    const before = this.#files.get(file.name);
    const isSame = before !== undefined && before.signature === file.signature && !isTakenNow(before, time);
    if (isSame && !isDue) return before;
    const options = {
      ...this.#objects.slimOptions,
      objectOctetsMax: this.#options.settings.limits.objectOctets,
    };
    const state = await readFileState(file, before, options, time);
    if (state?.signature === '') this.#watch.lookSoon(file.path);
    return state;
  }

  #adopt(files: ReadonlyMap<string, FileState>): void {
    const replace = (name: string, after: FileState | undefined): void => {
      const before = this.#files.get(name);
      const keys = this.#claims.replace(name, before?.objects ?? [], after?.objects ?? []);
      for (const key of keys) {
        this.#due.add(key);
        // What a file lacks that was taken for cut until now has had its grace.
        if (after === undefined || before?.cutUntilMs !== undefined) this.#missed.delete(key);
        else this.#missed.add(key);
      }
      this.#tell(name, before, after);
    };
    for (const name of this.#files.keys()) if (!files.has(name)) replace(name, undefined);
    for (const [name, state] of files) if (state !== this.#files.get(name)) replace(name, state);
    this.#files = files;
    this.#awaitEndOfCuts();
  }

  #awaitEndOfCuts(): void {
    const { timers } = this.#options;
    this.#cutEnds?.cancel();
    let endMs = Infinity;
    for (const { cutUntilMs = Infinity } of this.#files.values()) endMs = Math.min(endMs, cutUntilMs);
    this.#cutEnds =
      endMs === Infinity ? undefined : timers.after(endMs - timers.now(), () => void this.rescan());
  }

  /** Whether what was found is not to be believed yet: what stands meanwhile is better. */
  #mustWait(): boolean {
    if (this.#isSuddenlyEmpty()) return true;
    if (this.#objects.synced) return false;
    const isBrokenSomewhere = [...this.#files.values()].some(isBroken);
    // With nothing read and something broken the cluster has not been read: nobody knows what it lacks.
    return isBrokenSomewhere && (this.#options.hasEarlierFacts === true || this.#claims.size === 0);
  }

  /** From some to no objects at once is more often an accident than a wish: the last ones count for the grace period. */
  #isSuddenlyEmpty(): boolean {
    const { timers, graceSeconds } = this.#options;
    if (this.#claims.size > 0 || this.#taken.size === 0) {
      this.#endEmptiness();
      return false;
    }
    this.#emptied ??= this.#beginEmptiness(graceSeconds * 1000);
    return timers.now() < this.#emptied.untilMs;
  }

  #beginEmptiness(graceMs: number): Emptiness {
    const { timers, clock } = this.#options;
    const timer = timers.after(graceMs, () => void this.rescan());
    return { sinceMs: clock(), untilMs: timers.now() + graceMs, timer };
  }

  #endEmptiness(): void {
    this.#emptied?.timer.cancel();
    this.#emptied = undefined;
  }

  /**
   * Brings the cluster's objects to what the files say, in one step.
   *
   * @param all - also those that are not due: where the cluster was at its limit, there may be room now
   */
  #take(all: boolean): void {
    const timeMs = this.#options.clock();
    const absent = this.#holdAbsentKinds(timeMs);
    this.#objects.begin();
    for (const key of this.#due) if (!absent.has(key)) this.#drop(key, timeMs);
    for (const key of all ? this.#claims.keys() : this.#due) this.#put(key, timeMs);
    this.#objects.commit();
    this.#due.clear();
    for (const key of absent) this.#due.add(key);
    this.#missed.clear();
    for (const key of absent) this.#missed.add(key);
    this.#syncedMs = timeMs;
    this.#endEmptiness();
    this.#objects.commitInitial({ object: `manifests ${this.#path}`, timeMs });
    this.#reportFiles();
  }

  /**
   * Several objects of a kind leave their files at once, and no other of the kind is left: so it looks when kubectl is
   * refused one of the kinds, or is cut between two. As with a list of an API server they count for the grace period.
   *
   * @returns the keys of all that is held
   */
  #holdAbsentKinds(timeMs: number): ReadonlySet<string> {
    const kinds = this.#absentKinds();
    for (const kind of this.#absent) if (!kinds.has(kind)) this.#objects.endHold(kind);
    this.#absent.clear();
    const held = new Set<string>();
    for (const kind of kinds) {
      const keys = [...this.#taken].flatMap(([key, { object }]) => (object.kind === kind ? [key] : []));
      // A single one that leaves is what deleting it looks like.
      if (keys.length < 2) continue;
      if (!this.#objects.holdAll(kind, causeOf(`all ${kind}s`, this.#path, timeMs))) continue;
      this.#absent.add(kind);
      for (const key of keys) held.add(key);
    }
    return held;
  }

  /** Kinds that files which are still there held, and none holds any more. */
  #absentKinds(): Set<ObjectKind> {
    const kinds = new Set<ObjectKind>();
    if (this.#claims.size === 0) return kinds;
    for (const key of this.#missed) {
      const taken = this.#claims.get(key) === undefined ? this.#taken.get(key) : undefined;
      if (taken !== undefined) kinds.add(taken.object.kind);
    }
    for (const key of kinds.size > 0 ? this.#claims.keys() : []) {
      kinds.delete(this.#claims.get(key)!.object.kind);
      if (kinds.size === 0) break;
    }
    return kinds;
  }

  #drop(key: string, timeMs: number): void {
    const taken = this.#taken.get(key);
    if (taken === undefined || this.#claims.get(key) !== undefined) return;
    const { kind, namespace, name } = taken.object;
    this.#objects.remove(kind, namespace, name, causeOf(key, taken.place, timeMs));
    this.#taken.delete(key);
  }

  #put(key: string, timeMs: number): void {
    const claim = this.#claims.get(key);
    if (claim === undefined) return;
    this.#objects.apply(claim.object, causeOf(key, claim.place, timeMs));
    this.#taken.set(key, claim);
  }

  /** The path itself cannot be read: everything stays as it is. Before the first read the cluster stays pending. */
  #lose(message: string): void {
    this.#lastError = message;
    this.#refusals.set(this.#path, [{ code: 'PATH_UNREADABLE', message }]);
    this.#setCondition(this.#objects.synced ? 'NotReady' : 'Pending');
  }

  #reportFiles(): void {
    const states = [...this.#files.values()];
    const troubled = states.filter(({ refusals }) => refusals.length > 0);
    const findings = troubled.flatMap(({ refusals }) => refusals.filter(({ code }) => code !== NO_KIND_READ));
    setAll(this.#refusals, [...this.#notes(states), ...findings, ...this.#claims.duplicates()]);
    const trouble = states.find(isBroken)?.trouble;
    this.#lastError = trouble === undefined ? this.#emptyError() : `${trouble.object}: ${trouble.message}`;
    this.#setCondition(this.#objects.synced ? 'Ready' : 'Pending');
  }

  #emptyError(): string | undefined {
    if (this.#emptied === undefined) return undefined;
    return `all objects are gone at once: the last ones count for ${this.#options.graceSeconds} s`;
  }

  /** What was passed over, in a line for each kind of reason. */
  #notes(states: readonly FileState[]): PlacedFinding[] {
    const { leftOut, otherNames } = this.#found;
    const foreign = [...this.#files].filter(([, { trouble }]) => trouble?.code === NO_KIND_READ);
    const note = (code: string, message: string | undefined): PlacedFinding[] =>
      message === undefined ? [] : [{ code, object: this.#path, message }];
    return [
      ...note('FOLDER_EMPTY', states.length === 0 ? 'no .yaml, .yml or .json file is here' : undefined),
      ...note('ALL_GONE', this.#emptyError()),
      ...note(
        'FILE_LIMIT',
        leftOut > 0 ? `${leftOut} files or folders are left out: too many, or too deep` : undefined,
      ),
      ...note('NAME_NOT_READ', told(otherNames, 'not read: their names do not end in .yaml, .yml or .json')),
      ...note(
        NO_KIND_READ,
        told(
          foreign.map(([name]) => name),
          'without an object of a kind that fedns reads',
        ),
      ),
    ];
  }

  /** That a file is in trouble is logged as it is refused; here, that it is not any more. */
  #tell(file: string, before: FileState | undefined, after: FileState | undefined): void {
    if (before === undefined || after === undefined || !isBroken(before) || isBroken(after)) return;
    this.#options.log.info({ cluster: this.name, path: this.#path, file }, 'a manifest file is well again');
  }

  #stale(): StalePart[] {
    const files = [...this.#files].filter(([, state]) => isBroken(state)).slice(0, STALE_MAX);
    const parts = files.map(([name, { trouble }]) => ({
      part: name,
      code: trouble!.code,
      sinceMs: trouble!.sinceMs,
    }));
    if (this.#emptied === undefined) return parts;
    return [{ part: this.#path, code: 'ALL_GONE', sinceMs: this.#emptied.sinceMs }, ...parts];
  }

  #setCondition(condition: ClusterCondition): void {
    if (condition === this.#condition) return;
    this.#condition = condition;
    this.#conditionSinceMs = this.#options.clock();
  }
}

function joined(a: Notice, b: Notice): Notice {
  const scope = SCOPES[Math.max(SCOPES.indexOf(a.scope), SCOPES.indexOf(b.scope))]!;
  return { paths: new Set([...a.paths, ...b.paths]), scope };
}

/** Whether a second look finds the same files. */
async function isSettled(path: string, first: FoundFiles): Promise<boolean> {
  const second = await listManifestFiles(path);
  if (!second.ok || second.files.length !== first.files.length) return false;
  return second.files.every(({ name }, i) => name === first.files[i]!.name);
}

/** Whether a file is gone or lacks an object that it held: it may have gone to another. */
function losesObjects(
  before: ReadonlyMap<string, FileState>,
  after: ReadonlyMap<string, FileState>,
): boolean {
  for (const [name, { objects }] of before) {
    const now = after.get(name)?.objects;
    if (now !== objects && lacksObject(objects, now ?? [])) return true;
  }
  return false;
}

function lacksObject(before: readonly ManifestObject[], after: readonly ManifestObject[]): boolean {
  const keys = new Set(after.map(({ object }) => keyOf(object)));
  return before.some(({ object }) => !keys.has(keyOf(object)));
}

function told(names: readonly string[], what: string): string | undefined {
  if (names.length === 0) return undefined;
  const some = names.slice(0, NAMES_TOLD_MAX).join(', ');
  const more = names.length - NAMES_TOLD_MAX;
  return `${some}${more > 0 ? ` and ${more} more` : ''}: ${what}`;
}

function causeOf(object: string, place: string, timeMs: number): Cause {
  return { object: `${object} (${place})`, timeMs };
}

/** Makes a book say exactly this. */
function setAll(book: RefusalBook, findings: readonly PlacedFinding[]): void {
  const byObject = Map.groupBy(findings, ({ object }) => object);
  book.clearExcept('', new Set(byObject.keys()));
  for (const [object, entries] of byObject) {
    book.set(
      object,
      entries.map(({ code, message }) => ({ code, message })),
    );
  }
}
