/**
 * The SRV records of a Service: which ports exist, and to which names they lead at each level. A record is true for its
 * target (RFC 2782: the port is one on the target host), so that every address of a target has the port: the level
 * itself where its healthy shards agree, else the levels below that do, down to the names of single clusters.
 *
 * KEP-1645 lets the oldest export decide about a port that clusters disagree on. That is for one virtual address in
 * front of all; here a connection goes to the cluster's own load balancer, which has its own ports only.
 */
import type { ShardPort } from './facts.ts';
import { SRV_DEFAULTS } from './facts.ts';
import { GLOBAL, TargetKind } from './layout.ts';
import type { LevelShard } from './levels.ts';
import type { PortTarget } from './service-statics.ts';

/** Most named ports of a Service; a Service with more loses the rest of its SRV names, nothing else. */
export const PORTS_MAX = 100;
/** Most records of one SRV RRset, so that a reply over TCP always has room for it. */
export const SRV_TARGETS_MAX = 64;

export const SRV_PRIORITY = SRV_DEFAULTS.priority;
export const SRV_WEIGHT = SRV_DEFAULTS.weight;

/** The targets of a port at one level. */
export interface PortLevel {
  readonly location: number;
  readonly targets: readonly PortTarget[];
}

/** A port of a Service. */
export interface ServicePort {
  /** Lower case. */
  readonly name: string;
  readonly protocol: string;
  /** The number at every level that has addresses, each of which is its own target; 0 where `levels` say it. */
  readonly port: number;
  /** Sorted by location; empty where `port` says it. */
  readonly levels: readonly PortLevel[];
  /** What the shards disagree about, for the operator. */
  readonly conflict?: string;
}

/** A shard that counts, with its ports. */
export interface PortShard extends LevelShard {
  readonly ports: readonly ShardPort[];
  readonly srv: { readonly priority: number; readonly weight: number } | undefined;
}

/** What must be known of the levels and their names. */
export interface PortPlaces {
  /** Locations with addresses, sorted. */
  readonly locations: readonly number[];
  /** The location whose shards a location answers with: itself, but for names that never alias. */
  sourceOf(location: number): number;
  /** The name of a location whose own name can be a target: no alias, not too long, addresses of its own. */
  targetName(location: number): string | undefined;
  /** The label of a cluster whose name can be a target. */
  clusterName(cluster: number): string | undefined;
  /** What clusters are called in messages. */
  clusterText(cluster: number): string;
  /** Targets that static records add at a location. */
  staticTargets(name: string, location: number): readonly PortTarget[];
  /** Locations at which static records beside a port keep its name from being an alias; each with the one above it. */
  keptFrom(name: string): readonly (readonly [location: number, above: number])[];
}

/**
 * The ports of a Service.
 *
 * @param known - ports of all shards, in the order in which they get a place; they exist whether healthy or not
 * @param counted - the shards that count
 * @param isMarked - whether every level must say its targets, since static records have a say in some
 * @param places - asked only where clusters differ, or static records have a say
 */
export function buildPorts(
  known: readonly ShardPort[],
  counted: readonly PortShard[],
  isMarked: boolean,
  places: () => PortPlaces,
): ServicePort[] {
  return known.map((port) => {
    const uniform = uniformPort(port, counted);
    if (uniform !== undefined && !isMarked) return makePort(port, uniform, []);
    const levels = levelsOf(port, counted, places());
    const conflict = conflictOf(port, counted, places());
    return { ...makePort(port, 0, levels), ...(conflict !== undefined && { conflict }) };
  });
}

/**
 * The ports that exist: those of the first lists before those of the later ones, and of each list in turn, so that no
 * cluster's many ports take the place of another's few.
 */
export function knownPorts(lists: readonly (readonly (readonly ShardPort[])[])[]): ShardPort[] {
  const ports = new Map<string, ShardPort>();
  for (const group of lists) {
    const longest = group.reduce((length, list) => Math.max(length, list.length), 0);
    for (let i = 0; i < longest && ports.size < PORTS_MAX; i++) {
      for (const list of group) {
        const port = list[i];
        if (port === undefined || ports.size >= PORTS_MAX) continue;
        const key = keyOf(port);
        if (!ports.has(key)) ports.set(key, port);
      }
    }
  }
  return [...ports.values()];
}

function makePort({ name, protocol }: ShardPort, port: number, levels: readonly PortLevel[]): ServicePort {
  return { name: name.toLowerCase(), protocol, port, levels };
}

function keyOf({ name, protocol }: ShardPort): string {
  return `${name.toLowerCase()}/${protocol}`;
}

/** The number that all shards have without more ado; that of the first where none counts. */
function uniformPort(port: ShardPort, counted: readonly PortShard[]): number | undefined {
  const first = counted[0];
  if (first === undefined) return port.port;
  const number = numberIn(first, port);
  const agree = counted.every(
    (shard) => isPlain(shard) && number !== undefined && numberIn(shard, port) === number,
  );
  return agree ? number : undefined;
}

function isPlain({ srv }: PortShard): boolean {
  return srv === undefined || (srv.priority === SRV_PRIORITY && srv.weight === SRV_WEIGHT);
}

function numberIn({ ports }: PortShard, { name, protocol }: ShardPort): number | undefined {
  const wanted = name.toLowerCase();
  for (const port of ports)
    if (port.protocol === protocol && port.name.toLowerCase() === wanted) return port.port;
  return undefined;
}

