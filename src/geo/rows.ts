/**
 * The rows of the tables: which place is nearest to a point, and in which order the others follow. A row stands for the
 * nearest place and the next one, as long as that gives few enough rows, so that clients of one region whose region fails
 * do not all go the same way.
 */
import { isPoint, unitVector, distanceKm, type Point } from './great-circle.ts';
import type { GeoRecord } from './mmdb-record.ts';
import { ROWS_MAX, UNKNOWN_ROW } from './network-tree.ts';

/** A region or zone with its point, in an order that stays: a place is its position in the list. */
export interface Place {
  /** The location as names have it: `us-central1`, `us-east1-b.us-east1`. */
  readonly location: string;
  /** Absent: nobody knows; then it has the clients of its countries only, and comes last for all others. */
  readonly point?: Point;
  /**
   * ISO 3166-1 alpha-2 codes of the countries whose clients belong here, wherever their coordinates are. Of several places with a
   * country the nearest has those whose point is known, the first all others.
   */
  readonly countries: readonly string[];
}

/** Radius in kilometres above which a database's point says no more than its country. */
export const VAGUE_KM = 500;

/** The vector of a place without a point: comparing with it is always false. */
const NOWHERE = [NaN, NaN, NaN] as const;

/** Farther than anything on Earth: distances that nobody knows. */
const FAR_KM = 1e6;

/** Gives each record its row; knows in the end which rows there are. */
export class RowFinder {
  readonly #places: readonly Place[];
  readonly #vectors: readonly (readonly [number, number, number])[];
  readonly #byCountry = new Map<string, number[]>();
  readonly #everywhere: readonly number[];
  /** The number of a row by its places, joined. */
  readonly #numbers = new Map<string, number>();
  readonly #rows: (readonly number[])[] = [];
  readonly #isFine: boolean;

  /** @param isFine - rows tell the second place, too; see {@link RowFinder.isFull} */
  constructor(places: readonly Place[], isFine: boolean) {
    this.#places = places;
    this.#vectors = places.map(({ point }) => (point === undefined ? NOWHERE : unitVector(point)));
    this.#isFine = isFine;
    this.#everywhere = [...places.keys()];
    places.forEach(({ countries }, place) => {
      for (const country of countries)
        this.#byCountry.set(country, [...(this.#byCountry.get(country) ?? []), place]);
    });
  }

  /** Whether more rows were needed than there can be; then the rows given out mean nothing. */
  get isFull(): boolean {
    return this.#rows.length > ROWS_MAX;
  }

  /** The row of a record; {@link UNKNOWN_ROW} where it tells no place. */
  rowFor({ latitude, longitude, radiusKm, country }: GeoRecord): number {
    if (this.#places.length === 0) return UNKNOWN_ROW;
    const own = country === '' ? undefined : this.#byCountry.get(country);
    // A database that does not say how good its points are has NaN there.
    const isKnown = isPoint(latitude, longitude) && !(radiusKm > VAGUE_KM);
    if (own?.length === 1 || (own !== undefined && !isKnown)) return this.#row(own.slice(0, 1));
    if (!isKnown) return UNKNOWN_ROW;
    const nearest = this.#nearest({ latitude, longitude }, own ?? this.#everywhere);
    if (nearest.length > 0) return this.#row(nearest);
    // None of the country's own places has a point.
    return own === undefined ? UNKNOWN_ROW : this.#row(own.slice(0, 1));
  }

  /** Each row's places, nearest first, all of them. */
  orders(): readonly (readonly number[])[] {
    return this.#rows.map((row) => orderFrom(this.#places, row));
  }

  #row(places: readonly number[]): number {
    const key = places.join();
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#rows.length);
    return Math.min(this.#rows.push(places) - 1, ROWS_MAX - 1);
  }

  #nearest(point: Point, among: readonly number[]): readonly number[] {
    const [x, y, z] = unitVector(point);
    let first = -1;
    let second = -1;
    let firstNear = -2;
    let secondNear = -2;
    for (const place of among) {
      const [px, py, pz] = this.#vectors[place]!;
      const near = x * px + y * py + z * pz;
      if (near > firstNear) {
        second = first;
        secondNear = firstNear;
        first = place;
        firstNear = near;
      } else if (near > secondNear) {
        second = place;
        secondNear = near;
      }
    }
    if (first < 0) return [];
    return this.#isFine && second >= 0 ? [first, second] : [first];
  }
}

/** All places: those given first, the others by their distance from the first; without a point last. */
export function orderFrom(places: readonly Place[], first: readonly number[]): readonly number[] {
  const from = places[first[0]!]!.point;
  const others = [...places.keys()].filter((place) => !first.includes(place));
  const distances = places.map(({ point }) => (from && point ? distanceKm(from, point) : FAR_KM));
  return [...first, ...others.toSorted((a, b) => distances[a]! - distances[b]! || a - b)];
}
