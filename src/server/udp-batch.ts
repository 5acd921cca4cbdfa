/**
 * The packet path on Linux: takes up to 64 queries off a socket with one call, has each answered, and sends the
 * replies with one call. Owns the memory that the kernel reads and writes meanwhile; the sockets are opened in
 * udp-socket.ts, the thread is worker.ts, and what a reply says is the responder's.
 *
 *   queries   recvmmsg → query slots    ┐ names and control data of packet i stay in slot i,
 *   replies   reply slots → sendmmsg    ┘ reply k points to those of the query that it answers
 *
 * Nothing here allocates per packet.
 */

import { Counter } from './counters.ts';
import { Linux, type Libc } from './linux.ts';
import { Transport, UDP_REPLY_OCTETS, type Responder } from './responder.ts';
import type { UdpSocket } from './udp-socket.ts';

/** Packets per call. More no longer lowers the cost per packet, see bench/NOTES.md. */
export const BATCH_PACKETS = 64;

/** Octets from one packet slot to the next: not a multiple of 4096, or all slots would share the same cache sets. */
const SLOT_OCTETS = UDP_REPLY_OCTETS + 192;
/** `struct mmsghdr` on a 64-bit kernel. */
const HEADER_OCTETS = 64;
/** `struct iovec`. */
const VECTOR_OCTETS = 16;
/** Room for `struct sockaddr_in6`. */
const NAME_OCTETS = 32;
/** `struct cmsghdr` before its data. */
const CONTROL_HEADER_OCTETS = 16;
/** Room for one control message of packet information. */
const CONTROL_OCTETS = 64;

/** Positions in a {@link HEADER_OCTETS}, in 32-bit words. */
const Header = {
  name: 0,
  nameLength: 2,
  vector: 4,
  vectors: 6,
  control: 8,
  controlLength: 10,
  flags: 12,
  length: 14,
} as const;

const HEADER_WORDS = HEADER_OCTETS / 4;
const VECTOR_WORDS = VECTOR_OCTETS / 4;
const RECEIVE_HEADERS = 0;
const SEND_HEADERS = RECEIVE_HEADERS + BATCH_PACKETS * HEADER_OCTETS;
const RECEIVE_VECTORS = SEND_HEADERS + BATCH_PACKETS * HEADER_OCTETS;
const SEND_VECTORS = RECEIVE_VECTORS + BATCH_PACKETS * VECTOR_OCTETS;
const NAMES = SEND_VECTORS + BATCH_PACKETS * VECTOR_OCTETS;
const CONTROLS = NAMES + BATCH_PACKETS * NAME_OCTETS;
const QUERIES = CONTROLS + BATCH_PACKETS * CONTROL_OCTETS;
const REPLIES = QUERIES + BATCH_PACKETS * SLOT_OCTETS;
const TOTAL_OCTETS = REPLIES + BATCH_PACKETS * SLOT_OCTETS;

/** A socket with the memory for one batch of its packets. Must stay referenced while a call may be under way. */
export interface BatchSocket {
  readonly socket: UdpSocket;
  readonly octets: Uint8Array;
  /** The same memory in 32-bit words. */
  readonly words: Uint32Array;
  /** Where the memory lies. */
  readonly base: number;
}

/** Lays out the memory for a socket. */
export function prepareBatch(libc: Libc, socket: UdpSocket): BatchSocket {
  const memory = new ArrayBuffer(TOTAL_OCTETS);
  const octets = new Uint8Array(memory);
  const batch = { socket, octets, words: new Uint32Array(memory), base: libc.addressOf(octets) };
  for (let i = 0; i < BATCH_PACKETS; i++) layOutPacket(batch, i);
  return batch;
}

function layOutPacket(batch: BatchSocket, i: number): void {
  const { words, base, socket } = batch;
  const receive = headerWord(RECEIVE_HEADERS, i);
  const send = headerWord(SEND_HEADERS, i);
  setAddress(words, receive + Header.vector, base + RECEIVE_VECTORS + i * VECTOR_OCTETS);
  setAddress(words, send + Header.vector, base + SEND_VECTORS + i * VECTOR_OCTETS);
  setAddress(words, (RECEIVE_VECTORS + i * VECTOR_OCTETS) / 4, base + QUERIES + i * SLOT_OCTETS);
  setAddress(words, (SEND_VECTORS + i * VECTOR_OCTETS) / 4, base + REPLIES + i * SLOT_OCTETS);
  words[(RECEIVE_VECTORS + i * VECTOR_OCTETS) / 4 + 2] = UDP_REPLY_OCTETS;
  for (const header of [receive, send]) {
    setAddress(words, header + Header.name, base + NAMES + i * NAME_OCTETS);
    words[header + Header.nameLength] = socket.family === 6 ? 28 : 16;
    words[header + Header.vectors] = 1;
    if (socket.wildcard) setAddress(words, header + Header.control, base + CONTROLS + i * CONTROL_OCTETS);
  }
}

/** What the packets of a socket are served with. */
export interface BatchService {
  readonly libc: Libc;
  readonly responder: Responder;
  readonly counters: Float64Array;
  /** Called when the responder's image has moved, before a batch is answered. */
  readonly refresh: () => void;
}

/**
 * Serves the queries that wait, up to {@link BATCH_PACKETS}.
 *
 * @param flags - MSG_WAITFORONE blocks until a query comes or the socket's time-out passes, MSG_DONTWAIT does not
 * @returns the number of packets taken; 0: none came; -1: the socket is of no use any more
 */
