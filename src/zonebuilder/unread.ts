/**
 * Names that only a cluster could know of which nothing was ever read, told from the facts: the explanation beside what the
 * query path works out from the image.
 */
import { clusterLabel } from './cluster-table.ts';
import type { ClusterState } from './facts.ts';
import type { LocationName } from './locations.ts';

/** What is to be known of the domain. */
export interface UnreadFacts {
  readonly clusters: readonly ClusterState[];
  readonly locations: readonly LocationName[];
  /** undefined: any may be one. */
  readonly federations: readonly string[] | undefined;
  /** Names that no Service has may be hosts. */
  readonly hasHosts: boolean;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const PORT = /^_[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const PROTOCOL = /^_(?:tcp|udp|sctp)$/;

/**
 * The clusters that may know a name which nobody else knows.
 *
 * @param relative - the name below the domain, lower case
 */
export function unreadThatCouldKnow(relative: string, facts: UnreadFacts): ClusterState[] {
  const unread = facts.clusters.filter((cluster) => cluster.unread === true);
  if (unread.length === 0) return [];
  const labels = relative.split('.');
  const svc = labels.lastIndexOf('svc');
  if (svc < labels.length - 3 || svc === -1)
    return isRegistered(relative, facts) || (facts.hasHosts && !labels.includes('svc')) ? unread : [];
  const place = labels.slice(svc + 1);
  const inCluster = clusterOf(labels.slice(0, svc), place, unread);
  const service = labels.slice(inCluster === undefined ? 0 : 1, svc);
  if (!isServiceLike(service, facts)) return [];
  if (inCluster !== undefined) return [inCluster];
  if (place.length === 0 || isRegistered(place.join('.'), facts)) return unread;
  return place.every((label) => LABEL.test(label)) ? unread.filter((cluster) => mayBeAt(cluster, place)) : [];
}

/** The cluster whose own name of a Service it would be: `CLUSTER.S.N.F.svc`. */
function clusterOf(
  labels: readonly string[],
  place: readonly string[],
  clusters: readonly ClusterState[],
): ClusterState | undefined {
  if (labels.length !== 4 || place.length > 0) return undefined;
  return clusters.find(({ name }) => clusterLabel(name) === labels[0]);
}

function isRegistered(text: string, { locations }: UnreadFacts): boolean {
  return locations.some((location) => location.text === text);
}

function isServiceLike(labels: readonly string[], { federations }: UnreadFacts): boolean {
  const [federation, namespace, service, protocol, port, ...more] = labels.toReversed();
  if (more.length > 0) return false;
  if (federation !== undefined && !(federations?.includes(federation) ?? LABEL.test(federation)))
    return false;
  if (![namespace, service].every((label) => label === undefined || LABEL.test(label))) return false;
  return (protocol === undefined || PROTOCOL.test(protocol)) && (port === undefined || PORT.test(port));
}

/** A cluster that was never read is where the configuration says; what that leaves open may be anything. */
function mayBeAt(cluster: ClusterState, [first, region]: readonly string[]): boolean {
  if (cluster.region === undefined) return true;
  const hasZones = cluster.zonesConfigured === true || cluster.zones.length > 0;
  if (hasZones) return false;
  return region === undefined ? first !== cluster.region : region === cluster.region;
}
