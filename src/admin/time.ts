/** Owns how a time stands in a query string. */

/** For messages. */
export const TIME_FORM = 'RFC 3339, or milliseconds since the epoch';

/** Milliseconds since the epoch; NaN: not a time. */
export function timeOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  return /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
}
