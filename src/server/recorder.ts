/**
 * The writer's side of a ring of queries (query-ring.ts): which queries are written down, and the copy of each. A transport asks
 * before an answer and tells the rest behind it. Most queries cost one comparison, and none waits or fails for it.
 */

import { copyOctets } from '../zonebuilder/octets.ts';
import { isMapped, MAPPED_OFFSET } from './client-address.ts';
import {
  At,
  Head,
  leftOfRound,
  Lost,
  Reader,
  RECORD_OCTETS,
  recordAt,
  recordLength,
  RING_OCTETS,
  viewRing,
  type RecordOrder,
  type RingView,
} from './query-ring.ts';
import { TCP_REPLY_OCTETS, Transport, UDP_REPLY_OCTETS } from './responder.ts';

/** What time it is: milliseconds since 1970, and on a clock that never goes back. */
export interface RecorderClock {
  wallMs(): number;
  steadyMs(): number;
}

const SYSTEM_CLOCK: RecorderClock = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

/** The wall clock has whole milliseconds; where the finer time is further off than that, the wall clock was set. */
const APART_MS_MAX = 2;
/** How often that is looked at, in milliseconds: each look takes as long as a tenth of an answer. */
const LOOK_MS = 1;
/** Longest gap between two queries that are written down: a small integer, which costs nothing to count. */
const GAP_MAX = 0x3fff_ffff;
/** Stands for a record that found no room. */
const NONE = -1;

const NO_RING = viewRing(new SharedArrayBuffer(256));

export class Recorder {
  /** Whether any query may be written down. To be asked first. */
  isOn = false;
  readonly #random: () => number;
  readonly #clock: RecorderClock;
  #view: RingView = NO_RING;
  #logShare = 0;
  #dnstapShare = 0;
  /** Queries until the next one that is written down, for each reader. */
  #logGap = 0;
  #dnstapGap = 0;
  /** Where the present record lies, and its position in the ring. */
  #at = NONE;
  #position = 0;
  /** From the steady clock to milliseconds since 1970, and when that was looked at. */
  #offsetMs = 0;
  #lookedMs = -Infinity;
  /** Where the last messages were, and the same memory for copies. */
  #source: Uint8Array = NO_RING.octets;
  #sourceData: DataView = NO_RING.data;

  /** @param random - a uniform number in [0, 1) */
  constructor(random: () => number = Math.random, clock: RecorderClock = SYSTEM_CLOCK) {
    this.#random = random;
    this.#clock = clock;
  }

  /** Goes over to another order; called between queries. Absent: nothing is written down. */
  adopt(order: RecordOrder | undefined): void {
    const { log = 0, dnstap = 0 } = order?.shares ?? {};
    this.isOn = order !== undefined && (log > 0 || dnstap > 0);
    this.#view = order === undefined ? NO_RING : viewRing(order.ring);
    this.#logShare = log;
    this.#dnstapShare = dnstap;
    this.#logGap = gapOf(log, this.#random);
    this.#dnstapGap = gapOf(dnstap, this.#random);
  }

