/** Owns `fedns drain`, `fedns undrain` and `fedns drains`: what is ordered, what it would change, and what is in force. */

import type { Drain, DrainsView, NameChange, SteeringView } from '../admin/drains.ts';
import { parseDuration } from '../config/steering-text.ts';
import { BadValue } from '../config/values.ts';
import { DRAIN_KINDS, drainKey, type DrainKind } from '../zonebuilder/drains.ts';
import { openAdminClient, type AdminClient, type AdminTarget } from './admin-client.ts';
import { CommandError } from './environment.ts';
import type { Environment } from './environment.ts';
import { formatData } from './output.ts';
import { formatAge, formatTable, LongTable } from './table.ts';

export const DRAIN_OUTPUTS = ['table', 'json', 'yaml'] as const;
export type DrainOutput = (typeof DRAIN_OUTPUTS)[number];

/** Time between two looks of `--wait`, in milliseconds: somebody looks on. */
const LOOK_MS = 500;
/** Changes that a table shows of each name. */
const ADDRESSES_SHOWN_MAX = 4;
const NONE = '<none>';

/** What `fedns drain` and `fedns undrain` are told. */
export interface DrainChoice {
  readonly kind: string;
  readonly name: string;
  readonly cluster?: string;
  readonly for?: string;
  readonly to?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly local?: boolean;
  readonly wait?: boolean;
}

interface Asked {
  readonly output: DrainOutput;
  readonly choice: DrainChoice;
}

export async function runDrain(environment: Environment, target: AdminTarget, asked: Asked): Promise<void> {
  const { choice } = asked;
  const order = readOrder(choice, environment.who);
  const client = await openAdminClient(environment, target);
  if (choice.dryRun === true) {
    const { kind, name, cluster, percent } = order;
    const query = {
      kind,
      name,
      ...(cluster !== undefined && { cluster }),
      ...(percent !== undefined && { percent: String(percent) }),
    };
    return showChanges(environment, client, query, asked.output);
  }
  const reply = (await client.send('POST', '/api/v1/drains', { body: order })) as {
    readonly drain: Drain;
    readonly services: number;
    readonly warnings: readonly string[];
  };
  await conclude(environment, client, asked, reply, `${drainText(reply.drain)}: `);
}

export async function runUndrain(environment: Environment, target: AdminTarget, asked: Asked): Promise<void> {
  const { choice } = asked;
  const { kind, name, cluster } = choice;
  const query = { kind: readKind(kind), name, ...(cluster !== undefined && { cluster }) };
  const client = await openAdminClient(environment, target);
  if (choice.dryRun === true)
    return showChanges(environment, client, { ...query, end: 'true' }, asked.output);
  const by = environment.who === undefined ? {} : { by: environment.who };
  const reply = (await client.send('DELETE', '/api/v1/drains', { query: { ...query, ...by } })) as {
    readonly drains: readonly Drain[];
    readonly services: number;
    readonly warnings: readonly string[];
  };
  await conclude(
    environment,
    client,
    asked,
    reply,
    `${reply.drains.map(drainKey).join(', ')} is not drained any more: `,
  );
}

export async function runDrains(
  environment: Environment,
  target: AdminTarget,
  output: DrainOutput,
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const view = (await client.json('/api/v1/drains')) as DrainsView;
  await environment.out(
    output === 'table' ? formatDrains(view, environment.clock()) : formatData(view, output),
  );
}

async function conclude(
  environment: Environment,
  client: AdminClient,
  { output, choice }: Asked,
  reply: { readonly services: number; readonly warnings: readonly string[] },
  text: string,
): Promise<void> {
  for (const warning of reply.warnings) environment.err(`fedns: warning: ${warning}\n`);
  const { services } = reply;
  const changed =
    services === 1 ? 'the answers of one Service changed' : `the answers of ${services} Services changed`;
  if (output === 'table') await environment.out(`${text}${changed}\n`);
  const steering = choice.wait === true ? await waitForAll(environment, client, output) : undefined;
  if (output !== 'table')
    await environment.out(formatData({ ...reply, ...(steering && { steering }) }, output));
}

/** Waits until every replica serves what was ordered, and then until nobody has an answer from before. */
async function waitForAll(
  environment: Environment,
  client: AdminClient,
  output: DrainOutput,
): Promise<SteeringView> {
  let told = '';
  for (;;) {
    const { steering } = (await client.json('/api/v1/drains')) as DrainsView;
    const text = progressText(steering, environment.clock());
    if (output === 'table' && text !== told) await environment.out(`${text}\n`);
    told = text;
    if (steering.isServedByAll && steering.isSettled) return steering;
    await (environment.pause ?? pauseMs)(LOOK_MS);
  }
}

function pauseMs(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The same text as long as nothing is new: how long it takes is told once. */
function progressText(steering: SteeringView, nowMs: number): string {
  const { isServed, isServedByAll, isSettled, replicas: others = [], oldAnswersSeconds } = steering;
  if (!isServed) return 'waiting for the workers of this server';
  const late = others.filter(({ state }) => state !== 'served');
  if (!isServedByAll)
    return `waiting for ${late.map(({ address, state }) => `${address} (${state})`).join(', ')}`;
  const who = others.length === 0 ? 'every worker' : `every replica (${others.length + 1})`;
  if (isSettled) return `${who} serves it, and the last answer from before has run out`;
  const most = Math.max(oldAnswersSeconds, ...others.map((other) => other.oldAnswersSeconds ?? 0));
  const untilMs = Math.ceil((nowMs + most * 1000) / 60_000) * 60_000;
  return `${who} serves it; the last answer from before runs out by ${timeText(untilMs)}`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/:\d\d\.\d{3}Z$/, 'Z');
}

