/** Owns `fedns services` and `fedns service`: Services as the page finds and shows them. */

import type { ServiceHealth, ServicePage, ServicePlace, ServiceReport } from '../admin/services.ts';
import { openAdminClient, type AdminTarget } from './admin-client.ts';
import type { Environment } from './environment.ts';
import { formatData } from './output.ts';
import { formatTable } from './table.ts';

export const SERVICE_OUTPUTS = ['table', 'json', 'yaml'] as const;
export type ServiceOutput = (typeof SERVICE_OUTPUTS)[number];

/** Addresses that a table shows of each place. */
const ADDRESSES_SHOWN = 4;

/** What is looked for. */
export interface ServicesChoice {
  readonly search?: string;
  readonly health: ServiceHealth;
  readonly limit: string;
  readonly offset: string;
}

export async function runServices(
  environment: Environment,
  target: AdminTarget,
  { output, choice }: { readonly output: ServiceOutput; readonly choice: ServicesChoice },
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const { search, ...rest } = choice;
  const query = { ...rest, ...(search !== undefined && { search }) };
  const page = (await client.json('/api/v1/services', query)) as ServicePage;
  await environment.out(output === 'table' ? formatServices(page) : formatData(page, output));
}

/** With a last line where there are more than are shown. */
export function formatServices({ rows, matched, offset }: ServicePage): string {
  const table = formatTable(
    ['NAME', 'SHARDS'],
    rows.map(({ name, shards, healthyShards }) => [name, `${healthyShards}/${shards}`]),
  );
  const shown = offset + rows.length;
  return shown === matched
    ? table
    : `${table}\n${offset + 1} to ${shown} of ${matched}; more with --offset and --limit\n`;
}

export async function runService(
  environment: Environment,
  target: AdminTarget,
  { output, name }: { readonly output: ServiceOutput; readonly name: string },
): Promise<void> {
  const client = await openAdminClient(environment, target);
  const report = (await client.json('/api/v1/service', { name })) as ServiceReport;
  await environment.out(output === 'table' ? formatService(report) : formatData(report, output));
}

/** Who answers where, then the shards. */
export function formatService({ places, shards, notices }: ServiceReport): string {
  const answers = formatTable(
    ['PLACE', 'ANSWERED', 'ADDRESSES'],
    places.map((place) => [place.place || 'global', answerText(place), shortList(place.addresses)]),
  );
  const verdicts = formatTable(
    ['CLUSTER', 'VERDICT', 'ADDRESSES'],
    shards.map(({ cluster, why, addresses }) => [cluster, why, shortList(addresses)]),
  );
  return `${answers}\n${verdicts}${notices.map((notice) => `\nnotice: ${notice}\n`).join('')}`;
}

function answerText({ answer, chain }: ServicePlace): string {
  const names = chain.map((place) => place || 'global');
  switch (answer) {
    case 'itself':
      return 'by itself';
    case 'above':
      return `as ${names.join(' as ')}`;
    case 'static':
      return 'by the configuration';
    case 'awaited':
      return 'SERVFAIL: a cluster was not read yet';
    case 'nobody':
      return 'by nobody';
  }
}

function shortList(addresses: readonly string[]): string {
  const more = addresses.length - ADDRESSES_SHOWN;
  const shown = addresses.slice(0, ADDRESSES_SHOWN).join(' ');
  return more > 0 ? `${shown} and ${more} more` : shown || '<none>';
}