  /** Counts a query. @returns for whom it is to be written down ({@link Reader}), 0 for nobody */
  draw(): number {
    let readers = 0;
    if (--this.#logGap < 0) {
      this.#logGap = gapOf(this.#logShare, this.#random);
      if (this.#logShare > 0) readers |= Reader.log;
    }
    if (--this.#dnstapGap < 0) {
      this.#dnstapGap = gapOf(this.#dnstapShare, this.#random);
      if (this.#dnstapShare > 0) readers |= Reader.dnstap;
    }
    return readers;
  }

  /**
   * Begins a record with the query, before it is answered. Without room for it and the longest reply there is none, and the calls
   * that follow do nothing.
   *
   * @param readers - what {@link draw} gave
   */
  begin(readers: number, transport: Transport, query: Uint8Array, start: number, length: number): void {
    const replyMax = transport === Transport.udp ? UDP_REPLY_OCTETS : TCP_REPLY_OCTETS;
    this.#at = this.#reserve(recordLength(length + replyMax), readers);
    const at = this.#at;
    if (at === NONE) return;
    const { octets, data, shorts, doubles } = this.#view;
    octets[at + At.readers] = readers;
    octets[at + At.transport] = transport;
    octets[at + At.serverOctets] = 0;
    shorts[(at + At.queryOctets) >> 1] = length;
    doubles[(at + At.queryMs) >> 3] = this.#nowMs();
    copyOctets(data, at + RECORD_OCTETS, this.#dataOf(query), start, length);
  }

  /** Tells the client's address and port. */
  client(octets: Uint8Array, start: number, length: number, port: number): void {
    if (this.#at === NONE) return;
    const { shorts, octets: own } = this.#view;
    own[this.#at + At.clientOctets] = copyAddress(own, this.#at + At.client, octets, start, length);
    shorts[(this.#at + At.clientPort) >> 1] = port;
  }

  /** Tells the address and port that were asked, where they are known. */
  server(octets: Uint8Array, start: number, length: number, port: number): void {
    if (this.#at === NONE) return;
    const { shorts, octets: own } = this.#view;
    own[this.#at + At.serverOctets] = copyAddress(own, this.#at + At.server, octets, start, length);
    shorts[(this.#at + At.serverPort) >> 1] = port;
  }

  /** Ends the record with the reply, and shows it to the reader. @param length - 0: there is no reply */
  end(reply: Uint8Array, start: number, length: number): void {
    const at = this.#at;
    if (at === NONE) return;
    const { data, shorts, words, doubles } = this.#view;
    const queryOctets = shorts[(at + At.queryOctets) >> 1]!;
    const total = recordLength(queryOctets + length);
    shorts[(at + At.replyOctets) >> 1] = length;
    doubles[(at + At.replyMs) >> 3] = length === 0 ? 0 : this.#nowMs();
    copyOctets(data, at + RECORD_OCTETS + queryOctets, this.#dataOf(reply), start, length);
    words[(at + At.length) >> 2] = total;
    this.#at = NONE;
    Atomics.store(words, Head.written, (this.#position + total) | 0);
  }

  /** Gives up a record that was begun: the query is written down by who replies to it. */
  cancel(): void {
    this.#at = NONE;
  }

  /** Finds room, at the start of the next round where this one is too short. */
  #reserve(needed: number, readers: number): number {
    const { words, octets } = this.#view;
    let position = words[Head.written]!;
    const free = RING_OCTETS - ((position - Atomics.load(words, Head.read)) >>> 0);
    const left = leftOfRound(position);
    const skipped = left < needed ? left : 0;
    if (free < needed + skipped) return this.#lose(readers);
    if (skipped > 0) {
      const at = recordAt(position);
      words[(at + At.length) >> 2] = skipped;
      octets[at + At.readers] = 0;
      position = (position + skipped) | 0;
    }
    this.#position = position;
    return recordAt(position);
  }

  #lose(readers: number): number {
    const { doubles } = this.#view;
    if ((readers & Reader.log) !== 0) doubles[Lost.log]!++;
    if ((readers & Reader.dnstap) !== 0) doubles[Lost.dnstap]!++;
    return NONE;
  }

  #nowMs(): number {
    const steadyMs = this.#clock.steadyMs();
    if (steadyMs - this.#lookedMs < LOOK_MS) return steadyMs + this.#offsetMs;
    this.#lookedMs = steadyMs;
    const wallMs = this.#clock.wallMs();
    if (Math.abs(steadyMs + this.#offsetMs - wallMs) > APART_MS_MAX) this.#offsetMs = wallMs - steadyMs;
    return steadyMs + this.#offsetMs;
  }

  /** The batch transport has all messages of a socket in one memory. */
  #dataOf(octets: Uint8Array): DataView {
    if (this.#source !== octets) {
      this.#source = octets;
      this.#sourceData = new DataView(octets.buffer, octets.byteOffset, octets.length);
    }
    return this.#sourceData;
  }
}

/** How many queries are passed over before the next: as if each were drawn by itself, with one draw for all of them. */
function gapOf(share: number, random: () => number): number {
  if (share >= 1) return 0;
  if (share <= 0) return GAP_MAX;
  const gap = Math.floor(Math.log(1 - random()) / Math.log(1 - share));
  return gap < GAP_MAX ? gap : GAP_MAX;
}

/** IPv4 in 4 octets also where a dual-stack socket shows it in 16. @returns the octets of the address */
function copyAddress(to: Uint8Array, at: number, from: Uint8Array, start: number, length: number): number {
  const isFour = length === 16 && isMapped(from, start);
  const octets = isFour ? 4 : length;
  copy(to, at, from, isFour ? start + MAPPED_OFFSET : start, octets);
  return octets;
}

function copy(to: Uint8Array, at: number, from: Uint8Array, start: number, length: number): void {
  for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
}
