/** Which clusters there are with an API server of their own: those of the file, and those that Secrets describe. */

import type { Settings } from '../config/settings.ts';
import { ObjectClient } from '../federation/api/object-client.ts';
import { TYPES } from '../federation/members/types.ts';
import { accessLoader } from '../watchers/credentials/credentials.ts';
import { CLUSTER_LABEL, secretsResource } from '../watchers/kubernetes/cluster-secret.ts';
import type { Api, Connections } from './connections.ts';
import { Unknowable } from './report.ts';

export interface MemberCluster {
  readonly name: string;
  /** Whether a Secret describes it, as `fedns join` makes them. */
  readonly isJoined: boolean;
  /** Whether region and zones are given, so that its Nodes are not read. */
  readonly isPlaced: boolean;
  readonly api: Api;
}

/** @throws Unknowable when the Secrets cannot be read */
export async function findMembers(
  settings: Settings,
  {
    connections,
    env,
    host,
  }: {
    readonly connections: Connections;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly host: Api | undefined;
  },
): Promise<readonly MemberCluster[]> {
  const configured = settings.clusters.flatMap(({ name, origin, region, zones }) =>
    origin.kind === 'kubeconfig' || origin.kind === 'inCluster'
      ? [
          {
            name,
            isJoined: false,
            isPlaced: isGiven(region, zones),
            api: connections.open(accessLoader(origin, env)),
          },
        ]
      : [],
  );
  if (host === undefined) return configured;
  return [...configured, ...(await joined(settings.clusterSecrets!.namespace, host, connections))];
}

/** Secrets that cannot be used are refused by the server, too, which the step clusters tells. */
async function joined(
  namespace: string,
  host: Api,
  connections: Connections,
): Promise<readonly MemberCluster[]> {
  const tried = `the Secrets labelled ${CLUSTER_LABEL} in namespace ${namespace}`;
  const listed = await new ObjectClient(host).list(TYPES.secret, { namespace, labelSelector: CLUSTER_LABEL });
  if (!listed.ok) throw new Unknowable(tried, listed.failure.message, 'mend endpoint first');
  const { read } = secretsResource(namespace);
  return listed.value.items.map(read).flatMap((secret) =>
    'finding' in secret
      ? []
      : [
          {
            name: secret.cluster,
            isJoined: true,
            isPlaced: isGiven(secret.region, secret.zones),
            api: connections.open(secret.access),
          },
        ],
  );
}

function isGiven(region: string | undefined, zones: readonly string[] | undefined): boolean {
  return region !== undefined && zones !== undefined;
}
