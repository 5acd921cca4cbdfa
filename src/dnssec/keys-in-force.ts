/**
 * Owns what a zone's keys mean for what is served: the records at its apex, and who signs what. Pure: from the document of the
 * keys and the keys themselves.
 */
import type { KeyObject } from 'node:crypto';
import { Type } from '../zonebuilder/dns.ts';
import { encodeNameLower } from '../zonebuilder/names.ts';
import type { StaticRecord } from '../zonebuilder/static-set.ts';
import { ALGORITHMS } from './algorithms.ts';
import { CDNSKEY_DELETE, CDS_DELETE, DIGEST_TYPES, dsRdata, type DigestType } from './ds.ts';
import type { KeyEntry, KeyState } from './key-state.ts';
import { stageOf, type Duties } from './rolls.ts';
import type { SigningKey } from './rrsig.ts';

/** Keys as they are served now. Plain data, exchanged as a whole. */
export interface KeysInForce {
  /** DNSKEY, CDS and CDNSKEY at the apex. */
  readonly records: readonly StaticRecord[];
  /** Each signs the DNSKEY, CDS and CDNSKEY RRsets (RFC 7344 section 4.1). At least one. */
  readonly keySigners: readonly SigningKey[];
  /** Each signs every other RRset: two while algorithms change, and then each set has both signatures. At least one. */
  readonly zoneSigners: readonly SigningKey[];
}

/** A key with its private half. */
export interface HeldKey extends KeyEntry {
  readonly privateKey: KeyObject;
}

const EVERYTHING: Duties = { published: true, signsKeys: true, signsZone: true };

/** Whether DS records point at a key of this role. */
export function isSep({ role }: Pick<KeyEntry, 'role'>): boolean {
  return role !== 'zsk';
}

/** What a key does now: its part in a roll, as far as its role goes. */
export function dutiesOf({ roll }: Pick<KeyState, 'roll'>, key: Pick<KeyEntry, 'file' | 'role'>): Duties {
  const duties = partOf(roll, key.file);
  return {
    published: duties.published,
    signsKeys: duties.signsKeys && isSep(key),
    signsZone: duties.signsZone && key.role !== 'ksk',
  };
}

/** The keys whose DS records the parent should have now; delete: it should have none. */
export function delegatedKeys<K extends KeyEntry>(state: {
  readonly keys: readonly K[];
  readonly roll?: KeyState['roll'];
}): readonly K[] | 'delete' {
  const { keys, roll } = state;
  const ds = roll === undefined ? ([] as const) : stageOf(roll).ds;
  if (ds === 'delete') return 'delete';
  const side = (file: string) =>
    roll?.from.includes(file) ? 'old' : roll?.to.includes(file) ? 'new' : undefined;
  return keys.filter((key) => {
    const which = side(key.file);
    return isSep(key) && (which === undefined || ds.includes(which));
  });
}

/**
 * What is served and who signs.
 *
 * @param digests - of the CDS records
 */
export function keysInForce(
  state: Pick<KeyState, 'domain' | 'roll'>,
  keys: readonly HeldKey[],
  {
    ttlSeconds,
    cds,
    digests = [DIGEST_TYPES['SHA-256']],
  }: {
    readonly ttlSeconds: number;
    /** Whether CDS and CDNSKEY are served. */
    readonly cds: boolean;
    readonly digests?: readonly DigestType[];
  },
): KeysInForce {
  const { domain } = state;
  const record = (type: number) => (rdata: Buffer) => ({ name: domain, type, ttlSeconds, rdata });
  const published = keys.filter((key) => dutiesOf(state, key).published);
  const children = cds ? childRecords(state, keys, digests) : { cds: [], cdnskey: [] };
  return {
    records: [
      ...published.map(rdataOf).map(record(Type.DNSKEY)),
      ...children.cds.map(record(Type.CDS)),
      ...children.cdnskey.map(record(Type.CDNSKEY)),
    ],
    keySigners: keys.filter((key) => dutiesOf(state, key).signsKeys).map(signingKey),
    zoneSigners: keys.filter((key) => dutiesOf(state, key).signsZone).map(signingKey),
  };
}

/** What the parent is told through the zone (RFC 7344 section 3, RFC 8078 section 4). */
export function childRecords(
  state: Pick<KeyState, 'domain' | 'roll'>,
  keys: readonly KeyEntry[],
  digests: readonly DigestType[],
): { readonly cds: readonly Buffer[]; readonly cdnskey: readonly Buffer[] } {
  const delegated = delegatedKeys({ keys, roll: state.roll });
  if (delegated === 'delete') return { cds: [CDS_DELETE], cdnskey: [CDNSKEY_DELETE] };
  const owner = encodeNameLower(state.domain);
  const cds = delegated.flatMap((key) => digests.map((digest) => dsRdata(owner, rdataOf(key), digest)));
  return { cds, cdnskey: delegated.map(rdataOf) };
}

/** The rdata of a key's DNSKEY record. */
export function rdataOf({ dnskey }: Pick<KeyEntry, 'dnskey'>): Buffer {
  return Buffer.from(dnskey, 'base64');
}

function partOf(roll: KeyState['roll'], file: string): Duties {
  if (roll === undefined) return EVERYTHING;
  const stage = stageOf(roll);
  if (roll.from.includes(file)) return stage.old;
  return roll.to.includes(file) ? stage.new : EVERYTHING;
}

function signingKey({ algorithm, tag, privateKey }: HeldKey): SigningKey {
  return { algorithm: ALGORITHMS[algorithm], tag, privateKey };
}