async function showChanges(
  environment: Environment,
  client: AdminClient,
  query: Readonly<Record<string, string>>,
  output: DrainOutput,
): Promise<void> {
  const table = new LongTable(['NAME', 'BEFORE', 'AFTER']);
  const kept: NameChange[] = [];
  let count = 0;
  for await (const rows of client.rows<NameChange>('/api/v1/drains/preview', query, ignore)) {
    count += rows.length;
    if (output === 'table') await environment.out(table.add(rows.map(changeRow)));
    else kept.push(...rows);
  }
  if (output !== 'table') return environment.out(formatData(kept, output));
  if (count > 0) await environment.out(table.end());
  await environment.out(
    count === 0
      ? 'no answer would change\n'
      : `\n${count} ${count === 1 ? 'name' : 'names'}; nothing was changed\n`,
  );
}

/** Changes of the state meanwhile are no matter: each row is as it was when it was told. */
function ignore(): void {}

/** A name before and after, in a line of a table. */
export function changeRow({ name, before, after }: NameChange): readonly string[] {
  return [name, answerText(name, before, after), answerText(name, after, before)];
}

type AnswerView = NameChange['before'];

/** What the other answer lacks stands first, so that it is among what is shown. */
function answerText(name: string, { at, records, weights }: AnswerView, other: AnswerView): string {
  const others = new Set(dataOf(other.records));
  const all = dataOf(records);
  const data = [...all.filter((one) => !others.has(one)), ...all.filter((one) => others.has(one))];
  const shown = data.slice(0, ADDRESSES_SHOWN_MAX).join(' ');
  const more = data.length > ADDRESSES_SHOWN_MAX ? ` and ${data.length - ADDRESSES_SHOWN_MAX} more` : '';
  const text = weights ?? (data.length === 0 ? 'nothing' : `${shown}${more}`);
  return at === name ? text : `${text} (of ${at})`;
}

function dataOf(records: AnswerView['records']): string[] {
  return records.flatMap((set) => set.data);
}

/** @throws CommandError when it cannot be meant */
function readOrder(
  { kind, name, cluster, for: duration, to, reason, force, local }: DrainChoice,
  who: string | undefined,
): {
  readonly kind: DrainKind;
  readonly name: string;
  readonly cluster?: string;
  readonly percent?: number;
  readonly forSeconds?: number;
} {
  const percent = to === undefined ? undefined : readPercent(to);
  return {
    kind: readKind(kind),
    name,
    ...(cluster !== undefined && { cluster }),
    ...(percent !== undefined && { percent }),
    ...(duration !== undefined && { forSeconds: readDuration(duration) }),
    ...(reason !== undefined && { reason }),
    ...(who !== undefined && { by: who }),
    ...(force === true && { force }),
    ...(local === true && { scope: 'local' }),
  };
}

function readKind(text: string): DrainKind {
  const kind = DRAIN_KINDS.find((known) => known === text);
  if (kind === undefined) throw new CommandError(`${text}: one of ${DRAIN_KINDS.join(', ')} is drained`);
  return kind;
}

function readPercent(text: string): number {
  const [, digits] = /^([1-9]?[0-9])%?$/.exec(text) ?? [];
  if (digits === undefined) throw new CommandError(`--to ${text}: a share from 0% to 99% is needed`);
  return Number(digits);
}

function readDuration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new CommandError(`--for ${error.message}: ${error.fix}`);
  }
}

function drainText(drain: Drain): string {
  const share = drain.percent === 0 ? 'drained' : `drained to ${drain.percent} % of its weight`;
  const until = drain.untilMs === undefined ? '' : ` until ${new Date(drain.untilMs).toISOString()}`;
  return `${drainKey(drain)} is ${share}${until}`;
}

const HEAD = ['DRAIN', 'TO', 'AGE', 'ENDS', 'KEPT', 'BY', 'REASON'];

/** @param nowMs - what ages and ends are counted from */
export function formatDrains({ drains, steering }: DrainsView, nowMs: number): string {
  const rows = drains.map((drain) => [
    drainKey(drain),
    `${drain.percent}%`,
    formatAge(nowMs - drain.sinceMs),
    drain.untilMs === undefined ? 'never' : `in ${formatAge(drain.untilMs - nowMs)}`,
    drain.scope,
    drain.by ?? NONE,
    drain.reason ?? NONE,
  ]);
  const table = drains.length === 0 ? 'nothing is drained\n' : formatTable(HEAD, rows);
  return `${table}\n${progressText(steering, nowMs)}\n${sharedText(steering, nowMs)}`;
}

function sharedText({ shared }: SteeringView, nowMs: number): string {
  if (shared === undefined) return '';
  const { where, trouble, fault, sinceMs } = shared;
  const age = sinceMs === undefined ? '' : ` for ${formatAge(nowMs - sinceMs)}`;
  if (trouble !== undefined)
    return `warning: ${where} cannot be read${age}, what was read last is in force: ${trouble}\n`;
  if (fault !== undefined)
    return `warning: ${where} is not understood${age}, what it said before is in force: ${fault}\n`;
  return `shared by ${where}\n`;
}
