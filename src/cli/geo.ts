/** Owns `fedns geo`: how the databases are, where a client is and where it is sent, and the map of all networks. */

import type { ClientLocation, GeoMapRow, GeoStatus } from '../admin/control-plane.ts';
import { openAdminClient } from './admin-client.ts';
import type { AdminClient, AdminTarget } from './admin-client.ts';
import { CommandError } from './environment.ts';
import type { Environment } from './environment.ts';
import { formatData } from './output.ts';
import { formatAge, formatTable } from './table.ts';

export const GEO_OUTPUTS = ['text', 'json', 'yaml'] as const;
export type GeoOutput = (typeof GEO_OUTPUTS)[number];

export async function runGeo(
  environment: Environment,
  target: AdminTarget,
  { client, output }: { readonly client: string; readonly output: GeoOutput },
): Promise<void> {
  const admin = await openAdminClient(environment, target);
  const location = (await admin.json('/api/v1/geo', { client })) as ClientLocation;
  await environment.out(output === 'text' ? formatLocation(location) : formatData(location, output));
}

/** The databases in use, and what is wrong with them or with clusters' networks. */
export async function runGeoStatus(
  environment: Environment,
  target: AdminTarget,
  output: GeoOutput,
): Promise<void> {
  const admin = await openAdminClient(environment, target);
  const status = (await admin.json('/api/v1/geo')) as GeoStatus;
  const text = output === 'text' ? formatStatus(status, environment.clock()) : formatData(status, output);
  await environment.out(text);
}

/** The same in a few lines, for `fedns clusters`; of a server that does not know the path, an older one, nothing is known. */
export async function geoNotes(admin: AdminClient, nowMs: number): Promise<string> {
  try {
    const status = (await admin.json('/api/v1/geo')) as Partial<GeoStatus>;
    const files = (status.files ?? []).map(
      ({ type, builtMs }) => `geoip: ${type} of ${isoDay(builtMs)}, ${formatAge(nowMs - builtMs)} old\n`,
    );
    const lines = [...files, ...warningsOf(status)];
    return lines.length === 0 ? '' : `\n${lines.join('')}`;
  } catch (error) {
    if (error instanceof CommandError) return '';
    throw error;
  }
}

function formatStatus(status: GeoStatus, nowMs: number): string {
  const { files, octets, compileMs } = status;
  const rows = files.map(({ path, type, builtMs }) => [
    path,
    type,
    isoDay(builtMs),
    formatAge(nowMs - builtMs),
  ]);
  const table =
    files.length === 0 ? 'no database\n' : formatTable(['DATABASE', 'TYPE', 'BUILT', 'AGE'], rows);
  const compiled = compileMs === undefined ? '' : `, compiled in ${(compileMs / 1000).toFixed(1)} s`;
  const tables = octets === 0 ? 'no tables' : `tables of ${(octets / 2 ** 20).toFixed(1)} MiB${compiled}`;
  return `${table}${tables}\n${warningsOf(status).join('')}`;
}

function warningsOf({ trouble, contests = [] }: Partial<GeoStatus>): string[] {
  const lines = contests.map(({ clusters, networks, examples }) => {
    const more = networks > examples.length ? ', …' : '';
    return `warning: ${clusters.join(' and ')} claim the same networks, which are nobody’s: ${examples.join(', ')}${more} (${networks})\n`;
  });
  return trouble === undefined ? lines : [`warning: ${trouble.code}: ${trouble.message}\n`, ...lines];
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The map as it comes, so that it may be longer than any memory: CSV, or a JSON document a line. */
export async function runGeoMap(
  environment: Environment,
  target: AdminTarget,
  output: GeoOutput,
): Promise<void> {
  const admin = await openAdminClient(environment, target);
  if (output === 'text') await environment.out('network,to,from\n');
  for await (const rows of admin.rows<GeoMapRow>('/api/v1/geo/map', {}, () => {}))
    await environment.out(rows.map(output === 'text' ? csvLine : jsonLine).join(''));
}

/** Names of places and clusters hold no character that CSV would have to quote. */
function csvLine({ network, to, from }: GeoMapRow): string {
  return `${network},${to},${from}\n`;
}

function jsonLine(row: GeoMapRow): string {
  return `${JSON.stringify(row)}\n`;
}

const MEANINGS: Readonly<Record<ClientLocation['kind'], string>> = {
  place: '',
  cluster: '',
  unknown: 'It is not known where that is: it gets what everybody gets.',
  nowhere: 'Such an address tells nothing of a place: it gets what everybody gets.',
};

function formatLocation({ client, kind, network, from, scope, order }: ClientLocation): string {
  const head = `${client} is in ${network} (${from}); scope ${scope}\n`;
  if (order.length === 0) return `${head}${MEANINGS[kind]}\n`;
  const rows = order.map(({ to, km, pointFrom = '' }) => [to, km === undefined ? '' : String(km), pointFrom]);
  return `${head}\n${formatTable(['TO', 'KM', 'POINT'], rows)}`;
}
