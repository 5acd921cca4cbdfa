/**
 * Checks of names against each other: the domain, federations, regions and zones share one name space
 * (`S.N.F.svc.Z.R.D`), so some combinations would make a name mean two things or be too long to exist.
 */
import { encodeName, NAME_OCTETS_MAX } from '../zonebuilder/names.ts';
import type { Path, Report } from './fault.ts';
import type { ConfigDraft } from './schema.ts';

/** Octets of a label of 63 octets with its length octet. */
const LABEL_ROOM = 64;
/** Octets of the shortest possible Service and namespace. */
const SHORTEST_SERVICE = 4;
/** The label that parts Service names from locations. */
const SVC = 'svc';

/** Checks domain, federations, regions and zones. */
export function checkNames(config: ConfigDraft, report: Report): void {
  checkDomain(config, report);
  checkFederations(config, report);
  checkLocations(config, report);
  checkRoom(config, report);
}

/**
 * The federation that a namespace is named like, for a warning: `S.N.N.svc.D` is easily mistyped, and stub
 * resolvers that shorten names can no longer tell the two labels apart.
 */
export function federationNamedLike(
  namespace: string,
  federations: readonly { readonly name: string }[],
): string | undefined {
  const name = namespace.toLowerCase();
  return federations.find((federation) => federation.name === name)?.name;
}

function checkDomain({ domain }: ConfigDraft, report: Report): void {
  if (domain === undefined || domain.includes('.')) return;
  report(
    'SINGLE_LABEL_DOMAIN',
    ['domain'],
    `${domain} is a single label: only private resolvers can delegate it`,
  );
}

function checkFederations({ federations = [], clusters = [] }: ConfigDraft, report: Report): void {
  const seen = new Map<string, number>();
  federations.forEach(({ name }, i) => {
    const path = ['federations', i, 'name'];
    const first = seen.get(name);
    seen.set(name, first ?? i);
    if (name === SVC)
      report('RESERVED_NAME', path, 'a federation must not be called svc', 'choose another name');
    if (first !== undefined)
      report('DUPLICATE_FEDERATION', path, `federations[${first}] is called ${name}, too`);
  });
  clusters.forEach(({ namespaces }, i) => {
    for (const list of ['allow', 'deny'] as const) {
      namespaces[list].forEach((namespace, j) => {
        const federation = federationNamedLike(namespace, federations);
        if (federation === undefined) return;
        const path = ['clusters', i, 'namespaces', list, j];
        report('FEDERATION_IS_NAMESPACE', path, `the namespace is named like the federation ${federation}`);
      });
    }
  });
}

/**
 * `S.N.F.svc.Z.R.D` is always a name; `S.N.F.svc.Z.D` is one only where no other place has that label, which an operator
 * who relies on it is to hear of.
 */
function checkLocations({ clusters = [] }: ConfigDraft, report: Report): void {
  const regions = new Map<string, string>();
  clusters.forEach(({ name, region }, i) => {
    if (region === undefined) return;
    if (!regions.has(region)) regions.set(region, name);
    checkReserved(region, 'region', ['clusters', i, 'region'], report);
  });
  const regionsOf = zonesByLabel(clusters);
  clusters.forEach(({ region, zones = [] }, i) => {
    zones.forEach((zone, j) => {
      const path = ['clusters', i, 'zones', j];
      checkReserved(zone, 'zone', path, report);
      checkLabel(zone, region, { owner: regions.get(zone), others: regionsOf.get(zone)! }, path, report);
      if (zones.indexOf(zone) < j) report('DUPLICATE_ZONE', path, `the zone ${zone} is listed twice`);
    });
  });
}

/** The regions that have a zone of a name. */
function zonesByLabel(clusters: NonNullable<ConfigDraft['clusters']>): Map<string, Set<string>> {
  const regionsOf = new Map<string, Set<string>>();
  for (const { region, zones = [] } of clusters) {
    for (const zone of zones) {
      const regions = regionsOf.get(zone) ?? new Set();
      regionsOf.set(zone, region === undefined ? regions : regions.add(region));
    }
  }
  return regionsOf;
}

function checkLabel(
  zone: string,
  region: string | undefined,
  claims: { readonly owner: string | undefined; readonly others: ReadonlySet<string> },
  path: Path,
  report: Report,
): void {
  const long = `the zone is reached as ${zone}.${region ?? 'REGION'} only`;
  if (claims.owner !== undefined) {
    const message = `the zone ${zone} is named like the region of cluster ${claims.owner}, which has the name: ${long}`;
    report('ZONE_IS_REGION', path, message);
  } else if (claims.others.size > 1) {
    const message = `the regions ${[...claims.others].join(' and ')} both have a zone ${zone}: ${long}`;
    report('ZONE_AMBIGUOUS', path, message);
  }
}

function checkReserved(name: string, what: string, path: Path, report: Report): void {
  if (name === SVC) report('RESERVED_NAME', path, `a ${what} must not be called svc`, 'choose another name');
}

/** RFC 1035 section 2.3.4: a name has at most 255 octets. The longest is `S.N.F.svc.Z.R.D`. */
function checkRoom({ domain, federations = [], clusters = [] }: ConfigDraft, report: Report): void {
  if (domain === undefined) return;
  const federation = Math.max(0, ...federations.map(({ name }) => name.length));
  const location = Math.max(
    0,
    ...clusters.map(({ region = '', zones = [] }) => {
      const zone = Math.max(0, ...zones.map((name) => name.length));
      return (region === '' ? 0 : region.length + 1) + (zone === 0 ? 0 : zone + 1);
    }),
  );
  const room = NAME_OCTETS_MAX - encodeName(domain).length - location - (SVC.length + 1) - (federation + 1);
  const text = `with the longest federation, zone and region, ${Math.max(0, room - 2)} of ${NAME_OCTETS_MAX} octets`;
  if (room < SHORTEST_SERVICE) {
    report(
      'NO_ROOM_FOR_NAMES',
      ['domain'],
      `${text} are left: no Service has a name`,
      'shorten the domain or the locations',
    );
  } else if (room < 2 * LABEL_ROOM) {
    report(
      'LITTLE_ROOM_FOR_NAMES',
      ['domain'],
      `${text} are left for a Service and its namespace together; longer ones cannot be served`,
    );
  }
}
