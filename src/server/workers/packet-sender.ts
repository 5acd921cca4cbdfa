/** Sends one reply from a socket of the batch transport, by another thread than the one that receives from it. */
import { Counter } from '../counters.ts';
import type { Libc } from '../linux/linux.ts';
import { Slot, slotCopy } from '../signing/waiting.ts';
import { UDP_REPLY_OCTETS } from '../responder.ts';
import { Header, HEADER_OCTETS, setAddress, VECTOR_OCTETS } from '../udp/batch-layout.ts';

export class PacketSender {
  /** Where the query's slot is copied to, and where the reply is composed. */
  readonly slot = slotCopy();
  readonly reply = new Uint8Array(UDP_REPLY_OCTETS);
  readonly #libc: Libc;
  readonly #counters: Float64Array;
  /** A header and a vector. Both kept here, so that they stay where the kernel is told that they are. */
  readonly #words = new Int32Array(new ArrayBuffer(HEADER_OCTETS + VECTOR_OCTETS));
  readonly #slotWords = new Int32Array(this.slot.buffer);
  readonly #address: number;

  constructor(libc: Libc, counters: Float64Array) {
    this.#libc = libc;
    this.#counters = counters;
    this.#address = libc.addressOf(this.#words);
    const slotAt = libc.addressOf(this.slot);
    setAddress(this.#words, Header.name, slotAt + Slot.name);
    setAddress(this.#words, Header.vector, this.#address + HEADER_OCTETS);
    this.#words[Header.vectors] = 1;
    setAddress(this.#words, Header.control, slotAt + Slot.control);
    setAddress(this.#words, HEADER_OCTETS / 4, libc.addressOf(this.reply));
  }

  /** Sends so many octets of the reply to where the slot's query came from. */
  send(octets: number): void {
    const words = this.#words;
    words[Header.nameLength] = this.#slotWords[Slot.nameOctets / 4]!;
    words[Header.controlLength] = this.#slotWords[Slot.controlOctets / 4]!;
    words[HEADER_OCTETS / 4 + 2] = octets;
    this.#counters[Counter.octetsOut]! += octets;
    const fd = this.#slotWords[Slot.fd / 4]!;
    if (this.#libc.sendmmsg(fd, this.#address, 1, 0) < 1) this.#counters[Counter.droppedSend]!++;
  }
}
