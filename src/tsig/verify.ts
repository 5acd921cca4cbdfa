/**
 * Judges signed messages and signs replies (RFC 8945 sections 5.2 to 5.3). Pure but for node:crypto: keys and the time come in.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { OpenKey } from './keys.ts';
import { tsigOctets, type TsigRecord, writeTsig } from './record.ts';

/** Errors that a TSIG record tells (RFC 8945 section 3). */
export const TsigError = { none: 0, badSig: 16, badKey: 17, badTime: 18, badTrunc: 22 } as const;
export type TsigError = (typeof TsigError)[keyof typeof TsigError];

/** How far the clocks may be apart, in seconds (RFC 8945 section 10). */
export const FUDGE_SECONDS = 300;
/** Shortest MAC in octets, whatever half of the hash is (section 5.2.2.1). */
const MAC_OCTETS_MIN = 10;
const SEQUENCE_OCTETS = 8;

/** What a signed message is worth. */
export type Verdict =
  /** Section 5.2.2.1: a MAC that no algorithm makes is FORMERR. */
  | { readonly kind: 'malformed' }
  /** The key is not known, or what was signed is not what came; the reply is not signed. */
  | { readonly kind: 'unsigned'; readonly error: TsigError }
  /** Signed by the key; an error all the same where the time or the MAC's length does not do. */
  | { readonly kind: 'signed'; readonly error: TsigError; readonly key: OpenKey };

/**
 * Judges a message that is the first of its exchange.
 *
 * @param message - the whole message, its TSIG record included
 * @param priorMac - of the request, where the message is a reply; absent: it is a request
 */
export function verify(
  message: Buffer,
  record: TsigRecord,
  keys: readonly OpenKey[],
  nowSeconds: number,
  priorMac?: Buffer,
): Verdict {
  const key = keys.find(
    ({ wireName, wireAlgorithm }) =>
      wireName.equals(record.keyName) && wireAlgorithm.equals(record.algorithmName),
  );
  if (key === undefined) return { kind: 'unsigned', error: TsigError.badKey };
  const { macOctets } = key.algorithm;
  const { mac } = record;
  if (mac.length > macOctets || mac.length < Math.max(MAC_OCTETS_MIN, macOctets / 2))
    return { kind: 'malformed' };
  const expected = macOf(key, [
    ...priorParts(priorMac),
    ...messageParts(message, record),
    ...variables(record),
  ]);
  if (!timingSafeEqual(expected.subarray(0, mac.length), mac))
    return { kind: 'unsigned', error: TsigError.badSig };
  // Section 5.2.4: our policy is the whole MAC.
  const isTruncated = mac.length < macOctets;
  const isOff = Math.abs(nowSeconds - record.timeSigned) > record.fudgeSeconds;
  const error = isOff ? TsigError.badTime : isTruncated ? TsigError.badTrunc : TsigError.none;
  return { kind: 'signed', error, key };
}

/** Signs the messages of one reply, of which there may be many (section 5.3.1). */
export class ReplySigner {
  readonly #key: OpenKey;
  readonly #request: TsigRecord;
  readonly #error: TsigError;
  readonly #clock: () => number;
  #priorMac: Buffer;
  #isFirst = true;

  /** @param clock - seconds since 1970 */
  constructor(key: OpenKey, request: TsigRecord, error: TsigError, clock: () => number) {
    this.#key = key;
    this.#request = request;
    this.#error = error;
    this.#clock = clock;
    this.#priorMac = request.mac;
  }

