/** Owns the view of the running parts that the admin server shows. */

import type { ClusterView, ControlPlane, GeoControl } from '../admin/control-plane.ts';
import type { JournalControl } from '../admin/journal-control.ts';
import type { TopologyView } from '../admin/topology.ts';
import type { RegionSettings } from '../config/settings.ts';
import type { DrainControl } from '../admin/drains.ts';
import type { DrillsControl } from '../admin/drills-control.ts';
import type { ClusterReport } from '../watchers/source.ts';
import type { ClusterState } from '../zonebuilder/facts.ts';
import type { Witness } from './absence.ts';
import type { ClockWatch } from './clock-watch.ts';
import type { GuardKeeper } from './guard-keeper.ts';
import type { TransferKeeper } from './transfer-keeper.ts';
import type { DataPlane, ServedDomain } from './parts.ts';
import { clusterNode, regionNodes } from './topology-view.ts';

/** What is running at the moment; a reload exchanges the domain. */
export interface LiveParts {
  readonly domain: () => ServedDomain;
  readonly witness: Witness;
  readonly dataPlane: () => DataPlane | undefined;
  readonly serial: () => number;
  readonly restartPending: () => readonly string[];
  readonly geo: GeoControl;
  readonly journal: JournalControl;
  readonly settings: () => { readonly domain: string; readonly regions: readonly RegionSettings[] };
  readonly version: string;
  /** When the process began to serve, in milliseconds since the epoch. */
  readonly startedMs: number;
  readonly drains: DrainControl;
  readonly guard: GuardKeeper;
  readonly transfers: TransferKeeper;
  readonly clockWatch: ClockWatch;
  readonly isDraining: () => boolean;
  readonly drills: DrillsControl;
}

export function liveControlPlane(live: LiveParts): ControlPlane {
  return {
    records: (filter) => ({ of: 'records', rows: live.domain().records(filter), serial: live.serial }),
    clusters: () => viewsOf(live.witness.reports(), live.domain(), live.guard),
    explain: (question) => live.domain().explain(question, live.witness),
    geo: live.geo,
    journal: live.journal,
    queryWriting: () => live.dataPlane()?.queries(),
    topology: () => topologyOf(live),
    services: {
      names: () => live.domain().services.names(),
      row: (name) => live.domain().services.row(name),
      report: (name) => live.domain().services.report(name),
    },
    drains: live.drains,
    guard: live.guard.control,
    transfers: () => live.transfers.status,
    signing: () => live.dataPlane()?.signing?.(),
    clockStatus: () => live.clockWatch.status(),
    isDraining: live.isDraining,
    drills: live.drills,
    vitals: () => ({
      ...live.domain().figures(),
      serial: live.serial(),
      restartPending: live.restartPending(),
      counters: live.dataPlane()?.counters() ?? [],
    }),
  };
}

function topologyOf(live: LiveParts): TopologyView {
  const domain = live.domain();
  const { domain: name, regions } = live.settings();
  const clusters = viewsOf(live.witness.reports(), domain, live.guard).map(clusterNode);
  return {
    domain: name,
    version: live.version,
    startedMs: live.startedMs,
    serial: live.serial(),
    services: domain.figures().services,
    restartPending: live.restartPending(),
    regions: regionNodes(clusters, regions),
    clusters,
  };
}

/** A source that has not announced its cluster yet has it pending. */
function viewsOf(
  reports: readonly ClusterReport[],
  domain: ServedDomain,
  { guard }: GuardKeeper,
): readonly ClusterView[] {
  const counts = domain.shardCounts();
  return reports.map((report) => {
    const state = domain.stateOf(report.name);
    const drained = domain.drainsOf(report.name);
    return {
      report: {
        ...withPlace(report, state),
        refusals: [...report.refusals, ...domain.refusalsOf(report.name)],
      },
      status: state?.status ?? 'pending',
      ...(state?.unread === true && { unread: true }),
      ...(drained !== undefined && { drained }),
      ...(counts.get(report.name) ?? { shards: 0, healthyShards: 0 }),
      ...(guard.held(report.name) > 0 && { guardedShards: guard.held(report.name) }),
    };
  });
}

/** A source that has read nothing yet does not know where its cluster is; what an earlier run knew is in force till then. */
function withPlace(report: ClusterReport, state: ClusterState | undefined): ClusterReport {
  if (report.syncedMs !== undefined || state === undefined) return report;
  const { region, zones } = state;
  const isEarlier = report.topologyFrom === 'none' && (region !== undefined || zones.length > 0);
  return {
    ...report,
    ...(region !== undefined && { region }),
    zones,
    ...(isEarlier && { topologyFrom: 'earlier' }),
  };
}
