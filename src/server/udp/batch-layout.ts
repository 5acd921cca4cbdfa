/**
 * Memory that a batch of packets lies in: the kernel's headers and vectors, names, control data and packets, in one
 * piece. Owns where everything is; batch.ts receives into it, batch-send.ts sends from it.
 *
 *   receive headers → receive vectors → slots
 *   send headers    → send vectors    → slots       one message each
 *   joint headers   → joint vectors   → slots       replies to one client in one message
 *
 * Everything of packet i stays in place i: the reply is written over its query, and goes to the name and with the control
 * data that the query came with. So a send header is laid out once and never touched again.
 */

import { Linux, type Libc } from '../linux/linux.ts';
import { UDP_REPLY_OCTETS } from '../responder.ts';
import { addressOctets } from '../socket-address.ts';
import type { UdpSocket } from './socket.ts';

/** Packets per call. No other number was seen to be better, see bench/NOTES.md. */
export const BATCH_PACKETS = 64;

/** Octets from one packet slot to the next: not a multiple of 4096, or all slots would share the same cache sets. */
export const SLOT_OCTETS = UDP_REPLY_OCTETS + 192;
/** `struct mmsghdr` on a 64-bit kernel. */
export const HEADER_OCTETS = 64;
/** `struct iovec`: address and length. */
export const VECTOR_OCTETS = 16;
/** Room for `struct sockaddr_in6`. */
export const NAME_OCTETS = 32;
/** Room for packet information and for a segment size, each with its header. */
export const CONTROL_OCTETS = 64;
/** `struct cmsghdr` before its data. */
export const CONTROL_HEADER_OCTETS = 16;

/** The same in 32-bit words. */
export const HEADER_WORDS = HEADER_OCTETS / 4;
export const VECTOR_WORDS = VECTOR_OCTETS / 4;
export const NAME_WORDS = NAME_OCTETS / 4;
export const CONTROL_WORDS = CONTROL_OCTETS / 4;

/** Words of a header. Addresses and sizes take two. */
export const Header = {
  name: 0,
  nameLength: 2,
  vector: 4,
  vectors: 6,
  control: 8,
  controlLength: 10,
  length: 14,
} as const;

/** Where each part starts, in octets. */
export const RECEIVE_HEADERS = 0;
export const SEND_HEADERS = RECEIVE_HEADERS + BATCH_PACKETS * HEADER_OCTETS;
export const JOINT_HEADERS = SEND_HEADERS + BATCH_PACKETS * HEADER_OCTETS;
export const RECEIVE_VECTORS = JOINT_HEADERS + BATCH_PACKETS * HEADER_OCTETS;
export const SEND_VECTORS = RECEIVE_VECTORS + BATCH_PACKETS * VECTOR_OCTETS;
export const JOINT_VECTORS = SEND_VECTORS + BATCH_PACKETS * VECTOR_OCTETS;
export const NAMES = JOINT_VECTORS + BATCH_PACKETS * VECTOR_OCTETS;
export const CONTROLS = NAMES + BATCH_PACKETS * NAME_OCTETS;
export const SLOTS = CONTROLS + BATCH_PACKETS * CONTROL_OCTETS;
const GIB4 = 0x1_0000_0000;
const TOTAL_OCTETS = SLOTS + BATCH_PACKETS * SLOT_OCTETS;

/** A socket with the memory for one batch of its packets. Must stay referenced while a call may be under way. */
export interface BatchSocket {
  readonly socket: UdpSocket;
  readonly octets: Uint8Array;
  /** The same memory in 32-bit words. */
  readonly words: Int32Array;
  /** Where the memory lies, and the lower half of that: the upper half is the same for all of it. */
  readonly base: number;
  readonly baseLow: number;
  /** The address of the socket, which is the one that packets came to unless it is a wildcard. */
  readonly address: Uint8Array;
  /** Octets of control data that a packet comes with and its reply goes with: packet information, or none. */
  readonly informationOctets: number;
  readonly joint: JointState;
}

