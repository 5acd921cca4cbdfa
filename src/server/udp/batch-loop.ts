/**
 * The life of a batch worker: batch after batch until it is told to stop, then what still waits. One address is the
 * common case and blocks in `recvmmsg` itself; several are waited for with `poll`.
 */

import assert from 'node:assert/strict';
import { Linux } from '../linux/linux.ts';
import { prepareBatch, type BatchSocket } from './batch-layout.ts';
import { serveBatch, type BatchService } from './batch.ts';
import { WAIT_MS, type UdpSocket } from './socket.ts';

/** Batches per socket that a stopping worker still serves: a full receive buffer of the smallest queries. */
const DRAIN_BATCHES_MAX = 256;

/** What the loop works with. */
export interface BatchLoop extends BatchService {
  readonly sockets: readonly UdpSocket[];
  /** Called between batches and at least every {@link WAIT_MS}; false ends the loop. */
  readonly goOn: () => boolean;
}

/**
 * Serves until `goOn` says no, then drains the sockets. Blocks the thread meanwhile.
 *
 * @throws AssertionError when a socket is of no use any more
 */
export function serveBatches(loop: BatchLoop): void {
  const batches = loop.sockets.map((socket) => prepareBatch(loop.libc, socket));
  if (batches.length === 1) serveOne(loop, batches[0]!);
  else serveSeveral(loop, batches);
  for (const batch of batches) drain(loop, batch);
}

function serveOne(loop: BatchLoop, batch: BatchSocket): void {
  while (loop.goOn()) {
    // Blocks for the first packet only, and takes those that have come by then.
    if (serveBatch(loop, batch, Linux.MSG_WAITFORONE) < 0) fail(batch);
  }
}

function serveSeveral(loop: BatchLoop, batches: readonly BatchSocket[]): void {
  const polled = new Int32Array(new ArrayBuffer(batches.length * 8));
  for (const [i, batch] of batches.entries()) polled.set([batch.socket.fd, Linux.POLLIN], i * 2);
  const address = loop.libc.addressOf(polled);
  while (loop.goOn()) {
    if (loop.libc.poll(address, batches.length, WAIT_MS) > 0) serveReady(loop, batches, polled);
  }
}

/** The upper half of the second word of `struct pollfd` says what has come. */
function serveReady(loop: BatchLoop, batches: readonly BatchSocket[], polled: Int32Array): void {
  for (let i = 0; i < batches.length; i++) {
    if (polled[i * 2 + 1]! >>> 16 === 0) continue;
    const batch = batches[i]!;
    if (serveBatch(loop, batch, Linux.MSG_DONTWAIT) < 0) fail(batch);
  }
}

function drain(loop: BatchLoop, batch: BatchSocket): void {
  for (let i = 0; i < DRAIN_BATCHES_MAX; i++) {
    if (serveBatch(loop, batch, Linux.MSG_DONTWAIT) <= 0) return;
  }
}

function fail(batch: BatchSocket): never {
  assert.fail(`socket ${batch.socket.fd} was closed under its worker`);
}
