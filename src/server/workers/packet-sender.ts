/**
 * Sends replies from sockets of the batch transport, by another thread than the one that receives from them: several with one call,
 * since each call that finds its receiver asleep costs a fifth of a signature.
 */
import { copyOctets } from '../../zonebuilder/octets.ts';
import { Counter } from '../counters.ts';
import type { Libc } from '../linux/linux.ts';
import { Slot } from '../signing/waiting.ts';
import { UDP_REPLY_OCTETS } from '../responder.ts';
import { Header, HEADER_OCTETS, HEADER_WORDS, setAddress, VECTOR_OCTETS } from '../udp/batch-layout.ts';

/** Replies that may wait for each other: the first for as long as the others' signatures take, half a millisecond. */
const REPLIES_MAX = 16;
/** Where each part starts, in octets: headers, vectors, and for each reply its client, control data and octets. */
const VECTORS = REPLIES_MAX * HEADER_OCTETS;
const PLACES = VECTORS + REPLIES_MAX * VECTOR_OCTETS;
const ADDRESS_OCTETS = Slot.query - Slot.name;
const PLACE_OCTETS = ADDRESS_OCTETS + UDP_REPLY_OCTETS;
const NO_SOCKET = -1;

export class PacketSender {
  readonly #libc: Libc;
  readonly #counters: Float64Array;
  /** Kept here, so that it stays where the kernel is told that it is. */
  readonly #data = new DataView(new ArrayBuffer(PLACES + REPLIES_MAX * PLACE_OCTETS));
  readonly #words = new Int32Array(this.#data.buffer);
  readonly #address: number;
  #count = 0;
  #fd = NO_SOCKET;

  constructor(libc: Libc, counters: Float64Array) {
    this.#libc = libc;
    this.#counters = counters;
    this.#address = libc.addressOf(this.#words);
    for (let i = 0; i < REPLIES_MAX; i++) this.#layOut(i);
  }

  /** Takes so many octets of a reply, to be sent to where the slot's query came from. */
  add(slot: DataView, reply: DataView, octets: number): void {
    const fd = slot.getInt32(Slot.fd, true);
    if (fd !== this.#fd) this.flush();
    this.#fd = fd;
    const place = PLACES + this.#count * PLACE_OCTETS;
    const header = this.#count * HEADER_WORDS;
    copyOctets(this.#data, place, slot, Slot.name, ADDRESS_OCTETS);
    copyOctets(this.#data, place + ADDRESS_OCTETS, reply, 0, octets);
    this.#words[header + Header.nameLength] = slot.getInt32(Slot.nameOctets, true);
    this.#words[header + Header.controlLength] = slot.getInt32(Slot.controlOctets, true);
    this.#words[(VECTORS + this.#count * VECTOR_OCTETS) / 4 + 2] = octets;
    this.#counters[Counter.octetsOut]! += octets;
    this.#count++;
    if (this.#count === REPLIES_MAX) this.flush();
  }

  /** Sends what was taken. */
  flush(): void {
    const all = this.#count;
    this.#count = 0;
    for (let sent = 0; sent < all;) {
      const start = this.#address + sent * HEADER_OCTETS;
      const taken = this.#libc.sendmmsg(this.#fd, start, all - sent, 0);
      if (taken < 1) this.#counters[Counter.droppedSend]!++;
      sent += Math.max(taken, 1);
    }
  }

  #layOut(i: number): void {
    const header = i * HEADER_WORDS;
    const vector = VECTORS + i * VECTOR_OCTETS;
    const place = this.#address + PLACES + i * PLACE_OCTETS;
    setAddress(this.#words, header + Header.name, place);
    setAddress(this.#words, header + Header.vector, this.#address + vector);
    this.#words[header + Header.vectors] = 1;
    setAddress(this.#words, header + Header.control, place + Slot.control - Slot.name);
    setAddress(this.#words, vector / 4, place + ADDRESS_OCTETS);
  }
}
