/**
 * Queries that wait for a signature: workers put them in and go on, signers take them out, answer and sign. One ring for each
 * class of {@link Waiting}, of fixed size, in memory that all threads share; the layout and both ends are here.
 *
 * A slot has the turn that it is for in its first word (Vyukov's bounded queue): writers and readers claim a turn each by raising
 * one word, and none waits for another. Nobody waits for room either: where there is none, the query is turned away.
 */
import { copyOctets } from '../../zonebuilder/octets.ts';

/** What a query waits for; lower ones are served first. 0 stands for none. */
export const Waiting = {
  none: 0,
  /** A signature over data, or over what a name that exists does not have. */
  data: 1,
  /** A denial of a name that does not exist, for a client that has shown its address (a cookie, TCP). */
  provenDenial: 2,
  /** The same for a client that may be anybody: suffers first. */
  denial: 3,
  /** Nobody waits: a signature that is good for now is to be made anew. */
  refresh: 4,
} as const;
export type Waiting = (typeof Waiting)[keyof typeof Waiting];

const CLASSES = 4;
/** Slots of each class, powers of two: at 35 µs a signature 2,048 wait 70 ms at most, 512 wait 18 ms. */
const CAPACITY = [0, 2048, 512, 512, 256] as const;

/** Octets of a slot, and the places of what is in it. */
const SLOT_OCTETS = 1024;
export const Slot = {
  turn: 0,
  queryOctets: 4,
  transport: 8,
  /** The worker's number as a reader of the image, for replies that it sends itself. */
  worker: 12,
  /** What that worker knows the query by. */
  token: 16,
  /** For replies that the signer sends: the socket, octets of the client's socket address and of control data. */
  fd: 20,
  nameOctets: 24,
  controlOctets: 28,
  clientOctets: 32,
  /** For what is written down. */
  clientPort: 36,
  client: 48,
  name: 64,
  control: 96,
  query: 160,
} as const;

/** In place of a socket, or of a worker, where there is none to send by. */
export const NOBODY = -1;

/** A longer query is turned away: a name and every option that a client has a use for are less than half of it. */
export const WAITING_QUERY_OCTETS_MAX = SLOT_OCTETS - Slot.query;

/** Words of the head. Each class has a line for the writers' turn and one for the readers'. */
const Head = { bell: 0, asleep: 1, turns: 16 } as const;
const LINE_WORDS = 16;
const HEAD_OCTETS = (Head.turns + (CLASSES + 1) * 2 * LINE_WORDS) * 4;

/** One thread's view of what waits. */
export interface WaitingRoom {
  readonly words: Int32Array;
  readonly octets: Uint8Array;
  readonly data: DataView;
}

export const WAITING_ROOM_OCTETS =
  HEAD_OCTETS + CAPACITY.reduce((sum: number, slots) => sum + slots, 0) * SLOT_OCTETS;

export function createWaitingRoom(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(WAITING_ROOM_OCTETS);
  const words = new Int32Array(memory);
  for (let of = 1; of <= CLASSES; of++)
    for (let i = 0; i < CAPACITY[of]!; i++) words[slotAt(of as Waiting, i) / 4] = i;
  return memory;
}

export function openWaitingRoom(memory: SharedArrayBuffer): WaitingRoom {
  return { words: new Int32Array(memory), octets: new Uint8Array(memory), data: new DataView(memory) };
}

function slotAt(of: Waiting, turn: number): number {
  let first = 0;
  for (let before = 1; before < of; before++) first += CAPACITY[before]!;
  return HEAD_OCTETS + (first + (turn & (CAPACITY[of]! - 1))) * SLOT_OCTETS;
}

function turnWord(of: Waiting, isReader: boolean): number {
  return Head.turns + (of * 2 + (isReader ? 1 : 0)) * LINE_WORDS;
}

/**
 * Claims a slot and copies a query into it. The caller fills in the rest and then calls {@link admit}, with nothing in between
 * that could fail.
 *
 * @returns the octet where the slot begins; 0: there is no room
 */
