/** Puts a query of a batch where it waits for a signature, with all that its reply is sent by: the signer sends it. */
import type { Responder } from '../responder.ts';
import { admit, Slot } from '../signing/waiting.ts';
import { CONTROL_OCTETS, CONTROLS, NAME_OCTETS, NAMES, type BatchSocket } from './batch-layout.ts';
import { forgetInterface } from './batch-send.ts';

/** @returns octets of a reply that is sent at once, because there is no room to wait in; 0: none is */
export function parkQuery(batch: BatchSocket, responder: Responder, i: number): number {
  const { room, claim, turnAway } = responder.parking!;
  const slot = claim();
  if (slot === 0) return turnAway();
  const { socket, informationOctets, words, octets } = batch;
  if (informationOctets > 0) forgetInterface(batch, i);
  const to = room.words;
  to[(slot + Slot.fd) / 4] = socket.fd;
  to[(slot + Slot.nameOctets) / 4] = socket.family === 6 ? 28 : 16;
  to[(slot + Slot.controlOctets) / 4] = informationOctets;
  const name = NAMES + i * NAME_OCTETS;
  to[(slot + Slot.clientPort) / 4] = (octets[name + 2]! << 8) | octets[name + 3]!;
  copyWords(to, (slot + Slot.name) / 4, words, name / 4, NAME_OCTETS / 4);
  copyWords(to, (slot + Slot.control) / 4, words, (CONTROLS + i * CONTROL_OCTETS) / 4, CONTROL_OCTETS / 4);
  admit(room, slot);
  return 0;
}

function copyWords(to: Int32Array, at: number, from: Int32Array, start: number, count: number): void {
  for (let i = 0; i < count; i++) to[at + i] = from[start + i]!;
}
