/**
 * Sends the replies of a batch with as few calls and messages as may be. Replies to one client go as one message that
 * the kernel cuts into packets (UDP_SEGMENT): the way down through the network stack is walked once for all of them.
 * Such a message consists of packets of one size, of which the last may be shorter, so a client's replies are taken
 * in the order of their sizes. UDP promises no order.
 */

import {
  BATCH_PACKETS,
  CONTROL_HEADER_OCTETS,
  CONTROL_OCTETS,
  CONTROL_WORDS,
  CONTROLS,
  Header,
  HEADER_OCTETS,
  HEADER_WORDS,
  JOINT_HEADERS,
  JOINT_VECTORS,
  NAME_OCTETS,
  NAME_WORDS,
  NAMES,
  replyLength,
  SEND_HEADERS,
  SEND_VECTORS,
  VECTOR_OCTETS,
  VECTOR_WORDS,
  type BatchSocket,
} from './batch-layout.ts';
import { Counter } from '../counters.ts';
import { Linux, type Libc } from '../linux/linux.ts';

/** Octets of the control message that holds the size of segments. */
const SEGMENT_SIZE_OCTETS = 24;
/** Octets of one message: what fits into an IPv4 packet, with room for headers. */
const JOINT_OCTETS_MAX = 65_000;
/** Replies per client from which joining them saves more than it costs, see bench/NOTES.md. */
const JOINT_REPLIES_MIN = 2;
/** After so many batches without a client that asked twice, only every so many-th is looked through. */
const FRUITLESS_MAX = 16;

/** Slots of the table of clients, at least twice the packets of a batch. */
const CLIENT_SLOTS = 128;
/** End of a chain of replies. */
const NONE = 255;

// One batch at a time is sent on a thread, so its bookkeeping is the module's.

/** In which batch a slot of the table was filled; a new number empties the table. */
const slotBatch = new Int32Array(CLIENT_SLOTS);
const slotClient = new Uint8Array(CLIENT_SLOTS);
/** First and last reply of each client's chain, which goes from long to short. */
const first = new Uint8Array(BATCH_PACKETS);
const last = new Uint8Array(BATCH_PACKETS);
const next = new Uint8Array(BATCH_PACKETS);
/** Where each joint message starts in {@link ordered}, and behind the last where it ends. */
const leader = new Uint8Array(BATCH_PACKETS + 1);
/** The replies in the order in which joint messages take them. */
const ordered = new Uint8Array(BATCH_PACKETS);
let batchNumber = 0;

/**
 * Sends the replies to packets 0 to `received` (exclusive), `replies` of which have one. Those that the kernel does not
 * take are counted.
 */
export function sendReplies(
  libc: Libc,
  batch: BatchSocket,
  counters: Float64Array,
  received: number,
  replies: number,
): void {
  if (batch.informationOctets > 0) for (let i = 0; i < received; i++) forgetInterface(batch, i);
  if (replies >= JOINT_REPLIES_MIN && isWorthTrying(batch)) {
    const clients = chainByClient(batch, received);
    const isFruitful = clients * JOINT_REPLIES_MIN <= replies;
    batch.joint.fruitless = isFruitful ? 0 : batch.joint.fruitless + 1;
    if (isFruitful) {
      sendJoint(libc, batch, counters, joinChains(batch, clients));
      return;
    }
  }
  if (replies === received) sendSingly(libc, batch, counters, 0, received);
  else sendRuns(libc, batch, counters, received);
}

/** Packets that get no reply are rare; what lies between them goes with one call each. */
function sendRuns(libc: Libc, batch: BatchSocket, counters: Float64Array, received: number): void {
  const { words } = batch;
  for (let from = 0; from < received; from++) {
    if (replyLength(words, from) === 0) continue;
    let to = from + 1;
    while (to < received && replyLength(words, to) !== 0) to++;
    sendSingly(libc, batch, counters, from, to);
    from = to;
  }
}

