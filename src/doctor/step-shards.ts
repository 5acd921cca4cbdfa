/** Shards: which of them are not in the answers, and which condition keeps them out. */

import type { Explanation } from '../admin/control-plane.ts';
import type { ServicePage, ServiceReport, ShardRow } from '../admin/services.ts';
import type { VerdictReason } from '../zonebuilder/verdict.ts';
import type { Facts } from './facts.ts';
import { globalName } from './step-answers.ts';
import { behind, type Finding, messageOf, none, well, wrong } from './report.ts';

/** Services of which shards are named; the step says how many more there are. */
const SERVICES_SHOWN = 20;
const TRIED = 'GET /api/v1/services, and of each that lacks a shard GET /api/v1/service';

export async function checkShards(facts: Facts): Promise<readonly Finding[]> {
  await facts.topology().catch(() => {
    throw behind('server', TRIED);
  });
  if (facts.name !== undefined) return ofName(facts, facts.name);
  const page = await pageOf(facts, 'degraded');
  if (page.total === 0) return [none({ about: 'Services', tried: TRIED }, 'no Service is federated yet')];
  const found = await Promise.all(page.rows.map(async ({ name }) => ofService(await reportOf(facts, name))));
  const more = page.matched - page.rows.length;
  const look = { about: `${page.total} Services`, tried: TRIED };
  if (page.matched === 0) return [well(look, 'every shard is in the answers')];
  const rest =
    more > 0 ? [wrong(look, `${more} more Services lack a shard`, 'fedns services --health degraded')] : [];
  return [...found.flat(), ...rest];
}

async function pageOf({ askServer }: Facts, health: 'degraded'): Promise<ServicePage> {
  return (await askServer('/api/v1/services', { health, limit: String(SERVICES_SHOWN) })) as ServicePage;
}

async function reportOf({ askServer }: Facts, name: string): Promise<ServiceReport> {
  return (await askServer('/api/v1/service', { name })) as ServiceReport;
}

/** Of a name that no shard has, the server says what each cluster knows. */
async function ofName(facts: Facts, name: string): Promise<readonly Finding[]> {
  try {
    const { name: found } = await reportOf(facts, name);
    return ofService(await reportOf(facts, found));
  } catch (error) {
    return [
      wrong(
        { about: name, tried: 'GET /api/v1/service' },
        await reasonOf(facts, error),
        `fedns explain ${name}`,
      ),
    ];
  }
}

async function reasonOf({ askServer, name = '', settings }: Facts, error: unknown): Promise<string> {
  try {
    const asked = globalName(name, (await settings()).domain);
    const { steps } = (await askServer('/api/v1/explain', { name: asked })) as Explanation;
    return steps.map(({ text }) => text).join('; ');
  } catch {
    return messageOf(error);
  }
}

function ofService({ name, shards }: ServiceReport): readonly Finding[] {
  const missing = shards.filter(({ counts }) => !counts);
  if (missing.length > 0) return missing.map((shard) => judgeShard(name, shard));
  return [
    well({ about: name, tried: 'GET /api/v1/service' }, `${shards.length} of ${shards.length} shards answer`),
  ];
}

/** What an operator has drained is as it was meant to be. */
function judgeShard(service: string, { cluster, reason, why }: ShardRow): Finding {
  const look = { about: `${service} in ${cluster}`, tried: 'GET /api/v1/service' };
  if (reason === 'drained') return well(look, why);
  const [name, namespace] = service.split('.');
  return wrong(
    look,
    `${reason}: ${why}`,
    nextFor(reason, `kubectl --context ${cluster} -n ${namespace}`, name!),
  );
}

function nextFor(reason: Exclude<VerdictReason, 'drained'>, kubectl: string, service: string): string {
  switch (reason) {
    case 'noAddress':
      return `${kubectl} describe service ${service}: its load balancer has no address`;
    case 'notReady':
      return `${kubectl} get endpointslices -l kubernetes.io/service-name=${service}: no endpoint is ready`;
    case 'pending':
    case 'withdrawn':
      return 'see the step clusters';
    case 'guarded':
      return 'fedns guard says what is withheld';
    case 'held':
    case 'healthy':
      return `fedns explain ${service}`;
  }
}
