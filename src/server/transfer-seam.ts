/**
 * The seam between the thread of TCP and the thread that makes transfers: a request goes over as it came, messages come back as fast as
 * the client reads them. Sockets and TLS stay with the one, records and signatures with the other.
 */
import { Class, Type } from '../zonebuilder/dns.ts';

/** A request for a transfer, word that the client can take more, or that it is gone. */
export type FromServer =
  | {
      readonly kind: 'request';
      /** Chosen by the asking side, of its port. */
      readonly id: number;
      readonly message: Uint8Array;
      readonly client: Uint8Array;
      readonly isTls: boolean;
    }
  | { readonly kind: 'more'; readonly id: number }
  | { readonly kind: 'cancel'; readonly id: number };

/** Messages, each behind its length as TCP has it. */
export interface ToServer {
  readonly id: number;
  readonly octets: Uint8Array;
  readonly isLast: boolean;
  /** What was sent is no whole reply, and cannot become one: the connection ends with it. */
  readonly isBroken?: boolean;
}

const HEADER_OCTETS = 12;

/** Whether a message asks for a transfer, so that it is worth to be handed on. Allocates nothing. */
export function asksForTransfer(octets: Uint8Array, start: number, length: number): boolean {
  const end = start + length;
  // A query with one question.
  if (length < HEADER_OCTETS + 5 || (octets[start + 2]! & 0xf8) !== 0) return false;
  if (octets[start + 4] !== 0 || octets[start + 5] !== 1) return false;
  let at = start + HEADER_OCTETS;
  while (at < end && octets[at] !== 0) {
    if (octets[at]! > 63) return false;
    at += octets[at]! + 1;
  }
  if (at + 5 > end) return false;
  const type = (octets[at + 1]! << 8) | octets[at + 2]!;
  const isIn = octets[at + 3] === 0 && octets[at + 4] === Class.IN;
  return isIn && (type === Type.AXFR || type === Type.IXFR);
}
