/**
 * What the rows of the tables of clients' places mean (src/geo): for each row the locations and clusters in the order in which
 * a client there wants them. They stand in the image by the image's own numbers, so that a query sees them and the levels of
 * Services in one state, and a region that fails or comes needs no new table.
 */
import { Orders } from './layout.ts';

/** One step of an order: where a client is sent when nothing before has an address. */
export type OrderStep =
  | { readonly kind: 'region'; readonly region: string }
  | { readonly kind: 'zone'; readonly zone: string; readonly region: string }
  | { readonly kind: 'cluster'; readonly cluster: string };

/** The orders of one set of tables. */
export interface RowOrders {
  /** Of the tables that have these rows (GeoHeader.version): rows of others are unknown. Not 0. */
  readonly version: number;
  /** By row; an empty or absent list says nothing, and its clients get what everybody gets. */
  readonly rows: readonly (readonly OrderStep[] | undefined)[];
}

/** No row means anything. */
export const NO_ORDERS: RowOrders = { version: 0, rows: [] };

/** Steps of one row that count: a client that far from everything gets all there is. */
export const ORDER_STEPS_MAX = 256;

/** The numbers of places, undefined where one is not known. */
export interface OrderNumbers {
  /** @param place - `region` or `zone.region` */
  readonly location: (place: string) => number | undefined;
  readonly cluster: (name: string) => number | undefined;
}

/**
 * Encodes the orders; steps that lead nowhere are left out.
 *
 * @param former - the orders before, for readers that have not yet got the tables of the newest
 */
export function encodeOrders(newest: RowOrders, former: RowOrders, numbers: OrderNumbers): Buffer {
  const table = encodeTable(newest, numbers);
  if (former.rows.length === 0) return table;
  table.writeUInt32LE(table.length, Orders.former);
  return Buffer.concat([table, encodeTable(former, numbers)]);
}

function encodeTable({ version, rows }: RowOrders, numbers: OrderNumbers): Buffer {
  const lists = rows.map((steps) => encodeSteps(steps ?? [], numbers));
  const octets = lists.reduce((sum, list) => sum + listOctets(list), Orders.entries + rows.length * 4);
  const blob = Buffer.alloc(octets);
  blob.writeUInt32LE(version, Orders.version);
  blob.writeUInt32LE(rows.length, Orders.rows);
  let at = Orders.entries + rows.length * 4;
  lists.forEach((list, row) => {
    if (list.length === 0) return;
    blob.writeUInt32LE(at, Orders.entries + row * 4);
    at = blob.writeUInt32LE(list.length, at);
    for (const step of list) at = blob.writeUInt32LE(step, at);
  });
  return blob;
}

function listOctets(list: readonly number[]): number {
  return list.length === 0 ? 0 : 4 + list.length * 4;
}

function encodeSteps(steps: readonly OrderStep[], numbers: OrderNumbers): number[] {
  const known = steps.flatMap((step) => {
    if (step.kind === 'cluster') return clusterStep(numbers.cluster(step.cluster));
    return numbers.location(placeOfStep(step)) ?? [];
  });
  return [...new Set(known)].slice(0, ORDER_STEPS_MAX);
}

function clusterStep(cluster: number | undefined): number | [] {
  return cluster === undefined ? [] : Orders.clusterBit | cluster;
}

/** The place of a step, `region` or `zone.region`. */
export function placeOfStep(step: Exclude<OrderStep, { readonly kind: 'cluster' }>): string {
  return step.kind === 'region' ? step.region : `${step.zone}.${step.region}`;
}
