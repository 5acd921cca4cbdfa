/**
 * Which proxy leads to an API server: the kubeconfig's `proxy-url`, else what the environment says in `HTTPS_PROXY`,
 * `HTTP_PROXY` and `NO_PROXY`, read as Go programs such as kubectl read them. How one is spoken to is in
 * api/proxy-agent.ts.
 */

import { BlockList, isIP } from 'node:net';
import { CredentialError } from './cluster-access.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const SCHEMES = new Set(['http:', 'https:', 'socks5:']);
/** Entries of NO_PROXY that are looked at. */
const ENTRIES_MAX = 1000;

/** @throws CredentialError when it is no URL of a proxy that kubectl would use */
export function parseProxyUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !SCHEMES.has(url.protocol) || url.hostname === '') {
    // Not quoted: it may hold a password.
    throw new CredentialError('NOT_SUPPORTED', 'is no URL of a proxy: it begins with http, https or socks5');
  }
  return url;
}

/** The proxy as people know it, without its password. */
export function proxyName(proxy: URL): string {
  return `${proxy.protocol}//${proxy.host}`;
}

/** @returns undefined: the server is reached directly */
export function proxyFor(server: URL, env: Environment): URL | undefined {
  const key = server.protocol === 'http:' ? 'HTTP_PROXY' : 'HTTPS_PROXY';
  const text = env[key] || env[key.toLowerCase()] || '';
  if (text === '') return undefined;
  const proxy = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (proxy === null || !(SCHEMES.has(proxy.protocol) || proxy.protocol === 'socks5h:')) return undefined;
  return isExempt(server, env['NO_PROXY'] || env['no_proxy'] || '') ? undefined : proxy;
}

/** This machine itself is never reached by a proxy of the environment. */
function isExempt(server: URL, noProxy: string): boolean {
  const host = server.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || isLoopback(host)) return true;
  const port = server.port === '' ? (server.protocol === 'http:' ? '80' : '443') : server.port;
  return noProxy
    .split(',')
    .slice(0, ENTRIES_MAX)
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && matches(entry, host, port));
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isIP(host) !== 0 && isInNetwork(entry, host);
  const { name, only } = splitPort(entry);
  if (name === '' || (only !== '' && only !== port)) return false;
  if (isIP(name) !== 0) return name === host;
  if (isIP(host) !== 0) return false;
  const suffix = name.startsWith('*.') ? name.slice(1) : name;
  return suffix.startsWith('.') ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`);
}

function splitPort(entry: string): { readonly name: string; readonly only: string } {
  const found = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(entry);
  if (found === null) return { name: entry.replace(/^\[|\]$/g, ''), only: '' };
  return { name: found[1] ?? found[2] ?? '', only: found[3]! };
}

function isInNetwork(entry: string, host: string): boolean {
  const [address = '', bits = ''] = entry.split('/');
  const family = isIP(address);
  if (
    family === 0 ||
    family !== isIP(host) ||
    !/^\d+$/.test(bits) ||
    Number(bits) > (family === 4 ? 32 : 128)
  )
    return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
