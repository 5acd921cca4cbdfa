/** Owns how routes send something long: in which form, and how many at a time. */

import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { JSON_LIST, NDJSON, slicesOf, type Listing } from './listing.ts';
import { sendError, sendSlices } from './reply.ts';
import type { Route, RouteContext } from './route.ts';
import { listingLine } from './schemas-views.ts';

/** Listings at a time, so that readers in no hurry leave connections for scrapers and the kubelet. */
const LISTINGS_MAX = 16;

/** What a listing is sent as. */
export const listed = (row: z.ZodType): Route['replies'] => ({
  [JSON_LIST.mediaType]: z.array(row),
  [NDJSON.mediaType]: listingLine(row),
});
export const TOO_MANY_LISTINGS: NonNullable<Route['otherReplies']> = {
  503: { about: 'Too many listings are being read already.' },
};

/** Sends something long, as NDJSON to whoever asks for that. */
export async function sendListing(
  { listings }: RouteContext,
  response: ServerResponse,
  listing: Listing<unknown>,
): Promise<void> {
  if (listings.count >= LISTINGS_MAX)
    return sendError(response, 503, `${listings.count} listings are being read already`);
  const isNdjson = response.req.headers.accept?.includes(NDJSON.mediaType) === true;
  const form = isNdjson ? NDJSON : JSON_LIST;
  listings.count++;
  try {
    await sendSlices(response, form.mediaType, slicesOf(listing, form));
  } finally {
    listings.count--;
  }
}
