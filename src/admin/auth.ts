/** Owns who may change something through the admin server: whoever sends the token of the state folder. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Whether the request carries `Authorization: Bearer TOKEN` with the right token. Both sides are hashed first, so
 * that the comparison takes the same time whatever was sent.
 *
 * @param token - absent: nobody may
 */
export function isAuthorized(request: IncomingMessage, token: string | undefined): boolean {
  const sent = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined || sent === undefined) return false;
  return timingSafeEqual(digest(sent), digest(token));
}

/** For who is not: whether a token was sent that is another one. */
export function whyUnauthorized({ headers }: IncomingMessage): string {
  return headers.authorization === undefined
    ? 'the admin token is needed'
    : 'what was sent is not the admin token of this server';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
