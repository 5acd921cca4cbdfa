/** Owns `fedns clusters`: the member clusters, how they are, and with `-o wide` what was not taken from them. */

import type { ClusterView } from '../admin/control-plane.ts';
import { openAdminClient } from './admin-client.ts';
import type { AdminClient, AdminTarget } from './admin-client.ts';
import { CommandError } from './environment.ts';
import type { Environment } from './environment.ts';
import { geoNotes } from './geo.ts';
import { formatData } from './output.ts';
import { formatAge, formatTable } from './table.ts';

export const CLUSTER_OUTPUTS = ['table', 'wide', 'json', 'yaml'] as const;
export type ClusterOutput = (typeof CLUSTER_OUTPUTS)[number];

const SHORT_HEAD = ['NAME', 'STATUS', 'VERSION', 'AGE', 'REGION', 'ZONES', 'SHARDS'];
const WIDE_HEAD = [...SHORT_HEAD, 'SOURCE', 'TOPOLOGY', 'OBJECTS', 'SYNCED', 'HEARD', 'REFUSED', 'ERROR'];
/** Stands for a value that there is none of. */
const NONE = '<none>';

export async function runClusters(
  environment: Environment,
  target: AdminTarget,
  output: ClusterOutput,
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const views = (await client.json('/api/v1/clusters')) as readonly ClusterView[];
  await environment.out(formatClusters(views, output, environment.clock()));
  if (output !== 'table' && output !== 'wide') return;
  await environment.out(await geoNotes(client, environment.clock()));
  await environment.out(formatPending(await pendingOf(client)));
}

/** What waits for a restart; of a server that does not know the path, an older one, nothing is known. */
async function pendingOf(client: AdminClient): Promise<readonly string[]> {
  try {
    const status = (await client.json('/api/v1/status')) as { readonly restartPending?: readonly string[] };
    return status.restartPending ?? [];
  } catch (error) {
    if (error instanceof CommandError) return [];
    throw error;
  }
}

function formatPending(keys: readonly string[]): string {
  if (keys.length === 0) return '';
  return `\nwarning: the configuration has changed in what takes effect with a restart only: ${keys.join(', ')}\n`;
}

/** AGE is how long STATUS has held; SHARDS are those in the answers of those known. */
export function formatClusters(views: readonly ClusterView[], output: ClusterOutput, nowMs: number): string {
  switch (output) {
    case 'table':
      return (
        formatTable(
          SHORT_HEAD,
          views.map((view) => shortRow(view, nowMs)),
        ) + formatAdvice(views)
      );
    case 'wide':
      return (
        formatTable(
          WIDE_HEAD,
          views.map((view) => wideRow(view, nowMs)),
        ) +
        formatRefusals(views, nowMs) +
        formatAdvice(views)
      );
    case 'json':
    case 'yaml':
      return formatData(views, output);
  }
}

function shortRow(view: ClusterView, nowMs: number): readonly string[] {
  const { report } = view;
  return [
    report.name,
    statusOf(view),
    report.version ?? NONE,
    formatAge(nowMs - report.conditionSinceMs),
    report.region ?? NONE,
    report.zones.join(',') || NONE,
    `${view.healthyShards}/${view.shards}`,
  ];
}

function wideRow(view: ClusterView, nowMs: number): readonly string[] {
  const { report } = view;
  const heard = Math.max(...Object.values(report.lastOctetMs));
  return [
    ...shortRow(view, nowMs),
    report.kind,
    report.topologyFrom,
    String(report.objects),
    report.syncedMs === undefined ? NONE : formatAge(nowMs - report.syncedMs),
    heard === -Infinity ? NONE : formatAge(nowMs - heard),
    String(report.refusals.length),
    report.lastError ?? NONE,
  ];
}

/**
 * With `stale`, parts of the cluster are as they were last: a file or list is in trouble. With `guarded`, shards of it are,
 * which the guard holds.
 */
function statusOf(view: ClusterView): string {
  const isStale = (view.report.stale ?? []).length > 0;
  const isGuarded = (view.guardedShards ?? 0) > 0;
  const marks = [...(isStale ? ['stale'] : []), ...(isGuarded ? ['guarded'] : []), ...drainMarks(view)];
  return [contactOf(view), ...marks].join(',');
}

function drainMarks({ drained }: ClusterView): string[] {
  if (drained === undefined) return [];
  return [drained.extent === 'whole' ? 'drained' : 'partly-drained'];
}

/** The condition, and what the facts count as where that does not follow from it. */
function contactOf({ report, status, unread }: ClusterView): string {
  const isPolled = report.polled !== undefined;
  if (status === 'available' && report.condition === 'Ready') return isPolled ? 'Ready,polled' : 'Ready';
  if (status === 'pending' && report.condition === 'Pending') return 'Pending';
  // There is nothing that could have been withdrawn.
  if (unread === true && status === 'withdrawn') return `${report.condition},never-read`;
  return `${report.condition},${status}`;
}

/** A cluster that is well and publishes nothing has most likely not been told what to publish. */
function formatAdvice(views: readonly ClusterView[]): string {
  const lines = views.flatMap(({ report: { name, condition, advice }, guardedShards = 0 }) => [
    ...(condition === 'Ready' && advice !== undefined ? [`warning: ${name}: ${advice}\n`] : []),
    ...(guardedShards > 0 ? [`warning: ${name}: ${heldText(guardedShards)}; fedns guard says why\n`] : []),
  ]);
  return lines.length === 0 ? '' : `\n${lines.join('')}`;
}

function heldText(shards: number): string {
  return shards === 1
    ? 'a shard whose data are missing is held'
    : `${shards} shards whose data are missing are held`;
}

function formatRefusals(views: readonly ClusterView[], nowMs: number): string {
  const rows = views.flatMap(({ report }) =>
    report.refusals.map((refusal) => [
      report.name,
      refusal.code,
      formatAge(nowMs - refusal.sinceMs),
      refusal.object,
      refusal.message,
    ]),
  );
  if (rows.length === 0) return '';
  return `\n${formatTable(['CLUSTER', 'REFUSED', 'AGE', 'OBJECT', 'REASON'], rows)}`;
}
