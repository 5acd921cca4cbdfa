/** Owns what is told of drains that come, go and come about: a line of the log and an event of the journal each. */

import type { Journal } from '../../journal/entry.ts';
import type { Log } from '../../log.ts';
import { drainKey, drainText } from '../../zonebuilder/drains.ts';
import type { Drain } from './drain.ts';
import type { Replicas } from './replicas.ts';
import type { RolloutStatus } from './rollout.ts';

/** Where it is told. */
export interface Telling {
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  readonly journal: Pick<Journal, 'note'>;
}

/** Characters of a list of drains in one line of the journal. */
const SUBJECT_CHARACTERS_MAX = 200;

/**
 * Tells what is another drain than before.
 *
 * @param by - who wanted it, where the drain itself does not say
 * @returns the changes, in a few words each
 */
export function tellDifferences(
  before: readonly Drain[],
  after: readonly Drain[],
  context: Telling & { readonly by: string; readonly nowMs: number },
): string[] {
  const old = new Set(before.map(textOf));
  const targets = new Set(after.map(placeOf));
  const set = after.filter((drain) => !old.has(textOf(drain)));
  const gone = before.filter((drain) => !targets.has(placeOf(drain)));
  for (const drain of set) tellSet(drain, context);
  for (const drain of gone) tellGone(drain, context);
  return [
    ...set.map((drain) => `drain ${drainText(drain)}`),
    ...gone.map((drain) => `undrain ${drainKey(drain)}`),
  ];
}

function textOf(drain: Drain): string {
  return JSON.stringify(drain);
}

function placeOf(drain: Drain): string {
  return `${drain.scope} ${drainKey(drain)}`;
}

function tellSet(drain: Drain, context: Telling & { readonly by: string }): void {
  const { untilMs, reason, scope, percent, by = context.by } = drain;
  const fields = {
    drain: drainText(drain),
    scope,
    by,
    ...(reason !== undefined && { reason }),
    ...(untilMs !== undefined && { until: new Date(untilMs).toISOString() }),
  };
  context.log.info(fields, 'a drain was set');
  context.journal.note({
    what: 'drainSet',
    subject: drainKey(drain),
    by,
    ...(reason !== undefined && { why: reason }),
    ...(untilMs !== undefined && { untilMs }),
    ...(percent > 0 && { text: `to ${percent} % of its weight` }),
  });
}

function tellGone(drain: Drain, context: Telling & { readonly by: string; readonly nowMs: number }): void {
  const { log, journal, by, nowMs } = context;
  const isOver = drain.untilMs !== undefined && drain.untilMs <= nowMs;
  const subject = drainKey(drain);
  if (isOver) log.info({ drain: subject }, 'a drain has expired');
  else log.info({ drain: subject, by }, 'a drain was ended');
  journal.note(isOver ? { what: 'drainExpired', subject } : { what: 'drainEnded', subject, by });
}

/** Every worker of this server answers by what is in force; where there are other replicas, that is half of the news. */
export function tellServed(
  drains: readonly Drain[],
  status: RolloutStatus,
  replicas: Replicas | undefined,
  { log, journal }: Telling,
): void {
  const { digest, oldAnswersSeconds } = status;
  log.info({ digest, oldAnswersSeconds }, 'every worker answers by the drains that are in force');
  if (replicas !== undefined) return;
  const text = `every worker answers by it; answers from before run out in ${oldAnswersSeconds} s`;
  journal.note({ what: 'steered', subject: subjectOf(drains), text });
}

/** No answer of this server from before is left in any cache. */
export function tellSettled(
  drains: readonly Drain[],
  { digest }: RolloutStatus,
  replicas: Replicas | undefined,
  { log, journal }: Telling,
): void {
  log.info({ digest }, 'the last answer from before has run out of its TTL');
  if (replicas === undefined) journal.note({ what: 'settled', subject: subjectOf(drains) });
}

/** All replicas serve what is in force, or have no answer from before in any cache. */
export function tellAll(
  what: 'served' | 'settled',
  drains: readonly Drain[],
  replicas: Replicas,
  { log, journal }: Telling,
): void {
  const others = replicas.list().map(({ address }) => address);
  const text = `with ${others.join(', ')}`;
  if (what === 'served')
    log.info({ replicas: others }, 'every replica answers by the drains that are in force');
  else log.info({ replicas: others }, 'the last answer of any replica from before has run out of its TTL');
  journal.note({ what: what === 'served' ? 'steered' : 'settled', subject: subjectOf(drains), text });
}

function subjectOf(drains: readonly Drain[]): string {
  if (drains.length === 0) return 'no drain';
  return drains.map(drainText).join(', ').slice(0, SUBJECT_CHARACTERS_MAX);
}
