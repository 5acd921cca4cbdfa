/** Says what is wrong with a reply, knowing nothing of the server but its domain and the RFCs. */
import { Transport } from '../../src/server/responder.ts';
import { decodeStrictly, type DecodedMessage, type DecodedRecord } from './strict-decoder.ts';

/** RCODEs that this server has a use for. */
const RCODES: ReadonlySet<number> = new Set([0, 1, 2, 3, 4, 5, 16, 23]);
const CHAOS = 3;
const DOMAIN = 'example.com.';
/** Largest UDP reply to a query with EDNS, and without. */
const EDNS_OCTETS = 1232;
const PLAIN_OCTETS = 512;

/**
 * Judges the reply to a query.
 *
 * @param reply - undefined when there was none
 * @returns what is wrong; undefined: nothing
 */
export function faultOf(
  query: Uint8Array,
  reply: Uint8Array | undefined,
  transport: Transport,
): string | undefined {
  const mustBeSilent = query.length < 12 || (query[2]! & 0x80) !== 0;
  if (mustBeSilent) return reply === undefined ? undefined : 'a reply to what has none';
  if (reply === undefined) return 'no reply';
  let message;
  try {
    message = decodeStrictly(reply);
  } catch (error) {
    return (error as Error).message;
  }
  return headerFault(query, message) ?? questionFault(query, message) ?? bodyFault(reply, message, transport);
}

function headerFault(
  query: Uint8Array,
  { id, flags, opcode, rcode, opt }: DecodedMessage,
): string | undefined {
  if (id !== ((query[0]! << 8) | query[1]!)) return 'another ID';
  if ((flags & 0x8000) === 0) return 'QR is clear';
  if (opcode !== ((query[2]! >> 3) & 15)) return 'another opcode';
  if ((flags & 0x00f0) !== 0) return 'RA, Z, AD or CD is set';
  if ((flags & 0x0100) !== 0 && (query[2]! & 1) === 0) return 'RD is set and was not';
  if (!RCODES.has(rcode)) return `RCODE ${rcode}`;
  if (opt && (opt.version !== 0 || (opt.flags & 0x7fff) !== 0)) return 'EDNS version or flags';
  return undefined;
}

function questionFault(query: Uint8Array, { question, answers }: DecodedMessage): string | undefined {
  if (!question) return answers.length > 0 ? 'answers without a question' : undefined;
  const asked = query.subarray(12, 12 + question.octets.length);
  return Buffer.compare(asked, question.octets) === 0 ? undefined : 'another question';
}

function bodyFault(reply: Uint8Array, message: DecodedMessage, transport: Transport): string | undefined {
  const { answers, authorities, additionals, rcode, question } = message;
  const limit = message.opt ? EDNS_OCTETS : PLAIN_OCTETS;
  if (transport === Transport.udp && reply.length > limit) return `${reply.length} octets over UDP`;
  for (const record of [...answers, ...authorities, ...additionals]) {
    if (!isOurs(record)) return `a record of ${record.owner}`;
  }
  const isError = rcode !== 0 && rcode !== 3;
  if (isError && answers.length + authorities.length + additionals.length > 0) return 'records with an error';
  const first = answers[0];
  if (first && first.owner !== question!.name) return `the first answer is of ${first.owner}`;
  return negativeFault(message);
}

/** RFC 2308: a negative answer has the SOA and no answer, aliases aside; a referral has neither. */
function negativeFault({ answers, authorities, rcode, flags }: DecodedMessage): string | undefined {
  const hasSoa = authorities.some(({ type }) => type === 6);
  const isAuthoritative = (flags & 0x0400) !== 0;
  if (rcode === 3 && answers.some(({ type }) => type !== 5)) return 'NXDOMAIN with an answer';
  if (rcode === 3 && !hasSoa && (flags & 0x0200) === 0) return 'NXDOMAIN without SOA';
  if (hasSoa && !isAuthoritative) return 'SOA without AA';
  if (authorities.some(({ type }) => type !== 6 && type !== 2)) return 'authority of another type';
  return undefined;
}

function isOurs({ owner, class: klass }: DecodedRecord): boolean {
  if (klass === CHAOS) return owner.endsWith('.bind.') || owner.endsWith('.server.');
  return owner === DOMAIN || owner.endsWith(`.${DOMAIN}`);
}