/** Clients that ask once are the common case of a public server, and looking for others takes its time. */
function isWorthTrying({ joint }: BatchSocket): boolean {
  return joint.isPossible && (joint.fruitless < FRUITLESS_MAX || joint.fruitless++ % FRUITLESS_MAX === 0);
}

/** Chains the replies of each client. @returns the number of clients */
function chainByClient(batch: BatchSocket, received: number): number {
  batchNumber = (batchNumber + 1) | 0;
  let clients = 0;
  for (let i = 0; i < received; i++) {
    if (replyLength(batch.words, i) === 0) continue;
    next[i] = NONE;
    let slot = clientHash(batch, i);
    while (slotBatch[slot] === batchNumber && !isSameClient(batch, first[slotClient[slot]!]!, i)) {
      slot = (slot + 1) & (CLIENT_SLOTS - 1);
    }
    if (slotBatch[slot] === batchNumber) {
      insert(batch.words, slotClient[slot]!, i);
    } else {
      slotBatch[slot] = batchNumber;
      slotClient[slot] = clients;
      first[clients] = i;
      last[clients] = i;
      clients++;
    }
  }
  return clients;
}

function clientHash({ words }: BatchSocket, i: number): number {
  const name = NAMES / 4 + i * NAME_WORDS;
  // Port; the address of IPv4, or the last words of an IPv6 address.
  const mixed = Math.imul(words[name]! ^ words[name + 1]! ^ words[name + 5]!, 0x9e3779b1);
  return mixed >>> 25;
}

/** Whether two replies go from the same address and port to the same address and port. */
function isSameClient({ words, socket, informationOctets }: BatchSocket, i: number, j: number): boolean {
  const nameWords = socket.family === 6 ? 7 : 2;
  return (
    sameWords(words, NAMES / 4 + i * NAME_WORDS, NAMES / 4 + j * NAME_WORDS, nameWords) &&
    sameWords(
      words,
      CONTROLS / 4 + i * CONTROL_WORDS,
      CONTROLS / 4 + j * CONTROL_WORDS,
      informationOctets / 4,
    )
  );
}

function sameWords(words: Int32Array, one: number, other: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (words[one + i] !== words[other + i]) return false;
  return true;
}

/** Puts reply `i` into the chain of a client, behind those that are as long or longer. */
function insert(words: Int32Array, client: number, i: number): void {
  const length = replyLength(words, i);
  if (length <= replyLength(words, last[client]!)) {
    next[last[client]!] = i;
    last[client] = i;
    return;
  }
  let before = NONE;
  let at = first[client]!;
  while (replyLength(words, at) >= length) {
    before = at;
    at = next[at]!;
  }
  next[i] = at;
  if (before === NONE) first[client] = i;
  else next[before] = i;
}

/**
 * Makes messages of the chains: packets of one size, and one shorter behind them.
 *
 * @returns the number of messages; message m has the replies `ordered[leader[m]]` to `ordered[leader[m + 1]]`
 */
function joinChains(batch: BatchSocket, clients: number): number {
  const { words } = batch;
  let messages = 0;
  let taken = 0;
  for (let client = 0; client < clients; client++) {
    for (let i = first[client]!; i !== NONE; messages++) {
      const start = taken;
      const size = replyLength(words, i);
      let total = 0;
      for (let length = size; i !== NONE && length === size && total + size <= JOINT_OCTETS_MAX;) {
        length = replyLength(words, i);
        words[JOINT_VECTORS / 4 + taken * VECTOR_WORDS] = words[SEND_VECTORS / 4 + i * VECTOR_WORDS]!;
        words[JOINT_VECTORS / 4 + taken * VECTOR_WORDS + 2] = length;
        total += length;
        ordered[taken++] = i;
        i = next[i]!;
      }
      leader[messages] = start;
      layOutMessage(batch, messages, start, taken - start, size);
    }
  }
  leader[messages] = taken;
  return messages;
}

