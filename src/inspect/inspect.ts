/**
 * Looks at all that a valid configuration names, as `fedns serve` will: kubeconfigs with their files and plugins,
 * certificates, secrets, the state folder. Nothing is bound, written or run, and nothing is contacted; what
 * the clusters themselves say is asked in live.ts; manifests are read in serve/inspect-clusters.ts.
 */

import type { ClusterSettings, Settings } from '../config/settings.ts';
import { readKeys } from '../dnssec/keys/key-folder.ts';
import { CookieSecretKeeper } from '../server/policy/cookie-secret.ts';
import { createCookieMemory } from '../server/policy/cookies.ts';
import { TlsCertificate } from '../server/tcp/tls-certificate.ts';
import { checkStateDirectory } from '../state/layout.ts';
import { inspectCredentials } from './credentials.ts';
import { inspectDnstap } from './dnstap.ts';
import { fault, messageOf, type Finding, type InspectOptions } from './finding.ts';

/** @returns what is wrong, cluster by cluster in the order of the file, and then the rest */
export async function inspect(settings: Settings, options: InspectOptions): Promise<readonly Finding[]> {
  const clusters = await Promise.all(settings.clusters.map((cluster) => inspectCluster(cluster, options)));
  const parts = await Promise.all([
    inspectSecrets(settings, options),
    inspectTls(settings),
    inspectCookies(settings),
    inspectKeys(settings),
    inspectState(settings),
    inspectDnstap(settings),
  ]);
  return [...clusters, ...parts].flat();
}

async function inspectCluster(
  cluster: ClusterSettings,
  options: InspectOptions,
): Promise<readonly Finding[]> {
  const { origin, name } = cluster;
  if (origin.kind !== 'kubeconfig' && origin.kind !== 'inCluster') return [];
  const findings = await inspectCredentials(origin, options);
  return findings.map(({ severity, text }) => ({ severity, text: `${text} (cluster ${name})` }));
}

async function inspectSecrets(
  { clusterSecrets }: Settings,
  options: InspectOptions,
): Promise<readonly Finding[]> {
  if (clusterSecrets === undefined) return [];
  const findings = await inspectCredentials(clusterSecrets.origin, options);
  return findings.map(({ severity, text }) => ({ severity, text: `${text} (clusterSecrets)` }));
}

async function inspectTls({ tls }: Settings): Promise<readonly Finding[]> {
  if (tls === undefined) return [];
  const certificate = new TlsCertificate(tls, () => {});
  return attempt('tls', async () => {
    await certificate.start();
    certificate.stop();
  });
}

async function inspectCookies({ cookies }: Settings): Promise<readonly Finding[]> {
  if (cookies.secretFile === undefined) return [];
  const keeper = new CookieSecretKeeper({
    memory: createCookieMemory(),
    file: cookies.secretFile,
    onFault: () => {},
  });
  return attempt('cookies.secretFile', async () => {
    await keeper.start();
    keeper.stop();
  });
}

async function inspectKeys({ dnssec, domain }: Settings): Promise<readonly Finding[]> {
  if (dnssec === undefined) return [];
  return attempt('dnssec.keys', async () => void (await readKeys(dnssec.keys, domain)));
}

async function inspectState({ stateDir }: Settings): Promise<readonly Finding[]> {
  return stateDir === undefined ? [] : attempt('stateDir', () => checkStateDirectory(stateDir));
}

async function attempt(key: string, look: () => Promise<void>): Promise<readonly Finding[]> {
  try {
    await look();
    return [];
  } catch (error) {
    return [fault(`${key}: ${messageOf(error)}`)];
  }
}
