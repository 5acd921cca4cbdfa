/**
 * The seam between transports and answers. A transport owns sockets and buffers; it hands each query to `answer`
 * and sends what comes back. Everything about DNS is behind this seam, everything about sockets before it.
 */

import type { Apex } from '../zonebuilder/apex.ts';
import type { QueryPolicy } from './policy/policy.ts';
import type { RecordOrder } from './query-ring.ts';
import type { SigningSettings } from './signing/settings.ts';
import type { Waiting, WaitingRoom } from './signing/waiting.ts';

/** The kind of transport a query came over. */
export const Transport = { udp: 0, tcp: 1, tls: 2 } as const;
export type Transport = (typeof Transport)[keyof typeof Transport];

/** Octets that a reply buffer must hold for UDP: the largest `udpPayloadMax`. */
export const UDP_REPLY_OCTETS = 4096;
/** Octets that a reply buffer must hold for TCP, without the length prefix (RFC 1035 section 4.2.2). */
export const TCP_REPLY_OCTETS = 65535;

/** Where a query waits whose reply has no signature yet. */
export interface Parking {
  readonly room: WaitingRoom;
  /** What signers call this thread, and the channel over which it gets replies that it sends itself. */
  readonly worker: number;
  readonly channel: string;
  /**
   * Puts the last query into the room, except how its reply is sent, which the caller adds before it calls `admit`.
   *
   * @returns the slot; 0: there is no room
   */
  readonly claim: () => number;
  /** Composes a reply that says so where the last query's was to stand. @returns its length in octets */
  readonly turnAway: () => number;
}

/** One worker's view of the answer image. Not shared between threads. */
export interface Responder {
  /**
   * Answers one query. Synchronous, never throws, reads and writes nothing outside the given ranges.
   *
   * The reply may be written over a query of up to {@link UDP_REPLY_OCTETS} by giving the same octets for both.
   *
   * @param query - holds the query at `queryStart`, `queryLength` octets long
   * @param reply - the reply is written at `replyStart`; room for {@link UDP_REPLY_OCTETS} or {@link TCP_REPLY_OCTETS}
   * @param transport - one of {@link Transport}
   * @param client - holds the client's address at `clientStart`: 4 octets of IPv4 or 16 of IPv6 (also v4-mapped)
   * @returns the reply's length in octets; 0: send nothing; below 0: the reply waits for a signature, see {@link parking}
   */
  answer(
    query: Uint8Array,
    queryStart: number,
    queryLength: number,
    reply: Uint8Array,
    replyStart: number,
    transport: Transport,
    client: Uint8Array,
    clientStart: number,
    clientLength: number,
  ): number;
  /** Pins the newest published state: to be called before the first `answer` of a batch. Cheap. */
  enter(): void;
  /** Lets go of it: to be called after the last `answer` of a batch and before the thread blocks or yields. Cheap. */
  leave(): void;
  /** Whether the image has moved to other memory and an `adopt` is due. To be asked before a batch. Cheap. */
  readonly isStale: boolean;
  /** Where queries wait; undefined: none ever does. Changes with `adopt`. */
  readonly parking?: Parking | undefined;
  /** Switches to another image or other settings; called between batches. */
  adopt(settings: ResponderSettings): void;
}

/** What a responder has besides, in a signer. */
export interface SigningResponder extends Responder {
  /** Signs the SOA where its serial is a new one. */
  keepSoaSigned(): void;
  /** As `answer`; signatures that are due are made anew where that is what is waited for. */
  answerWaiting(waiting: Waiting, slot: Uint8Array, reply: Uint8Array): number;
  /** What the channels are called over which replies are handed to workers. */
  readonly channel: string;
  /** Denials that may be signed in a second for clients that may be anybody. */
  readonly denialsPerSecond: number;
}

/** Shared memory of the answer image; `generation` grows whenever the memory itself is replaced. */
export interface ImageHandle {
  readonly control: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
  readonly generation: number;
}

/** What the domain itself is answered with; see zonebuilder/apex.ts. */
export type { Apex };

/** All that a responder needs. Structured-cloneable, so that it can be posted to a worker. */
export interface ResponderSettings {
  readonly image: ImageHandle;
  /** Which reader of the image this worker is: 0 to 63. */
  readonly reader: number;
  /** This worker's block of counters, see counters.ts. */
  readonly counters: SharedArrayBuffer;
  readonly apex: Apex;
  readonly udpPayloadMax: number;
  /** Absent: everyone is answered, and nothing is told besides the data. */
  readonly policy?: QueryPolicy;
  /** With what replies are signed. Absent: they are not. */
  readonly signing?: SigningSettings;
  /** For the transport: which queries are written down, and where. Absent: none. */
  readonly record?: RecordOrder;
}
