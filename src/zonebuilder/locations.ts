/**
 * The registered locations, regions and zones, and the names they are reached by. Owns the numbers that level
 * entries use for them and the location table of the image.
 *
 * A zone `Z` of region `R` is reached as `Z.R`, and as `Z` alone where no other region has a zone of that name and
 * no region is called so (the form of the Federation user guide).
 */
import { GLOBAL, Location, Locations } from './layout.ts';
import { hashKey } from './hash.ts';
import { encodeNameLower } from './names.ts';

/** Numbers are uint16 in the image and never used twice. */
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

/** Gives regions and zones their numbers, and counts the clusters that register each. */
export class LocationRegistry {
  readonly #byKey = new Map<string, RegisteredLocation>();
  readonly #clusters = new Map<number, number>();
  #next = GLOBAL + 1;

  /** The number of a region, given out when it is new. */
  region(region: string): number {
    return this.#register(region, GLOBAL, region);
  }

  /** The number of a zone of a region; zones of one name in two regions are two locations. */
  zone(zone: string, region: string): number {
    return this.#register(`${zone}.${region}`, this.region(region), zone);
  }

  /**
   * Counts a cluster in or out of its locations; a location that no cluster registers does not exist.
   *
   * @returns whether the set of locations changed
   */
  count(ids: Iterable<number>, change: 1 | -1): boolean {
    let changed = false;
    for (const id of ids) {
      const clusters = (this.#clusters.get(id) ?? 0) + change;
      changed ||= clusters === 0 || (clusters === 1 && change === 1);
      if (clusters === 0) this.#clusters.delete(id);
      else this.#clusters.set(id, clusters);
    }
    return changed;
  }

  /** All names of the registered locations, regions first. */
  names(): LocationName[] {
    const registered = [...this.#byKey].filter(([, location]) => this.#clusters.has(location.id));
    const names = registered.map(([text, location]) => ({ text, location }));
    names.sort((a, b) => Number(a.location.parent !== GLOBAL) - Number(b.location.parent !== GLOBAL));
    return [...names, ...shortNames(names)];
  }

  #register(key: string, parent: number, label: string): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known.id;
    if (this.#next > LOCATION_NUMBERS_MAX)
      throw new RangeError('more than 65535 regions and zones were registered');
    const location = { id: this.#next++, parent, label };
    this.#byKey.set(key, location);
    return location.id;
  }
}

/** The one-label names of zones, where they are unambiguous. */
function shortNames(names: readonly LocationName[]): LocationName[] {
  const uses = new Map<string, number>();
  for (const { location } of names) uses.set(location.label, (uses.get(location.label) ?? 0) + 1);
  return names
    .filter(({ location }) => location.parent !== GLOBAL && uses.get(location.label) === 1)
    .map(({ location }) => ({ text: location.label, location }));
}

/**
 * Encodes the location table.
 *
 * @param names - as {@link LocationRegistry.names} gives them: a region before its zones
 */
export function encodeLocations(names: readonly LocationName[], seed: number): Buffer {
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
    blob.writeUInt16LE(location.id, at + Location.id);
    blob.writeUInt16LE(location.parent, at + Location.parent);
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
