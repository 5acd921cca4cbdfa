/** Checks of where clients and regions are: databases that exist, regions that are known, countries that are listed once. */
import { candidatesOf, knownRegion, SAME_PLACE_KM } from '../geo/regions-table.ts';
import { checkFile, type LookAtFile } from './check-clusters.ts';
import type { Report } from './fault.ts';
import type { ConfigDraft, RegionEntry } from './schema.ts';

type GeoipEntry = NonNullable<ConfigDraft['geoip']>;

/** The databases of `geoip`, whichever of its two keys names them. */
export function databasesOf({ database, databases }: GeoipEntry): readonly string[] {
  return databases ?? (database === undefined ? [] : [database]);
}

/** Checks geoip and regions. */
export function checkGeography(config: ConfigDraft, report: Report, lookAt: LookAtFile): void {
  if (config.geoip) checkDatabases(config.geoip, report, lookAt);
  const regions = config.regions ?? [];
  checkUnique(regions, report);
  checkNear(config, regions, report);
  checkCountries(regions, report);
  checkPlaces(config, regions, report);
}

function checkDatabases(geoip: GeoipEntry, report: Report, lookAt: LookAtFile): void {
  const { database, databases } = geoip;
  if (database !== undefined && databases !== undefined) {
    report('SEVERAL_DATABASES', ['geoip'], 'both database and databases are given', 'list all in databases');
  } else if (database === undefined && databases === undefined) {
    report('MISSING_KEY', ['geoip', 'databases'], 'geoip names no database', 'add databases: [FILE]');
  }
  if (database !== undefined) checkFile(database, ['geoip', 'database'], report, lookAt);
  databases?.forEach((file, i) => checkFile(file, ['geoip', 'databases', i], report, lookAt));
}

function checkUnique(regions: readonly RegionEntry[], report: Report): void {
  regions.forEach(({ name, zones }, i) => {
    const first = regions.findIndex((other) => other.name === name);
    if (first < i) report('DUPLICATE_REGION', ['regions', i, 'name'], `regions[${first}] is ${name}, too`);
    zones.forEach((zone, j) => {
      const before = zones.findIndex((other) => other.name === zone.name);
      if (before < j)
        report('DUPLICATE_ZONE', ['regions', i, 'zones', j, 'name'], `${zone.name} is listed twice`);
    });
  });
}

/** A region that is mistyped would never be gone to, and nobody would notice. */
function checkNear({ clusters = [] }: ConfigDraft, regions: readonly RegionEntry[], report: Report): void {
  const known = new Set([...regions.map(({ name }) => name), ...clusters.map(({ region }) => region)]);
  regions.forEach(({ name, near }, i) => {
    near.forEach((other, j) => {
      const path = ['regions', i, 'near', j];
      if (other === name || near.indexOf(other) < j)
        report(
          'NEAR_REPEATED',
          path,
          other === name ? `${name} is this region itself` : `${other} is listed twice`,
        );
      else if (!known.has(other) && candidatesOf(other).length === 0)
        report(
          'UNKNOWN_REGION',
          path,
          `${other} is no region that fedns knows of`,
          'mend it, or add it to regions',
        );
    });
  });
}

function checkCountries(regions: readonly RegionEntry[], report: Report): void {
  regions.forEach(({ countries }, i) => {
    countries.forEach((country, j) => {
      if (countries.indexOf(country) !== j)
        report('COUNTRY_TAKEN', ['regions', i, 'countries', j], `${country} is listed twice`);
    });
  });
}

/** Where clients are to get what is nearest, a region without a place is nobody's nearest. */
function checkPlaces(config: ConfigDraft, regions: readonly RegionEntry[], report: Report): void {
  const { clusters = [], federations = [] } = config;
  if (!federations.some(({ policy }) => policy === 'nearest')) return;
  const placed = new Set(regions.filter(({ place }) => place).map(({ name }) => name));
  const told = new Set<string>();
  clusters.forEach(({ region }, i) => {
    if (region === undefined || placed.has(region) || told.has(region) || knownRegion(region)) return;
    told.add(region);
    const { why, fix } = adviceFor(region);
    report('PLACE_UNKNOWN', ['clusters', i, 'region'], `${why}, so it is nobody's nearest region`, fix);
  });
  if (config.geoip || clusters.some(({ clients }) => clients.length > 0)) return;
  const message =
    'nearest without geoip: only clients within the clusters are found, all others get every shard';
  report('NEAREST_WITHOUT_GEOIP', ['federations'], message, 'add geoip: { databases: [FILE] }');
}

function adviceFor(region: string): { readonly why: string; readonly fix: string } {
  const candidates = candidatesOf(region);
  if (candidates.length === 0)
    return { why: `where ${region} is is not known`, fix: `add it to regions with its place` };
  const each = candidates.map(({ provider, city }) => `${city} at ${provider}`).join(', ');
  const places = candidates.map(({ point }) => `[${point.latitude}, ${point.longitude}]`).join(' or ');
  return {
    why: `${region} is ${each}, more than ${SAME_PLACE_KM} km apart`,
    fix: `add it to regions with its place: ${places}`,
  };
}
