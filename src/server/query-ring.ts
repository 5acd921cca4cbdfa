/**
 * What a worker that answers leaves behind of queries that are to be written down, in memory that another thread reads:
 * one ring for each worker, which alone writes to it. Owns the layout and the reader's side; recorder.ts writes.
 *
 *   written │ read │ lost │ record, record, … , rest of the round
 *
 * Nobody waits: a record that finds no room is counted as lost. A record is a header, the query and the reply, starts at a
 * multiple of 8 octets and never goes on at the start of the ring; what is left of a round that is too short for the next one
 * is a record of no kind.
 */

/** Octets of records: some hundred milliseconds of a busy worker. Room for several of the longest over TCP; a power of two. */
export const RING_OCTETS = 1 << 20;
const ROUND = RING_OCTETS - 1;

/** The words of the head, each in a cache line of its own. `written` and `read` are octets since the start, modulo 2^32. */
export const Head = { written: 0, read: 16 } as const;
/** Counters of the head, which the writer alone changes, in 64-bit floats: records without room, by whom they were for. */
export const Lost = { log: 16, dnstap: 17 } as const;
/** Where records start. */
export const RECORDS = 192;

/** For whom a record is, as bits. */
export const Reader = { log: 1, dnstap: 2 } as const;

/** Octets of a record before the query. */
export const RECORD_OCTETS = 64;
/** Positions in it, in octets. */
export const At = {
  /** 32 bits: octets of the whole record, a multiple of 8. */
  length: 0,
  /** 8 bits: {@link Reader}; 0 where the rest of the round is skipped. */
  readers: 4,
  /** 8 bits: `Transport`. */
  transport: 5,
  /** 8 bits each: octets of the addresses, 0 where one is not known. */
  clientOctets: 6,
  serverOctets: 7,
  /** Milliseconds since 1970, with fractions; the second one is 0 without a reply. */
  queryMs: 8,
  replyMs: 16,
  /** 16 bits each, in the order of the machine. */
  clientPort: 24,
  serverPort: 26,
  queryOctets: 28,
  replyOctets: 30,
  client: 32,
  server: 48,
} as const;

/** Which part of all queries is for whom, 0 (none) to 1 (all). */
export interface RecordShares {
  readonly log: number;
  readonly dnstap: number;
}

/** What a worker is told of it. Structured-cloneable. */
export interface RecordOrder {
  readonly ring: SharedArrayBuffer;
  readonly shares: RecordShares;
}

/** A ring without records. */
export function createQueryRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(RECORDS + RING_OCTETS);
}

/** The same memory as numbers of each size; positions of records are octets from its start. */
export interface RingView {
  readonly octets: Uint8Array;
  readonly data: DataView;
  readonly shorts: Uint16Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
}

export function viewRing(ring: SharedArrayBuffer): RingView {
  return {
    octets: new Uint8Array(ring),
    data: new DataView(ring),
    shorts: new Uint16Array(ring),
    words: new Int32Array(ring),
    doubles: new Float64Array(ring),
  };
}

/** Where a record at a position of the ring lies in its memory. */
export function recordAt(position: number): number {
  return RECORDS + (position & ROUND);
}

/** Octets from a position to the end of its round. */
export function leftOfRound(position: number): number {
  return RING_OCTETS - (position & ROUND);
}

/** The length of a record with so many octets of messages. */
export function recordLength(messageOctets: number): number {
  return (RECORD_OCTETS + messageOctets + 7) & ~7;
}

/**
 * Calls `take` for each record that is there, up to `max`, and gives its room back afterwards: what it needs of a record it copies.
 *
 * @param take - is given where the record starts in the memory
 * @returns the number of records
 */
export function takeRecords({ words, octets }: RingView, max: number, take: (at: number) => void): number {
  const written = Atomics.load(words, Head.written);
  let read = words[Head.read]!;
  let count = 0;
  while (read !== written && count < max) {
    const at = recordAt(read);
    if (octets[at + At.readers] !== 0) {
      take(at);
      count++;
    }
    read = (read + words[(at + At.length) >> 2]!) | 0;
    Atomics.store(words, Head.read, read);
  }
  return count;
}
