/** The configuration, and the running server: whether it answers, serves this configuration, and reads its clusters. */

import type { ClusterView } from '../admin/control-plane.ts';
import type { TopologyView } from '../admin/topology.ts';
import type { Facts } from './facts.ts';
import { behind, type Finding, Unknowable, well, wrong } from './report.ts';

/** Objects of a cluster that were refused and are named. */
const REFUSALS_SHOWN = 3;

/** What `fedns check` finds. */
export async function checkConfiguration({ file, config, inspect }: Facts): Promise<readonly Finding[]> {
  const look = { about: file, tried: 'reading it and what it names, as fedns check does' };
  const faults = config.kind === 'refused' ? config.faults : await inspect(config.settings);
  const next = 'mend it; fedns check shows whether that is done';
  if (faults.length > 0) return faults.map((fault) => wrong(look, fault, next));
  return [well(look, 'no faults')];
}

export async function checkServer(facts: Facts): Promise<readonly Finding[]> {
  const look = { about: 'the server', tried: 'GET /api/v1/topology' };
  try {
    return [judgeServer(facts, await facts.topology())];
  } catch (error) {
    if (!(error instanceof Unknowable)) throw error;
    return [wrong(look, error.message, error.next)];
  }
}

function judgeServer({ config }: Facts, topology: TopologyView): Finding {
  const { domain, version, serial, services, restartPending } = topology;
  const look = { about: domain, tried: 'GET /api/v1/topology' };
  const found = `fedns ${version}, serial ${serial}, ${services} ${services === 1 ? 'Service' : 'Services'}`;
  const configured = config.kind === 'loaded' ? config.settings.domain : domain;
  if (configured !== domain)
    return wrong(look, `it serves ${domain}, and the file says ${configured}`, 'ask the server of this file');
  if (restartPending.length === 0) return well(look, found);
  return wrong(look, `${found}; changed since its start: ${restartPending.join(', ')}`, 'fedns replace');
}

/** What the server says of its member clusters. */
export async function checkClusters(facts: Facts): Promise<readonly Finding[]> {
  const tried = 'GET /api/v1/clusters';
  await facts.topology().catch(() => {
    throw behind('server', tried);
  });
  const views = (await facts.askServer('/api/v1/clusters')) as readonly ClusterView[];
  if (views.length === 0)
    return [wrong({ about: 'the server', tried }, 'it has no member cluster', 'fedns join')];
  return views.map((view) => judgeCluster(view, tried));
}

function judgeCluster(view: ClusterView, tried: string): Finding {
  const { report, status, shards, healthyShards } = view;
  const look = { about: report.name, tried };
  const contact = `${report.condition}, ${status}`;
  if (report.condition !== 'Ready' || status !== 'available')
    return wrong(look, `${contact}${saying(report.lastError)}`, NEXT[report.condition]);
  if ((report.stale ?? []).length > 0)
    return wrong(look, `stale: ${staleText(view)}`, `fedns clusters -o wide`);
  if (report.refusals.length > 0)
    return wrong(look, refusalText(view), 'mend the objects; fedns clusters -o wide');
  if (report.advice !== undefined) return wrong(look, report.advice, 'see docs/clusters.md');
  return well(look, `Ready, ${report.version ?? report.kind}, ${healthyShards}/${shards} shards answer`);
}

const NEXT = {
  Pending: 'wait for its first list; fedns clusters -o wide shows how far it is',
  Ready: 'wait: it has just come back',
  Refused: 'renew its credentials (fedns join again), or give it what the step permissions lacks',
  NotReady: 'look at its API server: /readyz?verbose says what is not ready',
  Offline: 'see whether its API server runs, and whether this machine reaches it',
} as const satisfies Record<ClusterView['report']['condition'], string>;

function saying(error: string | undefined): string {
  return error === undefined ? '' : `: ${error}`;
}

function staleText({ report }: ClusterView): string {
  return (report.stale ?? []).map(({ part, code }) => `${part} ${code}`).join(', ');
}

function refusalText({ report: { refusals } }: ClusterView): string {
  const shown = refusals.slice(0, REFUSALS_SHOWN).map(({ object, message }) => `${object}: ${message}`);
  const more = refusals.length - shown.length;
  return `not taken: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
