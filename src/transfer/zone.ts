/**
 * The zone as the transfer thread has it: what was published, the versions that secondaries can have, and what lies between them. A
 * version is cut when somebody asks or is told, not with every change: flips in between that end where they began are in none.
 */
import type { Dependants } from './difference.ts';
import { compare, dependantsOf } from './difference.ts';
import { RecordDigest } from './digest.ts';
import { DifferenceJournal } from './journal.ts';
import { namespaceOf, walkWire } from './listing.ts';
import type { ZoneUpdate } from './protocol.ts';
import { soaOf, unpackRecords, type WireRecord } from './wire-record.ts';
import { type ZoneParts, ZoneView } from './zone-view.ts';

/** A version of the zone, complete and for good. */
export interface Version {
  readonly serial: number;
  readonly view: ZoneView;
  soaAt(serial: number): WireRecord;
}

/** What a name of a Service takes in a message with its records, about. */
const NAME_OCTETS = 120;

/** The digest in the making, and what has changed since it was begun. */
interface DigestWork {
  readonly walk: Iterator<readonly WireRecord[]>;
  readonly digest: RecordDigest;
}

export class Zone {
  readonly journal: DifferenceJournal;
  #blobs = new Map<string, Buffer>();
  #parts: ZoneParts | undefined;
  /** Of the newest update, and of the newest version. */
  #serial = 0;
  #versionSerial = 0;
  /** Blobs of the newest version, where they are others now. */
  #before = new Map<string, Buffer | undefined>();
  #versionParts: ZoneParts | undefined;
  #dependants: Dependants = new Map();
  /** Services by namespace. */
  #namespaces = new Map<string, number>();
  #version: Version | undefined;
  #digest: RecordDigest | undefined;
  #work: DigestWork | undefined;
  /** The digest was known, and has to be worked out anew. */
  #isDigestDue = false;

  constructor(journalOctets: number) {
    this.journal = new DifferenceJournal(journalOctets);
  }

  /** Whether anything was published yet. */
  get isKnown(): boolean {
    return this.#parts !== undefined;
  }

  get domain(): string {
    return this.#parts?.start.domain ?? '';
  }

  /** Octets that the whole zone takes, about: differences that come to more are no help. */
  get octets(): number {
    const { names = [], clusters = [], statics } = this.#parts ?? {};
    return (
      this.#blobs.size * (names.length + clusters.length + 1) * NAME_OCTETS + (statics?.octets.length ?? 0)
    );
  }

  /** Whether the newest version is older than what was published. */
  get isBehind(): boolean {
    return this.#serial !== this.#versionSerial;
  }

  /** Serial of the newest version; 0: there is none. */
  get versionSerial(): number {
    return this.#versionSerial;
  }

  get digest(): RecordDigest | undefined {
    return this.#digest;
  }

