/**
 * The packet path on Linux: takes up to 64 queries off a socket with one call, has each answered, and sends the
 * replies with one call. The memory for that is batch-layout.ts, sending is batch-send.ts, the sockets are opened in
 * socket.ts, the thread is worker.ts, and what a reply says is the responder's.
 *
 * Nothing here allocates per packet.
 */

import {
  BATCH_PACKETS,
  Header,
  HEADER_WORDS,
  NAME_OCTETS,
  NAMES,
  RECEIVE_HEADERS,
  setReplyLength,
  SLOT_OCTETS,
  SLOTS,
  type BatchSocket,
} from './batch-layout.ts';
import { sendReplies } from './batch-send.ts';
import { parkQuery } from './batch-park.ts';
import { recordEnds } from './batch-record.ts';
import { Counter } from '../counters.ts';
import { Linux, type Libc } from '../linux/linux.ts';
import type { Recorder } from '../recorder.ts';
import { Transport, type Responder } from '../responder.ts';

/** What the packets of a socket are served with. */
export interface BatchService {
  readonly libc: Libc;
  readonly responder: Responder;
  readonly counters: Float64Array;
  /** Writes queries down. Absent: none is. */
  readonly recorder?: Recorder;
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
  if (batch.informationOctets > 0) offerControlRoom(batch);
  const received = libc.recvmmsg(batch.socket.fd, batch.base + RECEIVE_HEADERS, BATCH_PACKETS, flags);
  if (received <= 0) return receiveFailed(libc, received);
  counters[Counter.batch + 32 - Math.clz32(received - 1)]!++;
  if (responder.isStale) service.refresh();
  responder.enter();
  const replies = answerAll(batch, service, received);
  responder.leave();
  sendReplies(libc, batch, counters, received, replies);
  return received;
}

/** The kernel has written the length of the last control data there. */
function offerControlRoom({ words, informationOctets }: BatchSocket): void {
  for (let i = 0; i < BATCH_PACKETS; i++) {
    words[RECEIVE_HEADERS / 4 + i * HEADER_WORDS + Header.controlLength] = informationOctets;
  }
}

function receiveFailed(libc: Libc, received: number): number {
  if (received === 0) return 0;
  const errno = libc.errno();
  return errno === Linux.EBADF || errno === Linux.ENOTSOCK || errno === Linux.EINVAL ? -1 : 0;
}

/** Writes each reply over its query, and its length where replyLength finds it. @returns the number of replies */
function answerAll(batch: BatchSocket, service: BatchService, received: number): number {
  const { octets, words } = batch;
  const { responder, counters, recorder } = service;
  const isRecording = recorder !== undefined && recorder.isOn;
  const addressStart = batch.socket.family === 6 ? 8 : 4;
  const addressLength = batch.socket.family === 6 ? 16 : 4;
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
      setReplyLength(words, i, 0);
      continue;
    }
    const slot = SLOTS + i * SLOT_OCTETS;
    const readers = isRecording ? recorder.draw() : 0;
    if (readers !== 0) recorder!.begin(readers, Transport.udp, octets, slot, queryLength);
    let length = responder.answer(
      octets,
      slot,
      queryLength,
      octets,
      slot,
      Transport.udp,
      octets,
      name + addressStart,
      addressLength,
    );
    if (length < 0) {
      // What is written down of it is left to the signer.
      if (readers !== 0) recorder!.cancel();
      length = parkQuery(batch, responder, i);
    } else if (readers !== 0) endRecord(recorder!, batch, i, length);
    setReplyLength(words, i, length);
    octetsOut += length;
    if (length !== 0) replies++;
  }
  counters[Counter.octetsIn]! += octetsIn;
  counters[Counter.octetsOut]! += octetsOut;
  return replies;
}

function endRecord(recorder: Recorder, batch: BatchSocket, i: number, length: number): void {
  recordEnds(recorder, batch, i);
  recorder.end(batch.octets, SLOTS + i * SLOT_OCTETS, length);
}
