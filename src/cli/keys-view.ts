/** Owns how `fedns keys` tells of keys, rolls and DS records, for people and for programs. */
import type { Settings } from '../config/settings.ts';
import { ALGORITHMS } from '../dnssec/algorithms.ts';
import { DIGEST_TYPES, dsRdata } from '../dnssec/ds.ts';
import { childRecords, delegatedKeys, dutiesOf, isSep, rdataOf } from '../dnssec/keys-in-force.ts';
import type { KeyEntry, KeyState } from '../dnssec/key-state.ts';
import { stageAfter, stageOf, type ParentNeed } from '../dnssec/rolls.ts';
import { stageDueMs, type ConfiguredTimes, type Refusal } from '../dnssec/steps.ts';
import { Type } from '../zonebuilder/dns.ts';
import { encodeNameLower, isWithin } from '../zonebuilder/names.ts';
import { formatRdata } from '../zonebuilder/rr-types.ts';
import { CommandError } from './environment.ts';
import { formatTable } from './table.ts';

/** What is told is told of these. */
export interface KeysWorld {
  readonly settings: Settings;
  readonly nowMs: number;
  readonly times: ConfiguredTimes;
}

export interface KeysView {
  readonly domain: string;
  readonly keys: readonly {
    readonly tag: number;
    readonly role: string;
    readonly algorithm: string;
    readonly file: string;
    readonly created: string;
    /** In a roll: whether it comes or goes. */
    readonly side?: 'old' | 'new';
    readonly published: boolean;
    readonly signs: 'everything' | 'keys' | 'zone' | 'nothing';
    /** Whether the parent should have its DS record. */
    readonly ds: boolean;
  }[];
  readonly roll?: {
    readonly kind: string;
    readonly stage: string;
    readonly since: string;
    readonly about: string;
    /** What the next step waits for of the parent. */
    readonly parent?: ParentNeed;
    readonly dsSeen?: string;
    /** When the next step may be taken; absent: the parent is waited for, or there is none. */
    readonly due?: string;
    readonly next: string;
  };
}

export function keysView(state: KeyState, { times, nowMs }: KeysWorld): KeysView {
  const delegated = delegatedKeys(state);
  return {
    domain: state.domain,
    keys: state.keys.map((key) => {
      const duties = dutiesOf(state, key);
      const side = sideOf(state, key);
      return {
        tag: key.tag,
        role: key.role,
        algorithm: key.algorithm,
        file: key.file,
        created: timeText(key.created),
        ...(side && { side }),
        published: duties.published,
        signs: signsText(duties),
        ds: delegated !== 'delete' && delegated.includes(key),
      };
    }),
    ...(state.roll && { roll: rollView(state.roll, times, nowMs) }),
  };
}

function rollView(
  roll: NonNullable<KeyState['roll']>,
  times: ConfiguredTimes,
  nowMs: number,
): NonNullable<KeysView['roll']> {
  const stage = stageOf(roll);
  const due = stage.isLast === true ? undefined : stageDueMs(roll, times);
  return {
    kind: roll.kind,
    stage: roll.stage,
    since: timeText(roll.since),
    about: stage.about,
    ...(stage.needs && { parent: stage.needs }),
    ...(roll.dsSeen !== undefined && { dsSeen: timeText(roll.dsSeen) }),
    ...(due !== undefined && { due: timeText(due) }),
    next: nextText(roll, due, nowMs),
  };
}

function nextText(roll: NonNullable<KeyState['roll']>, due: number | undefined, nowMs: number): string {
  const stage = stageOf(roll);
  if (stage.isLast === true) return 'take dnssec out of the configuration, then remove the keys';
  const after = stageAfter(roll)?.name ?? 'the end';
  if (due === undefined)
    return `fedns keys roll --resolver ADDRESS, once the parent ${NEEDS[stage.needs!]}: ${after}`;
  return due <= nowMs
    ? `fedns keys roll, from now on: ${after}`
    : `fedns keys roll, from ${timeText(due)} on: ${after}`;
}

const NEEDS: Readonly<Record<ParentNeed, string>> = {
  new: 'has the DS records of the new keys',
  'only-new': 'has the DS records of the new keys and no others',
  none: 'has no DS records',
};

function sideOf({ roll }: KeyState, { file }: KeyEntry): 'old' | 'new' | undefined {
  if (roll?.from.includes(file)) return 'old';
  return roll?.to.includes(file) ? 'new' : undefined;
}

function signsText({
  signsKeys,
  signsZone,
}: {
  signsKeys: boolean;
  signsZone: boolean;
}): KeysView['keys'][number]['signs'] {
  if (signsKeys && signsZone) return 'everything';
  if (signsKeys) return 'keys';
  return signsZone ? 'zone' : 'nothing';
}

export function keysText({ keys, roll }: KeysView): string {
  const head = ['TAG', 'ROLE', 'ALGORITHM', 'CREATED', 'PART', 'PUBLISHED', 'SIGNS', 'DS'];
  const rows = keys.map((key) => [
    String(key.tag),
    key.role,
    key.algorithm,
    key.created.slice(0, 16) + 'Z',
    key.side ?? '-',
    key.published ? 'yes' : 'no',
    key.signs,
    key.ds ? 'yes' : 'no',
  ]);
  const table = formatTable(head, rows);
  if (roll === undefined) return `${table}\nno roll is under way\n`;
  return `${table}\nroll of kind ${roll.kind}, stage ${roll.stage} since ${roll.since}: ${roll.about}\nnext: ${roll.next}\n`;
}

