/**
 * How the C library hands out memory in a process with some large, long-lived pieces that are replaced now and then. glibc
 * learns from each large piece that is freed and takes the next ones of that size from its heap, which it can hardly
 * give back. What V8 takes for objects is not concerned.
 */

import type { Libc } from '../linux/linux.ts';
import { loadBatchCalls } from './udp-transport.ts';

/** `M_MMAP_THRESHOLD` of malloc.h. */
const MMAP_THRESHOLD = -3;

/**
 * Pieces from this size on have pages of their own, which go back to the system when they are freed. Larger than any
 * buffer that is made per request, so that none of those costs a system call.
 */
export const OWN_PAGES_OCTETS = 256 * 1024;

/** Has large pieces given back when they are freed. Where the C library has no such setting it stays as it is. */
export async function returnLargePieces(load: () => Promise<Libc> = loadBatchCalls): Promise<void> {
  try {
    const libc = await load();
    libc.mallopt?.(MMAP_THRESHOLD, OWN_PAGES_OCTETS);
  } catch {
    // Without the calls fedns runs too.
  }
}
