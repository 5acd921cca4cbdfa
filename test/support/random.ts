/** Random federations from a seed: a failure names the seed, and the seed brings it back. */
import type { ShardPort, ShardState } from '../../src/zonebuilder/facts.ts';
import { seededRandom } from '../fuzz/random.ts';
import type { Federation } from './federation.ts';
import { makeShard } from './federation.ts';

/** A source of pseudo-random choices. */
export interface Random {
  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number;
  /** True once in `times`. */
  oneIn(times: number): boolean;
  pick<T>(items: readonly T[]): T;
}

export function makeRandom(seed: number): Random {
  const below = seededRandom(seed);
  return { below, oneIn: (times) => below(times) === 0, pick: (items) => items[below(items.length)]! };
}

/** Clusters of a random federation: two regions have a zone of the same name, one cluster has no region. */
export const PLACES = [
  { name: 'c0', region: 'us', zones: ['us1', 'us2'] },
  { name: 'c1', region: 'us', zones: ['us2', 'us3'] },
  { name: 'c2', region: 'eu', zones: ['eu1'] },
  { name: 'c3', region: 'eu', zones: ['nova'] },
  { name: 'c4', region: 'asia', zones: ['nova', 'asia1', 'asia2'] },
  { name: 'c5', region: undefined, zones: [] },
] as const;

export const SERVICES = ['web.shop.f', 'db.shop.f', 'web.blog.f', 'api.blog.g', 'svc.svc.g'] as const;

const PORTS: readonly ShardPort[] = [
  { name: 'http', protocol: 'tcp', port: 80 },
  { name: 'dns', protocol: 'udp', port: 53 },
  { name: 'dns', protocol: 'tcp', port: 53 },
];

/** A random shard of a random Service. */
export function randomShard(random: Random): ShardState {
  const place = random.pick(PLACES);
  const v4 = Array.from({ length: random.below(3) }, () => `192.0.2.${random.below(6)}`);
  const v6 = Array.from({ length: random.below(2) }, () => `2001:db8::${1 + random.below(4)}`);
  const addresses = [...new Set([...v4, ...v6])];
  const readyZones = random.oneIn(3) ? 'every' : place.zones.filter(() => random.oneIn(2));
  const ofPods = readyZones !== 'every' && readyZones.length > 0 && random.oneIn(3);
  return makeShard(place.name, random.pick(SERVICES), {
    addresses,
    ready: !random.oneIn(3),
    readyZones,
    ...(ofPods && { addressZones: addresses.map(() => random.pick([...readyZones, ...readyZones, ''])) }),
    ports: PORTS.filter(() => random.oneIn(2)).map((port) =>
      random.oneIn(4) ? { ...port, port: port.port + 8000 } : port,
    ),
    ...(random.oneIn(5) && { ttlSeconds: 10 + random.below(50) }),
    ...(random.oneIn(8) && { addressTtlSeconds: 5 + random.below(30) }),
    ...(random.oneIn(8) && { srv: { priority: random.below(3), weight: random.below(200) } }),
  });
}

/** Announces all clusters. */
export function announce(federation: Federation): void {
  for (const { name, region, zones } of PLACES) federation.cluster(name, region, zones);
}

/** Changes one thing: mostly a shard, at times a cluster's state. */
export function mutate(random: Random, federation: Federation): void {
  const { builder } = federation;
  const shard = randomShard(random);
  if (random.oneIn(12)) {
    const { name, region, zones } = random.pick(PLACES);
    federation.cluster(name, region, zones, random.pick(['available', 'available', 'held', 'withdrawn']));
  } else if (random.oneIn(5)) builder.removeShard(shard, shard.cause);
  else builder.upsertShard(shard);
}

/** Every name of the federation, its neighbours, and names that are none: all below `example.com`. */
export function allNames(): string[] {
  const regions = [...new Set(PLACES.flatMap(({ region }) => region ?? []))];
  const zones = PLACES.flatMap((place) => place.zones.flatMap((zone) => [zone, `${zone}.${place.region}`]));
  const locations = ['', ...regions, ...zones, 'nowhere', 'us1.eu'].map((text) =>
    text === '' ? '' : `.${text}`,
  );
  const services = ['', 'f', 'g', 'nope', 'shop.f', 'nope.f', 'nope.shop.f', ...SERVICES].flatMap(
    (service) =>
      service.split('.').length < 3
        ? [service]
        : [
            service,
            ...['_http._tcp', '_dns._udp', '_tcp', 'x', 'c1', 'c5', '_http._tcp.c1'].map(
              (prefix) => `${prefix}.${service}`,
            ),
          ],
  );
  const names = locations.flatMap((location) =>
    services.map((service) => `${service === '' ? '' : `${service}.`}svc${location}`),
  );
  return [...new Set([...names, ...locations.map((location) => location.slice(1))])].map((name) =>
    name === '' ? 'example.com' : `${name}.example.com`,
  );
}
