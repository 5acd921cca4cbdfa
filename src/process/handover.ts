/**
 * Owns how a process and its successor talk: the successor is a child with a channel for messages, and has the sockets as
 * inherited descriptors. What the messages mean stands in serve/succession.ts.
 */

import type { Estate } from '../serve/succession.ts';

/** Set in the environment of a successor: the process id of the one that it follows. */
export const PREDECESSOR_VARIABLE = 'FEDNS_PREDECESSOR';

/** The first inherited socket, behind the standard streams and the channel. */
export const FIRST_SOCKET_FD = 4;

/** From the successor. */
export type ToPredecessor =
  | { readonly kind: 'hello' }
  | { readonly kind: 'ready'; readonly serial: number }
  | { readonly kind: 'serving' };

/** To the successor. */
export type ToSuccessor =
  /** Descriptors are those of the successor; `nice` is the niceness of threads that answer. */
  | { readonly kind: 'estate'; readonly estate: Estate; readonly nice: number }
  | { readonly kind: 'ceded' }
  | { readonly kind: 'left' };

/** Whether this process was started to follow another. */
export function isSuccessor(): boolean {
  return process.env[PREDECESSOR_VARIABLE] !== undefined && process.send !== undefined;
}
