/** Owns how Services are looked for: of a hundred thousand, a few at a time between two looks at the event loop. */

import { setImmediate as turn } from 'node:timers/promises';
import type { ServiceHealth, ServicePage, ServiceRow, ServicesControl } from './services.ts';

export interface ServiceSearch {
  /** Parts of the name, separated by spaces, in lower case; a Service has all of them. */
  readonly search: string;
  readonly health: ServiceHealth;
  /** Of those that match, the first to be shown, and how many. */
  readonly offset: number;
  readonly limit: number;
}

/** Work between two turns of the event loop, in {@link NAME_COST}s: about two milliseconds. */
const SLICE_COST = 8192;
/** A look at a name, and at the shards of a Service. */
const NAME_COST = 1;
const ROW_COST = 64;

/**
 * Looks through all Services.
 *
 * @param isWanted - false ends it early: whoever asked is gone
 */
export async function searchServices(
  services: ServicesControl,
  { search, health, offset, limit }: ServiceSearch,
  isWanted: () => boolean = () => true,
): Promise<Omit<ServicePage, 'serial'>> {
  const words = search.split(/\s+/).filter((word) => word !== '');
  const rows: ServiceRow[] = [];
  let [total, matched, cost] = [0, 0, 0];
  for (const name of services.names()) {
    total++;
    cost += NAME_COST;
    if (words.every((word) => name.includes(word))) {
      const isShown = matched >= offset && matched < offset + limit;
      // Shards are looked at only where somebody wants to know.
      const row = isShown || health !== 'all' ? services.row(name) : undefined;
      if (row !== undefined) cost += ROW_COST;
      if (health === 'all' || hasHealth(row, health)) {
        matched++;
        if (isShown && row !== undefined) rows.push(row);
      }
    }
    if (cost < SLICE_COST) continue;
    cost = 0;
    await turn();
    if (!isWanted()) break;
  }
  return { total, matched, offset, rows };
}

function hasHealth(row: ServiceRow | undefined, health: 'degraded' | 'down'): boolean {
  if (row === undefined || row.healthyShards === row.shards) return false;
  return health === 'degraded' || row.healthyShards === 0;
}
