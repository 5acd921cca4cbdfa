/**
 * A MaxMind DB file as a tree of networks. Metadata are mmdb-lib's business; the tree is walked here, because a whole
 * database is compiled at once and the library looks up one address at a time.
 */
import { Reader } from 'mmdb-lib';
import { GeoError } from './geo-error.ts';
import { RecordReader, type GeoRecord } from './mmdb-record.ts';
import { leafOf, UNKNOWN_ROW, type Branch, type NetworkTree } from './network-tree.ts';

/** Zeros between tree and data section. */
const SEPARATOR_OCTETS = 16;
/** Zero bits before an IPv4 address in an IPv6 tree. */
const IPV4_DEPTH = 96;
/** Steps per node that a real tree takes at most while it is compiled; one that shares subtrees to no end takes more. */
const STEPS_PER_NODE = 16;
/** Steps for a tree however small: each /16 of both families is walked to from its root. */
const STEPS_MIN = 8_000_000;
/** Records that are looked at to tell whether a database knows places. */
const PROBED_RECORDS = 1000;

/** A database in memory. */
export interface GeoDatabase {
  /** As its maker calls it, such as `GeoLite2-City`. */
  readonly type: string;
  /** When it was made, milliseconds since 1970. */
  readonly builtMs: number;
  readonly has4: boolean;
  readonly has6: boolean;
  /**
   * Its networks.
   *
   * @param rowFor - the row of a record; called once per distinct record
   */
  tree(rowFor: (record: GeoRecord) => number): NetworkTree;
}

/**
 * Opens a database.
 *
 * @param file - the whole file; kept as long as the database is
 * @throws GeoError `GEOIP_MALFORMED`, or `GEOIP_NO_PLACES` where it tells no places, such as a database of providers
 */
export function openDatabase(file: Buffer): GeoDatabase {
  const database = new MmdbDatabase(file, readMetadata(file));
  database.requirePlaces();
  return database;
}

interface Metadata {
  readonly type: string;
  readonly builtMs: number;
  readonly nodes: number;
  readonly recordBits: number;
  readonly ipVersion: number;
}

function readMetadata(file: Buffer): Metadata {
  let metadata: Reader<never>['metadata'];
  try {
    ({ metadata } = new Reader<never>(file));
  } catch (cause) {
    throw new GeoError('GEOIP_MALFORMED', 'this is no MaxMind DB file', { cause });
  }
  const { databaseType, buildEpoch, nodeCount, recordSize, ipVersion, binaryFormatMajorVersion } = metadata;
  const octets = (nodeCount * recordSize) / 4 + SEPARATOR_OCTETS;
  const isSound = Number.isInteger(nodeCount) && nodeCount > 0 && octets < file.length;
  if (binaryFormatMajorVersion !== 2 || !isSound || (ipVersion !== 4 && ipVersion !== 6)) {
    throw new GeoError('GEOIP_MALFORMED', `the metadata of ${String(databaseType)} do not fit the file`);
  }
  return {
    type: String(databaseType),
    builtMs: buildEpoch.getTime(),
    nodes: nodeCount,
    recordBits: recordSize,
    ipVersion,
  };
}

class MmdbDatabase implements GeoDatabase {
  readonly type: string;
  readonly builtMs: number;
  readonly has4: boolean;
  readonly has6: boolean;
  readonly #file: Buffer;
  readonly #metadata: Metadata;
  readonly #records: RecordReader;
  readonly #ipv4Root: number;

  constructor(file: Buffer, metadata: Metadata) {
    const { nodes, recordBits, ipVersion } = metadata;
    this.type = metadata.type;
    this.builtMs = metadata.builtMs;
    this.#file = file;
    this.#metadata = metadata;
    this.#records = new RecordReader(file.subarray((nodes * recordBits) / 4 + SEPARATOR_OCTETS));
    this.#ipv4Root = ipVersion === 4 ? 0 : this.#findIpv4Root();
    this.has4 = this.#ipv4Root < nodes;
    this.has6 = ipVersion === 6;
  }

  requirePlaces(): void {
    const { nodes } = this.#metadata;
    let seen = 0;
    for (let node = 0; node < nodes && seen < PROBED_RECORDS; node++) {
      for (const bit of [0, 1]) {
        const next = this.#next(node, bit);
        if (next <= nodes) continue;
        seen++;
        const { latitude, longitude, country } = this.#read(next);
        if (country !== '' || !Number.isNaN(latitude + longitude)) return;
      }
    }
    throw new GeoError(
      'GEOIP_NO_PLACES',
      `${this.type} tells neither coordinates nor countries: a city or country database is needed`,
    );
  }

  tree(rowFor: (record: GeoRecord) => number): NetworkTree {
    const { nodes } = this.#metadata;
    const rows = new Map<number, number>();
    let stepsLeft = STEPS_MIN + nodes * STEPS_PER_NODE;
    const branch = (next: number): Branch => {
      if (next < nodes) return next;
      if (next === nodes) return leafOf(UNKNOWN_ROW);
      let row = rows.get(next);
      if (row === undefined) rows.set(next, (row = rowFor(this.#read(next))));
      return leafOf(row);
    };
    const step = (node: number, bit: number): Branch => {
      if (--stepsLeft < 0) throw new GeoError('GEOIP_MALFORMED', `the tree of ${this.type} has no end`);
      const next = this.#next(node, bit);
      // IPv4 as IPv6 has it (mapped, 6to4, Teredo) is unwrapped before the look-up; those branches lead back into it.
      return next === this.#ipv4Root ? leafOf(UNKNOWN_ROW) : branch(next);
    };
    return {
      root4: this.has4 ? branch(this.#ipv4Root) : leafOf(UNKNOWN_ROW),
      root6: this.has6 ? 0 : leafOf(UNKNOWN_ROW),
      step,
    };
  }

  #read(next: number): GeoRecord {
    return this.#records.read(next - this.#metadata.nodes - SEPARATOR_OCTETS);
  }

  #findIpv4Root(): number {
    let node = 0;
    for (let depth = 0; depth < IPV4_DEPTH && node < this.#metadata.nodes; depth++)
      node = this.#next(node, 0);
    return node;
  }

  /** What stands in one half of a node: another node, nothing (the number of nodes), or a record behind that. */
  #next(node: number, bit: number): number {
    const file = this.#file;
    switch (this.#metadata.recordBits) {
      case 24:
        return file.readUIntBE(node * 6 + bit * 3, 3);
      case 28: {
        const at = node * 7;
        const middle = file[at + 3]!;
        return bit === 0
          ? ((middle & 0xf0) << 20) | file.readUIntBE(at, 3)
          : ((middle & 0x0f) << 24) | file.readUIntBE(at + 4, 3);
      }
      default:
        return file.readUInt32BE(node * 8 + bit * 4);
    }
  }
}
