/**
 * What the pool and its workers tell each other. A worker of the batch transport blocks in the kernel and has no
 * event loop, so it looks at the shared words between batches and then takes its messages itself.
 */

import type { MessagePort } from 'node:worker_threads';
import type { ListenAddress } from '../../config/settings.ts';
import type { Pinning } from '../linux/cpu-affinity.ts';
import type { ResponderSettings } from '../responder.ts';
import type { TcpLimits } from '../tcp-limits.ts';
import type { TlsFiles } from '../tcp/tls-certificate.ts';
import type { UdpSocket } from '../udp/socket.ts';

/** Position of each word in {@link WorkerStart.control}, an Int32Array. */
export const Control = {
  /** 1: answer what waits, then end. */
  stop: 0,
  /** Number of the newest settings that were posted. */
  posted: 1,
} as const;

/** Octets of the control words, a cache line, so that no other thread's data shares it. */
export const CONTROL_OCTETS = 64;

/** What a worker does. */
export type WorkerRole =
  /** `cpu`: the one that it keeps to. Absent: the scheduler decides. */
  | { readonly kind: 'batch'; readonly sockets: readonly UdpSocket[]; readonly cpu?: number }
  | { readonly kind: 'portable'; readonly listen: readonly ListenAddress[]; readonly reusePort: boolean }
  /** `fds`: sockets that listen, those of TLS last; the worker takes a descriptor of its own. Absent: it opens them. */
  /** `sendsPackets`: from the sockets of the batch transport; otherwise workers send what is signed. */
  | { readonly kind: 'signer'; readonly sendsPackets: boolean }
  | ({
      readonly kind: 'tcp';
      readonly listen: readonly ListenAddress[];
      readonly fds?: readonly number[];
    } & TcpRole);

/** What DNS over TCP has besides its addresses. */
export interface TcpRole {
  readonly tls?: { readonly listen: readonly ListenAddress[]; readonly files: TlsFiles };
  readonly limits?: Partial<TcpLimits>;
}

/** What a worker starts with. */
export interface WorkerStart {
  readonly role: WorkerRole;
  readonly control: SharedArrayBuffer;
  /** URL of another module than ./answer.ts that exports `createResponder`; for tests. */
  readonly responderUrl?: string;
  readonly settings: ResponderSettings;
  /** The niceness that a thread that answers has, see thread-priority.ts. */
  readonly nice: number;
}

/** To a worker. */
export type ToWorker =
  | { readonly kind: 'adopt'; readonly number: number; readonly settings: ResponderSettings }
  /** To the thread of TCP: where transfers are made. */
  | { readonly kind: 'transfers'; readonly port: MessagePort }
  /** `lingerMs`: how long clients with a connection may go on asking, in milliseconds. */
  | { readonly kind: 'stop'; readonly lingerMs: number };

/** From a worker. */
export type FromWorker =
  /** Serves; `listen` has the real ports, `pinning` is there where a CPU was given. */
  | { readonly kind: 'serving'; readonly listen: readonly ListenAddress[]; readonly pinning?: Pinning }
  | { readonly kind: 'adopted'; readonly number: number }
  | { readonly kind: 'fault'; readonly message: string }
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/**
 * One answer runs through some forty small functions. V8 stops inlining them into each other half-way by default, and
 * the calls that remain are an eighth of the time that an answer takes.
 */
export const INLINING = '--max-inlined-bytecode-size-cumulative=4000';
