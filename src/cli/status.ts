/** Owns `fedns status`: the federation as the page shows it, and what is asked and changes at the moment. */

import type { ClusterNode, RegionNode, TopologyView } from '../admin/topology.ts';
import type { TrafficView } from '../admin/traffic.ts';
import { openAdminClient, type AdminTarget } from './admin-client.ts';
import type { Environment } from './environment.ts';
import { formatData } from './output.ts';
import { formatAge, formatTable } from './table.ts';

export const STATUS_OUTPUTS = ['text', 'json', 'yaml'] as const;
export type StatusOutput = (typeof STATUS_OUTPUTS)[number];

/** Samples that a rate is the mean of: a single second says little. */
const RATE_SAMPLES = 10;

export async function runStatus(
  environment: Environment,
  target: AdminTarget,
  output: StatusOutput,
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const topology = (await client.json('/api/v1/topology')) as TopologyView;
  const traffic = (await client.json('/api/v1/traffic')) as TrafficView;
  const text =
    output === 'text'
      ? formatStatus(topology, traffic, environment.clock())
      : formatData({ topology, traffic }, output);
  await environment.out(text);
}

/** What runs, what it answers, and the clusters by place. */
export function formatStatus(topology: TopologyView, traffic: TrafficView, nowMs: number): string {
  const { domain, version, startedMs, serial, services, restartPending } = topology;
  const facts = [
    ['domain', `${domain}, serial ${serial}, ${services} ${services === 1 ? 'Service' : 'Services'}`],
    ['fedns', `${version}, running for ${formatAge(nowMs - startedMs)}`],
    ['replies a second', ratesText(traffic)],
    ['changes', changesText(traffic)],
    ...(restartPending.length > 0 ? [['waits for a restart', restartPending.join(', ')]] : []),
  ];
  const width = Math.max(...facts.map(([name]) => name!.length));
  const head = facts.map(([name, text]) => `${name!.padEnd(width)}   ${text}\n`).join('');
  return `${head}\n${formatTable(['PLACE', 'STATUS', 'SHARDS', 'HEARD'], treeRows(topology, nowMs))}`;
}

function ratesText({ rcodes, samples }: TrafficView): string {
  const last = samples.slice(-RATE_SAMPLES);
  if (last.length === 0) return 'not known yet';
  const mean = (read: (sample: (typeof last)[number]) => number): number =>
    Math.round(last.reduce((sum, sample) => sum + read(sample), 0) / last.length);
  const texts = rcodes.map((rcode, i) => [rcode, mean(({ replies }) => replies[i] ?? 0)] as const);
  const all = [...texts, ['no reply', mean(({ dropped }) => dropped)] as const];
  const shown = all.filter(([name, rate]) => rate > 0 || name === 'NOERROR');
  return shown.map(([name, rate]) => `${name} ${rate}`).join(', ');
}

function changesText({ boundsSeconds, samples, changesSinceStart }: TrafficView): string {
  const recent = boundsSeconds
    .concat(0)
    .map((_, i) => samples.reduce((sum, { changes }) => sum + (changes[i] ?? 0), 0));
  const count = total(recent);
  const since = `${total(changesSinceStart)} since the start`;
  if (count === 0) return `none in the last minutes, ${since}`;
  const within = `99 of 100 within ${quantile(recent, boundsSeconds, 0.99)}`;
  return `${count} in the last minutes, ${within}; ${since}`;
}

function quantile(counts: readonly number[], bounds: readonly number[], share: number): string {
  const wanted = total(counts) * share;
  let seen = 0;
  const at = counts.findIndex((count) => (seen += count) >= wanted);
  const bound = bounds[at];
  return bound === undefined ? `more than ${bounds.at(-1)} s` : `${bound * 1000} ms`;
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function treeRows({ regions, clusters }: TopologyView, nowMs: number): string[][] {
  const placeless = clusters.filter(({ region }) => region === undefined);
  return [
    ...regions.flatMap((region) => regionRows(region, clusters, nowMs)),
    ...placeless.map((cluster) => clusterRow(cluster, 0, nowMs)),
  ];
}

function regionRows(
  { name, zones }: RegionNode,
  clusters: readonly ClusterNode[],
  nowMs: number,
): string[][] {
  const own = clusters.filter(({ region }) => region === name);
  const zoneless = own.filter((cluster) => cluster.zones.length === 0);
  return [
    placeRow(name, own, 0),
    ...zones.flatMap((zone) => {
      const here = own.filter((cluster) => cluster.zones.includes(zone));
      return [placeRow(zone, here, 1), ...here.map((cluster) => clusterRow(cluster, 2, nowMs))];
    }),
    ...zoneless.map((cluster) => clusterRow(cluster, 1, nowMs)),
  ];
}

function placeRow(name: string, clusters: readonly ClusterNode[], depth: number): string[] {
  const well = clusters.filter(
    ({ status, condition }) => status === 'available' && condition === 'Ready',
  ).length;
  const healthy = total(clusters.map(({ healthyShards }) => healthyShards));
  const shards = total(clusters.map((cluster) => cluster.shards));
  return [`${'  '.repeat(depth)}${name}`, `${well}/${clusters.length} ready`, `${healthy}/${shards}`, ''];
}

function clusterRow(cluster: ClusterNode, depth: number, nowMs: number): string[] {
  const { name, condition, status, drained, heardMs, healthyShards, shards } = cluster;
  const parts = [
    condition,
    ...(status === 'available' ? [] : [status]),
    ...(drained === undefined ? [] : ['drained']),
  ];
  const heard = heardMs === undefined ? '<never>' : formatAge(nowMs - heardMs);
  return [`${'  '.repeat(depth)}${name}`, parts.join(','), `${healthyShards}/${shards}`, heard];
}
