/** Packs records into DNS messages near 64 KiB, names compressed (RFC 1035 section 4.1.4), each behind its length as TCP has it. */
import { Class } from '../zonebuilder/dns.ts';
import { compressibleAt, octetsOf, type WireRecord } from './wire-record.ts';

/** The longest message (RFC 1035 section 4.2.2). */
export const MESSAGE_OCTETS_MAX = 65_535;
const LENGTH_OCTETS = 2;
const HEADER_OCTETS = 12;
/** A pointer has 14 bits. */
const POINTER_MAX = 0x3fff;
const FLAGS_ANSWER = 0x8400;

/** What every message of a reply has. */
export interface ReplyFrame {
  readonly id: number;
  /** Opcode and RD of the query stay. */
  readonly flags?: number;
  /** In wire form, with type and class; empty: none, as later messages may do (RFC 5936 section 2.2.1). */
  readonly question: Buffer;
  /** Octets kept free at the end, for OPT and TSIG. */
  readonly reserved: number;
}

/** One message in the making. */
export class MessageWriter {
  readonly #octets = Buffer.allocUnsafeSlow(LENGTH_OCTETS + MESSAGE_OCTETS_MAX);
  /** Where a name, from some label to its end, stands in the message. */
  readonly #names = new Map<string, number>();
  #at = 0;
  #end = 0;
  #answers = 0;
  #lastOwner: Buffer = NO_NAME;
  #lastOwnerAt = 0;

  /** Begins a message. */
  begin({ id, flags = 0, question, reserved }: ReplyFrame, rcode = 0): void {
    const octets = this.#octets;
    this.#names.clear();
    this.#answers = 0;
    this.#lastOwner = NO_NAME;
    this.#end = LENGTH_OCTETS + MESSAGE_OCTETS_MAX - reserved;
    octets.fill(0, 0, LENGTH_OCTETS + HEADER_OCTETS);
    octets.writeUInt16BE(id, LENGTH_OCTETS);
    octets.writeUInt16BE(FLAGS_ANSWER | flags | rcode, LENGTH_OCTETS + 2);
    octets.writeUInt16BE(question.length > 0 ? 1 : 0, LENGTH_OCTETS + 4);
    question.copy(octets, LENGTH_OCTETS + HEADER_OCTETS);
    this.#at = LENGTH_OCTETS + HEADER_OCTETS + question.length;
    if (question.length > 0)
      this.#note(question.toString('latin1', 0, question.length - 4), LENGTH_OCTETS + HEADER_OCTETS);
  }

  get answers(): number {
    return this.#answers;
  }

  /** Adds a record. @returns false: it does not fit any more */
  add(record: WireRecord): boolean {
    if (this.#at + octetsOf(record) > this.#end) return false;
    const octets = this.#octets;
    this.#writeOwner(record.owner);
    let at = octets.writeUInt16BE(record.type, this.#at);
    at = octets.writeUInt16BE(Class.IN, at);
    at = octets.writeUInt32BE(record.ttlSeconds, at);
    this.#at = at + 2;
    const nameAt = compressibleAt(record.type);
    if (nameAt === undefined) this.#at += record.rdata.copy(octets, this.#at);
    else {
      this.#at += record.rdata.copy(octets, this.#at, 0, nameAt);
      this.#writeName(record.rdata.subarray(nameAt));
    }
    octets.writeUInt16BE(this.#at - at - 2, at);
    this.#answers++;
    return true;
  }

  /**
   * Ends the message.
   *
   * @param additional - records in wire form for the additional section, and their number
   * @param sign - adds a signature to the message that ends at `end` and tells where it ends then
   * @returns the message behind its length, in memory of its own
   */
  end(
    additional: { readonly octets: Buffer; readonly count: number } = NONE,
    sign: (message: Buffer, start: number, end: number) => number = (_m, _s, end) => end,
  ): Buffer {
    const octets = this.#octets;
    octets.writeUInt16BE(this.#answers, LENGTH_OCTETS + 6);
    octets.writeUInt16BE(additional.count, LENGTH_OCTETS + 10);
    this.#at += additional.octets.copy(octets, this.#at);
    const end = sign(octets, LENGTH_OCTETS, this.#at);
    octets.writeUInt16BE(end - LENGTH_OCTETS, 0);
    // Its memory is handed to another thread.
    const message = Buffer.from(new ArrayBuffer(end));
    octets.copy(message, 0, 0, end);
    return message;
  }

  /** Records of one name follow one another. */
  #writeOwner(owner: Buffer): void {
    if (this.#lastOwnerAt > 0 && this.#lastOwner.equals(owner)) {
      this.#at = this.#octets.writeUInt16BE(0xc000 | this.#lastOwnerAt, this.#at);
      return;
    }
    const at = this.#at - LENGTH_OCTETS;
    this.#lastOwner = owner;
    this.#lastOwnerAt = at <= POINTER_MAX ? at : 0;
    this.#writeName(owner);
  }

  #writeName(wireName: Buffer): void {
    const octets = this.#octets;
    const text = wireName.toString('latin1');
    for (let from = 0; wireName[from] !== 0; from += wireName[from]! + 1) {
      const known = this.#names.get(text.slice(from));
      if (known !== undefined) {
        this.#note(text, this.#at, from);
        this.#at += wireName.copy(octets, this.#at, 0, from);
        this.#at = octets.writeUInt16BE(0xc000 | known, this.#at);
        return;
      }
    }
    this.#note(text, this.#at);
    this.#at += wireName.copy(octets, this.#at);
  }

  /** Notes where the ends of a name stand, those that begin before `until`. */
  #note(text: string, at: number, until = text.length - 1): void {
    for (let from = 0; from < until; from += text.charCodeAt(from) + 1) {
      const position = at - LENGTH_OCTETS + from;
      if (position > POINTER_MAX) return;
      this.#names.set(text.slice(from), position);
    }
  }
}

const NO_NAME = Buffer.alloc(0);
const NONE = { octets: Buffer.alloc(0), count: 0 };
