/** Owns `fedns geo`: where a client is and where it is sent, and the map of all networks. */

import type { ClientLocation, GeoMapRow } from '../admin/control-plane.ts';
import { openAdminClient } from './admin-client.ts';
import type { AdminTarget } from './admin-client.ts';
import type { Environment } from './environment.ts';
import { formatData } from './output.ts';
import { formatTable } from './table.ts';

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
