/** Owns how the state of the GeoIP databases becomes metrics. */

import type { Registry } from 'prom-client';
import type { GeoStatus } from './control-plane.ts';
import { type Put, scrapedCounter, scrapedGauge } from './scraped.ts';

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
    read: (put: Put, geo: GeoStatus) => void,
  ): void =>
    scrapedGauge({ name, help, labelNames }, registers, (put) => {
      const geo = status();
      if (geo !== undefined) read(put, geo);
    });
  gauge(
    'fedns_geoip_build_timestamp_seconds',
    'When a database in use was built.',
    ['file'],
    (put, { files }) => {
      for (const { path, builtMs } of files) put({ file: path }, builtMs / 1000);
    },
  );
  gauge('fedns_geoip_age_seconds', 'Time since a database in use was built.', ['file'], (put, { files }) => {
    for (const { path, builtMs } of files) put({ file: path }, Math.max(0, clock() - builtMs) / 1000);
  });
  gauge('fedns_geoip_octets', 'Octets of the tables of where clients are.', [], (put, { octets }) =>
    put({}, octets),
  );
  const reloads = {
    name: 'fedns_geoip_reloads_total',
    help: 'Compilations of databases by result. After a failed one the databases before stay in use.',
    labelNames: ['result'],
  };
  scrapedCounter(reloads, registers, (put) => {
    for (const [result, number] of Object.entries(status()?.reloads ?? {})) put({ result }, number);
  });
  gauge(
    'fedns_geoip_last_reload_successful',
    '1 while the newest databases are in use, 0 while they cannot be used.',
    [],
    (put, { trouble }) => put({}, trouble === undefined ? 1 : 0),
  );
}
