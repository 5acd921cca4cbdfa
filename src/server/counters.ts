/**
 * The counters of the data plane: what is counted, and where it stands in a worker's shared memory. Each worker is
 * the only writer of its own block, so a plain `block[i]++` is enough; the admin thread reads all blocks and sums.
 * Float64 counts exactly to 2^53, and a reader sees each either before or after an increment.
 */

/** Query types that have a counter of their own; every other type counts as `other`. */
export const COUNTED_TYPES = ['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA', 'SRV', 'HTTPS', 'ANY'] as const;

/** Upper bounds of the batch-size histogram, in packets. */
export const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64] as const;

/** Position of each counter in a block. */
export const Counter = {
  queriesUdp: 0,
  queriesTcp: 1,
  queriesTls: 2,
  repliesTruncated: 3,
  /** Packets that get no reply: shorter than a header, QR set, source port 0. */
  droppedUnanswerable: 4,
  /** Replies withheld by response rate limiting. */
  droppedRateLimited: 5,
  /** Replies the kernel did not take. */
  droppedSend: 6,
  /** Queries that ended in a caught exception: each one is a bug. */
  faults: 7,
  ednsQueries: 8,
  cookiesValid: 9,
  octetsIn: 10,
  octetsOut: 11,
  rateLimitedSlip: 12,
  refusedAccess: 13,
  tcpConnections: 14,
  tcpClosedIdle: 15,
  tcpClosedLimit: 16,
  tcpClosedSlow: 17,
  /** No counter: connections at this moment, written by the thread that owns them. */
  tcpOpen: 18,
  /** No counter: how long an idle connection is kept at this moment, in milliseconds; told to clients (RFC 7828). */
  tcpIdleLimitMs: 19,
  /** First of 11: {@link COUNTED_TYPES}, then `other`. */
  type: 24,
  /** First of 24: RCODE by number, 0 to 23. */
  rcode: 36,
  /** First of 7: batches of up to {@link BATCH_BOUNDS} packets. */
  batch: 60,
  /** Queries that waited for a signature, and those of them that were turned away, for there was no room. */
  signaturesAwaited: 72,
  signaturesRefused: 73,
  /** Signatures made because they were needed, and anew before it was time. */
  signaturesMade: 74,
  signaturesRefreshed: 75,
} as const;

/** Counters in a block, with room to grow. */
export const COUNTERS_PER_WORKER = 96;

/** Octets of one worker's block. */
export const COUNTER_BLOCK_OCTETS = COUNTERS_PER_WORKER * 8;

/** Position of a type among {@link COUNTED_TYPES}. */
export function typeCounter(type: number): number {
  switch (type) {
    case 1:
      return 0;
    case 2:
      return 1;
    case 5:
      return 2;
    case 6:
      return 3;
    case 15:
      return 4;
    case 16:
      return 5;
    case 28:
      return 6;
    case 33:
      return 7;
    case 65:
      return 8;
    case 255:
      return 9;
    default:
      return 10;
  }
}
