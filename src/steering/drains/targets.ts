/**
 * Owns what people mean who name something to be drained: whether it is known, which region a zone is in, which federation a
 * Service is of. What is not known is refused: a misspelt drain would be believed to be one.
 */

import { type DrainTarget, drainKey } from '../../zonebuilder/drains.ts';
import type { ClusterState } from '../../zonebuilder/facts.ts';

/** What there is. */
export interface KnownTargets {
  readonly clusters: readonly Pick<ClusterState, 'name' | 'region' | 'zones'>[];
  readonly federations: readonly string[];
  /** Whether a Service is known, by its `S.N.F`. */
  readonly hasService: (name: string) => boolean;
}

/** A target that is known, or what to tell the operator. */
export type ResolvedTarget = { readonly target: DrainTarget } | { readonly fault: string };

export function resolveTarget(asked: DrainTarget, known: KnownTargets): ResolvedTarget {
  const { kind, name, cluster } = asked;
  if (cluster !== undefined && kind !== 'service')
    return { fault: 'only a Service is drained in one cluster' };
  const clusterNames = known.clusters.map((each) => each.name);
  switch (kind) {
    case 'cluster':
      return among(asked, [name], clusterNames);
    case 'region':
      return among(
        asked,
        [name.toLowerCase()],
        known.clusters.flatMap(({ region }) => region ?? []),
      );
    case 'zone': {
      const zones = known.clusters.flatMap((each) => each.zones.map((zone) => `${zone}.${each.region}`));
      const wanted = name.toLowerCase();
      return among(
        asked,
        wanted.includes('.') ? [wanted] : zones.filter((zone) => zone.split('.')[0] === wanted),
        zones,
      );
    }
    case 'service': {
      if (cluster !== undefined && !clusterNames.includes(cluster))
        return among({ kind: 'cluster', name: cluster }, [cluster], clusterNames);
      const wanted = serviceName(name.toLowerCase());
      const names =
        wanted.split('.').length === 2 ? known.federations.map((each) => `${wanted}.${each}`) : [wanted];
      return among(asked, names, names.filter(known.hasService));
    }
  }
}

/** `namespace/name`, as kubectl has it, for `name.namespace`. */
function serviceName(name: string): string {
  const [namespace, service] = name.split('/');
  return service === undefined ? name : `${service}.${namespace}`;
}

/** @param wanted - what may be meant */
function among(asked: DrainTarget, wanted: readonly string[], known: readonly string[]): ResolvedTarget {
  const { kind, cluster } = asked;
  const found = [...new Set(wanted.filter((name) => known.includes(name)))];
  if (found.length > 1) return { fault: `${kind} ${asked.name} may be ${found.join(' or ')}: say which` };
  if (found.length === 1)
    return { target: { kind, name: found[0]!, ...(cluster !== undefined && { cluster }) } };
  const some = kind === 'service' ? [] : [...new Set(known)].toSorted();
  return {
    fault: `no ${kind} ${asked.name} is known${some.length === 0 ? '' : `: there is ${listed(some)}`}`,
  };
}

/** Names that one message lists. */
const LISTED_MAX = 20;

export function listed(names: readonly string[], count = names.length): string {
  const shown = names.slice(0, LISTED_MAX).join(', ');
  return count > LISTED_MAX ? `${shown} and ${count - LISTED_MAX} more` : shown;
}

/** The drains that are meant by whoever wants one to end: it may be of something that is not there any more. */
export function matching<D extends DrainTarget>(asked: DrainTarget, drains: readonly D[]): D[] {
  const key = drainKey({
    ...asked,
    name: asked.kind === 'service' ? serviceName(asked.name) : asked.name,
  }).toLowerCase();
  const exact = drains.filter((drain) => drainKey(drain).toLowerCase() === key);
  if (exact.length > 0) return exact;
  const short = drains.filter(
    ({ kind, name, cluster }) =>
      (kind === 'zone' || kind === 'service') &&
      drainKey({
        kind,
        name: name.split('.').slice(0, -1).join('.'),
        ...(cluster !== undefined && { cluster }),
      }).toLowerCase() === key,
  );
  return new Set(short.map(drainKey)).size === 1 ? short : [];
}
