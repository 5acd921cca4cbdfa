/**
 * The connections of one API server: directly or through a proxy, with its certificates. The only file that knows the
 * packages for proxies. What is asked over these connections is in api-client.ts; which proxy it is, in
 * credentials/proxy.ts.
 */

import { Agent as HttpAgent, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { SocksProxyAgent } from 'socks-proxy-agent';
import type { ApiAccess } from '../credentials/credentials.ts';

export type ApiAgent = HttpAgent | HttpsAgent;

export interface PoolLimits {
  readonly maxSockets: number;
  readonly maxFreeSockets: number;
}

/** Opens connections of one {@link ApiAccess}. @throws when its certificates cannot be used */
export function makeAgent(access: ApiAccess, limits: PoolLimits): ApiAgent {
  const settings = { keepAlive: true, ...limits };
  const { proxy, server } = access;
  if (proxy === undefined)
    return server.protocol === 'http:' ? new HttpAgent(settings) : new HttpsAgent(settings);
  if (proxy.protocol.startsWith('socks')) return new SocksProxyAgent(nameAtProxy(proxy), settings);
  return new TunnelAgent(proxy, { ...settings, ...proxyTls(access) });
}

/**
 * The certificates to show and to trust. Without a CA of its own a cluster is trusted as browsers and kubectl do, by
 * what is installed on the machine, and by the list that Node brings for machines that have none.
 */
export function makeContext({ ca, cert, key }: ApiAccess['tls']): SecureContext {
  return createSecureContext({
    ca: ca ?? systemRoots(),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  });
}

function systemRoots(): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])];
}

/** A proxy that is spoken to over TLS is trusted as the cluster is, or as the machine does; it is shown no certificate. */
function proxyTls({ proxy, tls }: ApiAccess): object {
  if (proxy?.protocol !== 'https:') return {};
  const trusted = tls.ca === undefined ? systemRoots() : [tls.ca, ...systemRoots()];
  return { ca: trusted, rejectUnauthorized: tls.rejectUnauthorized };
}

/** kubectl leaves names to SOCKS proxies, which often alone can resolve them; this package says so in the scheme. */
function nameAtProxy(proxy: URL): string {
  return proxy.href.replace(/^socks5:/, 'socks5h:');
}

/** Says to the tunnel of a request that nobody waits for it any more: Node says so of connections only. */
const GONE = Symbol('gone');

/** Ends a request, also one whose tunnel is still being dug. */
export function endRequest(request: ClientRequest, error: Error): void {
  request.destroy(error);
  request.emit(GONE);
}

/** The package waits for a silent proxy without end: here the tunnel under way ends with its request. */
class TunnelAgent extends HttpsProxyAgent<string> {
  override async connect(
    ...[request, options]: Parameters<HttpsProxyAgent<string>['connect']>
  ): ReturnType<HttpsProxyAgent<string>['connect']> {
    const gone = new AbortController();
    const end = (): void => gone.abort();
    if (request.destroyed) end();
    request.once(GONE, end);
    this.connectOpts = { ...this.connectOpts, signal: gone.signal };
    try {
      return await super.connect(request, options);
    } finally {
      request.off(GONE, end);
    }
  }
}
