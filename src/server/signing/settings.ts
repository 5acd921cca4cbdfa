/** What threads that answer are told about signing. Structured-cloneable; the memories are shared by all of them. */
import type { KeyObject } from 'node:crypto';

/** What a key signs: the RRsets of keys at the apex, all others, or both (RFC 6781 section 3.1). */
export type KeyPart = 'keys' | 'zone' | 'both';

/** A key whose signatures are used. */
export interface SigningKey {
  /** Tells its signatures from those of other keys: 32 bits of the public key's digest, never 0. */
  readonly id: number;
  readonly algorithm: number;
  readonly keyTag: number;
  readonly part: KeyPart;
  /**
   * Whether it makes new signatures. What a former key has signed is used until it is signed anew, for a
   * while and as long as the key stays in the DNSKEY RRset.
   */
  readonly isActive: boolean;
  /** For signers alone. */
  readonly privateKey?: KeyObject;
}

/** When signatures begin and end to be good. */
export interface SignatureTimes {
  /** From now to the expiration, in seconds, before {@link jitterSeconds} are taken off. */
  readonly validitySeconds: number;
  /** How much earlier than now they begin, in seconds, for validators whose clocks are behind. */
  readonly inceptionMarginSeconds: number;
  /** Each signature ends by a random time of up to this much earlier, in seconds, so that not all are made anew at once. */
  readonly jitterSeconds: number;
  /** A moment that is past, in seconds since 1970, by which signatures are dated while the clock shows less. */
  readonly notBeforeSeconds: number;
  /**
   * Until when signatures of former keys are used, in seconds since 1970: a roll counts on it that none is handed out later, since
   * the key may be gone one TTL after (RFC 7583 section 3.2.1: Dsgn and Dprp).
   */
  readonly formerUntilSeconds: number;
}

export interface SigningSettings {
  /** Signatures, from createSignatures: of what exists, and of denials of what does not. */
  readonly signatures: SharedArrayBuffer;
  readonly denials: SharedArrayBuffer;
  /** Queries that wait for one, from createWaitingRoom. */
  readonly waiting: SharedArrayBuffer;
  readonly keys: readonly SigningKey[];
  readonly times: SignatureTimes;
  /** Threads that sign. */
  readonly signers: number;
  /** Denials a second that are signed for clients that may be anybody, by all signers together. */
  readonly denialsPerSecond: number;
  /** What the channels are called over which signers hand replies to workers; the worker's number follows. */
  readonly channel: string;
}
