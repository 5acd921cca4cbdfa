/**
 * The EndpointSlices of one cluster, by the Service that they belong to. Owns the compact form that half a million
 * of them take. Slices of Services that do not exist (yet) are kept: the Service may come later.
 */

import { intern } from './intern.ts';
import type { EndpointSummary, SlimEndpointSlice } from './objects.ts';
import { versionOf } from './older-objects.ts';

/** What is kept of a slice. */
export interface IndexedSlice {
  /** `namespace/name` of the Service, or undefined. */
  readonly service: string | undefined;
  /** The tool that has brought it from another cluster. */
  readonly importer: string | undefined;
  readonly ready: EndpointSummary;
  readonly all: EndpointSummary;
  readonly addresses: SlimEndpointSlice['addresses'];
  /** Its resourceVersion as a number, 0 where nothing can be told. */
  version: number;
}

/** The endpoints of one Service, over all its slices and both address families. */
export interface Endpoints {
  readonly any: boolean;
  /** Slices of its own, those included that count a moment longer: none say nothing, not even that nothing is ready. */
  readonly slices: number;
  readonly zones: ReadonlySet<string>;
  readonly addresses: readonly string[];
  /** The zone of each address, '' for none. */
  readonly addressZones: readonly string[];
}

export class EndpointIndex {
  readonly #slices = new Map<string, IndexedSlice>();
  /** Most Services have one slice: it stands there itself, without a set around it. */
  readonly #byService = new Map<string, IndexedSlice | Set<IndexedSlice>>();

  get size(): number {
    return this.#slices.size;
  }

  get(key: string): IndexedSlice | undefined {
    return this.#slices.get(key);
  }

  values(): IterableIterator<IndexedSlice> {
    return this.#slices.values();
  }

  keys(): IterableIterator<string> {
    return this.#slices.keys();
  }

  /** @returns the slice that it replaces */
  put(key: string, slice: SlimEndpointSlice): IndexedSlice | undefined {
    const before = this.#slices.get(key);
    if (before !== undefined) this.unlink(before);
    const entry: IndexedSlice = {
      service: slice.service === undefined ? undefined : intern(`${slice.namespace}/${slice.service}`),
      importer: slice.importer,
      ready: slice.ready,
      all: slice.all,
      addresses: slice.addresses,
      version: versionOf(slice.resourceVersion),
    };
    this.#slices.set(key, entry);
    this.link(entry);
    return before;
  }

  /** @returns the slice that was there */
  delete(key: string): IndexedSlice | undefined {
    const before = this.#slices.get(key);
    if (before === undefined) return undefined;
    this.#slices.delete(key);
    this.unlink(before);
    return before;
  }

  /**
   * The endpoints of a Service that count as ready. An endpoint may stand in two slices for a moment, while it
   * moves from one to the other: ready in either is ready.
   *
   * @param notReadyToo - `publishNotReadyAddresses`: every endpoint counts
   */
  endpoints(service: string, notReadyToo: boolean): Endpoints {
    const zones = new Set<string>();
    const addresses: string[] = [];
    const addressZones: string[] = [];
    let any = false;
    let slices = 0;
    for (const slice of this.#slicesOf(service)) {
      if (slice.importer === undefined) slices++;
      const which = notReadyToo ? 'all' : 'ready';
      const summary = slice[which];
      any ||= summary.unzoned || summary.zones.length > 0;
      for (const zone of summary.zones) zones.add(zone);
      slice.addresses?.[which].forEach((address, i) => {
        addresses.push(address);
        addressZones.push(slice.addresses?.zones?.[which][i] ?? '');
      });
    }
    return { any, slices, zones, addresses, addressZones };
  }

  /** How many slices of its own a Service has, and who has brought others. */
  slicesOf(service: string): { readonly count: number; readonly importer?: string } {
    const slices = [...this.#slicesOf(service)];
    const importer = slices.find((slice) => slice.importer !== undefined)?.importer;
    const count = slices.filter((slice) => slice.importer === undefined).length;
    return { count, ...(importer !== undefined && { importer }) };
  }

  #slicesOf(service: string): Iterable<IndexedSlice> {
    const entry = this.#byService.get(service);
    if (entry === undefined) return [];
    return entry instanceof Set ? entry : [entry];
  }

  /** Counts a slice among those of its Service, beside those that are kept by key. */
  link(slice: IndexedSlice): void {
    if (slice.service === undefined) return;
    const entry = this.#byService.get(slice.service);
    if (entry === undefined) this.#byService.set(slice.service, slice);
    else if (entry instanceof Set) entry.add(slice);
    else this.#byService.set(slice.service, new Set([entry, slice]));
  }

  /** Takes a slice out of the count. */
  unlink(slice: IndexedSlice): void {
    if (slice.service === undefined) return;
    const entry = this.#byService.get(slice.service);
    if (entry instanceof Set) {
      entry.delete(slice);
      if (entry.size === 0) this.#byService.delete(slice.service);
    } else if (entry === slice) {
      this.#byService.delete(slice.service);
    }
  }
}

/** Whether a slice says the same as one that is kept. Summaries are shared, so they compare by identity mostly. */
export function sameSlice(kept: IndexedSlice, slice: SlimEndpointSlice): boolean {
  const service = slice.service === undefined ? undefined : `${slice.namespace}/${slice.service}`;
  return (
    kept.service === service &&
    kept.importer === slice.importer &&
    sameSummary(kept.ready, slice.ready) &&
    sameSummary(kept.all, slice.all) &&
    sameList(kept.addresses?.ready, slice.addresses?.ready) &&
    sameList(kept.addresses?.all, slice.addresses?.all) &&
    sameList(kept.addresses?.zones?.ready, slice.addresses?.zones?.ready) &&
    sameList(kept.addresses?.zones?.all, slice.addresses?.zones?.all)
  );
}

function sameSummary(a: EndpointSummary, b: EndpointSummary): boolean {
  return a === b || (a.unzoned === b.unzoned && sameList(a.zones, b.zones));
}

function sameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  return a.every((text, i) => text === b[i]);
}
