/** Points on the Earth and how far they are from each other. */

/** Degrees, north and east positive. */
export interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

/** Mean radius of the Earth in kilometres. */
const EARTH_KM = 6371;

/** Distance along the surface in kilometres, on a sphere: up to half a percent off. */
export function distanceKm(a: Point, b: Point): number {
  const [ax, ay, az] = unitVector(a);
  const [bx, by, bz] = unitVector(b);
  return EARTH_KM * Math.acos(Math.max(-1, Math.min(1, ax * bx + ay * by + az * bz)));
}

/** Whether both numbers can be coordinates. */
export function isPoint(latitude: number, longitude: number): boolean {
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
}

/** The point as a vector of length 1: of two of these, the larger the product, the nearer they are. */
export function unitVector({ latitude, longitude }: Point): readonly [number, number, number] {
  const north = (latitude * Math.PI) / 180;
  const east = (longitude * Math.PI) / 180;
  return [Math.cos(north) * Math.cos(east), Math.cos(north) * Math.sin(east), Math.sin(north)];
}
