/**
 * Owns the steps of a roll: how one begins, when the next stage may come, and what is left when it ends. Pure; new keys are
 * made and files are written by `keys/`, and the parent is asked there.
 */
import { delegatedKeys, isSep, rdataOf } from './keys-in-force.ts';
import type { KeyEntry, KeyRole, KeyState, Roll, Ttls } from './key-state.ts';
import { dsRdata, DIGEST_TYPES } from './ds.ts';
import { encodeNameLower } from '../zonebuilder/names.ts';
import {
  dueMs,
  ROLLS,
  stageAfter,
  stageOf,
  type ParentNeed,
  type RollKind,
  type RollTimes,
} from './rolls.ts';

/** Times that the configuration says. In seconds. */
export interface ConfiguredTimes {
  readonly ttls: Ttls;
  readonly propagationSeconds: number;
  readonly parentDsSeconds: number;
}

/** Why a step cannot be taken. */
export type Refusal =
  /** Somewhere a cache may hold what the step would make wrong, until `dueMs`. */
  | { readonly why: 'early'; readonly dueMs: number }
  /** The parent does not have the DS records that the stage needs, or has some that must be gone. */
  | {
      readonly why: 'parent';
      readonly need: ParentNeed;
      readonly missing: readonly KeyEntry[];
      readonly left: readonly KeyEntry[];
    }
  /** Nobody has said what the parent has. */
  | { readonly why: 'unasked'; readonly need: ParentNeed }
  /** The operator ends it in the configuration. */
  | { readonly why: 'last' };

/**
 * What the parent has, by each of its servers that was asked, at least one: rdata of DS records; trusted: the operator says that
 * it is as it should be; undefined: not asked.
 */
export type ParentView = readonly (readonly Buffer[])[] | 'trusted' | undefined;

/** Which roles a roll exchanges. */
export function rolesOf(kind: RollKind, keys: readonly Pick<KeyEntry, 'role'>[]): readonly KeyRole[] {
  if (kind === 'zsk' || kind === 'ksk' || kind === 'csk') return [kind];
  return [...new Set(keys.map(({ role }) => role))];
}

/**
 * The document with a roll begun.
 *
 * @param fresh - the new keys; none for `unsigned`
 */
export function beginRoll(
  state: Omit<KeyState, 'roll'>,
  {
    kind,
    fresh,
    nowMs,
    ttls,
  }: {
    readonly kind: RollKind;
    readonly fresh: readonly KeyEntry[];
    readonly nowMs: number;
    readonly ttls: Ttls;
  },
): KeyState {
  const roles = rolesOf(kind, kind === 'first' ? [] : state.keys);
  const from = state.keys.filter(({ role }) => roles.includes(role)).map(({ file }) => file);
  const longest = longestOf(state.ttls, ttls);
  return {
    ...state,
    keys: [...state.keys, ...fresh],
    roll: {
      kind,
      stage: ROLLS[kind][0]!.name,
      since: nowMs,
      from,
      to: fresh.map(({ file }) => file),
      ttls: longest,
    },
    ttls,
  };
}

/** The longest TTLs and the times that count for the stage a roll is at. */
export function timesOf(roll: Pick<Roll, 'ttls'>, { ttls, ...times }: ConfiguredTimes): RollTimes {
  return { ...times, ...longestOf(roll.ttls, ttls) };
}

/**
 * Notes what the parent has, where the stage needs something of it. What was seen once and is not there any more counts as
 * never seen.
 */
export function noteParent(state: KeyState, view: ParentView, nowMs: number): KeyState {
  const { roll } = state;
  const need = roll && stageOf(roll).needs;
  if (roll === undefined || need === undefined || view === undefined) return state;
  const { dsSeen: before, ...rest } = roll;
  const isThere = view === 'trusted' || view.every((ds) => isMet(state, need, ds));
  return { ...state, roll: isThere ? { ...rest, dsSeen: before ?? nowMs } : rest };
}

