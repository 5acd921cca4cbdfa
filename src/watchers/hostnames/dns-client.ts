/**
 * One question to one recursive resolver, for load-balancer hostnames. The sockets are those of dns-exchange.ts: dns2's own
 * client checks neither the question nor, over TCP, the id, waits there without limit and splits IPv6 addresses at their
 * colons. dns2 encodes and decodes; what it decodes is bounded first, because it follows pointer chains of any length.
 * Whom to ask when, and what becomes of the answer, is left to hostname-resolver.ts.
 */

import { randomInt } from 'node:crypto';
import { Packet } from 'dns2';
import { isWithin } from '../../zonebuilder/names.ts';
import { exchangeTcp, exchangeUdp } from './dns-exchange.ts';
import type { ResolverAddress } from './resolv-conf.ts';

/** What a resolver said. */
export type LookupReply =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly ttlSeconds: number }
  /** NODATA or NXDOMAIN, or a chain that may not be followed. */
  | { readonly kind: 'empty'; readonly message: string }
  /** No answer, or none that can be used: ask another resolver. */
  | { readonly kind: 'failure'; readonly message: string };

export interface LookupOptions {
  readonly hostname: string;
  readonly family: 'A' | 'AAAA';
  readonly resolver: ResolverAddress;
  /** For UDP, and again for TCP where the reply was truncated. */
  readonly timeoutMs: number;
  /** The served domain: a CNAME into it would make fedns ask itself. */
  readonly domain: string;
}

type Answer = Packet['answers'][number];

/** Records of an answer section. */
const ANSWERS_MAX = 128;
/** Addresses taken of one reply. */
const ADDRESSES_MAX = 64;
/** CNAME records followed, as BIND and Unbound follow 8 to 16. */
const CHAIN_MAX = 11;
const TC = 0x02;

/** Asks one question. Never rejects. */
export async function lookup(options: LookupOptions): Promise<LookupReply> {
  try {
    const exchange = { query: encodeQuery(options), server: options.resolver, timeoutMs: options.timeoutMs };
    const reply = await exchangeUdp(exchange);
    const whole = (reply[2]! & TC) === 0 ? reply : await exchangeTcp(exchange);
    return readReply(whole, options);
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error));
  }
}

/** Without EDNS: what does not fit 512 octets comes over TCP, and every resolver understands it. */
function encodeQuery({ hostname, family }: LookupOptions): Buffer {
  const packet = new Packet();
  // The port is the kernel's choice per socket, the id random: both must be guessed (RFC 5452 section 4).
  packet.header.id = randomInt(0x10000);
  packet.header.rd = 1;
  packet.questions.push(new Packet.Question(hostname, Packet.TYPE[family], Packet.CLASS.IN));
  return packet.toBuffer();
}

function readReply(message: Buffer, options: LookupOptions): LookupReply {
  const rcode = message[3]! & 0x0f;
  if (rcode === Packet.RCODE.NXDOMAIN)
    return { kind: 'empty', message: 'the name does not exist (NXDOMAIN)' };
  if (rcode !== Packet.RCODE.NOERROR) return failure(`RCODE ${rcode}`);
  if (message.readUInt16BE(6) > ANSWERS_MAX) return failure(`more than ${ANSWERS_MAX} answers`);
  const packet = Packet.parse(answersOnly(message));
  if (packet.errors.length > 0) return failure(packet.errors[0]!.message);
  return followChain(packet.answers, options);
}

/** The other sections say nothing of use here, and what is not announced is not decoded. */
function answersOnly(message: Buffer): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt32BE(0, 8);
  return copy;
}

/** From the hostname along its CNAME records to the addresses. Records of any other name are passed over. */
function followChain(answers: readonly Answer[], options: LookupOptions): LookupReply {
  let name = options.hostname;
  let ttlSeconds = Infinity;
  for (let links = 0; links <= CHAIN_MAX; links++) {
    const owned = answers.filter((record) => record.class === Packet.CLASS.IN && sameName(record.name, name));
    const records = owned.filter((record) => record.type === Packet.TYPE[options.family]);
    if (records.length > 0) return addressesOf(records, ttlSeconds);
    const alias = owned.find((record) => record.type === Packet.TYPE.CNAME);
    const target = (alias as { domain?: unknown } | undefined)?.domain;
    if (alias === undefined || typeof target !== 'string') {
      return { kind: 'empty', message: `${name} has no ${options.family} record` };
    }
    name = target.toLowerCase();
    ttlSeconds = Math.min(ttlSeconds, alias.ttl);
    if (isWithin(name, options.domain)) {
      return { kind: 'empty', message: `its alias ${name} is inside the served domain` };
    }
  }
  return failure(`more than ${CHAIN_MAX} CNAME records in a row`);
}

function addressesOf(records: readonly Answer[], aliasTtlSeconds: number): LookupReply {
  const ttlSeconds = records.reduce((least, { ttl }) => Math.min(least, ttl), aliasTtlSeconds);
  const addresses = records
    .slice(0, ADDRESSES_MAX)
    .map((record) => String((record as { address?: unknown }).address));
  return { kind: 'addresses', addresses: [...new Set(addresses)].toSorted(), ttlSeconds };
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b;
}

function failure(message: string): LookupReply {
  return { kind: 'failure', message };
}
