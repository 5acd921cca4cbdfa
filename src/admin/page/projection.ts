/** From degrees to the map: the Equal Earth projection (Šavrič, Patterson, Jenny, 2018), in which world-map.ts is drawn. */

import { ORIGIN, SCALE, WORLD } from './world-map.ts';

/** Coefficients of the projection's polynomial. */
const A = [1.340264, -0.081106, 0.000893, 0.003796] as const;
const M = Math.sqrt(3) / 2;

/** A point of the map in percent of its width and height. */
export interface MapPoint {
  readonly left: number;
  readonly top: number;
}

/** @param point - degrees north and east */
export function project([latitude, longitude]: readonly [number, number]): MapPoint {
  const theta = Math.asin(M * Math.sin((latitude * Math.PI) / 180));
  const t2 = theta * theta;
  const t6 = t2 * t2 * t2;
  const slope = A[0] + 3 * A[1] * t2 + t6 * (7 * A[2] + 9 * A[3] * t2);
  const x = (((longitude * Math.PI) / 180) * Math.cos(theta)) / (M * slope);
  const y = theta * (A[0] + A[1] * t2 + t6 * (A[2] + A[3] * t2));
  return {
    left: ((ORIGIN[0] + SCALE * x) / WORLD.width) * 100,
    top: ((ORIGIN[1] - SCALE * y) / WORLD.height) * 100,
  };
}
