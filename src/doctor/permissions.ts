/** What fedns has to be allowed in a cluster, and asking the cluster whether it is (SelfSubjectAccessReview). */

import type { Settings } from '../config/settings.ts';
import type { Rule } from '../federation/members/permissions.ts';
import { watchedKinds, type WatchedKind } from '../watchers/kubernetes/kinds.ts';
import type { Api } from './connections.ts';

/** One verb on one resource. */
export interface Need {
  readonly verb: string;
  readonly group: string;
  /** With its subresource, such as `services/status`. */
  readonly resource: string;
  /** Absent: everywhere. */
  readonly namespace?: string;
}

const PATH = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
/** API Priority and Fairness lets a request wait for 15 s. */
const LIMITS = { headersMs: 20_000, idleMs: 10_000 };
const REVIEW_OCTETS_MAX = 64 * 1024;
const READ = ['list', 'watch'] as const;

/** What `serve` reads in a member cluster. */
export function needsOfServe(
  { federations }: Pick<Settings, 'federations'>,
  { nodes }: { readonly nodes: boolean },
): readonly Need[] {
  const exports = federations.some(({ select }) => select === 'export');
  const hosts = federations.some((federation) => federation.hosts === true);
  return watchedKinds({}, { exports, nodes, hosts }).flatMap((kind) =>
    READ.map((verb) => ({ verb, ...resourceOf(kind) })),
  );
}

/** `/api/v1/services`, `/apis/GROUP/VERSION/PLURAL`, or what is discovered first. */
function resourceOf({ path, discover }: WatchedKind): Pick<Need, 'group' | 'resource'> {
  if (path === undefined) return { group: discover!.group, resource: discover!.plural };
  const parts = path.split('/');
  return { group: parts[1] === 'apis' ? parts[2]! : '', resource: parts.at(-1)! };
}

/** The same as rules of RBAC have it; addresses without a resource are not asked about, as everybody may read them. */
export function needsOfRules(rules: readonly Rule[], namespace?: string): readonly Need[] {
  return rules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({ verb, group, resource, ...(namespace !== undefined && { namespace }) })),
      ),
    ),
  );
}

/** @returns what is refused @throws ApiError when the server cannot be asked */
export async function refusedOf(api: Api, needs: readonly Need[]): Promise<readonly Need[]> {
  const allowed = await Promise.all(needs.map((need) => isAllowed(api, need)));
  return needs.filter((_, i) => !allowed[i]);
}

async function isAllowed(
  { client, signal }: Api,
  { verb, group, resource, namespace }: Need,
): Promise<boolean> {
  const [plural, subresource] = resource.split('/');
  const resourceAttributes = { verb, group, resource: plural, subresource, namespace };
  const body = JSON.stringify({
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  });
  const text = await client.write({ method: 'POST', body }, PATH, LIMITS, signal, REVIEW_OCTETS_MAX);
  const { status } = JSON.parse(text) as { readonly status?: { readonly allowed?: unknown } };
  return status?.allowed === true;
}

/** Needs in few words: `list, watch services; patch deployments.apps in fedns`. */
export function needsText(needs: readonly Need[]): string {
  const byResource = Map.groupBy(needs, ({ group, resource, namespace }) => {
    const name = group === '' ? resource : `${resource}.${group}`;
    return namespace === undefined ? name : `${name} in ${namespace}`;
  });
  return [...byResource].map(([name, of]) => `${of.map(({ verb }) => verb).join(', ')} ${name}`).join('; ');
}
