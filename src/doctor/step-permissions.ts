/** Whether fedns may do in each cluster what it does there, and at the federation endpoint, by each server's own word. */

import type { Settings } from '../config/settings.ts';
import { hostNamespaceRules, hostRules, memberRules } from '../federation/members/permissions.ts';
import type { Api } from './connections.ts';
import type { Facts } from './facts.ts';
import type { MemberCluster } from './member-clusters.ts';
import { type Need, needsOfRules, needsOfServe, needsText, refusedOf } from './permissions.ts';
import { type Finding, messageOf, none, untried, well, wrong } from './report.ts';

const TRIED = 'a SelfSubjectAccessReview for each verb that fedns needs';

interface Asked {
  readonly about: string;
  readonly api: Api;
  readonly needs: readonly Need[];
  readonly next: string;
}

export async function checkPermissions(facts: Facts): Promise<readonly Finding[]> {
  const settings = await facts.settings();
  const [host, endpoint] = [await facts.host(), await facts.endpoint()];
  const servers = [
    ...(host === undefined ? [] : [ofHost(settings, host)]),
    ...(endpoint === undefined ? [] : [ofEndpoint(endpoint)]),
  ];
  const found = await Promise.all([...servers.map(ask), checkMembers(facts, settings)]);
  return found.flat();
}

/** What the host refuses is told beside it. */
async function checkMembers(facts: Facts, settings: Settings): Promise<readonly Finding[]> {
  const look = { about: 'clusters', tried: TRIED };
  try {
    const members = await facts.members();
    if (members.length === 0) return [none(look, 'there is no cluster with an API server')];
    return await Promise.all(members.map((member) => ask(ofMember(settings, member))));
  } catch (error) {
    return [untried(look, messageOf(error), 'mend endpoint, and what lacks at the host')];
  }
}

function ofHost({ clusterSecrets, federate }: Settings, api: Api): Asked {
  const { namespace } = clusterSecrets!;
  const rules =
    federate === undefined
      ? [{ apiGroups: [''], resources: ['secrets'], verbs: ['list', 'watch'] }]
      : hostNamespaceRules();
  return { about: 'host of the Clusters', api, needs: needsOfRules(rules, namespace), next: 'fedns init' };
}

function ofEndpoint(api: Api): Asked {
  return { about: 'federation endpoint', api, needs: needsOfRules(hostRules()), next: 'fedns init' };
}

function ofMember(settings: Settings, { name, api, isJoined, isPlaced }: MemberCluster): Asked {
  const serving = needsOfServe(settings, { nodes: !isPlaced });
  const writing = settings.federate === undefined ? [] : needsOfRules(memberRules());
  const next = isJoined
    ? `fedns join ${name}, which grants it`
    : `kubectl --context ${name} apply -f config/rbac.yaml`;
  return { about: name, api, needs: [...serving, ...writing], next };
}

async function ask({ about, api, needs, next }: Asked): Promise<Finding> {
  const look = { about, tried: TRIED };
  try {
    const refused = await refusedOf(api, needs);
    if (refused.length === 0) return well(look, `${needs.length} of ${needs.length} are allowed`);
    return wrong(look, `not allowed: ${needsText(refused)}`, next);
  } catch (error) {
    return untried(look, messageOf(error), 'see whether its API server runs and takes these credentials');
  }
}
