/**
 * A member cluster that exists as files: Services, EndpointSlices, Nodes and ServiceExports as `kubectl get -o yaml`
 * prints them, re-read when they change. Owns which file an object is taken from, and that a file in trouble keeps
 * its last good objects. Parsing is in manifest-parser.ts, files in manifest-files.ts, meaning in cluster-objects.ts.
 */

import { hash } from 'node:crypto';
import type { Cause } from '../../zonebuilder/facts.ts';
import { ClusterObjects, type ClusterObjectsOptions } from '../objects/cluster-objects.ts';
import { FolderWatch } from './folder-watch.ts';
import { listManifestFiles, readManifestFile, type ManifestFile } from './manifest-files.ts';
import { parseManifest, type ManifestObject, type PlacedFinding } from './manifest-parser.ts';
import { objectName } from '../objects/objects.ts';
import { RefusalBook } from '../refusals.ts';
import type { Log } from '../../log.ts';
import type { ClusterCondition, ClusterReport, ClusterSource, ServiceAccount } from '../source.ts';

export interface ManifestSourceOptions extends ClusterObjectsOptions {
  readonly log: Log;
  /** How often to look where the file system gives no notice, in milliseconds. Default 5000. */
  readonly pollMs?: number;
  /**
   * Facts of an earlier run are in the sink, among them what a file that is broken now last said. Until every file
   * has been good once, they stand. Default: false, the files that are good are taken.
   */
  readonly hasEarlierFacts?: boolean;
}

/** What was last taken from one file. */
interface FileState {
  readonly signature: string;
  readonly digest: string;
  readonly objects: readonly ManifestObject[];
  readonly refusals: readonly PlacedFinding[];
  /** The file as it is now cannot be taken; `objects` are its last good ones. */
  readonly broken: boolean;
}

const NO_FILE: FileState = { signature: '', digest: '', objects: [], refusals: [], broken: false };

const POLL_MS = 5000;

export class ManifestSource implements ClusterSource {
  readonly name: string;
  readonly #path: string;
  readonly #options: ManifestSourceOptions;
  readonly #objects: ClusterObjects;
  readonly #refusals: RefusalBook;
  readonly #watch: FolderWatch;
  #files: ReadonlyMap<string, FileState> = new Map();
  /** Objects as last taken, by kind and name. */
  #taken: ReadonlyMap<string, ManifestObject> = new Map();
  #condition: ClusterCondition = 'Pending';
  #conditionSinceMs: number;
  #syncedMs: number | undefined;
  #lastError: string | undefined;
  #scan: Promise<void> = Promise.resolve();
  #scansWaiting = 0;
  #stopped = false;

