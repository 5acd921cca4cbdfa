/**
 * Tells whether an API server has reached the version that a watch is to go on from. A watch from a version to come is
 * answered with 200 and silence, and what happens up to that version is never told: after etcd was restored from a
 * backup, or a load balancer went over to a server that lags behind, a watch would be deaf without any sign of it.
 * A list with `resourceVersionMatch=NotOlderThan` answers 504 in that case, after 3 s of waiting.
 */

import { ApiError, asApiError } from '../api-error.ts';
import { readListVersion, type ListContext } from './list-pages.ts';

/** The message that goes with the cause `ResourceVersionTooLarge`, in lists and within watches. */
export const TOO_LARGE_VERSION = /too large resource version/i;

/**
 * @throws ApiError `HISTORY` when the server is at an earlier version; others as for any list. A server that does not
 *   understand the question is taken to be where it was
 */
export async function checkReached<T>(context: ListContext<T>, resourceVersion: string): Promise<void> {
  const version = encodeURIComponent(resourceVersion);
  const query = `limit=1&resourceVersion=${version}&resourceVersionMatch=NotOlderThan`;
  const current = await readListVersion(context, query).catch((error: unknown) => explain(error));
  if (current === undefined || !isEarlier(current, resourceVersion)) return;
  throw new ApiError('HISTORY', `the server is at version ${current}, before ${resourceVersion}`);
}

function explain(error: unknown): undefined {
  const { code, status, message } = asApiError(error, 'NOT_JSON');
  if (TOO_LARGE_VERSION.test(message)) throw new ApiError('HISTORY', message, { status: status ?? 0 });
  if (code === 'STATUS' && (status === 400 || status === 422)) return undefined;
  throw error;
}

/**
 * Whether one version of a resource comes before another. Versions are decimal numbers without leading zeros, of any
 * length (KEP-5504); of what looks otherwise nothing can be told.
 */
export function isEarlier(a: string, b: string): boolean {
  if (!VERSION.test(a) || !VERSION.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}

const VERSION = /^[1-9][0-9]*$/;
