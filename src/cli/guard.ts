/** Owns `fedns guard`: what the guard withholds, and `fedns guard release`. */

import type { GuardStatus, GuardStopView } from '../admin/guard-control.ts';
import type { GuardReleased } from '../admin/schemas-guard.ts';
import { openAdminClient } from './admin-client.ts';
import type { AdminTarget } from './admin-client.ts';
import type { Environment } from './environment.ts';
import { formatData } from './output.ts';
import { formatAge, formatTable } from './table.ts';

export const GUARD_OUTPUTS = ['table', 'wide', 'json', 'yaml'] as const;
export type GuardOutput = (typeof GUARD_OUTPUTS)[number];

const SHORT_HEAD = ['ID', 'CLUSTER', 'RULE', 'SHARDS', 'AGE', 'LEFT', 'CAUSE'];
const WIDE_HEAD = [...SHORT_HEAD, 'MISSING', 'SERVICES'];

export async function runGuard(
  environment: Environment,
  target: AdminTarget,
  output: GuardOutput,
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const status = (await client.json('/api/v1/guard')) as GuardStatus;
  await environment.out(formatGuard(status, output, environment.clock()));
}

/** @param id - undefined: everything is let go */
export async function runGuardRelease(
  environment: Environment,
  target: AdminTarget,
  { id, output }: { readonly id: string | undefined; readonly output: GuardOutput },
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const body = id === undefined ? {} : { id };
  const released = (await client.send('POST', '/api/v1/guard/release', { body })) as GuardReleased;
  const isData = output === 'json' || output === 'yaml';
  const text = `released ${released.shards} shard${released.shards === 1 ? '' : 's'}\n`;
  await environment.out(isData ? formatData(released, output) : text);
}

/** LEFT is the time in contact until what is missing is believed. */
export function formatGuard(status: GuardStatus, output: GuardOutput, nowMs: number): string {
  if (output === 'json' || output === 'yaml') return formatData(status, output);
  if (!status.enabled) return 'the guard is turned off\n';
  if (status.stops.length === 0) return 'nothing is held\n';
  const head = output === 'wide' ? WIDE_HEAD : SHORT_HEAD;
  const rows = status.stops.map((stop) => rowOf(stop, nowMs).slice(0, head.length));
  return `${formatTable(head, rows)}\n${reasonsOf(status.stops)}`;
}

function rowOf(stop: GuardStopView, nowMs: number): string[] {
  const more = stop.shards - stop.services.length;
  return [
    stop.id,
    stop.cluster,
    stop.rule,
    String(stop.shards),
    formatAge(nowMs - stop.sinceMs),
    `${stop.leftSeconds}s${stop.isRunning ? '' : ', out of contact'}`,
    stop.cause,
    stop.missing,
    `${stop.services.join(',')}${more > 0 ? ` and ${more} more` : ''}`,
  ];
}

/** What each rule that holds something means, and what to do. */
function reasonsOf(stops: readonly GuardStopView[]): string {
  const reasons = new Map(stops.map(({ rule, why }) => [rule, why]));
  const lines = [...reasons].map(([rule, why]) => `${rule}: ${why}\n`);
  return `${lines.join('')}The old answers stay; fedns guard release ID lets go of one, without an ID of all.\n`;
}
