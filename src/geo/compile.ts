/** From databases, places and networks of clients to the tables that workers read, and what their rows mean. */
import { compileClients, type ClientNetwork } from './client-networks.ts';
import { GeoError } from './geo-error.ts';
import { compileIpv4 } from './ipv4-table.ts';
import { compileIpv6 } from './ipv6-table.ts';
import { openDatabase, type GeoDatabase } from './mmdb.ts';
import { leafOf, ROWS_MAX, UNKNOWN_ROW, type NetworkTree } from './network-tree.ts';
import { RowFinder, type Place } from './rows.ts';
import { joinTables } from './tables.ts';

/** A database file. */
export interface GeoFile {
  readonly path: string;
  readonly octets: Buffer;
}

export interface GeoInput {
  readonly files: readonly GeoFile[];
  readonly places: readonly Place[];
  /** Rows here begin at ROW_VALUES; what they mean, their maker knows. */
  readonly clients: readonly ClientNetwork[];
  /** Of the rows, not 0: differs whenever they mean something else. */
  readonly version: number;
}

/** What is told of a database that is in use. */
export interface GeoFileReport {
  readonly path: string;
  readonly type: string;
  readonly builtMs: number;
}

export interface GeoTables {
  readonly memory: SharedArrayBuffer;
  /** Of each row of the databases, its places in order, nearest first. */
  readonly orders: readonly (readonly number[])[];
  readonly files: readonly GeoFileReport[];
}

/** Nothing is known. */
const EMPTY_TREE: NetworkTree = {
  root4: leafOf(UNKNOWN_ROW),
  root6: leafOf(UNKNOWN_ROW),
  step: () => leafOf(UNKNOWN_ROW),
};

/**
 * Compiles the tables. Takes seconds and some hundred MiB with a database of the world: to be called in a thread of its own.
 * Of each address family the first database that has it counts.
 *
 * @throws GeoError naming the file
 */
export function compileGeo({ files, places, clients, version }: GeoInput): GeoTables {
  if (places.length > ROWS_MAX)
    throw new GeoError('GEOIP_TOO_MANY_PLACES', `more than ${ROWS_MAX} regions and zones have a place`);
  const databases = files.map(({ path, octets }) => named(path, () => openDatabase(octets)));
  const rows = compileRows(databases, places, files);
  const memory = joinTables(
    {
      v4: rows.v4,
      v6: rows.v6,
      clients4: compileClients(clients, 32),
      clients6: compileClients(clients, 128),
    },
    version,
  );
  const reports = databases.map(({ type, builtMs }, i) => ({ path: files[i]!.path, type, builtMs }));
  return { memory, orders: rows.orders, files: reports };
}

/** With two places per row, or with one where that would be too many rows. */
function compileRows(databases: readonly GeoDatabase[], places: readonly Place[], files: readonly GeoFile[]) {
  const first4 = databases.findIndex(({ has4 }) => has4);
  const first6 = databases.findIndex(({ has6 }) => has6);
  for (const isFine of [true, false]) {
    const finder = new RowFinder(places, isFine);
    const treeOf = (index: number): NetworkTree =>
      index < 0 ? EMPTY_TREE : databases[index]!.tree((record) => finder.rowFor(record));
    const tree4 = treeOf(first4);
    const v4 = named(files[first4]?.path, () => compileIpv4(tree4));
    if (finder.isFull) continue;
    const v6 = named(files[first6]?.path, () => compileIpv6(first4 === first6 ? tree4 : treeOf(first6)));
    if (!finder.isFull) return { v4, v6, orders: finder.orders() };
  }
  throw new GeoError('GEOIP_TOO_MANY_PLACES', `more than ${ROWS_MAX} regions and zones have a place`);
}

/** Puts the file's name before what is wrong with it. */
function named<T>(path: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (path === undefined) throw cause;
    // A position that a broken file leads to outside of it.
    if (cause instanceof RangeError)
      throw new GeoError('GEOIP_MALFORMED', `${path}: the file contradicts itself: ${cause.message}`, {
        cause,
      });
    if (!(cause instanceof GeoError)) throw cause;
    throw new GeoError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}
