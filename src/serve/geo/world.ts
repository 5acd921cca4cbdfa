/**
 * The world as the tables are compiled from it: which regions and zones there are and where, whose networks clients are in, and
 * what each row of the tables means, as steps to go. Works on facts and settings; compiling and publishing is geo-keeper.ts.
 */
import type { RegionSettings, Settings } from '../../config/settings.ts';
import { knownRegion, knownZone } from '../../geo/regions-table.ts';
import type { Point } from '../../geo/great-circle.ts';
import { ROW_VALUES } from '../../geo/network-tree.ts';
import { orderFrom, type Place } from '../../geo/rows.ts';
import type { ClusterState } from '../../zonebuilder/facts.ts';
import { placeOfStep, type OrderStep, type RowOrders } from '../../zonebuilder/orders.ts';
import { settleClaims, type Claim } from './claims.ts';

/** A region or zone, with where its point is from. */
export interface WorldPlace extends Place {
  readonly step: Exclude<OrderStep, { readonly kind: 'cluster' }>;
  /** `configuration`, or provider and city as in `AWS: Frankfurt`; absent: it has no point. */
  readonly pointFrom?: string;
}

export interface World {
  /**
   * In the configuration's order, which says who of several has the clients of a country; what is not in it behind, by location.
   * Equal worlds are equal texts.
   */
  readonly places: readonly WorldPlace[];
  readonly claims: readonly Claim[];
  /** Clusters with rows of their own, from {@link ROW_VALUES} on. */
  readonly clusters: readonly ClusterState[];
  readonly regions: ReadonlyMap<string, RegionSettings>;
}

/** Sees the world. */
export function worldOf(
  settings: Pick<Settings, 'clusters' | 'regions'>,
  clusters: readonly ClusterState[],
): World {
  const regions = new Map(settings.regions.map((region) => [region.name, region]));
  const configured = new Map(settings.clusters.map(({ name, clients }) => [name, clients]));
  const claims = settleClaims(
    clusters.map(({ name, networks = [] }) => ({
      cluster: name,
      configured: configured.get(name) ?? [],
      observed: networks,
    })),
  );
  return { places: placesOf(clusters, regions), claims, clusters, regions };
}

function placesOf(
  clusters: readonly ClusterState[],
  regions: ReadonlyMap<string, RegionSettings>,
): readonly WorldPlace[] {
  const places = new Map<string, WorldPlace>();
  for (const { region, zones } of clusters) {
    if (region === undefined) continue;
    const place = regionPlace(region, regions.get(region));
    if (place !== undefined) places.set(region, place);
    for (const zone of zones) {
      const own = zonePlace(zone, region, regions.get(region));
      if (own !== undefined) places.set(own.location, own);
    }
  }
  const ranks = new Map([...regions.keys()].map((name, rank) => [name, rank]));
  const rankOf = ({ step }: WorldPlace): number => ranks.get(step.region) ?? ranks.size;
  return [...places.values()].toSorted((a, b) => rankOf(a) - rankOf(b) || (a.location < b.location ? -1 : 1));
}

/** Where a region is; undefined where neither the configuration nor the table of providers' regions tells. */
export function regionPoint(region: string, settings: RegionSettings | undefined): Found | undefined {
  return settings?.place === undefined ? shipped(knownRegion(region)) : configuredPoint(settings.place);
}

/** Without a point and without countries a region is nobody's nearest. */
function regionPlace(region: string, settings: RegionSettings | undefined): WorldPlace | undefined {
  const countries = settings?.countries ?? [];
  const found = regionPoint(region, settings);
  if (found === undefined && countries.length === 0) return undefined;
  return { location: region, step: { kind: 'region', region }, countries, ...found };
}

/** Only zones that lie elsewhere than their region are places of their own. */
function zonePlace(
  zone: string,
  region: string,
  settings: RegionSettings | undefined,
): WorldPlace | undefined {
  const configured = settings?.zones.find(({ name }) => name === zone)?.place;
  const found = configured === undefined ? shipped(knownZone(zone, region)) : configuredPoint(configured);
  if (found === undefined) return undefined;
  return { location: `${zone}.${region}`, step: { kind: 'zone', zone, region }, countries: [], ...found };
}

type Found = { readonly point: Point; readonly pointFrom: string };

function configuredPoint([latitude, longitude]: readonly [number, number]): Found {
  return { point: { latitude, longitude }, pointFrom: 'configuration' };
}

function shipped(known: ReturnType<typeof knownRegion>): Found | undefined {
  return known && { point: known.point, pointFrom: `${known.provider}: ${known.city}` };
}

/** The row of a cluster's clients. */
export function clusterRow(world: World, cluster: string): number {
  return ROW_VALUES + world.clusters.findIndex(({ name }) => name === cluster);
}

/**
 * What the rows mean.
 *
 * @param compiled - of each row of the databases, positions in `places`, nearest first
 * @param places - those that the tables were compiled from, which may be older than the world's
 */
export function rowOrders(
  world: World,
  {
    compiled,
    places,
  }: { readonly compiled: readonly (readonly number[])[]; readonly places: readonly WorldPlace[] },
  version: number,
): RowOrders {
  const rows: (readonly OrderStep[] | undefined)[] = Array.from({ length: ROW_VALUES });
  compiled.forEach((order, row) => {
    rows[row] = placeSteps(
      order.map((place) => places[place]!),
      world,
    );
  });
  for (const cluster of world.clusters) rows.push(clusterSteps(cluster, world));
  return { version, rows: rows.map((steps) => steps && eachOnce(steps)) };
}

function eachOnce(steps: readonly OrderStep[]): readonly OrderStep[] {
  return [...new Map(steps.map((step) => [keyOfStep(step), step])).values()];
}

function keyOfStep(step: OrderStep): string {
  return step.kind === 'cluster' ? `cluster ${step.cluster}` : placeOfStep(step);
}

/** Places in their order; a list of the configuration goes before distance, behind the first place and its region. */
function placeSteps(order: readonly WorldPlace[], { regions }: World): readonly OrderStep[] {
  const [first, ...others] = order.map(({ step }) => step);
  if (first === undefined) return [];
  const near = regions.get(first.region)?.near ?? [];
  if (near.length === 0) return [first, ...others];
  return [first, regionStep(first.region), ...near.map(regionStep), ...others];
}

/** Its own shard, then its zones and region, then what is near them. */
function clusterSteps({ name, region, zones }: ClusterState, world: World): readonly OrderStep[] {
  const own: OrderStep = { kind: 'cluster', cluster: name };
  if (region === undefined) return [own];
  const here = zones.map((zone): OrderStep => ({ kind: 'zone', zone, region }));
  const from = world.places.findIndex(({ location }) => location === region);
  const order = from < 0 ? [] : orderFrom(world.places, [from]).map((place) => world.places[place]!);
  const near = world.regions.get(region)?.near ?? [];
  const around = order.length > 0 ? placeSteps(order, world) : near.map(regionStep);
  return [own, ...here, regionStep(region), ...around];
}

function regionStep(region: string): OrderStep {
  return { kind: 'region', region };
}