/** What batch-send.ts remembers of a socket. */
export interface JointState {
  /** Whether several replies to one client may go in one message. Ends for good where the kernel refuses it. */
  isPossible: boolean;
  /** Batches in a row in which no client had asked twice. */
  fruitless: number;
}

/** Lays out the memory for a socket. */
export function prepareBatch(libc: Libc, socket: UdpSocket): BatchSocket {
  const octets = allocate(libc);
  const base = libc.addressOf(octets);
  const batch: BatchSocket = {
    socket,
    octets,
    words: new Int32Array(octets.buffer),
    base,
    baseLow: (base % GIB4) | 0,
    address: addressOctets(socket.listen.address),
    informationOctets: socket.wildcard ? (socket.family === 6 ? 40 : 32) : 0,
    joint: { isPossible: socket.canJoin, fruitless: 0 },
  };
  for (let i = 0; i < BATCH_PACKETS; i++) layOutPacket(batch, i);
  return batch;
}

/** Memory without a multiple of 4 GiB in it, so that only the lower half of an address ever changes. */
function allocate(libc: Libc): Uint8Array<ArrayBuffer> {
  const unfit: Uint8Array[] = [];
  for (;;) {
    const octets = new Uint8Array(new ArrayBuffer(TOTAL_OCTETS));
    if ((libc.addressOf(octets) % GIB4) + TOTAL_OCTETS <= GIB4) return octets;
    // Kept until another is found, or the next one would be the same.
    unfit.push(octets);
  }
}

function layOutPacket(batch: BatchSocket, i: number): void {
  const { words, base } = batch;
  const vectors = [RECEIVE_VECTORS, SEND_VECTORS, JOINT_VECTORS];
  for (const [kind, headers] of [RECEIVE_HEADERS, SEND_HEADERS, JOINT_HEADERS].entries()) {
    const header = headers / 4 + i * HEADER_WORDS;
    setAddress(words, header + Header.name, base + NAMES + i * NAME_OCTETS);
    words[header + Header.nameLength] = batch.socket.family === 6 ? 28 : 16;
    setAddress(words, header + Header.vector, base + vectors[kind]! + i * VECTOR_OCTETS);
    words[header + Header.vectors] = 1;
    setAddress(words, header + Header.control, base + CONTROLS + i * CONTROL_OCTETS);
    words[header + Header.controlLength] = batch.informationOctets;
  }
  for (const vectorsAt of vectors) {
    setAddress(words, vectorsAt / 4 + i * VECTOR_WORDS, base + SLOTS + i * SLOT_OCTETS);
  }
  words[RECEIVE_VECTORS / 4 + i * VECTOR_WORDS + 2] = UDP_REPLY_OCTETS;
  layOutSegmentSize(batch, i);
}

/** Behind the packet information: what tells the kernel to cut a message into packets of one size. */
function layOutSegmentSize({ words, informationOctets }: BatchSocket, i: number): void {
  const control = (CONTROLS + informationOctets) / 4 + i * CONTROL_WORDS;
  words[control] = CONTROL_HEADER_OCTETS + 2;
  words[control + 2] = Linux.SOL_UDP;
  words[control + 3] = Linux.UDP_SEGMENT;
}

/** Octets of the reply to packet `i`, 0 where it gets none. */
export function replyLength(words: Int32Array, i: number): number {
  return words[SEND_VECTORS / 4 + i * VECTOR_WORDS + 2]!;
}

export function setReplyLength(words: Int32Array, i: number, octets: number): void {
  words[SEND_VECTORS / 4 + i * VECTOR_WORDS + 2] = octets;
}

/** Writes a 64-bit address; every architecture of libc.ts is little-endian. */
/** Writes the two words of an address. */
export function setAddress(words: Int32Array, word: number, address: number): void {
  words[word] = address % GIB4;
  words[word + 1] = Math.floor(address / GIB4);
}
