/** The API servers of the federation: the endpoint where federated objects are, and the host of the Clusters and their Secrets. */

import type { ApiOrigin, Settings } from '../config/settings.ts';
import { asApiError, type ApiErrorCode } from '../watchers/api-error.ts';
import { accessLoader } from '../watchers/credentials/credentials.ts';
import type { Api } from './connections.ts';
import type { Facts } from './facts.ts';
import { type Finding, type Look, none, well, wrong } from './report.ts';

const LIMITS = { headersMs: 20_000, idleMs: 10_000 };
const VERSION_OCTETS_MAX = 64 * 1024;
/** What the API answers only those whom it knows, whatever anonymous users may read. */
const WHO = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

export async function checkEndpoint(facts: Facts): Promise<readonly Finding[]> {
  const settings = await facts.settings();
  const servers = federationServers(settings);
  if (servers.length === 0)
    return [
      none(
        { about: 'the federation', tried: 'the configuration' },
        'neither federate nor clusterSecrets is configured',
      ),
    ];
  return Promise.all(
    servers.map(({ about, origin }) =>
      askServer(about, facts.connections.open(accessLoader(origin, facts.env))),
    ),
  );
}

/** The endpoint is the host, where nothing else is said. */
function federationServers({
  federate,
  clusterSecrets,
}: Settings): { readonly about: string; readonly origin: ApiOrigin }[] {
  const host = clusterSecrets?.origin;
  const endpoint = federate?.endpoint ?? (federate === undefined ? undefined : host);
  const isOne = JSON.stringify(endpoint) === JSON.stringify(host);
  return [
    ...(endpoint === undefined ? [] : [{ about: 'federation endpoint', origin: endpoint }]),
    ...(host === undefined || isOne ? [] : [{ about: 'host of the Clusters', origin: host }]),
  ];
}

async function askServer(about: string, { client, signal }: Api): Promise<Finding> {
  const look = { about, tried: 'GET /version, and who the credentials are (SelfSubjectReview)' };
  try {
    const text = await client.getText('/version', 'application/json', LIMITS, signal, VERSION_OCTETS_MAX);
    const { gitVersion = 'no version' } = JSON.parse(text) as { readonly gitVersion?: string };
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' });
    const reply = await client.write({ method: 'POST', body }, WHO, LIMITS, signal, VERSION_OCTETS_MAX);
    return well(look, `${gitVersion}, it takes us for ${userOf(reply)}`);
  } catch (error) {
    return explain(look, asApiError(error, 'NOT_JSON'));
  }
}

function userOf(review: string): string {
  const { status } = JSON.parse(review) as {
    readonly status?: { readonly userInfo?: { readonly username?: string } };
  };
  return status?.userInfo?.username ?? 'nobody';
}

/** What helps against each way in which a server cannot be asked. */
const NEXT: Readonly<Partial<Record<ApiErrorCode, string>>> = {
  CREDENTIALS: 'mend the kubeconfig that the configuration names',
  UNAUTHORIZED:
    'give fedns other credentials: kubectl --context CONTEXT get --raw /version shows whether they are taken',
  UNTRUSTED: "put the server's CA into the kubeconfig (certificate-authority-data)",
  FORBIDDEN: 'grant it what the step permissions lacks; fedns init does',
};

function explain(
  look: Look,
  { code, message }: { readonly code: ApiErrorCode; readonly message: string },
): Finding {
  return wrong(
    look,
    message,
    NEXT[code] ?? 'see whether the API server runs, and whether this machine reaches it',
  );
}
