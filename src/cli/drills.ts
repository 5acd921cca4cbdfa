/** Owns `fedns drills` and `fedns drill`: which there are and what came of them, and how one is begun and ended by hand. */

import type { DrillRow } from '../admin/drills-control.ts';
import type { DrillReport } from '../steering/drills/drill.ts';
import { reportText } from '../steering/drills/drill.ts';
import type { Forecast } from '../steering/drills/ground.ts';
import { durationText } from '../steering/drills/plan.ts';
import { openAdminClient } from './admin-client.ts';
import type { AdminTarget } from './admin-client.ts';
import type { Environment } from './environment.ts';
import { formatForecast } from './forecast.ts';
import { formatData } from './output.ts';
import { formatAge, formatTable } from './table.ts';

export const STEERING_OUTPUTS = ['table', 'json', 'yaml'] as const;
export type SteeringOutput = (typeof STEERING_OUTPUTS)[number];

const HEAD = ['NAME', 'WHAT', 'FOR', 'NEXT', 'LAST', 'AGE', 'WHY'];
/** Stands for a value that there is none of. */
const NONE = '<none>';

export async function runDrills(
  environment: Environment,
  target: AdminTarget,
  output: SteeringOutput,
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const drills = (await client.json('/api/v1/drills')) as readonly DrillRow[];
  await environment.out(formatDrills(drills, output, environment.clock()));
}

/** NEXT is by the clock of the drill's own time zone. */
export function formatDrills(drills: readonly DrillRow[], output: SteeringOutput, nowMs: number): string {
  if (output !== 'table') return formatData(drills, output);
  if (drills.length === 0) return 'the configuration has no drills\n';
  return formatTable(
    HEAD,
    drills.map((drill) => rowOf(drill, nowMs)),
  );
}

function rowOf({ name, what, forSeconds, last, running, ...drill }: DrillRow, nowMs: number): string[] {
  const next =
    running === undefined
      ? nextText(drill)
      : `running, ${running.lowest.shards} shards left of ${running.lowest.service}`;
  return [
    name,
    what,
    durationText(forSeconds),
    next,
    last?.outcome ?? NONE,
    last === undefined ? NONE : formatAge(nowMs - last.endedMs),
    last?.why ?? '',
  ];
}

function nextText({
  nextMs,
  timeZone,
  nextBlockedBy,
}: Pick<DrillRow, 'nextMs' | 'timeZone' | 'nextBlockedBy'>): string {
  const blocked = nextBlockedBy === undefined ? '' : ` (blocked: ${nextBlockedBy})`;
  return `${localTime(nextMs, timeZone)} ${timeZone}${blocked}`;
}

/** `Tue 2026-12-01 10:00`. */
function localTime(ms: number, timeZone: string): string {
  const part = (options: Intl.DateTimeFormatOptions, locale: string): string =>
    new Intl.DateTimeFormat(locale, { timeZone, ...options }).format(ms);
  const day = part({ weekday: 'short' }, 'en');
  const date = part({ year: 'numeric', month: '2-digit', day: '2-digit' }, 'sv');
  return `${day} ${date} ${part({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, 'en-GB')}`;
}

/** What the server says of a drill that it was told to begin. */
type Begun = { readonly untilMs: number; readonly names: number } | { readonly forecast: Forecast };

export async function beginDrill(
  environment: Environment,
  target: AdminTarget,
  {
    name,
    dryRun,
    output,
  }: { readonly name: string; readonly dryRun: boolean; readonly output: SteeringOutput },
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const body = { name, dryRun, ...byOf(environment) };
  const reply = (await client.send('POST', '/api/v1/drills/run', { body })) as Begun;
  await environment.out(output === 'table' ? begunText(name, reply) : formatData(reply, output));
}

function begunText(name: string, reply: Begun): string {
  if ('forecast' in reply) return formatForecast(reply.forecast);
  return `drill ${name} runs until ${new Date(reply.untilMs).toISOString()}, ${reply.names} names are answered otherwise\n`;
}

export async function endDrill(
  environment: Environment,
  target: AdminTarget,
  { name, output }: { readonly name: string; readonly output: SteeringOutput },
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const body = { name, ...byOf(environment) };
  const reply = (await client.send('POST', '/api/v1/drills/stop', { body })) as {
    readonly report: DrillReport;
  };
  const text = `drill ${name} was stopped: ${reportText(reply.report)}\n`;
  await environment.out(output === 'table' ? text : formatData(reply, output));
}

/** Who wants it, where the environment says so. */
export function byOf({ who }: Environment): { readonly by?: string } {
  return who === undefined ? {} : { by: who };
}