export function claim(
  room: WaitingRoom,
  of: Waiting,
  query: DataView,
  start: number,
  octets: number,
): number {
  const { words } = room;
  if (octets > WAITING_QUERY_OCTETS_MAX) return 0;
  const next = turnWord(of, false);
  for (;;) {
    const turn = Atomics.load(words, next);
    const at = slotAt(of, turn);
    const ahead = (Atomics.load(words, at / 4) - turn) | 0;
    if (ahead < 0) return 0;
    if (ahead > 0 || Atomics.compareExchange(words, next, turn, (turn + 1) | 0) !== turn) continue;
    words[(at + Slot.queryOctets) / 4] = octets;
    copyOctets(room.data, at + Slot.query, query, start, octets);
    return at;
  }
}

/** Whether {@link claim} would find no room at this moment. */
export function isFull({ words }: WaitingRoom, of: Waiting): boolean {
  const turn = Atomics.load(words, turnWord(of, false));
  return ((Atomics.load(words, slotAt(of, turn) / 4) - turn) | 0) < 0;
}

/** Writes who asks into a claimed slot. */
export function writeClient(
  { words, octets }: WaitingRoom,
  at: number,
  transport: number,
  client: Uint8Array,
  start: number,
  length: number,
): void {
  words[(at + Slot.transport) / 4] = transport;
  words[(at + Slot.clientOctets) / 4] = length;
  words[(at + Slot.fd) / 4] = NOBODY;
  words[(at + Slot.worker) / 4] = NOBODY;
  for (let i = 0; i < length; i++) octets[at + Slot.client + i] = client[start + i]!;
}

/** Lets signers have a claimed slot, and wakes one that sleeps. */
export function admit({ words }: WaitingRoom, at: number): void {
  Atomics.store(words, at / 4, (words[at / 4]! + 1) | 0);
  ring(words);
}

function ring(words: Int32Array): void {
  Atomics.add(words, Head.bell, 1);
  if (Atomics.load(words, Head.asleep) > 0) Atomics.notify(words, Head.bell, 1);
}

/** Wakes a signer that sleeps, to see whether there is anything new. */
export function wakeSigner({ words }: WaitingRoom): void {
  if (Atomics.load(words, Head.asleep) > 0) ring(words);
}

/**
 * Takes the query that has waited longest, by copying its slot.
 *
 * @param to - room for one slot
 * @returns whether there was one
 */
export function take(room: WaitingRoom, of: Waiting, to: DataView): boolean {
  const { words } = room;
  const next = turnWord(of, true);
  for (;;) {
    const turn = Atomics.load(words, next);
    const at = slotAt(of, turn);
    const ahead = (Atomics.load(words, at / 4) - turn - 1) | 0;
    if (ahead < 0) return false;
    if (ahead > 0 || Atomics.compareExchange(words, next, turn, (turn + 1) | 0) !== turn) continue;
    copyOctets(to, 4, room.data, at + 4, Slot.query - 4 + words[(at + Slot.queryOctets) / 4]!);
    Atomics.store(words, at / 4, (turn + CAPACITY[of]!) | 0);
    return true;
  }
}

/** Memory for one slot, as {@link take} fills it. */
export function slotCopy(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(SLOT_OCTETS);
}

/** How many wait, about. */
export function waitingIn({ words }: WaitingRoom, of: Waiting): number {
  return (Atomics.load(words, turnWord(of, false)) - Atomics.load(words, turnWord(of, true))) | 0;
}

/** The number of calls so far, to be taken before looking for work. */
export function bellOf({ words }: WaitingRoom): number {
  return Atomics.load(words, Head.bell);
}

/** Blocks the thread until somebody has called since `bell` was taken, or the time is over. */
export function sleep({ words }: WaitingRoom, bell: number, timeoutMs: number): void {
  Atomics.add(words, Head.asleep, 1);
  Atomics.wait(words, Head.bell, bell, timeoutMs);
  Atomics.sub(words, Head.asleep, 1);
}
