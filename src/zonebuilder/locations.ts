/**
 * The registered locations, regions and zones, and the names they are reached by. Owns the numbers that level
 * entries use for them, who has a name of one label, and the location table of the image.
 *
 * A zone `Z` of region `R` is reached as `Z.R`, and as `Z` alone (the form of the Federation user guide) where it is the
 * only one that may have that name. Of several that claim a label:
 *
 * - one that is configured comes before all that are only observed in clusters;
 * - of configured ones a region has it, else nobody: what is configured never depends on who came first;
 * - of observed ones the one that has had it keeps it, so that no cluster can take a name from another or redirect it;
 *   before any had it, a region has it, else nobody.
 *
 * A region that goes without its label has no name; its zones alias to the global name.
 */
import { GLOBAL, Location, Locations } from './layout.ts';
import { hashKey } from './hash.ts';
import { encodeNameLower } from './names.ts';

/** Numbers are uint16 in the image. */
export const LOCATION_NUMBERS_MAX = 65535;

/** A region or zone as it stands in the registry. */
export interface RegisteredLocation {
  readonly id: number;
  /** {@link GLOBAL} for a region. */
  readonly parent: number;
  /** The label: `us-central1` or `us-central1-a`. */
  readonly label: string;
}

/** A name by which a location is reached: `us-central1-a.us-central1`, and `us-central1-a` for the same zone. */
export interface LocationName {
  readonly text: string;
  readonly location: RegisteredLocation;
}

/** A place that does without its label, because another has it or several would. */
export interface LabelConflict {
  /** `region` or `zone.region`. */
  readonly place: string;
  readonly label: string;
  /** The place that has the label; undefined: none has. */
  readonly holder: string | undefined;
}

interface Entry {
  readonly place: string;
  readonly location: RegisteredLocation;
  /** Clusters that are there, and those of them that the operator has put there. */
  clusters: number;
  configured: number;
}

/** The label of a place, `region` or `zone.region`. */
export function labelOf(place: string): string {
  const dot = place.indexOf('.');
  return dot === -1 ? place : place.slice(0, dot);
}

/** Gives regions and zones their numbers, and counts the clusters that are at each. */
export class LocationRegistry {
  readonly #entries = new Map<string, Entry>();
  /** The entries of each label; mostly one. */
  readonly #byLabel = new Map<string, Set<Entry>>();
  /** Places that have their label for good, by label. */
  readonly #holders = new Map<string, string>();
  #next = GLOBAL + 1;
  /** Numbers that answers may still use, and those given back, the longest unused first. */
  #retired: number[] = [];
  #free: number[] = [];
  #changed = false;

