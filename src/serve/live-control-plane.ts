/** Owns the view of the running parts that the admin server shows. */

import type { ClientLocation, ClusterView, ControlPlane, GeoControl } from '../admin/control-plane.ts';
import type { Explanation } from '../zonebuilder/explain.ts';
import type { ClusterReport } from '../watchers/source.ts';
import type { Witness } from './absence.ts';
import type { DataPlane, ServedDomain } from './parts.ts';

/** What is running at the moment; a reload exchanges the domain. */
export interface LiveParts {
  readonly domain: () => ServedDomain;
  readonly witness: Witness;
  readonly dataPlane: () => DataPlane | undefined;
  readonly serial: () => number;
  readonly restartPending: () => readonly string[];
  readonly geo: GeoControl;
}

export function liveControlPlane(live: LiveParts): ControlPlane {
  return {
    records: (filter) => ({ of: 'records', rows: live.domain().records(filter), serial: live.serial }),
    clusters: () => viewsOf(live.witness.reports(), live.domain()),
    explain(question) {
      const explanation = live.domain().explain(question, live.witness);
      if (question.client === undefined) return explanation;
      const steps = clientSteps(live.geo.locate(question.client));
      return { ...explanation, steps: [...explanation.steps, ...steps] };
    },
    geo: live.geo,
    vitals: () => ({
      ...live.domain().figures(),
      serial: live.serial(),
      restartPending: live.restartPending(),
      counters: live.dataPlane()?.counters() ?? [],
    }),
  };
}

/** A source that has not announced its cluster yet has it pending. */
function viewsOf(reports: readonly ClusterReport[], domain: ServedDomain): readonly ClusterView[] {
  const counts = domain.shardCounts();
  return reports.map((report) => ({
    report: { ...report, refusals: [...report.refusals, ...domain.refusalsOf(report.name)] },
    status: domain.stateOf(report.name)?.status ?? 'pending',
    ...(counts.get(report.name) ?? { shards: 0, healthyShards: 0 }),
  }));
}

/** Where the client is and why, as steps of an explanation. */
function clientSteps({ client, kind, network, from, scope, order }: ClientLocation): Explanation['steps'] {
  const where = kind === 'place' || kind === 'cluster' ? `is in ${network}` : `is ${kind} in ${network}`;
  const rule = 'client';
  return [
    { rule, text: `${client} ${where} (${from}); scope ${scope}` },
    ...order.map(({ to, km, pointFrom }, i) => {
      const distance = km === undefined ? '' : `, ${km} km from the first`;
      return { rule, text: `${i + 1}. ${to}${distance}${pointFrom === undefined ? '' : ` (${pointFrom})`}` };
    }),
  ];
}
