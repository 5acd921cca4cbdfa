/** Answers questions about the tables in force: where a client is, which network goes where, how the databases are. */
import type { ClientLocation, ClientStep, GeoControl, GeoMapRow } from '../../admin/control-plane.ts';
import { distanceKm } from '../../geo/great-circle.ts';
import { SCOPE4_MAX, SCOPE6_MAX } from '../../geo/layout.ts';
import { NOWHERE_ROW, ROW_VALUES, UNKNOWN_ROW } from '../../geo/network-tree.ts';
import { ClientPlace, embeddedAt, wordsOf } from '../../server/answer/client-place.ts';
import type { ClientReport } from '../../zonebuilder/explain-policy.ts';
import { parseAddress } from '../../zonebuilder/ip-text.ts';
import { placeOfStep, type OrderStep } from '../../zonebuilder/orders.ts';
import { claimOn, type Claim, contestsOf } from './claims.ts';
import type { GeoState, Published } from './geo-keeper.ts';
import { networkAround, networkText } from './networks.ts';
import type { WorldPlace } from './world.ts';

/** @param state - of the keeper, at the moment */
export function geoControl(state: () => GeoState): GeoControl {
  return {
    locate(client) {
      const { row: _row, subnetRow: _subnetRow, version: _version, ...location } = locate(state(), client);
      return location;
    },
    map: () => mapOf(state()),
    status() {
      const { files, published, reloads, compileMs, trouble, world } = state();
      return {
        files,
        octets: published?.memory.byteLength ?? 0,
        reloads,
        contests: contestsOf(world.claims),
        ...(compileMs !== undefined && { compileMs }),
        ...(trouble !== undefined && { trouble }),
      };
    },
  };
}

/** With the row of the tables. */
interface Located extends ClientLocation {
  readonly row: number;
  /** Of a client subnet with this address. */
  readonly subnetRow: number;
  readonly version: number;
}

function locate(state: GeoState, client: string): Located {
  const { published, world } = state;
  const address = parseAddress(client)!;
  if (published === undefined) {
    const from = 'no database, and no networks of clients';
    return {
      row: UNKNOWN_ROW,
      subnetRow: UNKNOWN_ROW,
      version: 0,
      client,
      kind: 'unknown',
      network: networkText(networkAround(address, 0)),
      from,
      scope: 0,
      order: [],
    };
  }
  const place = new ClientPlace(published.memory);
  // As a resolver may tell it of one client: the look-up itself takes no more of it than it should.
  place.locateNetwork(wordsOf(address), address.length === 4 ? 1 : 2, address.length * 8);
  const { scope, row: subnetRow } = place;
  place.locate(address, 0, address.length);
  const { row } = place;
  const claim = claimOn(world.claims, unwrapped(address));
  const isCluster = row >= ROW_VALUES;
  const steps = published.orders.rows[row] ?? [];
  const kind = isCluster
    ? 'cluster'
    : row === NOWHERE_ROW
      ? 'nowhere'
      : steps.length > 0
        ? 'place'
        : 'unknown';
  const network = isCluster && claim !== undefined ? claim.text : networkText(networkAround(address, scope));
  const { version } = published.orders;
  const from = sourceOf(state, kind, claim);
  return { row, subnetRow, version, client, kind, network, from, scope, order: stepsOf(steps, state) };
}

/** Where a client is and why, for the explanation of an answer to it. */
export function clientReport(state: GeoState, client: string): ClientReport {
  const { row, subnetRow, version, kind, network, from, scope, order } = locate(state, client);
  const where = kind === 'place' || kind === 'cluster' ? `is in ${network}` : `is ${kind}, in ${network}`;
  const rule = 'client';
  const steps = order.map(({ to, km, pointFrom }, i) => {
    const distance = km === undefined ? '' : `, ${km} km from the nearest`;
    return { rule, text: `${i + 1}. ${to}${distance}${pointFrom === undefined ? '' : ` (${pointFrom})`}` };
  });
  const subnet = { scope, place: subnetPlace(row, subnetRow) };
  return { client, row, version, subnet, steps: [{ rule, text: `${client} ${where} (${from})` }, ...steps] };
}

