/**
 * Where a cluster's API is and how fedns proves who it is, as plain data: what a kubeconfig, a Secret or a service
 * account says, checked against what its origin may say. Files are named here and read in credentials.ts.
 */

import { join } from 'node:path';

/** Why credentials cannot be used. `code` is stable. */
export type CredentialErrorCode =
  | 'KUBECONFIG_UNREADABLE'
  | 'KUBECONFIG_MALFORMED'
  | 'CONTEXT_UNKNOWN'
  | 'SERVER_MALFORMED'
  | 'INSECURE_NOT_ALLOWED'
  | 'NOT_SUPPORTED'
  | 'FILE_NOT_ALLOWED'
  | 'FILE_UNREADABLE'
  | 'PEM_MALFORMED'
  | 'EXEC_NOT_ALLOWED'
  | 'EXEC_FAILED'
  | 'NOT_IN_CLUSTER';

export class CredentialError extends Error {
  readonly code: CredentialErrorCode;
  /** Line of the kubeconfig, from 1, where it is one of its lines. */
  readonly line: number | undefined;

  constructor(code: CredentialErrorCode, message: string, line?: number) {
    super(message);
    this.name = 'CredentialError';
    this.code = code;
    this.line = line;
  }
}

/** Octets held in memory, or a file to be read each time they are needed. */
export type Material =
  | { readonly kind: 'text'; readonly text: string; readonly field?: string }
  | { readonly kind: 'file'; readonly path: string; readonly field?: string };

/** An exec credential plugin (client.authentication.k8s.io). */
export interface ExecSettings {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly provideClusterInfo: boolean;
  /** What the kubeconfig says of how to get the program, for the error message when it is not there. */
  readonly installHint?: string;
  /** The cluster's extension `client.authentication.k8s.io/exec`, handed to the plugin as it is. */
  readonly config?: unknown;
}

/** Another user that the API server is asked to act as. */
export interface Impersonation {
  readonly user: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Everything needed to reach one API server. */
export interface ClusterAccess {
  readonly server: URL;
  readonly ca?: Material;
  readonly tlsServerName?: string;
  /** Whether the server's certificate goes unchecked. */
  readonly insecure: boolean;
  readonly clientCertificate?: Material;
  readonly clientKey?: Material;
  /** The way to the API server; absent: what the environment says of proxies. */
  readonly proxy?: URL;
  readonly token?: Material;
  /** Used while {@link token}, a file, cannot be read. */
  readonly fallbackToken?: string;
  /** `user:password` of HTTP basic authentication: API servers no longer take it, proxies before them may. */
  readonly basic?: string;
  readonly impersonate?: Impersonation;
  readonly exec?: ExecSettings;
  /** Why this is what was read earlier and not what stands there now. */
  readonly fault?: CredentialError;
}

/** What an origin may ask of the machine that fedns runs on. */
export interface AccessRules {
  /** Paths in it are relative to this folder; absent: no files at all. */
  readonly directory?: string;
  readonly allowInsecure: boolean;
  /** `off`: no exec plugins at all; `any`: whatever kubectl would run. */
  readonly exec: 'off' | 'any' | { readonly allowed: readonly string[] };
}

/** For credentials that came from a Secret: nothing of this machine is theirs to read or run. */
export const SECRET_RULES: AccessRules = { allowInsecure: false, exec: 'off' };

/**
 * Checks an API server's address.
 *
 * @throws CredentialError when it is no https URL (http only by explicit setting) or holds a password
 */
export function checkServer(text: string, rules: AccessRules): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new CredentialError('SERVER_MALFORMED', `${JSON.stringify(text.slice(0, 128))} is no https URL`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new CredentialError('SERVER_MALFORMED', 'the server URL holds a user name or password');
  }
  if (url.protocol === 'http:' && !rules.allowInsecure) {
    throw new CredentialError(
      'INSECURE_NOT_ALLOWED',
      `${url.origin} is not https and allowInsecure is not set`,
    );
  }
  return url;
}

/** Where a Pod finds its service account. */
export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The access of the cluster that fedns runs in, by its Pod's service account.
 *
 * @throws CredentialError when the environment is not that of a Pod
 */
export function inClusterAccess(
  env: Readonly<Record<string, string | undefined>>,
  folder: string = SERVICE_ACCOUNT_FOLDER,
): ClusterAccess {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (host === undefined || port === undefined) {
    throw new CredentialError('NOT_IN_CLUSTER', 'KUBERNETES_SERVICE_HOST and _PORT are not set');
  }
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    server: checkServer(server, SECRET_RULES),
    ca: { kind: 'file', path: join(folder, 'ca.crt') },
    insecure: false,
    token: { kind: 'file', path: join(folder, 'token') },
  };
}