  /** Whether the names have changed since this was asked last. */
  takeChanged(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  /**
   * Counts a cluster in at a place, `region` or `zone.region`; the region of a zone comes first.
   *
   * @returns the number of the place; undefined when all numbers are taken, and for a zone whose region has none
   */
  enter(place: string, isConfigured: boolean): number | undefined {
    const entry = this.#entries.get(place) ?? this.#add(place);
    if (entry === undefined) return undefined;
    entry.clusters++;
    if (isConfigured && entry.configured++ === 0) this.#changed = true;
    return entry.location.id;
  }

  /** Counts a cluster out of a place that it was counted in at, in the same way. */
  leave(place: string, isConfigured: boolean): void {
    const entry = this.#entries.get(place);
    if (entry === undefined) return;
    if (isConfigured && --entry.configured === 0) this.#changed = true;
    if (--entry.clusters > 0) return;
    this.#entries.delete(place);
    const peers = this.#byLabel.get(entry.location.label)!;
    peers.delete(entry);
    if (peers.size === 0) this.#byLabel.delete(entry.location.label);
    this.#retired.push(entry.location.id);
    this.#changed = true;
  }

  /** Gives back the numbers of places that were left: no answer that is published uses them any more. */
  reuseNumbers(): void {
    for (const id of this.#retired) this.#free.push(id);
    this.#retired = [];
  }

  /** A place had its label in an earlier run. */
  restoreHolder(place: string): void {
    const label = labelOf(place);
    if (this.#holders.has(label)) return;
    this.#holders.set(label, place);
    this.#changed = true;
  }

  /** From now on, whoever has its label keeps it: all clusters that were to be heard have been. */
  settle(): void {
    const holders = [...this.#byLabel].map(
      ([label, entries]) => [label, this.#holderOf(label, entries)] as const,
    );
    this.#holders.clear();
    for (const [label, entry] of holders) if (entry !== undefined) this.#holders.set(label, entry.place);
  }

  /** Whether a place has its label for good. */
  isHolder(place: string): boolean {
    return this.#holders.get(labelOf(place)) === place;
  }

  /** All regions, also those that go without their label. */
  regions(): RegisteredLocation[] {
    return [...this.#entries.values()].flatMap(({ location }) =>
      location.parent === GLOBAL ? [location] : [],
    );
  }

  /** The number of a place, `region` or `zone.region`; undefined where no cluster is or was there. */
  numberOf(place: string): number | undefined {
    return this.#entries.get(place)?.location.id;
  }

  /** All places with their numbers, also those that go without a name. */
  places(): { readonly number: number; readonly place: string }[] {
    return [...this.#entries.values()].map(({ place, location }) => ({ number: location.id, place }));
  }

  /** All names of the registered locations, regions first. */
  names(): LocationName[] {
    const regions: LocationName[] = [];
    const zones: LocationName[] = [];
    const shortNames: LocationName[] = [];
    for (const [label, entries] of this.#byLabel) {
      const holder = this.#holderOf(label, entries);
      for (const { location, place } of entries) {
        if (location.parent !== GLOBAL) zones.push({ text: place, location });
      }
      if (holder === undefined) continue;
      const { location } = holder;
      (location.parent === GLOBAL ? regions : shortNames).push({ text: label, location });
    }
    return [...regions, ...zones, ...shortNames];
  }

  /** Places without their label. That a zone is called like its own region takes nothing from anybody. */
  conflicts(): LabelConflict[] {
    const conflicts: LabelConflict[] = [];
    for (const [label, entries] of this.#byLabel) {
      if (entries.size < 2) continue;
      const holder = this.#holderOf(label, entries)?.place;
      for (const { place } of entries) {
        if (place !== holder && place !== `${label}.${label}`) conflicts.push({ place, label, holder });
      }
    }
    return conflicts;
  }

  #holderOf(label: string, entries: ReadonlySet<Entry>): Entry | undefined {
    const all = [...entries];
    const configured = all.filter((entry) => entry.configured > 0);
    const known = this.#holders.get(label);
    const incumbent = configured.length > 0 ? undefined : all.find(({ place }) => place === known);
    const claims = configured.length > 0 ? configured : all;
    const region = claims.find(({ location }) => location.parent === GLOBAL);
    return incumbent ?? region ?? (claims.length === 1 ? claims[0] : undefined);
  }

  #add(place: string): Entry | undefined {
    const label = labelOf(place);
    const region = place === label ? undefined : this.#entries.get(place.slice(label.length + 1));
    if (place !== label && region === undefined) return undefined;
    const id = this.#takeNumber();
    if (id === undefined) return undefined;
    const location = { id, parent: region?.location.id ?? GLOBAL, label };
    const entry: Entry = { place, location, clusters: 0, configured: 0 };
    this.#entries.set(place, entry);
    const peers = this.#byLabel.get(label);
    if (peers === undefined) this.#byLabel.set(label, new Set([entry]));
    else peers.add(entry);
    this.#changed = true;
    return entry;
  }

  /** Fresh numbers first, so that one that was given back stays unused for as long as can be. */
  #takeNumber(): number | undefined {
    return this.#next <= LOCATION_NUMBERS_MAX ? this.#next++ : this.#free.shift();
  }
}

const NO_REGIONS: ReadonlySet<number> = new Set();

/**
 * Encodes the location table.
 *
 * @param names - as {@link LocationRegistry.names} gives them: a region before its zones
 * @param openRegions - numbers of the regions in which a cluster that was never read may have any zone
 */
export function encodeLocations(
  names: readonly LocationName[],
  seed: number,
  openRegions: ReadonlySet<number> = NO_REGIONS,
): Buffer {
  let slots = 8;
  while (slots < names.length * 2) slots *= 2;
  const keys = names.map(({ text }) => encodeNameLower(text).subarray(0, -1));
  const blob = Buffer.alloc(keys.reduce((sum, key) => sum + entryOctets(key), Locations.slots + slots * 4));
  blob.writeUInt32LE(slots - 1, Locations.mask);
  const regionsAt = new Map<number, number>();
  let at = Locations.slots + slots * 4;
  names.forEach(({ location }, i) => {
    const key = keys[i]!;
    if (location.parent === GLOBAL) regionsAt.set(location.id, at);
    const hasParent = regionsAt.has(location.parent);
    blob.writeUInt16LE(location.id, at + Location.id);
    blob.writeUInt16LE(hasParent ? location.parent : GLOBAL, at + Location.parent);
    blob[at + Location.isOpen] = openRegions.has(location.id) ? 1 : 0;
    blob.writeUInt32LE(at - (regionsAt.get(location.parent) ?? at), at + Location.parentBack);
    blob[at + Location.keyOctets] = key.length;
    key.copy(blob, at + Location.key);
    insertSlot(blob, Locations.slots, slots - 1, hashKey(key, seed), at);
    at += entryOctets(key);
  });
  return blob;
}

/** Puts the octet offset of an entry into the first free slot of an open-addressing table. */
export function insertSlot(blob: Buffer, slotsAt: number, mask: number, hash: number, entryAt: number): void {
  let slot = hash & mask;
  while (blob.readUInt32LE(slotsAt + slot * 4) !== 0) slot = (slot + 1) & mask;
  blob.writeUInt32LE(entryAt, slotsAt + slot * 4);
}

function entryOctets(key: Buffer): number {
  return (Location.key + key.length + 3) & ~3;
}
