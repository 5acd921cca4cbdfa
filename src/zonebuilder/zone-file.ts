/**
 * RRsets as the lines of a zone file (RFC 1035 section 5), for listings and for other name servers. What the RRsets
 * are is records.ts; here each record becomes one line that depends on no other.
 */
import type { RecordSet } from './records.ts';
import { decodeName, encodeName } from './names.ts';

/** Names that are the same in every reading; others are escaped anew. */
const PLAIN_NAME = /^[a-z0-9_*.-]+$/i;

/**
 * The lines, one record each: absolute owner, TTL, class, type and data, ending in a line feed. They are in the order
 * of the RRsets, so the SOA is first where it is the first of those.
 */
export function* zoneLines(sets: Iterable<RecordSet>): Generator<string> {
  for (const { name, type, ttlSeconds, data } of sets) {
    const owner = ownerText(name);
    for (const rdata of data) yield `${owner}\t${ttlSeconds}\tIN\t${type}\t${rdata}\n`;
  }
}

/** An owner as configured may hold what a zone file reads as a comment, a group, the origin or a directive. */
function ownerText(name: string): string {
  if (PLAIN_NAME.test(name)) return name;
  const text = decodeName(encodeName(name));
  return text === '.' ? text : `${text}.`;
}