/** Why the next step must wait; undefined: it may be taken. The parent's part must have been noted. */
export function refusalOf(
  state: KeyState,
  times: ConfiguredTimes,
  { view, nowMs }: { readonly view: ParentView; readonly nowMs: number },
): Refusal | undefined {
  const { roll } = state;
  if (roll === undefined) throw new Error('no roll is under way');
  const stage = stageOf(roll);
  if (stage.isLast === true) return { why: 'last' };
  const due = dueMs(roll, timesOf(roll, times));
  if (due === undefined) return parentRefusal(state, stage.needs!, view);
  return nowMs < due ? { why: 'early', dueMs: due } : undefined;
}

/** The document with the next stage, or without a roll and without the keys that went. */
export function nextStage(
  state: KeyState,
  { nowMs, ttls }: { readonly nowMs: number; readonly ttls: Ttls },
): { readonly state: KeyState; readonly gone: readonly KeyEntry[] } {
  const { roll, ...rest } = state;
  if (roll === undefined) throw new Error('no roll is under way');
  const stage = stageAfter(roll);
  if (stage !== undefined) {
    const { dsSeen: _, ...same } = roll;
    return {
      state: {
        ...rest,
        roll: { ...same, stage: stage.name, since: nowMs, ttls: longestOf(state.ttls, ttls) },
        ttls,
      },
      gone: [],
    };
  }
  const gone = state.keys.filter(({ file }) => roll.from.includes(file));
  return { state: { ...rest, keys: state.keys.filter((key) => !gone.includes(key)), ttls }, gone };
}

/** When the stage may end, in milliseconds since the epoch, as far as time decides it; undefined: the parent is waited for. */
export function stageDueMs(roll: Roll, times: ConfiguredTimes): number | undefined {
  return dueMs(roll, timesOf(roll, times));
}

/** Keys whose DS records the parent lacks, and those whose it should not have any more. */
interface ParentGap {
  readonly missing: readonly KeyEntry[];
  readonly left: readonly KeyEntry[];
}

function parentRefusal(state: KeyState, need: ParentNeed, view: ParentView): Refusal {
  if (view === undefined || view === 'trusted') return { why: 'unasked', need };
  const gaps = view.map((ds) => missingAt(state, need, ds));
  return {
    why: 'parent',
    need,
    missing: [...new Set(gaps.flatMap(({ missing }) => missing))],
    left: [...new Set(gaps.flatMap(({ left }) => left))],
  };
}

function isMet(state: KeyState, need: ParentNeed, view: readonly Buffer[]): boolean {
  // Records of keys that nobody here knows keep a zone signed, too.
  if (need === 'none') return view.length === 0;
  const { missing, left } = missingAt(state, need, view);
  return missing.length === 0 && left.length === 0;
}

function missingAt(state: KeyState, need: ParentNeed, view: readonly Buffer[]): ParentGap {
  const { keys, roll, domain } = state;
  if (need === 'none')
    return { missing: [], left: keys.filter((key) => view.some((ds) => isNamed(ds, key))) };
  const owner = encodeNameLower(domain);
  const delegated = delegatedKeys(state);
  const wanted = delegated === 'delete' ? [] : delegated.filter(({ file }) => roll!.to.includes(file));
  const old = keys.filter((key) => isSep(key) && roll!.from.includes(key.file));
  return {
    missing: wanted.filter((key) => !view.some((ds) => isDigestOf(ds, owner, key))),
    left: need === 'only-new' ? old.filter((key) => view.some((ds) => isNamed(ds, key))) : [],
  };
}

/** By tag and algorithm alone: what is to be gone must be gone in every digest, SHA-1 among them. */
function isNamed(ds: Buffer, key: KeyEntry): boolean {
  return ds.length > 4 && ds.readUInt16BE(0) === key.tag && ds[2] === rdataOf(key)[3];
}

function isDigestOf(ds: Buffer, owner: Buffer, key: KeyEntry): boolean {
  return Object.values(DIGEST_TYPES).some((digest) => dsRdata(owner, rdataOf(key), digest).equals(ds));
}

function longestOf(one: Ttls, other: Ttls): Ttls {
  return {
    dnskeySeconds: Math.max(one.dnskeySeconds, other.dnskeySeconds),
    zoneSeconds: Math.max(one.zoneSeconds, other.zoneSeconds),
  };
}
