/**
 * When credentials end: what a token (JWT, RFC 7519) or a client certificate says of it, and when an operator is to
 * be told, which is before it happens. What is told where is decided by the source of the cluster.
 */

import { certificatesIn } from './pem.ts';

/** The end of one credential. Times are in milliseconds since the epoch. */
export interface Expiry {
  readonly what: 'token' | 'client certificate';
  readonly endsMs: number;
  /** From then on it is worth a warning. */
  readonly warnMs: number;
}

/**
 * Share of a credential's life that is left when it is warned of: of a year ten weeks. A mounted token is replaced by
 * the kubelet when a fifth is left, so that files are only warned of when that has not happened.
 */
const WARN_SHARE = 0.2;
const WARN_SHARE_OF_FILES = 0.1;
/** Where only the end is told: as for a life of ten days. */
const LIFE_MS_ASSUMED = 10 * 86_400_000;

/** A credential and whether it is a file, which somebody may renew. */
export interface Aging {
  readonly text: string | undefined;
  readonly isFile: boolean;
}

/** The credential that ends first; undefined when none tells its end. */
export function expiryOf(token: Aging, certificate: Aging): Expiry | undefined {
  const ends = [tokenExpiry(token), certificateExpiry(certificate)].filter((end) => end !== undefined);
  return ends.toSorted((a, b) => a.endsMs - b.endsMs)[0];
}

function tokenExpiry({ text, isFile }: Aging): Expiry | undefined {
  const claims = claimsOf(text ?? '');
  const endsMs = secondsToMs(claims?.['exp']);
  if (endsMs === undefined) return undefined;
  const begunMs = secondsToMs(claims?.['iat']) ?? secondsToMs(claims?.['nbf']) ?? endsMs - LIFE_MS_ASSUMED;
  return { what: 'token', endsMs, warnMs: warnAt(begunMs, endsMs, isFile) };
}

/** Read and not checked: whether it is true is the API server's to say. */
function claimsOf(token: string): Record<string, unknown> | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function secondsToMs(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value * 1000 : undefined;
}

/** The first certificate is the client's own; those after it lead to the authority. */
function certificateExpiry({ text, isFile }: Aging): Expiry | undefined {
  const certificate = text === undefined ? undefined : certificatesIn(text)[0];
  if (certificate === undefined) return undefined;
  const endsMs = certificate.validToDate.getTime();
  return {
    what: 'client certificate',
    endsMs,
    warnMs: warnAt(certificate.validFromDate.getTime(), endsMs, isFile),
  };
}

function warnAt(begunMs: number, endsMs: number, isFile: boolean): number {
  const lifeMs = Math.max(0, endsMs - begunMs);
  return endsMs - lifeMs * (isFile ? WARN_SHARE_OF_FILES : WARN_SHARE);
}