/** Points message `m` to the client of its first reply, and back from the address that was asked. */
function layOutMessage(batch: BatchSocket, m: number, start: number, count: number, size: number): void {
  const { words, baseLow, informationOctets } = batch;
  const header = JOINT_HEADERS / 4 + m * HEADER_WORDS;
  const i = ordered[start]!;
  words[header + Header.name] = (baseLow + NAMES + i * NAME_OCTETS) | 0;
  words[header + Header.vector] = (baseLow + JOINT_VECTORS + start * VECTOR_OCTETS) | 0;
  words[header + Header.vectors] = count;
  words[header + Header.control] = (baseLow + CONTROLS + i * CONTROL_OCTETS) | 0;
  words[header + Header.controlLength] = informationOctets + (count === 1 ? 0 : SEGMENT_SIZE_OCTETS);
  words[(CONTROLS + informationOctets + CONTROL_HEADER_OCTETS) / 4 + i * CONTROL_WORDS] = size;
}

/**
 * The interface is left to routing, which may well lead out by another one than the query came in by, except where a
 * link-local address means nothing without it.
 */
export function forgetInterface({ words, octets, socket }: BatchSocket, i: number): void {
  const data = CONTROLS + i * CONTROL_OCTETS + CONTROL_HEADER_OCTETS;
  if (socket.family === 4) words[data / 4] = 0;
  else if (octets[data] !== 0xfe || (octets[data + 1]! & 0xc0) !== 0x80) words[data / 4 + 4] = 0;
}

function sendJoint(libc: Libc, batch: BatchSocket, counters: Float64Array, messages: number): void {
  const { fd } = batch.socket;
  let sent = 0;
  while (sent < messages) {
    const start = batch.base + JOINT_HEADERS + sent * HEADER_OCTETS;
    const taken = libc.sendmmsg(fd, start, messages - sent, 0);
    if (taken > 0) {
      sent += taken;
    } else if (isRefusal(libc.errno()) && leader[sent + 1]! - leader[sent]! > 1) {
      batch.joint.isPossible = false;
      sendSinglyFrom(libc, batch, counters, leader[sent]!, leader[messages]!);
      return;
    } else {
      const lost = messagesLost(libc.errno(), messages - sent);
      counters[Counter.droppedSend]! += leader[sent + lost]! - leader[sent]!;
      sent += lost;
    }
  }
}

/** What kernels and devices say that cannot cut a message into packets: no checksum in hardware, a smaller MTU. */
function isRefusal(errno: number): boolean {
  return (
    errno === Linux.EIO || errno === Linux.EINVAL || errno === Linux.EMSGSIZE || errno === Linux.EOPNOTSUPP
  );
}

/** Sends what joint messages did not take, one by one: this happens once in a socket's life. */
function sendSinglyFrom(
  libc: Libc,
  batch: BatchSocket,
  counters: Float64Array,
  from: number,
  to: number,
): void {
  for (let at = from; at < to; at++) {
    const i = ordered[at]!;
    sendSingly(libc, batch, counters, i, i + 1);
  }
}

/** Sends replies `from` to `to` (exclusive), each as a message of its own. */
function sendSingly(libc: Libc, batch: BatchSocket, counters: Float64Array, from: number, to: number): void {
  let sent = from;
  while (sent < to) {
    const start = batch.base + SEND_HEADERS + sent * HEADER_OCTETS;
    const taken = libc.sendmmsg(batch.socket.fd, start, to - sent, 0);
    if (taken > 0) {
      sent += taken;
    } else {
      const lost = messagesLost(libc.errno(), to - sent);
      counters[Counter.droppedSend]! += lost;
      sent += lost;
    }
  }
}

/** How many messages are lost with an error of the first: all, when the buffer stays full for the socket's time-out. */
function messagesLost(errno: number, left: number): number {
  if (errno === Linux.EINTR) return 0;
  return errno === Linux.EAGAIN || errno === Linux.EBADF ? left : 1;
}
