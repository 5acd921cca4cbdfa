/**
 * Tells secondaries of a new version (NOTIFY, RFC 1996): each by itself, again with ever longer pauses until it answers, with the serial
 * that is the newest when the message leaves. Sockets are handed in; how long changes are waited for together is the desk's.
 */
import { formatListen } from '../config/values.ts';
import { Rcode, Type } from '../zonebuilder/dns.ts';
import { encodeName } from '../zonebuilder/names.ts';
import type { OpenKey } from '../tsig/keys.ts';
import { findTsig } from '../tsig/record.ts';
import { signRequest, verify } from '../tsig/verify.ts';
import type { Timer, Timers } from '../timers.ts';
import type { SecondaryStatus } from './protocol.ts';
import { packRecord, type WireRecord } from './wire-record.ts';

/** A secondary. */
export interface Secondary {
  readonly address: string;
  readonly port: number;
  readonly key?: OpenKey | undefined;
}

/** Tries for one version: RFC 1996 section 3.6 names five. A secondary that is away asks by itself when it is back. */
export const TRIES_MAX = 5;
/** How long the first try is waited for, in milliseconds; each further one twice as long as the one before. */
export const FIRST_TRY_MS = 1000;

const FLAGS_NOTIFY = 0x2400;
const HEADER_OCTETS = 12;

export interface NotifierOptions {
  readonly secondary: Secondary;
  readonly domain: () => string;
  /** The newest version's SOA. */
  readonly soa: () => WireRecord & { readonly serial: number };
  readonly send: (message: Buffer, to: Secondary) => void;
  readonly timers: Timers;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** 0 to 65535. */
  readonly randomId: () => number;
  readonly onTrouble: (fields: { secondary: string; serial: number }, message: string) => void;
}

/** What is told to one secondary. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #name: string;
  #timer: Timer | undefined;
  #tries = 0;
  /** What is waited for. */
  #asked: { readonly id: number; readonly serial: number; readonly mac?: Buffer } | undefined;
  #sent = 0;
  #answeredSerial = 0;
  #trouble: string | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#name = formatListen(options.secondary);
  }

  get status(): SecondaryStatus {
    return {
      name: this.#name,
      sent: this.#sent,
      answeredSerial: this.#answeredSerial,
      ...(this.#trouble !== undefined && { trouble: this.#trouble }),
    };
  }

  /** There is a new version. */
  tell(): void {
    this.#tries = 0;
    this.#send();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#asked = undefined;
  }

  /** A message came from the secondary's address and port. @returns whether it was the answer */
  hear(message: Buffer): boolean {
    const asked = this.#asked;
    if (asked === undefined || message.length < HEADER_OCTETS) return false;
    const isReply = (message.readUInt16BE(2) & 0xf800) === 0xa000;
    if (!isReply || message.readUInt16BE(0) !== asked.id || !this.#isGenuine(message, asked.mac))
      return false;
    const rcode = message.readUInt16BE(2) & 15;
    if (rcode !== Rcode.NOERROR) {
      // It has been heard; asking again will not change its mind, the next version may.
      this.#fail(`it answers ${RCODES[rcode] ?? `RCODE ${rcode}`}`);
    } else {
      this.#answeredSerial = asked.serial;
      this.#trouble = undefined;
    }
    this.stop();
    return true;
  }

  #send(): void {
    const { soa, send, timers, secondary } = this.#options;
    const record = soa();
    const id = this.#options.randomId();
    const plain = this.#message(id, record);
    const { key } = secondary;
    const signed = key && signRequest(plain, key, Math.floor(this.#options.clock() / 1000));
    this.#asked = { id, serial: record.serial, ...(signed && { mac: signed.mac }) };
    this.#sent++;
    send(signed?.message ?? plain, secondary);
    this.#timer?.cancel();
    this.#timer = timers.after(FIRST_TRY_MS * 2 ** this.#tries, () => this.#again());
  }

  #again(): void {
    this.#tries++;
    if (this.#tries < TRIES_MAX) return this.#send();
    this.#fail(`no answer after ${TRIES_MAX} tries`);
    this.stop();
  }

  /** Section 3.7: the SOA in the answer section says which version it is about. */
  #message(id: number, soa: WireRecord): Buffer {
    const header = Buffer.alloc(HEADER_OCTETS);
    header.writeUInt16BE(id, 0);
    header.writeUInt16BE(FLAGS_NOTIFY, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(1, 6);
    const question = Buffer.concat([encodeName(this.#options.domain()), Buffer.from([0, Type.SOA, 0, 1])]);
    return Buffer.concat([header, question, packRecord(soa)]);
  }

  /** Section 3.11 leaves it to us; whoever has our key is held to it, as far as it signs at all (Knot and NSD do, BIND does). */
  #isGenuine(message: Buffer, mac: Buffer | undefined): boolean {
    const { key } = this.#options.secondary;
    const record = findTsig(message);
    if (record === 'malformed') return false;
    if (key === undefined || record === undefined) return true;
    const verdict = verify(message, record, [key], Math.floor(this.#options.clock() / 1000), mac);
    // An error of theirs about our signature is an answer, too, and comes without a MAC (RFC 8945 section 5.3.2).
    return verdict.kind === 'signed' || (record.error !== 0 && record.mac.length === 0);
  }

  #fail(reason: string): void {
    const { onTrouble, soa } = this.#options;
    if (this.#trouble !== reason) {
      onTrouble(
        { secondary: this.#name, serial: soa().serial },
        `a secondary was not told of changes: ${reason}`,
      );
    }
    this.#trouble = reason;
  }
}

const RCODES: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  9: 'NOTAUTH',
};
