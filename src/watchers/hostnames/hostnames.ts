/**
 * Load-balancer hostnames as names: which may be followed, and what following one looks like to the rest.
 * The look-ups themselves are in hostname-resolver.ts.
 */

import { isWithin } from '../../zonebuilder/names.ts';
import type { Finding } from '../refusals.ts';

/** Why a hostname does not resolve. */
export interface HostnameTrouble {
  readonly message: string;
  readonly sinceMs: number;
}

/** A hostname whose addresses are kept up to date in the background. */
export interface FollowedHostname {
  /** As last resolved; empty until the first answer. */
  readonly addresses: readonly string[];
  /** The least TTL in seconds that its addresses came with; undefined until an answer of this run. */
  readonly ttlSeconds?: number | undefined;
  /** Why it does not resolve at present, and since when (milliseconds since the epoch); undefined: it does. */
  readonly trouble?: HostnameTrouble | undefined;
  /** Ends it for this follower. */
  stop(): void;
}

/** Resolves hostnames in the background, for all clusters together. */
export interface HostnameFollower {
  /**
   * Starts to follow a hostname.
   *
   * @param hostname - lower case, without trailing dot
   * @param onChange - called after the addresses or their TTL have changed, never from within this call
   * @returns undefined where no further hostname can be followed
   */
  follow(hostname: string, onChange: () => void): FollowedHostname | undefined;
}

/** Domain suffixes; an empty `allow` allows any, `deny` wins. */
export interface HostnameFilter {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** A hostname that may be followed, or why not. */
export type HostnameCheck =
  { readonly ok: true; readonly hostname: string } | ({ readonly ok: false } & Finding);

/**
 * Checks a hostname that a load balancer publishes.
 *
 * @param domain - the served domain: a name inside it would make fedns ask itself
 */
export function checkHostname(text: string, filter: HostnameFilter, domain: string): HostnameCheck {
  const hostname = text.toLowerCase().replace(/\.$/, '');
  if (!isHostname(hostname)) return refuse('HOSTNAME_MALFORMED', `${quote(text)} is no hostname`);
  if (isWithin(hostname, domain)) {
    return refuse('HOSTNAME_IN_DOMAIN', `${hostname} is inside the served domain ${domain}`);
  }
  if (filter.deny.some((suffix) => isWithin(hostname, suffix))) {
    return refuse('HOSTNAME_FILTERED', `${hostname} is denied by the cluster's hostnames filter`);
  }
  if (filter.allow.length > 0 && !filter.allow.some((suffix) => isWithin(hostname, suffix))) {
    return refuse('HOSTNAME_FILTERED', `${hostname} is not allowed by the cluster's hostnames filter`);
  }
  return { ok: true, hostname };
}

/** RFC 1123 section 2.1, with the underscore that some providers use; a numeric last label would be an address. */
function isHostname(hostname: string): boolean {
  if (hostname.length === 0 || hostname.length > 253) return false;
  const labels = hostname.split('.');
  if (/^[0-9]+$/.test(labels.at(-1)!)) return false;
  return labels.every((label) => label.length <= 63 && /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?$/.test(label));
}

function refuse(code: string, message: string): HostnameCheck {
  return { ok: false, code, message };
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? text.slice(0, 64) + '…' : text);
}
