/** Owns how the state of the GeoIP databases becomes metrics. */

import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { GeoStatus } from './control-plane.ts';

/** Registers the metrics; without databases they have no series. */
export function collectGeo(
  status: () => GeoStatus | undefined,
  clock: () => number,
  registers: Registry[],
): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    read: (made: Gauge, geo: GeoStatus) => void,
  ): void => {
    const made: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect: () => {
        made.reset();
        const geo = status();
        if (geo !== undefined) read(made, geo);
      },
    });
  };
  gauge(
    'fedns_geoip_build_timestamp_seconds',
    'When a database in use was built.',
    ['file'],
    (made, { files }) => {
      for (const { path, builtMs } of files) made.set({ file: path }, builtMs / 1000);
    },
  );
  gauge('fedns_geoip_age_seconds', 'Time since a database in use was built.', ['file'], (made, { files }) => {
    for (const { path, builtMs } of files) made.set({ file: path }, Math.max(0, clock() - builtMs) / 1000);
  });
  gauge('fedns_geoip_octets', 'Octets of the tables of where clients are.', [], (made, { octets }) =>
    made.set(octets),
  );
  const count: Counter<'result'> = new Counter({
    name: 'fedns_geoip_reloads_total',
    help: 'Compilations of databases by result. After a failed one the databases before stay in use.',
    labelNames: ['result'],
    registers,
    collect: () => {
      count.reset();
      for (const [result, number] of Object.entries(status()?.reloads ?? {})) count.inc({ result }, number);
    },
  });
  gauge(
    'fedns_geoip_last_reload_successful',
    '1 while the newest databases are in use, 0 while they cannot be used.',
    [],
    (made, { trouble }) => made.set(trouble === undefined ? 1 : 0),
  );
}
