/**
 * How a drain is written down, for the file in the state folder and for the object that replicas share: a flat entry that people
 * write by hand, too. Owns which entries are understood, and what is said of the others.
 */

import { DRAIN_KINDS, type DrainKind, drainKey } from '../../zonebuilder/drains.ts';
import {
  BY_CHARACTERS_MAX,
  type Drain,
  type DrainScope,
  DRAINS_MAX,
  REASON_CHARACTERS_MAX,
} from './drain.ts';

/** A drain as it is written: times as RFC 3339, what is left of its weight as `10%`. */
export interface DrainEntry {
  readonly kind: DrainKind;
  readonly name: string;
  readonly cluster?: string;
  readonly to?: string;
  readonly since?: string;
  readonly until?: string;
  readonly reason?: string;
  readonly by?: string;
}

/** An entry that cannot be understood; the message is for whoever wrote it. */
export class DrainEntryError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DrainEntryError';
  }
}

export function writeEntry(drain: Drain): DrainEntry {
  const { kind, name, cluster, percent, sinceMs, untilMs, reason, by } = drain;
  return {
    kind,
    name,
    ...(cluster !== undefined && { cluster }),
    ...(percent > 0 && { to: `${percent}%` }),
    since: new Date(sinceMs).toISOString(),
    ...(untilMs !== undefined && { until: new Date(untilMs).toISOString() }),
    ...(reason !== undefined && { reason }),
    ...(by !== undefined && { by }),
  };
}

/**
 * Reads a list of entries.
 *
 * @param nowMs - since when a drain is in force of which nothing is said
 * @throws DrainEntryError for the first that cannot be understood
 */
export function readEntries(value: unknown, scope: DrainScope, nowMs: number): Drain[] {
  if (!Array.isArray(value)) throw new DrainEntryError('a list of drains is needed');
  if (value.length > DRAINS_MAX) throw new DrainEntryError(`at most ${DRAINS_MAX} drains are taken`);
  const drains = value.map((entry, i) => readEntry(entry, `entry ${i + 1}`, scope, nowMs));
  const twice = drains.find(
    (drain, i) => drains.findIndex((other) => drainKey(other) === drainKey(drain)) !== i,
  );
  if (twice !== undefined) throw new DrainEntryError(`${drainKey(twice)} is there twice`);
  return drains;
}

const KEYS = ['kind', 'name', 'cluster', 'to', 'since', 'until', 'reason', 'by'] as const;
type Key = (typeof KEYS)[number];

/** Labels of a name, by kind. A zone goes with its region, since another region may have one of that name. */
const NAMES: Readonly<Record<DrainKind, readonly [labels: number, form: string]>> = {
  cluster: [1, 'NAME'],
  region: [1, 'REGION'],
  zone: [2, 'ZONE.REGION'],
  service: [3, 'SERVICE.NAMESPACE.FEDERATION'],
};

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** @throws DrainEntryError */
export function readEntry(value: unknown, where: string, scope: DrainScope, nowMs: number): Drain {
  const texts = readTexts(value, where);
  const kind = DRAIN_KINDS.find((known) => known === texts.kind);
  if (kind === undefined)
    throw new DrainEntryError(`${where}: kind: one of ${DRAIN_KINDS.join(', ')} is needed`);
  const { cluster, reason, by } = texts;
  if (cluster !== undefined && kind !== 'service')
    throw new DrainEntryError(`${where}: cluster: only for a Service`);
  const untilMs = readTime(texts.until, `${where}: until`);
  return {
    scope,
    kind,
    name: readName(kind, texts.name, where),
    ...(cluster !== undefined && { cluster }),
    percent: readPercent(texts.to, where),
    sinceMs: readTime(texts.since, `${where}: since`) ?? nowMs,
    ...(untilMs !== undefined && { untilMs }),
    ...(reason !== undefined && { reason: reason.slice(0, REASON_CHARACTERS_MAX) }),
    ...(by !== undefined && { by: by.slice(0, BY_CHARACTERS_MAX) }),
  };
}

function readTexts(value: unknown, where: string): { readonly [K in Key]?: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DrainEntryError(`${where}: kind and name are needed`);
  const entries = Object.entries(value);
  const unknown = entries.find(([key]) => !KEYS.some((known) => known === key));
  // A key that is not understood may be the end of the drain, misspelt.
  if (unknown !== undefined)
    throw new DrainEntryError(`${where}: ${unknown[0]}: not one of ${KEYS.join(', ')}`);
  const other = entries.find(([, text]) => typeof text !== 'string');
  if (other !== undefined) throw new DrainEntryError(`${where}: ${other[0]}: a text is needed`);
  return value;
}

function readName(kind: DrainKind, name: string | undefined, where: string): string {
  const [labels, form] = NAMES[kind];
  const parts = name?.split('.') ?? [];
  if (
    kind === 'cluster'
      ? name === undefined || name === ''
      : parts.length !== labels || !parts.every((part) => LABEL.test(part))
  )
    throw new DrainEntryError(`${where}: name: ${form} is needed`);
  return name!;
}

function readPercent(text: string | undefined, where: string): number {
  const [, digits] = /^([1-9]?[0-9])%$/.exec(text ?? '0%') ?? [];
  if (digits === undefined) throw new DrainEntryError(`${where}: to: 0% to 99% is needed`);
  return Number(digits);
}

/** RFC 3339 with its zone: a time without one would be another on another machine. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:\d\d)$/;

function readTime(text: string | undefined, where: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = TIME.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw new DrainEntryError(`${where}: a time such as 2026-11-28T04:30:00Z is needed`);
  return ms;
}