  /** Octets to keep free for the record. */
  get octets(): number {
    const { wireName, wireAlgorithm, algorithm } = this.#key;
    return tsigOctets(wireName.length + wireAlgorithm.length, algorithm.macOctets, this.#other(0).length);
  }

  /**
   * Adds the record to a message and counts it among its additional records.
   *
   * @param message - its memory; the record goes to `end`
   * @returns where the message ends
   */
  sign(message: Buffer, start: number, end: number): number {
    const nowSeconds = this.#clock();
    const fields = {
      wireName: this.#key.wireName,
      wireAlgorithm: this.#key.wireAlgorithm,
      // Section 5.2.3: a client that is out of time is told its own, and ours beside it.
      timeSigned: this.#error === TsigError.badTime ? this.#request.timeSigned : nowSeconds,
      fudgeSeconds: FUDGE_SECONDS,
      originalId: message.readUInt16BE(start),
      error: this.#error,
      other: this.#other(nowSeconds),
    };
    const octets = message.subarray(start, end);
    // Section 5.3.1: behind the first message only the time is in the digest.
    const tail = this.#isFirst
      ? variables({ ...fields, keyName: fields.wireName, algorithmName: fields.wireAlgorithm })
      : [timers(fields)];
    const mac = macOf(this.#key, [...priorParts(this.#priorMac), octets, ...tail]);
    this.#priorMac = mac;
    this.#isFirst = false;
    message.writeUInt16BE(message.readUInt16BE(start + 10) + 1, start + 10);
    return writeTsig(message, end, { ...fields, mac });
  }

  #other(nowSeconds: number): Buffer {
    if (this.#error !== TsigError.badTime) return NOTHING;
    const other = Buffer.alloc(6);
    other.writeUIntBE(nowSeconds, 0, 6);
    return other;
  }
}

/** Signs a request of our own. @returns the message with its record, and the MAC that the reply is to know */
export function signRequest(
  message: Buffer,
  key: OpenKey,
  nowSeconds: number,
): { readonly message: Buffer; readonly mac: Buffer } {
  const { wireName, wireAlgorithm, algorithm } = key;
  const fields = {
    wireName,
    wireAlgorithm,
    timeSigned: nowSeconds,
    fudgeSeconds: FUDGE_SECONDS,
    originalId: message.readUInt16BE(0),
    error: TsigError.none,
    other: NOTHING,
  };
  const mac = macOf(key, [
    message,
    ...variables({ ...fields, keyName: wireName, algorithmName: wireAlgorithm }),
  ]);
  const signed = Buffer.alloc(
    message.length + tsigOctets(wireName.length + wireAlgorithm.length, algorithm.macOctets),
  );
  message.copy(signed);
  signed.writeUInt16BE(signed.readUInt16BE(10) + 1, 10);
  writeTsig(signed, message.length, { ...fields, mac });
  return { message: signed, mac };
}

const NOTHING = Buffer.alloc(0);

/** Section 4.3.1: the MAC before this one, behind its length. */
function priorParts(mac: Uint8Array | undefined): Uint8Array[] {
  if (mac === undefined) return [];
  const length = Buffer.alloc(2);
  length.writeUInt16BE(mac.length);
  return [length, mac];
}

/** Section 4.3.2: the message without its record, as it was before that was added. */
function messageParts(message: Buffer, record: TsigRecord): Uint8Array[] {
  const head = Buffer.from(message.subarray(0, 12));
  head.writeUInt16BE(record.originalId, 0);
  head.writeUInt16BE(head.readUInt16BE(10) - 1, 10);
  return [head, message.subarray(12, record.at)];
}

type Variables = Pick<
  TsigRecord,
  'keyName' | 'algorithmName' | 'timeSigned' | 'fudgeSeconds' | 'error' | 'other'
>;

/** Section 4.3.3. */
function variables(fields: Variables): Uint8Array[] {
  const { keyName, algorithmName, error, other } = fields;
  const classAndTtl = Buffer.from([0, 255, 0, 0, 0, 0]);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(error, 0);
  tail.writeUInt16BE(other.length, 2);
  return [keyName, classAndTtl, algorithmName, timers(fields), tail, other];
}

function timers({ timeSigned, fudgeSeconds }: Pick<TsigRecord, 'timeSigned' | 'fudgeSeconds'>): Buffer {
  const octets = Buffer.alloc(SEQUENCE_OCTETS);
  octets.writeUIntBE(timeSigned, 0, 6);
  octets.writeUInt16BE(fudgeSeconds, 6);
  return octets;
}

function macOf({ key, algorithm }: OpenKey, parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac(algorithm.hash, key.secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}