function subnetPlace(row: number, subnetRow: number): ClientReport['subnet']['place'] {
  if (subnetRow === NOWHERE_ROW) return 'resolver';
  return subnetRow === row ? 'client' : 'network';
}

/** The IPv4 address within one of IPv6, where there is one: what networks are claimed for. */
function unwrapped(address: Uint8Array): Uint8Array {
  const at = address.length === 4 ? 0 : embeddedAt(address, 0);
  return at < 0 ? address : address.subarray(at, at + 4);
}

function sourceOf({ files }: GeoState, kind: ClientLocation['kind'], claim: Claim | undefined): string {
  if (claim?.contestedBy !== undefined)
    return `clusters ${claim.cluster} and ${claim.contestedBy} both claim it`;
  if (kind === 'cluster' && claim !== undefined)
    return `${claim.from === 'nodes' ? 'nodes' : 'clients'} of cluster ${claim.cluster}`;
  if (kind === 'nowhere') return 'its address tells no place';
  return files.length === 0 ? 'no database' : files.map(({ type }) => type).join(', ');
}

/** With distances from the first step that has a point: where exactly the client is, the tables do not say. */
function stepsOf(steps: readonly OrderStep[], { places, world }: GeoState): readonly ClientStep[] {
  const known = new Map([...world.places, ...places].map((place) => [place.location, place]));
  const placeOf = (step: OrderStep): WorldPlace | undefined =>
    step.kind === 'cluster' ? undefined : known.get(placeOfStep(step));
  const first = steps.map(placeOf).find((place) => place?.point !== undefined)?.point;
  return steps.map((step) => {
    const place = placeOf(step);
    const km = first && place?.point && Math.round(distanceKm(first, place.point));
    return {
      to: textOf(step),
      ...(km !== undefined && { km }),
      ...(place?.pointFrom !== undefined && { pointFrom: place.pointFrom }),
    };
  });
}

function textOf(step: OrderStep): string {
  return step.kind === 'cluster' ? `cluster ${step.cluster}` : placeOfStep(step);
}

/** Networks of clusters, then the whole of IPv4, then the part of IPv6 that is given out, without what is IPv4 inside (6to4). */
function* mapOf({ published, world }: GeoState): Generator<GeoMapRow | undefined> {
  for (const { text, cluster, from, contestedBy } of world.claims) {
    const to = contestedBy === undefined ? `cluster ${cluster}` : 'unknown';
    yield { network: text, to, from: from === 'nodes' ? 'nodes' : 'clients' };
  }
  if (published === undefined) return;
  yield* walk(published, { bits: 32, first: 0n, end: 1n << 32n });
  yield* walk(published, { bits: 128, first: 0x2000n << 112n, end: 0x2002n << 112n });
  yield* walk(published, { bits: 128, first: 0x2003n << 112n, end: 0x4000n << 112n });
}

interface Span {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly end: bigint;
}

/** From block to block, each as large as it is of one row. */
function* walk({ memory, orders }: Published, { bits, first, end }: Span): Generator<GeoMapRow | undefined> {
  const place = new ClientPlace(memory);
  const finest = bits === 32 ? SCOPE4_MAX : SCOPE6_MAX;
  for (let at = first; at < end;) {
    const address = Buffer.from(at.toString(16).padStart(bits / 4, '0'), 'hex');
    place.locateNetwork(wordsOf(address), bits === 32 ? 1 : 2, finest);
    const { row, scope } = place;
    at += 1n << BigInt(bits - scope);
    const step = orders.rows[row]?.[0];
    // What nobody knows is most of IPv6.
    if (step === undefined || row >= ROW_VALUES) yield undefined;
    else yield { network: networkText({ address, prefix: scope }), to: textOf(step), from: 'geoip' };
  }
}
