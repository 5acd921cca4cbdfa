/**
 * Asks every cluster's API server what fedns will ask it, once: whether it answers, whether it knows us, and for each
 * kind whether it may be listed and watched.
 */

import type { ClusterSettings, Settings } from '../config/settings.ts';
import { systemTimers } from '../timers.ts';
import { asApiError, type ApiError } from '../watchers/api-error.ts';
import { ApiClient } from '../watchers/api/api-client.ts';
import { accessLoader, Credentials } from '../watchers/credentials/credentials.ts';
import { findPath } from '../watchers/api/discovery.ts';
import { watchedKinds, type WatchedKind } from '../watchers/kubernetes/kinds.ts';
import { readServerUid } from '../watchers/api/server-identity.ts';
import { twinMessage } from '../watchers/kubernetes/known-servers.ts';
import { fault, warning, type Finding, type InspectOptions } from './finding.ts';

const LIMITS = { headersMs: 10_000, idleMs: 10_000 };
/** Octets of the version and of an API group's document. */
const DOCUMENT_OCTETS_MAX = 64 * 1024;
/** What the first object of a list and the beginning of a watch are asked with. */
const LIST_QUERY = '?limit=1';
const WATCH_QUERY = '?watch=1&timeoutSeconds=1';

/** What the API server of a cluster says. */
export interface LiveResult {
  readonly cluster: string;
  /** Its version; absent: it could not be asked. */
  readonly version?: string;
  /** Of its namespace kube-system, where that may be read. */
  readonly uid?: string;
  readonly findings: readonly Finding[];
}

/** Clusters are asked all at once; files have no API server and are left out. */
export async function inspectLive(
  settings: Settings,
  options: InspectOptions,
): Promise<readonly LiveResult[]> {
  const asked = settings.clusters.filter(({ origin }) => origin.kind !== 'manifests');
  const results = await Promise.all(asked.map((cluster) => askCluster(cluster, settings, options)));
  return results.map((result, i) => withTwin(result, results.slice(0, i)));
}

/** One cluster under two names is told of the later one. */
function withTwin(result: LiveResult, before: readonly LiveResult[]): LiveResult {
  const { cluster, uid, findings } = result;
  const twin = uid === undefined ? undefined : before.find((other) => other.uid === uid);
  if (twin === undefined) return result;
  return { ...result, findings: [...findings, warning(`cluster ${cluster}: ${twinMessage(twin.cluster)}`)] };
}

async function askCluster(
  cluster: ClusterSettings,
  settings: Settings,
  { env, clock }: InspectOptions,
): Promise<LiveResult> {
  const { origin, name } = cluster;
  if (origin.kind !== 'kubeconfig' && origin.kind !== 'inCluster') return { cluster: name, findings: [] };
  const load = accessLoader(origin, env);
  const credentials = new Credentials({ load, timers: systemTimers, clock, env });
  const client = new ApiClient({ credentials, timers: systemTimers, userAgent: 'fedns-check' });
  try {
    const version = await readVersion(client);
    const findings = await Promise.all(
      kindsOf(cluster, settings).map((kind) => askKind(client, kind, cluster)),
    );
    const uid = await uidOf(client);
    return { cluster: name, version, ...(uid !== undefined && { uid }), findings: findings.flat() };
  } catch (error) {
    const { message } = asApiError(error, 'UNREACHABLE');
    return { cluster: name, findings: [fault(`cluster ${name}: ${message}`)] };
  } finally {
    client.close();
    credentials.close();
  }
}

async function readVersion(client: ApiClient): Promise<string> {
  const text = await readDocument(client, '/version');
  const { gitVersion } = JSON.parse(text) as { gitVersion?: unknown };
  return typeof gitVersion === 'string' ? gitVersion : 'unknown';
}

/** @returns undefined where it may not be read, which costs this one check only */
async function uidOf(client: ApiClient): Promise<string | undefined> {
  try {
    return await readServerUid(client, new AbortController().signal);
  } catch {
    return undefined;
  }
}

function readDocument(client: ApiClient, path: string): Promise<string> {
  const { signal } = new AbortController();
  return client.getText(path, 'application/json', LIMITS, signal, DOCUMENT_OCTETS_MAX);
}

/** What is read of an object does not matter here. */
function kindsOf({ region, zones }: ClusterSettings, { federations }: Settings): WatchedKind[] {
  const exports = federations.some(({ select }) => select === 'export');
  const hosts = federations.some((federation) => federation.hosts === true);
  return watchedKinds({}, { exports, nodes: region === undefined || zones === undefined, hosts });
}

async function askKind(client: ApiClient, kind: WatchedKind, { name }: ClusterSettings): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    const path = kind.path ?? (await findPath(client, kind.discover!, new AbortController().signal));
    for (const [verb, query] of [
      ['list', LIST_QUERY],
      ['watch', WATCH_QUERY],
    ] as const) {
      const error = await ask(client, `${path}${query}${kind.query}`);
      if (error !== undefined)
        findings.push(fault(`cluster ${name}: ${verb} ${kind.kind}: ${sayHow(error, verb, path)}`));
    }
  } catch (error) {
    findings.push(fault(`cluster ${name}: ${kind.kind}: ${asApiError(error, 'NOT_JSON').message}`));
  }
  return findings;
}

/** Only whether the reply begins well: what it holds is not read. */
async function ask(client: ApiClient, path: string): Promise<ApiError | undefined> {
  const stop = new AbortController();
  try {
    await client.get(path, 'application/json', LIMITS, stop.signal);
    return undefined;
  } catch (error) {
    return asApiError(error, 'UNREACHABLE');
  } finally {
    stop.abort();
  }
}

function sayHow({ code, message }: ApiError, verb: string, path: string): string {
  if (code !== 'FORBIDDEN') return message;
  const resource = path.split('/').at(-1)!;
  const group = path.startsWith('/apis/') ? path.split('/')[2]! : '';
  const rule = `{apiGroups: ["${group}"], resources: [${resource}], verbs: [get, list, watch]}`;
  return `${message} (its role lacks ${verb}: add the rule ${rule})`;
}
