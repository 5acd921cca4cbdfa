/**
 * Owns what threads sign with: memories for signatures and for queries that wait for one, and the keys in the form that threads take.
 * Which keys are in force is keys-keeper.ts.
 */
import { createHash, createPublicKey, randomUUID, type KeyObject } from 'node:crypto';
import type { DnssecSettings } from '../config/settings.ts';
import { keyTag } from '../dnssec/dnskey.ts';
import type { KeysInForce } from '../dnssec/keys-in-force.ts';
import type { SigningKey as Key } from '../dnssec/rrsig.ts';
import type { SigningKey, SigningSettings } from '../server/signing/settings.ts';
import { countSignatures, createSignatures, openSignatures } from '../server/signing/signatures.ts';
import { createWaitingRoom, openWaitingRoom, Waiting, waitingIn } from '../server/signing/waiting.ts';
import { Type } from '../zonebuilder/dns.ts';
import type { Clock } from '../log.ts';
import type { SigningStatus } from '../admin/signing.ts';

/** Denials of names that do not exist that are kept, of those that are asked for again and again. */
const DENIALS = 8192;
/** Signatures begin so much earlier, in seconds, for validators whose clocks are behind. */
const INCEPTION_MARGIN_SECONDS = 3600;
/** The part of its time by which a signature may end earlier. */
const JITTER_SHARE = 0.1;

/**
 * The part of the propagation time for which signatures of the keys before are handed out: the rest is for replicas that learn of
 * the step later. A signature that is not asked for in that time is made when it is.
 */
const FORMER_SHARE = 0.5;

const HOUR_SECONDS = 3600;

interface Memories {
  /** How many signatures there is room for, as the settings have it. */
  readonly capacity: number;
  readonly signatures: SharedArrayBuffer;
  readonly denials: SharedArrayBuffer;
  readonly waiting: SharedArrayBuffer;
}

export class SigningKeeper {
  /** Differs from process to process of one machine, and from server to server of one process. */
  readonly #channel = `fedns-${randomUUID()}`;
  #memories: Memories | undefined;
  #zoneSigners: readonly SigningKey[] = [];
  #former: readonly SigningKey[] = [];
  #formerUntilSeconds = 0;
  readonly #clock: Clock;

  constructor(clock: Clock = Date.now) {
    this.#clock = clock;
  }

  /**
   * What threads are told from now on.
   *
   * @param notBeforeMs - a moment that is past, by which signatures are dated while the clock shows less
   */
  adopt(
    keys: KeysInForce | undefined,
    dnssec: DnssecSettings | undefined,
    notBeforeMs: number,
  ): SigningSettings | undefined {
    if (keys === undefined || dnssec === undefined) {
      this.#memories = undefined;
      return undefined;
    }
    if (this.#memories?.capacity !== dnssec.signatures) this.#memories = createMemories(dnssec.signatures);
    const signers = this.#keysOf(keys, Math.max(this.#clock(), notBeforeMs), dnssec);
    const validitySeconds = dnssec.signatureHours * HOUR_SECONDS;
    const { capacity: _, ...memories } = this.#memories;
    return {
      ...memories,
      keys: signers,
      times: {
        validitySeconds,
        inceptionMarginSeconds: INCEPTION_MARGIN_SECONDS,
        jitterSeconds: Math.floor(validitySeconds * JITTER_SHARE),
        notBeforeSeconds: Math.floor(notBeforeMs / 1000),
        formerUntilSeconds: this.#formerUntilSeconds,
      },
      signers: dnssec.signers,
      denialsPerSecond: dnssec.denialsPerSecond,
      channel: this.#channel,
    };
  }

  /** Undefined: the domain is not signed. */
  status(): SigningStatus | undefined {
    if (this.#memories === undefined) return undefined;
    const { signatures, denials, waiting } = this.#memories;
    const room = openWaitingRoom(waiting);
    return {
      octets: signatures.byteLength + denials.byteLength + waiting.byteLength,
      kept: {
        data: countSignatures(openSignatures(signatures)),
        denial: countSignatures(openSignatures(denials)),
      },
      waiting: {
        data: waitingIn(room, Waiting.data),
        proven_denial: waitingIn(room, Waiting.provenDenial),
        denial: waitingIn(room, Waiting.denial),
        refresh: waitingIn(room, Waiting.refresh),
      },
    };
  }

  /** Keys that do not sign any more, and whose signatures are good while their DNSKEY records are served, come last. */
  #keysOf(
    { records, keySigners, zoneSigners }: KeysInForce,
    nowMs: number,
    { propagationSeconds }: DnssecSettings,
  ): readonly SigningKey[] {
    const served = new Set(
      records.filter(({ type }) => type === Type.DNSKEY).map(({ rdata }) => keyTag(rdata)),
    );
    const zone = zoneSigners.map((key) => threadKey(key, isAmong(key, keySigners) ? 'both' : 'zone'));
    const keysOnly = keySigners
      .filter((key) => !isAmong(key, zoneSigners))
      .map((key) => threadKey(key, 'keys'));
    const isCurrent = ({ id }: SigningKey): boolean => zone.some((key) => key.id === id);
    if (this.#zoneSigners.some((key) => !isCurrent(key)))
      this.#formerUntilSeconds = Math.floor(nowMs / 1000 + propagationSeconds * FORMER_SHARE);
    this.#former = [...this.#zoneSigners, ...this.#former]
      .filter((key, i, all) => all.findIndex(({ id }) => id === key.id) === i)
      .filter((key) => !isCurrent(key) && served.has(key.keyTag))
      .map(({ privateKey: __, ...key }) => ({ ...key, part: 'zone', isActive: false }));
    this.#zoneSigners = zone;
    return [...zone, ...keysOnly, ...this.#former];
  }
}

function createMemories(capacity: number): Memories {
  return {
    capacity,
    signatures: createSignatures(capacity),
    denials: createSignatures(DENIALS),
    waiting: createWaitingRoom(),
  };
}

function isAmong({ tag, algorithm }: Key, keys: readonly Key[]): boolean {
  return keys.some((key) => key.tag === tag && key.algorithm === algorithm);
}

function threadKey({ algorithm, tag, privateKey }: Key, part: SigningKey['part']): SigningKey {
  return { id: idOf(privateKey), algorithm: algorithm.number, keyTag: tag, part, isActive: true, privateKey };
}

/** Key tags of two keys may be the same. */
function idOf(privateKey: KeyObject): number {
  const octets = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(octets).digest().readInt32LE(0) | 1;
}