export function serveBatch(service: BatchService, batch: BatchSocket, flags: number): number {
  const { libc, responder, counters } = service;
  if (batch.socket.wildcard) offerControlRoom(batch.words);
  const received = libc.recvmmsg(batch.socket.fd, batch.base + RECEIVE_HEADERS, BATCH_PACKETS, flags);
  if (received <= 0) return receiveFailed(libc, received);
  counters[Counter.batch + 32 - Math.clz32(received - 1)]!++;
  if (responder.isStale) service.refresh();
  responder.enter();
  const replies = answerAll(batch, responder, counters, received);
  responder.leave();
  sendAll(libc, batch, counters, replies);
  return received;
}

/** The kernel has written the length of the last control data there. */
function offerControlRoom(words: Uint32Array): void {
  for (let i = 0; i < BATCH_PACKETS; i++) {
    words[headerWord(RECEIVE_HEADERS, i) + Header.controlLength] = CONTROL_OCTETS;
  }
}

function receiveFailed(libc: Libc, received: number): number {
  if (received === 0) return 0;
  const errno = libc.errno();
  return errno === Linux.EBADF || errno === Linux.ENOTSOCK || errno === Linux.EINVAL ? -1 : 0;
}

function answerAll(
  batch: BatchSocket,
  responder: Responder,
  counters: Float64Array,
  received: number,
): number {
  const { octets, words } = batch;
  const addressStart = batch.socket.family === 6 ? 8 : 4;
  const addressLength = batch.socket.family === 6 ? 16 : 4;
  const wildcard = batch.socket.wildcard;
  let replies = 0;
  let octetsIn = 0;
  let octetsOut = 0;
  for (let i = 0; i < received; i++) {
    const name = NAMES + i * NAME_OCTETS;
    const queryLength = words[RECEIVE_HEADERS / 4 + i * HEADER_WORDS + Header.length]!;
    octetsIn += queryLength;
    // A reply to port 0 reaches nobody, and such a packet is forged.
    if ((octets[name + 2]! | octets[name + 3]!) === 0) {
      counters[Counter.droppedUnanswerable]!++;
      continue;
    }
    const replyLength = responder.answer(
      octets,
      QUERIES + i * SLOT_OCTETS,
      queryLength,
      octets,
      REPLIES + replies * SLOT_OCTETS,
      Transport.udp,
      octets,
      name + addressStart,
      addressLength,
    );
    if (replyLength === 0) continue;
    words[SEND_VECTORS / 4 + replies * VECTOR_WORDS + 2] = replyLength;
    direct(words, replies, i);
    if (wildcard) replyFromAsked(words, octets, replies, i, batch.socket.family);
    octetsOut += replyLength;
    replies++;
  }
  counters[Counter.octetsIn]! += octetsIn;
  counters[Counter.octetsOut]! += octetsOut;
  return replies;
}

/** Points reply `k` to the client of query `i`; they differ once a query of the batch got no reply. */
function direct(words: Uint32Array, k: number, i: number): void {
  const send = SEND_HEADERS / 4 + k * HEADER_WORDS;
  const receive = RECEIVE_HEADERS / 4 + i * HEADER_WORDS;
  words[send + Header.name] = words[receive + Header.name]!;
  words[send + Header.name + 1] = words[receive + Header.name + 1]!;
}

/**
 * Hands the address that query `i` was sent to back as the source of reply `k`. The interface is left to routing,
 * which may well lead out by another one, except where a link-local address means nothing without it.
 */
function replyFromAsked(words: Uint32Array, octets: Uint8Array, k: number, i: number, family: 4 | 6): void {
  const send = SEND_HEADERS / 4 + k * HEADER_WORDS;
  const receive = RECEIVE_HEADERS / 4 + i * HEADER_WORDS;
  const data = CONTROLS + i * CONTROL_OCTETS + CONTROL_HEADER_OCTETS;
  words[send + Header.control] = words[receive + Header.control]!;
  words[send + Header.control + 1] = words[receive + Header.control + 1]!;
  words[send + Header.controlLength] = words[receive + Header.controlLength]!;
  if (family === 4) words[data / 4] = 0;
  else if (octets[data] !== 0xfe || (octets[data + 1]! & 0xc0) !== 0x80) words[data / 4 + 4] = 0;
}

function sendAll(libc: Libc, batch: BatchSocket, counters: Float64Array, replies: number): void {
  let sent = 0;
  while (sent < replies) {
    const start = batch.base + SEND_HEADERS + sent * HEADER_OCTETS;
    const taken = libc.sendmmsg(batch.socket.fd, start, replies - sent, 0);
    if (taken > 0) sent += taken;
    else sent += giveUp(libc.errno(), counters, replies - sent);
  }
}

/** How many replies are lost with an error of the first: all, when the send buffer stays full for the socket's time-out. */
function giveUp(errno: number, counters: Float64Array, left: number): number {
  if (errno === Linux.EINTR) return 0;
  const lost = errno === Linux.EAGAIN || errno === Linux.EBADF ? left : 1;
  counters[Counter.droppedSend]! += lost;
  return lost;
}

function headerWord(headers: number, i: number): number {
  return headers / 4 + i * HEADER_WORDS;
}

/** Writes a 64-bit address; every architecture of libc.ts is little-endian. */
function setAddress(words: Uint32Array, word: number, address: number): void {
  words[word] = address % 0x1_0000_0000;
  words[word + 1] = Math.floor(address / 0x1_0000_0000);
}
