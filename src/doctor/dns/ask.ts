/** One question to one DNS server, over the transport that is meant, as a value: a reply, or why there is none. */

import { randomInt } from 'node:crypto';
import { exchangeTcp, exchangeUdp } from '../../watchers/hostnames/dns-exchange.ts';
import type { ResolverAddress } from '../../watchers/hostnames/resolv-conf.ts';
import { decodeReply, type DnsReply, encodeQuestion, type Question } from './message.ts';

export const TRANSPORTS = ['UDP', 'TCP'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** What came of a question. */
export type Asked =
  | { readonly kind: 'reply'; readonly reply: DnsReply }
  /** `isUnreachable`: this machine has no way to the address at all, which says nothing of the server. */
  | { readonly kind: 'silence'; readonly message: string; readonly isUnreachable: boolean };

/** Asks a question; `patienceMs` in milliseconds for each try. Never rejects. */
export type Ask = (server: ResolverAddress, question: Question, transport: Transport) => Promise<Asked>;

/** A datagram may be lost on its way, once. */
const UDP_TRIES = 2;
/** What the system says where a packet cannot even leave. */
const NO_WAY = /ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|EAFNOSUPPORT/;

/** @param patienceMs - how long each try waits, in milliseconds */
export function asker(patienceMs: number): Ask {
  return async (server, question, transport) => {
    const tries = transport === 'UDP' ? UDP_TRIES : 1;
    let message = '';
    for (let attempt = 0; attempt < tries; attempt++) {
      try {
        return { kind: 'reply', reply: await askOnce(server, question, transport, patienceMs) };
      } catch (error) {
        message = error instanceof Error ? error.message : String(error);
      }
    }
    return { kind: 'silence', message, isUnreachable: NO_WAY.test(message) };
  };
}

async function askOnce(
  server: ResolverAddress,
  question: Question,
  transport: Transport,
  timeoutMs: number,
): Promise<DnsReply> {
  const query = encodeQuestion(question, randomInt(0x10000));
  const exchange = transport === 'UDP' ? exchangeUdp : exchangeTcp;
  return decodeReply(await exchange({ query, server, timeoutMs }));
}

/** Over UDP, and again over TCP where the reply does not fit. */
export async function askWhole(ask: Ask, server: ResolverAddress, question: Question): Promise<Asked> {
  const asked = await ask(server, question, 'UDP');
  return asked.kind === 'reply' && asked.reply.isTruncated ? ask(server, question, 'TCP') : asked;
}
