/**
 * What the server must know of the domain itself to compose SOA records and negative answers: plain data that is handed to each worker once, since it changes only with the configuration.
 */
import { encodeName, encodeNameLower, isWithin } from './names.ts';

/** A name in RDATA, split so that the part it shares with the domain can be a compression pointer. */
export interface ApexName {
  /** Labels in wire form, up to the domain or up to and with the root label. */
  readonly labels: Uint8Array;
  /** Whether the domain's name follows the labels. */
  readonly inDomain: boolean;
}

/** The domain as the server needs it. */
export interface Apex {
  /** Lower-case wire form with root label. */
  readonly domain: Uint8Array;
  /** MNAME of the SOA record: the first name server. */
  readonly primary: ApexName;
  readonly hostmaster: ApexName;
  /** TTL of NS and SOA in seconds. */
  readonly ttlSeconds: number;
  /** TTL of negative answers that may be wrong the next moment: names that are not known, Services that are down. */
  readonly negativeTtlSeconds: number;
  /**
   * TTL of NODATA that no change of health ends: empty non-terminals, types that a name with addresses does not have. Never
   * less than the other, and so the SOA's MINIMUM (RFC 2308 section 4).
   */
  readonly nodataTtlSeconds: number;
  /** Whether a Service without any healthy shard is NXDOMAIN at its global name instead of NODATA. */
  readonly nxdomainWhenNoneHealthy: boolean;
  /** Clusters may bring any name of the domain: hosts of Ingresses and Gateways are answered for. */
  readonly hasHosts: boolean;
  /** Names of the federations, each a label in lower-case wire form; undefined: any may be one. */
  readonly federations?: readonly Uint8Array[];
}

/**
 * Timers of the SOA record in seconds. Secondaries are told of changes, so these only matter when that fails:
 * refresh and retry are short because an answer may change at any moment, expire is a week (RFC 1912 section 2.2).
 */
export const SOA_REFRESH_SECONDS = 300;
export const SOA_RETRY_SECONDS = 60;
export const SOA_EXPIRE_SECONDS = 604800;

/** Makes the apex data from names in text. */
export function makeApex(options: {
  readonly domain: string;
  readonly primary: string;
  readonly hostmaster: string;
  readonly ttlSeconds: number;
  readonly negativeTtlSeconds: number;
  /** Default: as the other. */
  readonly nodataTtlSeconds?: number;
  readonly nxdomainWhenNoneHealthy: boolean;
  readonly hasHosts?: boolean;
  readonly federations?: readonly string[];
}): Apex {
  const { domain, primary, hostmaster, negativeTtlSeconds } = options;
  return {
    domain: encodeNameLower(domain),
    primary: splitName(primary, domain),
    hostmaster: splitName(hostmaster, domain),
    ttlSeconds: options.ttlSeconds,
    negativeTtlSeconds,
    nodataTtlSeconds: Math.max(options.nodataTtlSeconds ?? 0, negativeTtlSeconds),
    nxdomainWhenNoneHealthy: options.nxdomainWhenNoneHealthy,
    hasHosts: options.hasHosts ?? false,
    ...(options.federations && {
      federations: options.federations.map((name) => encodeNameLower(name).subarray(0, -1)),
    }),
  };
}

function splitName(name: string, domain: string): ApexName {
  const inDomain = isWithin(name, domain);
  const wireName = encodeName(name);
  return {
    labels: wireName.subarray(0, wireName.length - (inDomain ? encodeName(domain).length : 0)),
    inDomain,
  };
}
