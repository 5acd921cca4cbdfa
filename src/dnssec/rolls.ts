/**
 * Owns what keys do at each stage of a roll, and how long a stage must last: one table, in which a stage differs from the one
 * before in a single thing that caches may not have seen yet (RFC 6781 section 4.1, RFC 7583). Whoever still holds any of
 * the DS records, keys and signatures that a stage's predecessor had must be able to validate what the stage has.
 *
 * ```
 *  first      sign ──► delegate ──►            the zone is signed before the parent says so
 *  zsk        publish ──► sign ──►             pre-publish
 *  ksk        publish ──► retire ──►           both keys and both DS records ("double DS"), then the old ones go
 *  csk        publish ──► sign ──► retire ──►  the same for one key, which must be seen before it signs the zone
 *  algorithm  presign ──► publish ──► delegate ──► withdraw ──►   signatures first and last (RFC 6781 section 4.1.4)
 *  unsigned   delete ──► ready                 the parent forgets the keys before they stop
 * ```
 */

/** What a key does at a stage, as far as its role has to do with it. */
export interface Duties {
  /** Its DNSKEY record is served. */
  readonly published: boolean;
  /** It signs the DNSKEY records, CDS and CDNSKEY. */
  readonly signsKeys: boolean;
  /** It signs everything else. */
  readonly signsZone: boolean;
}

/** What the parent's DS records must be before a stage ends. */
export type ParentNeed =
  /** Those of the new keys are there. */
  | 'new'
  /** And those of the old keys are not. */
  | 'only-new'
  /** None at all. */
  | 'none';

export interface Stage {
  readonly name: string;
  readonly old: Duties;
  readonly new: Duties;
  /** Whose DS records the parent should have, which is what CDS and CDNSKEY say; delete: none (RFC 8078 section 4). */
  readonly ds: readonly ('old' | 'new')[] | 'delete';
  /** Which TTLs must have run out since the stage began. */
  readonly waits: readonly ('dnskey' | 'zone')[];
  /** Absent: the parent has no part in it. */
  readonly needs?: ParentNeed;
  /** Whether caches must have lost the parent's older DS records, too. */
  readonly waitsForDs?: boolean;
  /** Nothing comes after it by a step: the operator ends it in the configuration. */
  readonly isLast?: boolean;
  /** What it is for, for the operator. */
  readonly about: string;
}

const NOTHING: Duties = { published: false, signsKeys: false, signsZone: false };
const EVERYTHING: Duties = { published: true, signsKeys: true, signsZone: true };
const SHOWN: Duties = { ...NOTHING, published: true };
const SIGNS_KEYS: Duties = { ...SHOWN, signsKeys: true };
const SIGNS_ZONE_UNSEEN: Duties = { ...NOTHING, signsZone: true };

export const ROLL_KINDS = ['first', 'zsk', 'ksk', 'csk', 'algorithm', 'unsigned'] as const;
export type RollKind = (typeof ROLL_KINDS)[number];