function levelsOf(port: ShardPort, counted: readonly PortShard[], places: PortPlaces): PortLevel[] {
  const name = `_${port.name.toLowerCase()}._${port.protocol}`;
  const levels = new Map<number, readonly PortTarget[]>();
  for (const location of places.locations) {
    const own = targetsFrom(port, counted, location, places);
    if (own.length > 0) levels.set(location, own);
  }
  for (const [location, above] of places.keptFrom(name)) {
    const inherited = levels.get(above);
    if (!levels.has(location) && inherited !== undefined) levels.set(location, inherited);
  }
  return [...levels]
    .map(([location, targets]) => {
      const all = distinct([...targets, ...places.staticTargets(name, location)]);
      return { location, targets: all.slice(0, SRV_TARGETS_MAX) };
    })
    .toSorted((a, b) => a.location - b.location);
}

/** The targets of the level that answers for a location; where that lacks the port, of all that are there. */
function targetsFrom(
  port: ShardPort,
  counted: readonly PortShard[],
  location: number,
  places: PortPlaces,
): PortTarget[] {
  const source = places.sourceOf(location);
  const targets = targetsAt(port, membersAt(counted, source), source, places);
  if (targets.length > 0 || source === location) return targets;
  return targetsAt(port, membersAt(counted, location), location, places);
}

function membersAt(counted: readonly PortShard[], location: number): readonly PortShard[] {
  if (location === GLOBAL) return counted;
  return counted.filter(({ region, zones }) => region === location || zones.includes(location));
}

function targetsAt(
  port: ShardPort,
  members: readonly PortShard[],
  location: number,
  places: PortPlaces,
): PortTarget[] {
  const holders = members.filter((shard) => numberIn(shard, port) !== undefined);
  const first = holders[0];
  if (first === undefined) return [];
  const name = places.targetName(location);
  if (name !== undefined && holders.length === members.length && allAlike(port, holders))
    return [makeTarget(port, first, TargetKind.level, location, name)];
  const targets: PortTarget[] = [];
  const below = Map.groupBy(
    members.flatMap((shard) => placesBelow(shard, location)),
    ([place]) => place,
  );
  for (const [place, group] of below) {
    const shards = group.map(([, shard]) => shard);
    if (place !== undefined) targets.push(...targetsAt(port, shards, place, places));
    else targets.push(...shards.flatMap((shard) => clusterTarget(port, shard, places)));
  }
  return distinct(targets);
}

/** The locations right below in which a shard is; undefined where it is in none. */
function placesBelow(
  shard: PortShard,
  location: number,
): (readonly [place: number | undefined, shard: PortShard])[] {
  const { region, zones } = shard;
  if (location === GLOBAL && region !== GLOBAL) return [[region, shard]];
  if (location === region && location !== GLOBAL && zones.length > 0)
    return zones.map((zone) => [zone, shard] as const);
  return [[undefined, shard]];
}

function allAlike(port: ShardPort, [first, ...others]: readonly PortShard[]): boolean {
  const { priority, weight } = srvOf(first!);
  const number = numberIn(first!, port);
  return others.every((shard) => {
    const other = srvOf(shard);
    return numberIn(shard, port) === number && other.priority === priority && other.weight === weight;
  });
}

function clusterTarget(port: ShardPort, shard: PortShard, places: PortPlaces): PortTarget[] {
  const name = places.clusterName(shard.cluster);
  if (name === undefined || numberIn(shard, port) === undefined) return [];
  return [makeTarget(port, shard, TargetKind.cluster, shard.cluster, name)];
}

function makeTarget(
  port: ShardPort,
  shard: PortShard,
  kind: PortTarget['kind'],
  place: number,
  name: string,
): PortTarget {
  return { kind, place, name, port: numberIn(shard, port)!, ...srvOf(shard) };
}

function srvOf({ srv }: PortShard): { readonly priority: number; readonly weight: number } {
  return { priority: srv?.priority ?? SRV_PRIORITY, weight: srv?.weight ?? SRV_WEIGHT };
}

/** RFC 2181 section 5: an RRset holds each record once. */
function distinct(targets: readonly PortTarget[]): PortTarget[] {
  const seen = new Map<string, PortTarget>();
  for (const target of targets) {
    const { kind, name, port, priority, weight } = target;
    const key = `${kind} ${name} ${port} ${priority} ${weight}`;
    if (!seen.has(key)) seen.set(key, target);
  }
  return [...seen.values()];
}

function conflictOf(port: ShardPort, counted: readonly PortShard[], places: PortPlaces): string | undefined {
  const numbers = counted.map((shard) => numberIn(shard, port));
  if (numbers.every((number) => number === numbers[0])) return undefined;
  const says = counted.map(
    (shard, i) => `${places.clusterText(shard.cluster)} ${numbers[i] === undefined ? 'none' : numbers[i]}`,
  );
  return `port ${port.name}/${port.protocol} differs: ${says.slice(0, CONFLICT_CLUSTERS_MAX).join(', ')}${says.length > CONFLICT_CLUSTERS_MAX ? ', …' : ''}`;
}

/** Clusters that one message names. */
const CONFLICT_CLUSTERS_MAX = 8;
