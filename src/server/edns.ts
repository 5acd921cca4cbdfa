/** Writes the OPT record of a reply (RFC 6891). What the query's OPT said is read in query.ts. */
import { Type } from '../zonebuilder/dns.ts';
import type { Exchange } from './exchange.ts';
import { write16 } from './write.ts';

/** Octets of an OPT record without options. */
const OPT_OCTETS = 11;
/** Octets of an extended error without text (RFC 8914 section 2). */
const EXTENDED_ERROR_OCTETS = 6;

/** Smallest payload size that counts; less is taken as this (RFC 6891 section 6.2.3). */
export const PAYLOAD_MIN = 512;

/** Extended DNS errors that fedns tells (RFC 8914 section 4). */
export const ExtendedError = { notReady: 14, notAuthoritative: 20, invalidQueryType: 30 } as const;

/** Octets to keep free for the OPT record of this reply. */
export function optOctets(x: Exchange): number {
  return x.hasOpt ? OPT_OCTETS + EXTENDED_ERROR_OCTETS : 0;
}

/** Writes OPT if the query had one (RFC 6891 section 7), with the upper bits of the RCODE. */
export function writeOpt(x: Exchange, payloadMax: number): void {
  if (!x.hasOpt) return;
  const { reply, at } = x;
  const hasError = x.extendedError >= 0;
  reply[at] = 0;
  write16(reply, at + 1, Type.OPT);
  write16(reply, at + 3, payloadMax);
  reply[at + 5] = x.rcode >>> 4;
  reply[at + 6] = 0;
  // Flags stay clear: there is nothing signed, so DO is not copied (RFC 3225 section 3).
  write16(reply, at + 7, 0);
  write16(reply, at + 9, hasError ? EXTENDED_ERROR_OCTETS : 0);
  x.at = at + OPT_OCTETS;
  if (hasError) writeExtendedError(x);
  x.additionals++;
}

function writeExtendedError(x: Exchange): void {
  write16(x.reply, x.at, 15);
  write16(x.reply, x.at + 2, 2);
  write16(x.reply, x.at + 4, x.extendedError);
  x.at += EXTENDED_ERROR_OCTETS;
}
