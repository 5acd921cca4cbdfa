/**
 * Reads kubeconfigs. @kubernetes/client-node finds the context, cluster and user; before it sees the file,
 * everything that would make it read files or run programs is taken out and judged here. The only file that knows
 * that package, which is loaded when the first kubeconfig is read: it costs 90 MB and a third of a second.
 */

import type { Cluster, KubeConfig, User } from '@kubernetes/client-node';
import { isAbsolute, resolve } from 'node:path';
import { parse } from 'yaml';
import {
  checkServer,
  CredentialError,
  type AccessRules,
  type ClusterAccess,
  type ExecSettings,
  type Material,
} from './cluster-access.ts';

/** Largest kubeconfig, in characters. Hundreds of clusters with certificates fit. */
export const KUBECONFIG_CHARS_MAX = 4 * 1024 * 1024;
/** YAML aliases followed; a kubeconfig needs none. */
const ALIASES_MAX = 16;
const EXEC_ARGS_MAX = 64;

type Fields = Record<string, unknown>;

/**
 * Reads one context of a kubeconfig.
 *
 * @param context - absent: the kubeconfig's current one
 * @throws CredentialError when it is malformed or asks for what its origin may not
 */
export async function readKubeconfig(
  text: string,
  context: string | undefined,
  rules: AccessRules,
): Promise<ClusterAccess> {
  const { config, tokenFiles } = await parseOnce(text);
  const name = context ?? config.getCurrentContext();
  const named = config.getContextObject(name);
  const cluster = named === null ? null : config.getCluster(named.cluster);
  const user = named === null || named.user === undefined ? null : config.getUser(named.user);
  if (cluster === null || user === null) {
    throw new CredentialError('CONTEXT_UNKNOWN', contextProblem(name));
  }
  return { ...clusterPart(cluster, rules), ...userPart(user, tokenFiles.get(user.name), rules) };
}

function contextProblem(name: string | undefined): string {
  return name === undefined || name === ''
    ? 'no current-context'
    : `context ${name} is not in it, or names a cluster or user that is not`;
}

interface Parsed {
  readonly config: KubeConfig;
  /** By user. */
  readonly tokenFiles: ReadonlyMap<string, string>;
}

let last: { readonly text: string; readonly parsed: Promise<Parsed> } | undefined;

/** Many clusters share one file, and parsing a large one takes a tenth of a second: the last one is kept. */
function parseOnce(text: string): Promise<Parsed> {
  if (last?.text !== text) last = { text, parsed: parseConfig(text) };
  return last.parsed;
}

async function parseConfig(text: string): Promise<Parsed> {
  const document = parseDocument(text);
  const tokenFiles = takeTokenFiles(document);
  return { config: await loadConfig(document), tokenFiles };
}

function parseDocument(text: string): Fields {
  if (text.length > KUBECONFIG_CHARS_MAX) {
    throw new CredentialError('KUBECONFIG_MALFORMED', `longer than ${KUBECONFIG_CHARS_MAX} characters`);
  }
  try {
    const document: unknown = parse(text, { maxAliasCount: ALIASES_MAX, logLevel: 'error' });
    if (typeof document === 'object' && document !== null && !Array.isArray(document))
      return document as Fields;
  } catch (error) {
    // The message of a YAML error quotes the line, which may hold a key: only its place is passed on.
    const place = (error as { linePos?: readonly { line: number }[] }).linePos?.[0]?.line;
    throw new CredentialError(
      'KUBECONFIG_MALFORMED',
      place === undefined ? 'no YAML' : `no YAML in line ${place}`,
    );
  }
  throw new CredentialError('KUBECONFIG_MALFORMED', 'no mapping');
}

/** Removes `tokenFile` and `token-file` of each user: the package would read the second while it parses. */
function takeTokenFiles(document: Fields): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of listOf(document['users'])) {
    const user = fieldsOf(entry['user']);
    const path = user['tokenFile'] ?? user['token-file'];
    delete user['tokenFile'];
    delete user['token-file'];
    if (typeof path === 'string' && typeof entry['name'] === 'string') found.set(entry['name'], path);
  }
  return found;
}

async function loadConfig(document: Fields): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    // JSON is YAML: what the package parses is what has been looked through here.
    config.loadFromString(JSON.stringify(document));
  } catch (error) {
    throw new CredentialError('KUBECONFIG_MALFORMED', (error as Error).message);
  }
  return config;
}

