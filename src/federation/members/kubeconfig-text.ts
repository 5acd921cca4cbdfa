/** Writes a kubeconfig with one server and one token, as Secrets of members and the files of `--write` hold it. */

import { stringify } from 'yaml';
import type { ClusterAccess } from '../../watchers/credentials/cluster-access.ts';
import { FederationError } from './federation-error.ts';

/** Where the server is and how it is known, without who asks. */
export interface ServerAddress {
  readonly server: URL;
  /** PEM; absent: as machines trust servers of the internet. */
  readonly ca?: string;
  readonly tlsServerName?: string;
  readonly proxy?: URL;
}

/**
 * @param ca - of the access, as PEM
 * @throws FederationError `NOT_KEEPABLE` for what fedns refuses of a Secret
 */
export function addressOf(
  { server, insecure, tlsServerName, proxy }: ClusterAccess,
  ca: string | undefined,
): ServerAddress {
  if (insecure || server.protocol !== 'https:')
    throw new FederationError(
      'NOT_KEEPABLE',
      `${server.href} is reached without verified TLS, and no token is sent there: give its context https and certificate-authority-data`,
    );
  return {
    server,
    ...(ca !== undefined && { ca }),
    ...(tlsServerName !== undefined && { tlsServerName }),
    ...(proxy !== undefined && { proxy }),
  };
}

/** @param name - of cluster, user and context */
export function kubeconfigText(name: string, address: ServerAddress, token: string): string {
  const { server, ca, tlsServerName, proxy } = address;
  const cluster = {
    server: server.href.replace(/\/$/, ''),
    ...(ca !== undefined && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    ...(tlsServerName !== undefined && { 'tls-server-name': tlsServerName }),
    ...(proxy !== undefined && { 'proxy-url': proxy.href }),
  };
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      contexts: [{ name, context: { cluster: name, user: name } }],
      clusters: [{ name, cluster }],
      users: [{ name, user: { token } }],
    },
    { lineWidth: 0 },
  );
}
