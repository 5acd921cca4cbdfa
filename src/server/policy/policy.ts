/**
 * What the operator decides about queries besides the data: who is answered, how often, what is told of the server itself.
 * The settings travel to each worker as {@link QueryPolicy}; the responder works with the {@link OpenPolicy} made of it.
 */
import type { RateLimitSettings } from '../../config/settings.ts';
import { compileAccess, compileNetworks, type AccessTable, type NetworkSet } from './access.ts';
import { openCookieSecrets, type CookieSecrets } from './cookies.ts';
import { openTransferAccess, type TransferAccess, type TransferPolicy } from './transfer-access.ts';
import { openRateLimiter, type RateLimiter } from './rate-limit.ts';

/** Structured-cloneable; the memories are shared by all workers. */
export interface QueryPolicy {
  /** Clients that are answered, as CIDR text: those in `allow` (empty: all) and not in `deny`. Others are REFUSED. */
  readonly access: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** DNS cookies (RFC 7873), from createCookieMemory; absent: the option is ignored. */
  readonly cookies?: {
    readonly memory: SharedArrayBuffer;
    /** Over UDP only clients that show a valid cookie get answers; others BADCOOKIE, or TC where they know no cookies. */
    readonly required: boolean;
  };
  /** Response rate limiting, from createRateLimitMemory; absent: off. */
  readonly rateLimit?: { readonly memory: SharedArrayBuffer; readonly settings: RateLimitSettings };
  /** Where clients are; absent: nobody is known. */
  readonly geo?: GeoPolicy;
  /** Who may have the zone whole, and which keys are known; absent: nobody, none. */
  readonly transfer?: TransferPolicy;
  /** What a client that asks with NSID is told (RFC 5001), at most {@link NSID_OCTETS_MAX}; empty: nothing. */
  readonly nsid: string;
  /** Answers to `version.bind` and `version.server`, to `hostname.bind` and `id.server`; empty: REFUSED (RFC 4892). */
  readonly chaos: { readonly version: string; readonly id: string };
}

/** What is known of where clients are. */
export interface GeoPolicy {
  /** Tables that src/geo/compile.ts made; swapped as a whole. Absent: none, or none yet. */
  readonly memory?: SharedArrayBuffer;
  /** Resolvers whose client subnets are believed (RFC 7871), as CIDR text. */
  readonly trust: readonly string[];
}

/** As a responder works with it. */
export interface OpenPolicy {
  readonly hasAccess: boolean;
  readonly access: AccessTable;
  readonly cookies: CookieSecrets | undefined;
  readonly cookiesRequired: boolean;
  readonly rateLimiter: RateLimiter | undefined;
  readonly geoMemory: SharedArrayBuffer | undefined;
  readonly trust: NetworkSet;
  readonly transfer: TransferAccess;
  readonly nsid: Uint8Array;
  readonly version: Uint8Array;
  readonly id: Uint8Array;
}

/** Longest NSID in octets: it must fit beside every other option in a reply of 512 octets. */
export const NSID_OCTETS_MAX = 64;
/** Longest text of a character string (RFC 1035 section 3.3). */
export const CHAOS_OCTETS_MAX = 255;

const NO_TRANSFERS: TransferPolicy = { keys: [], allow: [], tls: 'allow' };

/** Everyone is answered, nothing is limited, nothing is told. */
export const EMPTY_POLICY: QueryPolicy = {
  access: { allow: [], deny: [] },
  nsid: '',
  chaos: { version: '', id: '' },
};

/**
 * Makes a worker's view of the policy.
 *
 * @throws NetworkError when a network is none
 */
export function openPolicy(policy: QueryPolicy): OpenPolicy {
  const { access, cookies, rateLimit, geo, transfer, nsid, chaos } = policy;
  return {
    hasAccess: access.allow.length + access.deny.length > 0,
    access: compileAccess(access),
    cookies: cookies && openCookieSecrets(cookies.memory),
    cookiesRequired: cookies?.required ?? false,
    rateLimiter: rateLimit && openRateLimiter(rateLimit.memory, rateLimit.settings),
    geoMemory: geo?.memory,
    trust: compileNetworks(geo?.trust ?? []),
    transfer: openTransferAccess(transfer ?? NO_TRANSFERS),
    nsid: Buffer.from(nsid, 'utf8').subarray(0, NSID_OCTETS_MAX),
    version: Buffer.from(chaos.version, 'utf8').subarray(0, CHAOS_OCTETS_MAX),
    id: Buffer.from(chaos.id, 'utf8').subarray(0, CHAOS_OCTETS_MAX),
  };
}