function clusterPart(cluster: Cluster, rules: AccessRules): Pick<ClusterAccess, 'server' | 'insecure'> {
  if (cluster.proxyUrl !== undefined)
    throw new CredentialError('NOT_SUPPORTED', 'proxy-url is not supported');
  if (cluster.skipTLSVerify && !rules.allowInsecure) {
    throw new CredentialError(
      'INSECURE_NOT_ALLOWED',
      'insecure-skip-tls-verify is set and allowInsecure is not',
    );
  }
  const ca = material(cluster.caData, cluster.caFile, 'certificate-authority', rules);
  return {
    server: checkServer(String(cluster.server), rules),
    insecure: cluster.skipTLSVerify,
    ...(ca === undefined ? {} : { ca }),
    ...(cluster.tlsServerName === undefined ? {} : { tlsServerName: String(cluster.tlsServerName) }),
  };
}

function userPart(user: User, tokenFile: string | undefined, rules: AccessRules): Partial<ClusterAccess> {
  refuseUnsupported(user);
  const clientCertificate = material(user.certData, user.certFile, 'client-certificate', rules);
  const clientKey = material(user.keyData, user.keyFile, 'client-key', rules);
  // kubectl prefers tokenFile over token too: the file is the one that rotates.
  const token =
    tokenFile === undefined ? textMaterial(user.token) : fileMaterial(tokenFile, 'tokenFile', rules);
  const exec = user.exec === undefined || user.exec === null ? undefined : readExec(user.exec, rules);
  return {
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(token === undefined ? {} : { token }),
    ...(exec === undefined ? {} : { exec }),
  };
}

function refuseUnsupported(user: User): void {
  const wrong = [
    [user.authProvider, 'auth-provider: use an exec plugin'],
    [user.username ?? user.password, 'username and password: API servers no longer take them'],
    [user.impersonateUser, 'as: give the user of the kubeconfig the permissions instead'],
  ].find(([value]) => value !== undefined && value !== null);
  if (wrong !== undefined) throw new CredentialError('NOT_SUPPORTED', `not supported: ${String(wrong[1])}`);
}

function material(
  base64: string | undefined | null,
  path: string | undefined | null,
  field: string,
  rules: AccessRules,
): Material | undefined {
  if (typeof base64 === 'string')
    return { kind: 'text', text: Buffer.from(base64, 'base64').toString('utf8') };
  return typeof path === 'string' ? fileMaterial(path, field, rules) : undefined;
}

function textMaterial(text: string | undefined | null): Material | undefined {
  return typeof text === 'string' && text !== '' ? { kind: 'text', text } : undefined;
}

function fileMaterial(path: string, field: string, { directory }: AccessRules): Material {
  if (directory === undefined) {
    throw new CredentialError('FILE_NOT_ALLOWED', `${field} names a file, and this kubeconfig may not`);
  }
  return { kind: 'file', path: resolve(directory, path) };
}

function readExec(value: unknown, rules: AccessRules): ExecSettings {
  const exec = fieldsOf(value);
  const command = typeof exec['command'] === 'string' ? exec['command'] : '';
  if (rules.exec === 'off') {
    throw new CredentialError('EXEC_NOT_ALLOWED', 'an exec plugin, and this kubeconfig may not have one');
  }
  if (!isAbsolute(command) && !rules.exec.allowed.includes(command)) {
    const name = JSON.stringify(command.slice(0, 128));
    throw new CredentialError(
      'EXEC_NOT_ALLOWED',
      `exec plugin ${name} is no absolute path and not in execAllowed`,
    );
  }
  if (exec['interactiveMode'] === 'Always') {
    throw new CredentialError(
      'EXEC_NOT_ALLOWED',
      'the exec plugin wants a terminal (interactiveMode: Always)',
    );
  }
  return {
    apiVersion: String(exec['apiVersion']),
    command,
    args: listOrEmpty(exec['args']).slice(0, EXEC_ARGS_MAX).map(String),
    env: Object.fromEntries(
      listOf(exec['env']).map((entry) => [String(entry['name']), String(entry['value'])]),
    ),
    provideClusterInfo: exec['provideClusterInfo'] === true,
  };
}

function listOrEmpty(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function listOf(value: unknown): Fields[] {
  return listOrEmpty(value).map(fieldsOf);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
