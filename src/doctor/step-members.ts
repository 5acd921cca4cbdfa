/** The Cluster objects of `fedns join`: whether each member is Ready by what `fedns federate` last saw of it. */

import { ObjectClient } from '../federation/api/object-client.ts';
import { CLUSTER, type ClusterCondition, type ClusterObject } from '../federation/members/cluster-type.ts';
import type { Api } from './connections.ts';
import type { Facts } from './facts.ts';
import { type Finding, none, Unknowable, untried, well, wrong } from './report.ts';
import { checkActive } from './step-active.ts';

const TRIED = 'kubectl get clusters';
/** Since its status was last renewed, in milliseconds, a Cluster is no longer looked after: probes are a minute apart at most. */
const PROBE_AGE_MS_MAX = 300_000;

export async function checkMembers(facts: Facts): Promise<readonly Finding[]> {
  const { federate } = await facts.settings();
  const host = await facts.host();
  if (host === undefined)
    return [none({ about: 'clusters', tried: TRIED }, 'clusterSecrets is not configured')];
  const active = federate === undefined ? [] : [checkActive(host, federate, facts)];
  const found = await Promise.all([...active, checkClusters(host, facts)]);
  return found.flat();
}

async function checkClusters(host: Api, { clock }: Facts): Promise<readonly Finding[]> {
  const listed = await new ObjectClient(host).list(CLUSTER);
  if (!listed.ok) {
    if (listed.failure.cause === 'kindAbsent')
      return [
        wrong({ about: 'clusters', tried: TRIED }, 'the host has no Clusters', 'fedns init makes the kind'),
      ];
    throw new Unknowable(TRIED, listed.failure.message, 'mend endpoint first');
  }
  const clusters = listed.value.items as readonly ClusterObject[];
  if (clusters.length === 0)
    return [wrong({ about: 'clusters', tried: TRIED }, 'none is registered', 'fedns join NAME')];
  return clusters.map((cluster) => judge(cluster, clock()));
}

function judge({ metadata: { name }, status }: ClusterObject, nowMs: number): Finding {
  const look = { about: name, tried: TRIED };
  const next = `kubectl describe cluster ${name}`;
  const ready = status?.conditions.find(({ type }) => type === 'Ready');
  if (ready === undefined)
    return untried(look, 'nobody has looked at it yet', 'run fedns federate, which does');
  const ageMs = nowMs - Date.parse(ready.lastProbeTime);
  const offline = status!.conditions.find(({ type }) => type === 'Offline');
  if (offline?.status === 'True')
    return wrong(look, conditionText(offline), `see whether its API server runs; ${next}`);
  if (ready.status !== 'True') return wrong(look, conditionText(ready), next);
  if (ageMs > PROBE_AGE_MS_MAX)
    return untried(
      look,
      `was Ready ${Math.round(ageMs / 60_000)} minutes ago`,
      'see whether fedns federate runs: nobody has looked since',
    );
  return well(look, `Ready, ${status!.version ?? 'no version'}`);
}

function conditionText({ type, status, reason, message }: ClusterCondition): string {
  return `${type} is ${status}, ${reason}: ${message}`;
}