  /** Takes in what was published. */
  update({ serial, start, services, blobs, names, clusters, statics }: ZoneUpdate): void {
    if (start !== undefined) this.#reset();
    const parts = this.#parts;
    this.#parts = {
      start: start ?? parts!.start,
      names: names ?? parts?.names ?? [],
      clusters: clusters ?? parts?.clusters ?? [],
      statics: statics ?? parts!.statics,
    };
    const octets = Buffer.from(blobs.buffer, blobs.byteOffset, blobs.length);
    let at = 0;
    for (const [name, length] of services) {
      // A copy of its own: a slice would keep all that came with it for as long as this one Service stays.
      this.#set(name, length === 0 ? undefined : Buffer.from(octets.subarray(at, at + length)));
      at += length;
    }
    this.#serial = serial;
  }

  /** The newest version; what was published last is in it. */
  cut(): Version {
    if (this.#version !== undefined && !this.isBehind) return this.#version;
    const parts = this.#parts!;
    this.#step(parts);
    this.#before = new Map();
    this.#versionParts = parts;
    this.#versionSerial = this.#serial;
    const soaAt = (serial: number): WireRecord => soaOf(parts.start, serial);
    this.#version = { serial: this.#serial, view: new ZoneView(parts, this.#blobs), soaAt };
    return this.#version;
  }

  /** The newest version in a copy that stays as it is while changes go on. Blobs never change; only their list is copied. */
  freeze(): Version {
    const { serial, view, soaAt } = this.cut();
    return { serial, view: new ZoneView(view.parts, new Map(this.#blobs)), soaAt };
  }

  /** Begins to work the digest out, unless that is done or under way. */
  wantDigest(): void {
    if (this.#digest !== undefined || this.#work !== undefined) return;
    this.#work = { walk: walkWire(this.freeze().view), digest: new RecordDigest() };
  }

  /** Goes on with the digest. @returns whether there is more to do */
  workDigest(steps: number): boolean {
    const work = this.#work;
    if (work === undefined) return false;
    for (let left = steps; left > 0; left--) {
      const { value, done } = work.walk.next();
      if (done === true) {
        this.#digest = work.digest;
        this.#work = undefined;
        return false;
      }
      for (const record of value) work.digest.add(record);
    }
    return true;
  }

  #reset(): void {
    this.#blobs = new Map();
    this.#parts = undefined;
    this.#before = new Map();
    this.#namespaces = new Map();
    this.#break();
  }

  /** What comes cannot be told as a difference from what was. */
  #break(): void {
    this.#versionParts = undefined;
    this.journal.clear();
    const wasWanted = this.#digest !== undefined || this.#work !== undefined;
    this.#digest = undefined;
    this.#work = undefined;
    this.#isDigestDue = wasWanted || this.#isDigestDue;
  }

  #set(name: string, blob: Buffer | undefined): void {
    const known = this.#blobs.get(name);
    if (!this.#before.has(name)) this.#before.set(name, known);
    if (blob === undefined) this.#blobs.delete(name);
    else this.#blobs.set(name, blob);
    const by = Number(blob !== undefined) - Number(known !== undefined);
    if (by === 0) return;
    const namespace = namespaceOf(name);
    const count = (this.#namespaces.get(namespace) ?? 0) + by;
    if (count === 0) this.#namespaces.delete(namespace);
    else this.#namespaces.set(namespace, count);
  }

  /** Works out what lies between the newest version and what is now. */
  #step(parts: ZoneParts): void {
    const before = this.#versionParts;
    if (before === undefined || before.names !== parts.names || before.clusters !== parts.clusters) {
      // Every Service has names that it had not, or the other way round: the whole zone is no longer.
      if (before !== undefined) this.#break();
      this.#dependants = dependantsOf(parts.statics, parts.start.domain);
      if (this.#isDigestDue) queueMicrotask(() => this.#renewDigest());
      return;
    }
    const dependants =
      before.statics === parts.statics ? this.#dependants : dependantsOf(parts.statics, parts.start.domain);
    const instead = new Map([...this.#before].filter(([name, blob]) => this.#blobs.get(name) !== blob));
    const difference = compare(new ZoneView(before, this.#blobs, instead), new ZoneView(parts, this.#blobs), {
      services: new Set(instead.keys()),
      before: this.#dependants,
      after: dependants,
      hadNamespace: this.#hadNamespace(instead),
      hasNamespace: (namespace) => this.#namespaces.has(namespace),
    });
    this.#dependants = dependants;
    this.journal.add({ from: this.#versionSerial, to: this.#serial, ...difference });
    const digest = this.#digest ?? this.#work?.digest;
    if (digest === undefined) return;
    for (const record of unpackRecords(difference.removed)) digest.remove(record);
    for (const record of unpackRecords(difference.added)) digest.add(record);
  }

  /** Services of each namespace before: those of now, without what has come and with what has gone. */
  #hadNamespace(before: ReadonlyMap<string, Buffer | undefined>): (namespace: string) => boolean {
    const counts = new Map<string, number>();
    for (const [name, blob] of before) {
      const by = Number(blob !== undefined) - Number(this.#blobs.has(name));
      const namespace = namespaceOf(name);
      counts.set(namespace, (counts.get(namespace) ?? 0) + by);
    }
    return (namespace) => (this.#namespaces.get(namespace) ?? 0) + (counts.get(namespace) ?? 0) > 0;
  }

  #renewDigest(): void {
    this.#isDigestDue = false;
    this.wantDigest();
  }
}
