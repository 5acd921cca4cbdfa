/**
 * Servers that answer by a client's place, with one database and one set of Services: how each is configured and started. gdnsd
 * chooses by distance, as fedns does; Knot's and PowerDNS' modules by a key of the database, here the continent.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Point } from '../../src/geo/great-circle.ts';
import { DOMAIN, TTL_SECONDS } from '../domain.ts';
import type { FederationShape } from '../federation.ts';
import { findProgram } from './peers.ts';

/** What is served, and by what. */
export interface GeoTask {
  readonly address: string;
  /** A folder that all share. */
  readonly folder: string;
  readonly database: string;
  readonly shape: FederationShape;
  readonly points: readonly { readonly region: string; readonly point: Point }[];
  /** By global name, absolute: addresses by region. */
  readonly services: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
}

export interface GeoPeer {
  readonly name: string;
  /** Undefined where it is not installed. */
  readonly program: string | undefined;
  /** Writes its configuration and says how it is started. */
  readonly prepare: (task: GeoTask, port: number, program: string) => string[];
}

export const GEO_PEERS: readonly GeoPeer[] = [
  { name: 'fedns', program: process.execPath, prepare: prepareFedns },
  { name: 'gdnsd', program: findProgram('gdnsd'), prepare: prepareGdnsd },
  { name: 'knot', program: findProgram('knotd'), prepare: prepareKnot },
  { name: 'pdns', program: findProgram('pdns_server'), prepare: preparePowerDns },
];

/** Which of the guide's regions is near to most of a continent; the rest of the world gets all. */
const REGION_OF: Readonly<Record<string, string>> = {
  AF: 'europe-west1',
  AS: 'asia-east1',
  EU: 'europe-west1',
  NA: 'us-central1',
  OC: 'asia-east1',
  SA: 'us-central1',
};

function prepareFedns({ shape, database, address }: GeoTask, port: number, program: string): string[] {
  const script = fileURLToPath(new URL('fedns.ts', import.meta.url));
  const options = { ...shape, workers: 1, updates: 0, database };
  return [program, script, address, String(port), JSON.stringify(options)];
}

/** A resource per Service; a region without the Service is no data centre of it. */
function prepareGdnsd(task: GeoTask, port: number, program: string): string[] {
  const { address, folder, database, points, services } = task;
  const home = join(folder, 'gdnsd');
  mkdirSync(join(home, 'zones'), { recursive: true });
  mkdirSync(join(home, 'run'), { recursive: true });
  const coords = points.map(({ region, point }) => `${region} => [ ${point.latitude}, ${point.longitude} ]`);
  const resources = [...services.values()].map((places, i) => {
    const map = [...places].map(([region, list]) => `${region} => [ ${list.join(', ')} ]`);
    return `r${i} => { map => m, service_types => up, dcmap => { ${map.join(', ')} } }`;
  });
  writeFileSync(
    join(home, 'config'),
    `options => {
  listen => { ${address}:${port} => { udp_threads => 1, tcp_threads => 1 } }
  run_dir => "${home}/run"
  state_dir => "${home}/run"
  lock_mem => false
  zones_rfc1035_auto => false
}
plugins => { geoip => {
  undefined_datacenters_ok => true
  maps => { m => {
    geoip2_db => "${database}"
    datacenters => [ ${points.map(({ region }) => region).join(', ')} ]
    auto_dc_coords => { ${coords.join(', ')} }
    auto_dc_limit => 0
  } }
  resources => {
    ${resources.join('\n    ')}
  }
} }
`,
  );
  const lines = [...services.keys()].map((name, i) => `${name} ${TTL_SECONDS} DYNA geoip!r${i}\n`);
  writeFileSync(join(home, 'zones', DOMAIN), zoneHead() + lines.join(''));
  return [program, '-c', home, 'start'];
}

function zoneHead(): string {
  return `@ 21600 SOA ns1 hostmaster 1 7200 1800 259200 15\n@ 21600 NS ns1\nns1 21600 A 192.0.2.53\n`;
}

function prepareKnot(task: GeoTask, port: number, program: string): string[] {
  const { address, folder, database, services } = task;
  const home = join(folder, 'knot');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'zone'), `$ORIGIN ${DOMAIN}.\n${zoneHead()}`);
  const entries = [...services].map(([name, places]) => {
    const lists = continentsOf(places).map(([continent, list]) => records(`"${continent}"`, list));
    return `${name}:\n${lists.join('')}${records('"*"', [...places.values()].flat())}`;
  });
  writeFileSync(join(home, 'geo.conf'), entries.join(''));
  const path = join(home, 'knot.conf');
  writeFileSync(
    path,
    `server:
  listen: ${address}@${port}
  rundir: ${home}
  edns-client-subnet: on
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: warning
database:
  storage: ${home}
mod-geoip:
  - id: geo
    config-file: ${home}/geo.conf
    ttl: ${TTL_SECONDS}
    mode: geodb
    geodb-file: ${database}
    geodb-key: continent/code
zone:
  - domain: ${DOMAIN}
    file: ${home}/zone
    semantic-checks: off
    zonefile-sync: -1
    journal-content: none
    module: mod-geoip/geo
`,
  );
  return [program, '-c', path];
}

function records(key: string, list: readonly string[]): string {
  return `  - geo: ${key}\n    A: [${list.join(', ')}]\n`;
}

/** Continents whose region has the Service, with its addresses there. */
function continentsOf(places: ReadonlyMap<string, readonly string[]>): [string, readonly string[]][] {
  return Object.entries(REGION_OF).flatMap(([continent, region]) => {
    const list = places.get(region);
    return list === undefined ? [] : [[continent, list]];
  });
}

/** A name per Service and continent, to which the Service's own is expanded within the server. */
function preparePowerDns(task: GeoTask, port: number, program: string): string[] {
  const { address, folder, database, services } = task;
  const home = join(folder, 'pdns');
  mkdirSync(home, { recursive: true });
  const [names, choices]: string[][] = [[], []];
  for (const [absolute, places] of services) {
    const name = absolute.slice(0, -1);
    const all: [string, readonly string[]] = ['all', [...places.values()].flat()];
    for (const [key, list] of [...continentsOf(places), all])
      names!.push(
        `    ${key.toLowerCase()}.${name}:\n${list.map((each) => `      - a: ${each}\n`).join('')}`,
      );
    choices!.push(`    ${name}: ['%cn.${name}', 'all.${name}']\n`);
  }
  const soa = `ns1.${DOMAIN} hostmaster.${DOMAIN} 1 7200 1800 259200 15`;
  writeFileSync(
    join(home, 'zones.yaml'),
    `domains:
- domain: ${DOMAIN}
  ttl: ${TTL_SECONDS}
  records:
    ${DOMAIN}:
      - soa: ${soa}
      - ns: ns1.${DOMAIN}
${names!.join('')}  services:
${choices!.join('')}`,
  );
  return [
    program,
    `--config-dir=${home}`,
    '--launch=geoip',
    `--geoip-database-files=mmdb:${database}`,
    `--geoip-zones-file=${home}/zones.yaml`,
    '--edns-subnet-processing=yes',
    `--local-address=${address}`,
    `--local-port=${port}`,
    '--receiver-threads=1',
    '--distributor-threads=1',
    `--socket-dir=${home}`,
    '--daemon=no',
    '--guardian=no',
    '--loglevel=3',
  ];
}
