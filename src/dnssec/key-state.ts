/**
 * Owns what is known of a zone's keys without their private halves: the document beside the key files, which replicas share.
 * What a stage of a roll means is rolls.ts; reading and writing files is the business of `keys/`.
 */
import { z } from 'zod';
import { ALGORITHM_NAMES } from './algorithms.ts';
import { ROLL_KINDS } from './rolls.ts';

/** What a key does: one for all, or one that signs the keys and one that signs everything else. */
export const KEY_ROLES = ['csk', 'ksk', 'zsk'] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

/** Keys of one zone: two pairs during a roll of all, and what is left of earlier ones. */
export const KEYS_MAX = 16;

const moment = z.iso.datetime().transform((text) => Date.parse(text));
/** The name of a file in the keys' folder, which is also a name in a Secret. */
const fileName = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,100}\.pem$/);
const seconds = z.int().min(0).max(2_147_483_647);
const ttls = z.strictObject({ dnskeySeconds: seconds, zoneSeconds: seconds });

const keySchema = z.strictObject({
  /** The private key, PKCS #8 in PEM. */
  file: fileName,
  role: z.enum(KEY_ROLES),
  algorithm: z.enum(ALGORITHM_NAMES),
  tag: z.int().min(0).max(65535),
  /** Rdata of its DNSKEY record in base64: who has this document alone can tell a key. */
  dnskey: z.base64().max(200),
  created: moment,
});

const rollSchema = z.strictObject({
  kind: z.enum(ROLL_KINDS),
  stage: z.string().max(20),
  since: moment,
  /** Files of the keys that go, and of those that come. */
  from: z.array(fileName).max(KEYS_MAX),
  to: z.array(fileName).max(KEYS_MAX),
  /** The longest TTLs that were in force when the stage began. */
  ttls,
  /** Since when the parent has the DS records that the stage waits for. */
  dsSeen: moment.optional(),
});

export const keyStateSchema = z
  .strictObject({
    version: z.literal(1),
    domain: z.string().max(1024),
    keys: z.array(keySchema).min(1).max(KEYS_MAX),
    roll: rollSchema.optional(),
    /** TTLs in force at the last step: what is lowered is in caches for as long as it was. */
    ttls,
  })
  .refine(({ keys }) => new Set(keys.map(({ file }) => file)).size === keys.length, 'a file is listed twice')
  .refine(
    ({ keys, roll }) =>
      [...(roll?.from ?? []), ...(roll?.to ?? [])].every((file) => keys.some((key) => key.file === file)),
    'a roll names a file that is no key',
  );

/** Moments are milliseconds since the epoch. */
export type KeyState = z.output<typeof keyStateSchema>;
export type KeyEntry = KeyState['keys'][number];
export type Roll = NonNullable<KeyState['roll']>;
/** Longest TTLs in seconds: of the DNSKEY records, and of all others. */
export type Ttls = KeyState['ttls'];

/** The document as it is written; moments are texts for people. */
export function formatKeyState(state: KeyState): string {
  const { keys, roll } = state;
  const document = {
    ...state,
    keys: keys.map((key) => ({ ...key, created: timeText(key.created) })),
    ...(roll && {
      roll: {
        ...roll,
        since: timeText(roll.since),
        ...(roll.dsSeen !== undefined && { dsSeen: timeText(roll.dsSeen) }),
      },
    }),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
