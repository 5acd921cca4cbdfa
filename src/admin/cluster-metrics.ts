/** Owns how the reports of the member clusters become metrics. */

import type { Registry } from 'prom-client';
import type { ClusterView } from './control-plane.ts';
import { type Put, type ScrapedMetric, scrapedGauge } from './scraped.ts';

const CONDITIONS = ['Pending', 'Ready', 'Refused', 'NotReady', 'Offline'] as const;
const STATUSES = ['pending', 'available', 'held', 'withdrawn'] as const;

interface Family extends ScrapedMetric {
  readonly each: (view: ClusterView, put: Put, nowMs: number) => void;
}

const FAMILIES: readonly Family[] = [
  {
    name: 'fedns_cluster_condition',
    help: '1 for the condition that the cluster is in, 0 for the others.',
    labelNames: ['cluster', 'condition'],
    each: ({ report }, put) => {
      for (const condition of CONDITIONS) put({ condition }, report.condition === condition ? 1 : 0);
    },
  },
  {
    name: 'fedns_cluster_status',
    help: '1 for what the facts of the cluster count as, 0 for the others.',
    labelNames: ['cluster', 'status'],
    each: (view, put) => {
      for (const status of STATUSES) put({ status }, view.status === status ? 1 : 0);
    },
  },
  {
    name: 'fedns_cluster_last_octet_age_seconds',
    help: 'Time since the last octet from the cluster, by watched kind.',
    labelNames: ['cluster', 'kind'],
    each: ({ report }, put, nowMs) => {
      for (const [kind, ms] of Object.entries(report.lastOctetMs))
        put({ kind }, Math.max(0, nowMs - ms) / 1000);
    },
  },
  {
    name: 'fedns_cluster_lost_events',
    help: 'Objects of which a periodic list showed that their events had been lost, since the start, by kind.',
    labelNames: ['cluster', 'kind'],
    each: ({ report }, put) => {
      for (const [kind, count] of Object.entries(report.lostEvents ?? {})) put({ kind }, count);
    },
  },
  {
    name: 'fedns_cluster_polled',
    help: '1 for each kind that is listed at an interval, because watches of it do not get through.',
    labelNames: ['cluster', 'kind'],
    each: ({ report }, put) => {
      for (const kind of report.polled ?? []) put({ kind }, 1);
    },
  },
  {
    name: 'fedns_cluster_credential_expiry_seconds',
    help: 'Time until the token or client certificate of the cluster ends, where it says so; negative: since then.',
    labelNames: ['cluster'],
    each: ({ report: { credentialEndsMs } }, put, nowMs) => {
      if (credentialEndsMs !== undefined) put({}, (credentialEndsMs - nowMs) / 1000);
    },
  },
  {
    name: 'fedns_cluster_shards',
    help: 'Shards of the cluster: all that are known, and those in the answers.',
    labelNames: ['cluster', 'state'],
    each: (view, put) => {
      put({ state: 'known' }, view.shards);
      put({ state: 'healthy' }, view.healthyShards);
    },
  },
  {
    name: 'fedns_cluster_objects',
    help: 'Kubernetes objects of the cluster that are held.',
    labelNames: ['cluster'],
    each: ({ report }, put) => put({}, report.objects),
  },
  {
    name: 'fedns_cluster_stale_seconds',
    help: 'How long a file or list of the cluster has been in trouble, so that what it last said is held, by cause.',
    labelNames: ['cluster', 'part', 'code'],
    each: ({ report }, put, nowMs) => {
      for (const { part, code, sinceMs } of report.stale ?? [])
        put({ part, code }, Math.max(0, nowMs - sinceMs) / 1000);
    },
  },
  {
    name: 'fedns_cluster_refusals',
    help: 'Objects, or parts of them, that are refused at present, by code.',
    labelNames: ['cluster', 'code'],
    each: ({ report }, put) => {
      const counts = new Map<string, number>();
      for (const { code } of report.refusals) counts.set(code, (counts.get(code) ?? 0) + 1);
      for (const [code, count] of counts) put({ code }, count);
    },
  },
];

/** Registers one gauge per family; clusters that are gone leave no series behind. */
export function collectClusters(
  clusters: () => readonly ClusterView[],
  clock: () => number,
  registers: Registry[],
): void {
  for (const { each, ...metric } of FAMILIES) {
    scrapedGauge(metric, registers, (put) => {
      for (const view of clusters())
        each(view, (labels, value) => put({ cluster: view.report.name, ...labels }, value), clock());
    });
  }
}
