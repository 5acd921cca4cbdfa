/**
 * The small listener of `fedns federate`: health, and metrics in the text format of Prometheus. It knows nothing of the
 * admin server of the DNS server, which does not run here.
 */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FederationState } from '../sync/engine.ts';

/** What there is to be told at a moment. */
export interface FederateView {
  readonly isLeader: boolean;
  /** Why the Lease cannot be read or written. */
  readonly leaseTrouble: string | undefined;
  /** Absent: this replica is not the active one. */
  readonly federation?: FederationState;
  /** Objects of members written since the start, by cluster and deed. */
  readonly deeds: ReadonlyMap<string, number>;
}

/** Longest that a client may take to ask, in milliseconds. */
const REQUEST_MS = 5_000;
/** Clients at a time: probes and scrapers. */
const CONNECTIONS_MAX = 50;

/** Listens until the server is closed. @throws when the address cannot be bound */
export async function openAdmin(
  listen: { readonly address: string; readonly port: number },
  view: () => FederateView,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = createServer({ requestTimeout: REQUEST_MS }, (request, response) => {
    const [status, text] = reply(request.method ?? '', (request.url ?? '').split('?')[0]!, view());
    response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(listen.port, listen.address);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

function reply(method: string, path: string, view: FederateView): readonly [status: number, text: string] {
  if (method !== 'GET' && method !== 'HEAD') return [405, 'only GET\n'];
  switch (path) {
    case '/healthz':
      return [200, 'ok\n'];
    case '/readyz':
      return readiness(view);
    case '/metrics':
      return [200, metricsText(view)];
    default:
      return [404, 'not here: /healthz, /readyz or /metrics\n'];
  }
}

/** A replica that waits for its turn is ready; the active one is once it reads the endpoint. */
function readiness({
  isLeader,
  leaseTrouble,
  federation,
}: FederateView): readonly [status: number, text: string] {
  if (!isLeader) return leaseTrouble === undefined ? [200, 'ok: standing by\n'] : [503, `${leaseTrouble}\n`];
  const trouble = federation?.endpointTrouble;
  return trouble === undefined ? [200, 'ok: active\n'] : [503, `${trouble}\n`];
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Metrics as text. Names and labels are stable. */
export function metricsText({ isLeader, federation, deeds }: FederateView): string {
  const members = federation?.members ?? [];
  const each = (value: (member: (typeof members)[number]) => number): Sample[] =>
    members.map((member) => [{ cluster: member.name }, value(member)]);
  return [
    metric('fedns_federate_active', 'gauge', 'Whether this replica is the active one.', [
      [{}, Number(isLeader)],
    ]),
    metric(
      'fedns_federate_endpoint_readable',
      'gauge',
      'Whether the federation endpoint is read; while it is not, nothing is changed in the members.',
      federation === undefined ? [] : [[{}, Number(federation.endpointTrouble === undefined)]],
    ),
    metric(
      'fedns_federate_objects',
      'gauge',
      'Federated objects at the endpoint.',
      federation === undefined ? [] : [[{}, federation.objects]],
    ),
    metric(
      'fedns_federate_events_lost_total',
      'counter',
      'Events that were left out, or that the endpoint did not take.',
      federation === undefined ? [] : [[{}, federation.eventsLost]],
    ),
    metric(
      'fedns_federate_member_reachable',
      'gauge',
      'Whether a member cluster is followed.',
      each(({ reachable }) => Number(reachable)),
    ),
    metric(
      'fedns_federate_member_objects',
      'gauge',
      'Objects that fedns has in a member cluster.',
      each(({ copies }) => copies),
    ),
    metric(
      'fedns_federate_member_waiting',
      'gauge',
      'Objects of a member cluster with work that is due.',
      each(({ waiting }) => waiting),
    ),
    metric(
      'fedns_federate_member_failing',
      'gauge',
      'Objects that a member cluster refuses, or that wait for another attempt.',
      each(({ failing }) => failing),
    ),
    metric(
      'fedns_federate_member_removals_held',
      'gauge',
      'Removals that wait for fedns federate --confirm.',
      each(({ hold }) => hold?.removals ?? 0),
    ),
    metric(
      'fedns_federate_writes_total',
      'counter',
      'Objects written in a member cluster, by what was done.',
      deedSamples(deeds),
    ),
  ].join('');
}

function deedSamples(deeds: ReadonlyMap<string, number>): Sample[] {
  return [...deeds].map(([key, count]) => {
    const [cluster = '', deed = ''] = key.split(' ');
    return [{ cluster, deed: deed.toLowerCase() }, count];
  });
}

function metric(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** Names of clusters are DNS labels: nothing in them is to be escaped. */
function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
