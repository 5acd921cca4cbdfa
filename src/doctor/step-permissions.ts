/** Whether fedns may do in each cluster what it does there, by the cluster's own word. */

import type { ClusterSettings, Settings } from '../config/settings.ts';
import { systemTimers } from '../timers.ts';
import { ApiClient } from '../watchers/api/api-client.ts';
import { accessLoader, Credentials } from '../watchers/credentials/credentials.ts';
import type { Facts } from './facts.ts';
import { refusedOf, rulesOfServe } from './permissions.ts';
import { type Finding, messageOf, none, untried, well, wrong } from './report.ts';

const TRIED = 'a SelfSubjectAccessReview for each verb that fedns needs';

export async function checkPermissions(facts: Facts): Promise<readonly Finding[]> {
  const settings = await facts.settings();
  const asked = settings.clusters.filter(({ origin }) => origin.kind !== 'manifests');
  if (asked.length === 0)
    return [none({ about: 'clusters', tried: TRIED }, 'no cluster with an API server is configured')];
  return Promise.all(asked.map((cluster) => ofCluster(facts, settings, cluster)));
}

async function ofCluster(facts: Facts, settings: Settings, cluster: ClusterSettings): Promise<Finding> {
  const look = { about: cluster.name, tried: TRIED };
  const { origin, region, zones } = cluster;
  if (origin.kind !== 'kubeconfig' && origin.kind !== 'inCluster') return none(look, 'it has no API server');
  const credentials = new Credentials({
    load: accessLoader(origin, facts.env),
    timers: systemTimers,
    clock: facts.clock,
    env: facts.env,
  });
  const client = new ApiClient({ credentials, timers: systemTimers, userAgent: 'fedns-doctor' });
  const rules = rulesOfServe(settings, { readsNodes: region === undefined || zones === undefined });
  try {
    const refused = await refusedOf(client, rules, new AbortController().signal);
    if (refused.length === 0)
      return well(look, `all ${rules.flatMap(({ verbs }) => verbs).length} verbs are allowed`);
    return wrong(
      look,
      `not allowed: ${refused.join(', ')}`,
      `kubectl --context ${cluster.name} apply -f config/rbac.yaml`,
    );
  } catch (error) {
    return untried(look, messageOf(error), 'see whether its API server runs and takes these credentials');
  } finally {
    client.close();
    credentials.close();
  }
}