/** Why a step is refused, and what to do. */
export function refusalText(refusal: Refusal, state: KeyState, { nowMs, times }: KeysWorld): string {
  switch (refusal.why) {
    case 'early':
      return (
        `too early: caches may hold until ${timeText(refusal.dueMs)} what the next step takes back ` +
        `(${Math.ceil((refusal.dueMs - nowMs) / 1000)} s from now); stage ${state.roll!.stage} goes on`
      );
    case 'parent':
      return `the parent is not ready: ${gapText(refusal)}; fedns keys ds shows what it should have`;
    case 'unasked':
      return (
        `the next step waits until the parent ${NEEDS[refusal.need]}: give --resolver ADDRESS to have it asked, or ` +
        `--ds-published where you know; DS records count ${times.parentDsSeconds} s from then on`
      );
    case 'last':
      return 'nothing is left to do: take dnssec out of the configuration, then remove the keys';
  }
}

function gapText({ need, missing, left }: Extract<Refusal, { why: 'parent' }>): string {
  const texts = [
    ...missing.map(({ tag }) => `the DS record of ${tag} is not there`),
    ...left.map(({ tag }) => `the DS record of ${tag} is still there`),
  ];
  return texts.length > 0
    ? texts.join(', ')
    : `it ${need === 'none' ? 'still has DS records of other keys' : 'lacks DS records'}`;
}

export interface DelegationView {
  readonly domain: string;
  /** What the registrar is to be given, by key. */
  readonly ds: readonly {
    readonly keyTag: number;
    readonly algorithm: number;
    readonly digestType: number;
    readonly digest: string;
    /** The whole record. */
    readonly record: string;
    /** For registrars that make the DS record themselves. */
    readonly dnskey: string;
    readonly flags: number;
    readonly publicKey: string;
  }[];
  /** Records that are to go at the registrar. */
  readonly remove: readonly string[];
  /** For the zones of name servers elsewhere: how the parent may believe a first CDS (RFC 9615). */
  readonly signals: readonly string[];
}

/** @throws CommandError where the parent must not have DS records yet */
export function delegationView(state: KeyState, world: KeysWorld): DelegationView {
  refuseEarly(state, world);
  const { domain } = state;
  const owner = encodeNameLower(domain);
  const delegated = delegatedKeys(state);
  const keys = delegated === 'delete' ? [] : delegated;
  const others = state.keys.filter(
    (key) => isSep(key) && !keys.includes(key) && sideOf(state, key) === 'old',
  );
  const dsLine = (key: KeyEntry): string =>
    `${domain}. IN DS ${formatRdata(Type.DS, dsRdata(owner, rdataOf(key), DIGEST_TYPES['SHA-256']))}`;
  return {
    domain,
    ds: keys.map((key) => dsView(key, dsLine(key), domain)),
    remove: others.map(dsLine),
    signals: signalsOf(state, world.settings),
  };
}

function dsView(key: KeyEntry, record: string, domain: string): DelegationView['ds'][number] {
  const rdata = rdataOf(key);
  return {
    keyTag: key.tag,
    algorithm: ALGORITHMS[key.algorithm].number,
    digestType: DIGEST_TYPES['SHA-256'].number,
    digest: record.slice(record.lastIndexOf(' ') + 1),
    record,
    dnskey: `${domain}. IN DNSKEY ${formatRdata(Type.DNSKEY, rdata)}`,
    flags: rdata.readUInt16BE(0),
    publicKey: rdata.subarray(4).toString('base64'),
  };
}

/** A DS record beside answers without signatures, which caches hold still, makes these bogus. */
function refuseEarly({ roll }: KeyState, { times }: KeysWorld): void {
  if (roll?.kind !== 'first' || stageOf(roll).needs !== undefined) return;
  const due = timeText(stageDueMs(roll, times)!);
  throw new CommandError(
    `too early: until ${due} caches may hold answers without signatures, which a DS record would make bogus; ` +
      'then fedns keys roll goes on',
  );
}

function signalsOf(state: KeyState, { nameservers, domain }: Settings): readonly string[] {
  const { cds, cdnskey } = childRecords(state, state.keys, [DIGEST_TYPES['SHA-256']]);
  return nameservers
    .filter(({ name }) => !isWithin(name, domain))
    .flatMap(({ name }) => {
      const owner = `_dsboot.${domain}._signal.${name}.`;
      return [
        ...cds.map((rdata) => `${owner} IN CDS ${formatRdata(Type.CDS, rdata)}`),
        ...cdnskey.map((rdata) => `${owner} IN CDNSKEY ${formatRdata(Type.CDNSKEY, rdata)}`),
      ];
    });
}

export function delegationText({ ds, remove, signals }: DelegationView): string {
  const parts = ds.map(
    (one) =>
      `${one.record}\n  key tag ${one.keyTag}, algorithm ${one.algorithm}, digest type ${one.digestType}, digest ${one.digest}\n  ${one.dnskey}\n`,
  );
  if (ds.length === 0) parts.push('the parent should have no DS record\n');
  if (remove.length > 0) parts.push(`to be removed, where the parent still has it:\n${lines(remove)}`);
  if (signals.length > 0)
    parts.push(
      `in the zones of the name servers, so that the parent may believe CDS (RFC 9615):\n${lines(signals)}`,
    );
  return parts.join('\n');
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `  ${text}\n`).join('');
}

function timeText(ms: number): string {
  return new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
