/** What fedns has to be allowed in a cluster, and asking the cluster whether it is (SelfSubjectAccessReview). */

import type { Settings } from '../config/settings.ts';
import { asApiError } from '../watchers/api-error.ts';
import type { ApiClient } from '../watchers/api/api-client.ts';

/** One resource, and what is done with it. */
export interface Rule {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Absent: everywhere. */
  readonly namespace?: string;
  readonly name?: string;
  readonly verbs: readonly string[];
}

const PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
/** API Priority and Fairness lets a request wait for 15 s. */
const LIMITS = { headersMs: 20_000, idleMs: 10_000 };
const REVIEW_OCTETS_MAX = 64 * 1024;
/** Why fedns reads it. */
const READ = ['list', 'watch'] as const;

/** What `serve` reads in a member cluster: the table of src/watchers/kubernetes/kinds.ts, as rules. */
export function rulesOfServe(
  { federations }: Pick<Settings, 'federations'>,
  { readsNodes }: { readonly readsNodes: boolean },
): readonly Rule[] {
  const exports = federations.some(({ select }) => select === 'export');
  return [
    { group: '', resource: 'services', verbs: READ },
    { group: 'discovery.k8s.io', resource: 'endpointslices', verbs: READ },
    ...(readsNodes ? [{ group: '', resource: 'nodes', verbs: READ }] : []),
    ...(exports ? [{ group: 'multicluster.x-k8s.io', resource: 'serviceexports', verbs: READ }] : []),
  ];
}

/** @returns verbs and resources that are refused, such as `watch services` @throws ApiError */
export async function refusedOf(
  client: ApiClient,
  rules: readonly Rule[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const asked = rules.flatMap((rule) => rule.verbs.map((verb) => ({ rule, verb })));
  const refused = await Promise.all(
    asked.map(async ({ rule, verb }) =>
      (await isAllowed(client, rule, verb, signal)) ? [] : [ruleText(rule, verb)],
    ),
  );
  return refused.flat();
}

async function isAllowed(client: ApiClient, rule: Rule, verb: string, signal: AbortSignal): Promise<boolean> {
  const { group, resource, subresource, namespace, name } = rule;
  const resourceAttributes = { group, resource, subresource, namespace, name, verb };
  const body = JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  });
  try {
    const text = await client.write({ method: 'POST', body }, PATH, LIMITS, signal, REVIEW_OCTETS_MAX);
    const { status } = JSON.parse(text) as { readonly status?: { readonly allowed?: unknown } };
    return status?.allowed === true;
  } catch (error) {
    throw asApiError(error, 'NOT_JSON');
  }
}

function ruleText({ group, resource, subresource, namespace }: Rule, verb: string): string {
  const what = `${resource}${subresource === undefined ? '' : `/${subresource}`}${group === '' ? '' : `.${group}`}`;
  return `${verb} ${what}${namespace === undefined ? '' : ` in ${namespace}`}`;
}