export const ROLLS: Readonly<Record<RollKind, readonly Stage[]>> = {
  first: [
    {
      name: 'sign',
      old: NOTHING,
      new: EVERYTHING,
      ds: [],
      waits: ['dnskey', 'zone'],
      about: 'the zone is signed; unsigned answers run out of caches before the parent may have DS records',
    },
    {
      name: 'delegate',
      old: NOTHING,
      new: EVERYTHING,
      ds: ['new'],
      waits: [],
      needs: 'new',
      about: 'the DS records are to be published by the parent',
    },
  ],
  zsk: [
    {
      name: 'publish',
      old: EVERYTHING,
      new: SHOWN,
      ds: [],
      waits: ['dnskey'],
      about: 'the new key is shown and does not sign yet (RFC 6781 section 4.1.1.1)',
    },
    {
      name: 'sign',
      old: SHOWN,
      new: EVERYTHING,
      ds: [],
      waits: ['zone'],
      about: 'the new key signs, the old one is shown until its signatures have run out of caches',
    },
  ],
  ksk: [
    {
      name: 'publish',
      old: EVERYTHING,
      new: EVERYTHING,
      ds: ['old', 'new'],
      waits: ['dnskey'],
      needs: 'new',
      waitsForDs: true,
      about:
        'both keys sign the keys; the DS record of the new one is to be added at the parent (RFC 7583 section 3.3)',
    },
    {
      name: 'retire',
      old: NOTHING,
      new: EVERYTHING,
      ds: ['new'],
      waits: [],
      needs: 'only-new',
      about: 'the old key is gone; its DS record is to be taken out at the parent',
    },
  ],
  csk: [
    {
      name: 'publish',
      old: EVERYTHING,
      new: SIGNS_KEYS,
      ds: ['old', 'new'],
      waits: ['dnskey'],
      needs: 'new',
      waitsForDs: true,
      about:
        'both keys sign the keys, the old one the zone; the DS record of the new one is to be added at the parent',
    },
    {
      name: 'sign',
      old: SIGNS_KEYS,
      new: EVERYTHING,
      ds: ['new'],
      waits: ['zone'],
      about: 'the new key signs the zone; the old one is shown until its signatures have run out of caches',
    },
    {
      name: 'retire',
      old: NOTHING,
      new: EVERYTHING,
      ds: ['new'],
      waits: [],
      needs: 'only-new',
      about: 'the old key is gone; its DS record is to be taken out at the parent',
    },
  ],
  // RFC 4035 section 2.2: signatures of each algorithm in the DNSKEY set, and keys of each in the DS set. So signatures come
  // first and go last, and keys of the old algorithm outlive its DS records: some validators insist.
  algorithm: [
    {
      name: 'presign',
      old: EVERYTHING,
      new: SIGNS_ZONE_UNSEEN,
      ds: ['old'],
      waits: ['zone'],
      about: 'answers are signed by both algorithms; the new keys are not shown yet (RFC 6781 section 4.1.4)',
    },
    {
      name: 'publish',
      old: EVERYTHING,
      new: EVERYTHING,
      ds: ['old'],
      waits: ['dnskey'],
      about: 'the keys of both algorithms are shown and sign everything',
    },
    {
      name: 'delegate',
      old: EVERYTHING,
      new: EVERYTHING,
      ds: ['new'],
      waits: [],
      needs: 'only-new',
      waitsForDs: true,
      about: 'the DS records at the parent are to be replaced by those of the new keys',
    },
    {
      name: 'withdraw',
      old: SIGNS_ZONE_UNSEEN,
      new: EVERYTHING,
      ds: ['new'],
      waits: ['dnskey'],
      about: 'the old keys are gone; their signatures stay until the keys have run out of caches',
    },
  ],
  unsigned: [
    {
      name: 'delete',
      old: EVERYTHING,
      new: NOTHING,
      ds: 'delete',
      waits: [],
      needs: 'none',
      waitsForDs: true,
      about: 'the DS records are to be taken out at the parent; the zone stays signed',
    },
    {
      name: 'ready',
      old: EVERYTHING,
      new: NOTHING,
      ds: 'delete',
      waits: [],
      isLast: true,
      about: 'no validator asks for signatures any more: dnssec may be taken out of the configuration',
    },
  ],
};

/** Which stage a roll is at. Throws where there is no such stage. */
export function stageOf({ kind, stage }: { readonly kind: RollKind; readonly stage: string }): Stage {
  const found = ROLLS[kind].find(({ name }) => name === stage);
  if (found === undefined) throw new Error(`a roll of kind ${kind} has no stage ${stage}`);
  return found;
}

/** The stage after; undefined: the roll has ended. */
export function stageAfter({
  kind,
  stage,
}: {
  readonly kind: RollKind;
  readonly stage: string;
}): Stage | undefined {
  const stages = ROLLS[kind];
  return stages[stages.findIndex(({ name }) => name === stage) + 1];
}

/** What has to pass before a cache somewhere cannot hold what was before. In seconds. */
export interface RollTimes {
  /** Longest TTL of DNSKEY records, since the stage began. */
  readonly dnskeySeconds: number;
  /** Longest TTL of all other records. */
  readonly zoneSeconds: number;
  /** Until every replica and secondary serves what one serves (RFC 7583: Dprp). */
  readonly propagationSeconds: number;
  /** TTL of the DS records at the parent. */
  readonly parentDsSeconds: number;
}

/**
 * When a stage may end, in milliseconds since the epoch, as far as time decides it; undefined: the parent has not been seen
 * to have what the stage needs.
 */
export function dueMs(
  {
    kind,
    stage,
    since,
    dsSeen,
  }: {
    readonly kind: RollKind;
    readonly stage: string;
    readonly since: number;
    readonly dsSeen?: number | undefined;
  },
  times: RollTimes,
): number | undefined {
  const { waits, needs, waitsForDs } = stageOf({ kind, stage });
  const ttlOf = { dnskey: times.dnskeySeconds, zone: times.zoneSeconds };
  const ttls = waits.map((what) => ttlOf[what]);
  const ownMs = ttls.length === 0 ? since : since + (Math.max(...ttls) + times.propagationSeconds) * 1000;
  if (needs === undefined) return ownMs;
  if (dsSeen === undefined) return undefined;
  const dsSeconds = waitsForDs === true ? times.parentDsSeconds + times.propagationSeconds : 0;
  return Math.max(ownMs, dsSeen + dsSeconds * 1000);
}