  constructor(options: ManifestSourceOptions) {
    const { settings, clock } = options;
    if (settings.origin.kind !== 'manifests') throw new TypeError(`${settings.name} has no manifests`);
    this.name = settings.name;
    this.#path = settings.origin.path;
    this.#options = options;
    this.#objects = new ClusterObjects(options);
    this.#refusals = new RefusalBook(clock);
    this.#conditionSinceMs = clock();
    this.#watch = new FolderWatch({
      pollMs: options.pollMs ?? POLL_MS,
      onChange: (noticed) => void this.rescan(noticed),
    });
  }

  /** Announces the cluster as `pending`, reads it, and makes it `available` where that worked. */
  async start(): Promise<void> {
    this.#objects.setStatus('pending');
    this.#watch.start();
    await this.rescan();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watch.stop();
    await this.#scan;
    this.#objects.stop();
  }

  /**
   * Looks at the files now. A look that is under way is finished first; those who ask meanwhile share the next one.
   *
   * @param readAll - read also files that look unchanged: two writes within a tick of the file system's clock
   *   leave the same times behind
   */
  rescan(readAll = false): Promise<void> {
    if (this.#scansWaiting > 0 && !readAll) return this.#scan;
    this.#scansWaiting++;
    this.#scan = this.#scan.then(async () => {
      this.#scansWaiting--;
      if (!this.#stopped) await this.#look(readAll);
    });
    // A bug here must not end the re-reading, nor the process.
    this.#scan = this.#scan.catch((error: unknown) => this.#lose(String(error)));
    return this.#scan;
  }

  report(): ClusterReport {
    const { refusalsTotal: _total, shards: _shards, refusals, ...objects } = this.#objects.report();
    return {
      name: this.name,
      kind: 'manifests',
      condition: this.#condition,
      conditionSinceMs: this.#conditionSinceMs,
      ...(this.#syncedMs === undefined ? {} : { syncedMs: this.#syncedMs }),
      lastOctetMs: this.#syncedMs === undefined ? {} : { manifests: this.#syncedMs },
      ...objects,
      refusals: [...this.#refusals.list(), ...refusals],
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  account(namespace: string, service: string): ServiceAccount {
    return this.#objects.account(namespace, service);
  }

  serviceKeys(): Iterable<string> {
    return this.#objects.serviceKeys();
  }

  async #look(readAll: boolean): Promise<void> {
    const listing = await listManifestFiles(this.#path);
    if (!listing.ok) return this.#lose(listing.message);
    this.#watch.follow(listing.folder);
    const files = new Map<string, FileState>();
    for (const file of listing.files) {
      const state = await this.#read(file, readAll);
      if (state !== undefined) files.set(file.name, state);
    }
    if (this.#stopped) return;
    this.#files = files;
    if (this.#mustWait()) this.#reportFiles([], listing.leftOut);
    else this.#take(listing.leftOut);
  }

  #mustWait(): boolean {
    if (this.#objects.synced || this.#options.hasEarlierFacts !== true) return false;
    return [...this.#files.values()].some((state) => state.broken);
  }

  /** The path itself cannot be read: everything stays as it is. Before the first read the cluster stays pending. */
  #lose(message: string): void {
    if (this.#lastError !== message) this.#warn(message);
    this.#lastError = message;
    this.#refusals.set(this.#path, [{ code: 'PATH_UNREADABLE', message }]);
    this.#setCondition(this.#objects.synced ? 'NotReady' : 'Pending');
  }

  async #read(file: ManifestFile, readAll: boolean): Promise<FileState | undefined> {
    const before = this.#files.get(file.name);
    if (before !== undefined && before.signature === file.signature && !readAll) return before;
    const content = await readManifestFile(file.path);
    switch (content.kind) {
      case 'inMotion':
        // The empty signature makes the next look read it.
        return before === undefined ? undefined : { ...before, signature: '' };
      case 'fault':
        return broken(file, before, '', { object: file.name, code: content.code, message: content.message });
      case 'text':
        return this.#parse(file, content.text, before);
    }
  }

  #parse(file: ManifestFile, text: string, before: FileState | undefined): FileState {
    const digest = hash('sha256', text, 'base64');
    if (before?.digest === digest) return { ...before, signature: file.signature };
    const parsed = parseManifest(text, {
      ...this.#objects.slimOptions,
      file: file.name,
      objectOctetsMax: this.#options.settings.limits.objectOctets,
    });
    if (!parsed.ok) return broken(file, before, digest, parsed.refusal);
    const { objects, refusals } = parsed;
    return { signature: file.signature, digest, objects, refusals, broken: false };
  }

  /** Brings the cluster's objects to what the files say, in one step. */
  #take(leftOut: number): void {
    const duplicates: PlacedFinding[] = [];
    const wanted = mergeFiles(this.#files, duplicates);
    const timeMs = this.#options.clock();
    this.#objects.begin();
    for (const [key, { object, place }] of this.#taken) {
      const { kind, namespace, name } = object;
      if (!wanted.has(key)) this.#objects.remove(kind, namespace, name, causeOf(key, place, timeMs));
    }
    for (const [key, { object, place }] of wanted) this.#objects.apply(object, causeOf(key, place, timeMs));
    this.#objects.commit();
    this.#taken = wanted;
    this.#syncedMs = timeMs;
    this.#objects.commitInitial({ object: `manifests ${this.#path}`, timeMs });
    this.#reportFiles(duplicates, leftOut);
  }

  #reportFiles(duplicates: readonly PlacedFinding[], leftOut: number): void {
    const states = [...this.#files.values()];
    const findings = [...states.flatMap((state) => state.refusals), ...duplicates];
    if (leftOut > 0) {
      const message = `${leftOut} files are left out: too many`;
      findings.push({ code: 'FILE_LIMIT', object: this.#path, message });
    }
    setAll(this.#refusals, findings);
    const trouble = states.find((state) => state.broken)?.refusals[0];
    const message = trouble === undefined ? undefined : `${trouble.object}: ${trouble.message}`;
    if (message !== undefined && message !== this.#lastError) this.#warn(message);
    this.#lastError = message;
    this.#setCondition(this.#objects.synced ? 'Ready' : 'Pending');
  }

  #setCondition(condition: ClusterCondition): void {
    if (condition === this.#condition) return;
    this.#condition = condition;
    this.#conditionSinceMs = this.#options.clock();
  }

  #warn(message: string): void {
    this.#options.log.warn({ cluster: this.name, path: this.#path }, message);
  }
}

/** The file's last good objects stand. */
function broken(
  file: ManifestFile,
  before: FileState | undefined,
  digest: string,
  refusal: PlacedFinding,
): FileState {
  const { signature } = file;
  return { ...(before ?? NO_FILE), signature, digest, refusals: [refusal], broken: true };
}

/** Objects by kind and name. One that is in two places is taken from the first: by file name, then by place. */
function mergeFiles(
  files: ReadonlyMap<string, FileState>,
  duplicates: PlacedFinding[],
): Map<string, ManifestObject> {
  const merged = new Map<string, ManifestObject>();
  for (const { objects } of files.values()) {
    for (const entry of objects) {
      const { kind, namespace, name } = entry.object;
      const key = objectName(kind, namespace, name);
      const first = merged.get(key);
      if (first === undefined) merged.set(key, entry);
      else {
        const message = `${key} is taken from ${first.place} already`;
        duplicates.push({ code: 'OBJECT_DUPLICATE', object: entry.place, message });
      }
    }
  }
  return merged;
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
