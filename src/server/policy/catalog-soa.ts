/** The SOA of the catalog zone: the same in answers, which secondaries poll, and at both ends of its transfer (RFC 9432 section 4.1). */
import type { TransferSettings } from '../../config/settings.ts';
import { SOA_EXPIRE_SECONDS, SOA_REFRESH_SECONDS, SOA_RETRY_SECONDS } from '../../zonebuilder/apex.ts';
import { Class, Type } from '../../zonebuilder/dns.ts';
import { encodeName, encodeNameLower } from '../../zonebuilder/names.ts';

/** Nobody looks the records up but secondaries, which go by the serial. */
export const CATALOG_TTL_SECONDS = 0;
/** Where the question of a message begins, which the owner of the answer points at. */
const QUESTION_POINTER = 0xc00c;
/** Owner, type, class, TTL, RDLENGTH. */
const HEAD_OCTETS = 12;

/** Plain data, to be handed to threads. */
export interface CatalogVersion {
  readonly name: string;
  readonly serial: number;
}

const serials = new WeakMap<TransferSettings, number>();

/** The catalog changes with the settings alone: whoever asks with the same ones is told the same serial. */
export function catalogOf(settings: TransferSettings, clock: () => number): CatalogVersion | undefined {
  const { catalog: name } = settings;
  if (name === undefined) return undefined;
  const serial = serials.get(settings) ?? Math.floor(clock() / 1000);
  serials.set(settings, serial);
  return { name, serial };
}

/** The data of the SOA; the name server is `invalid.`, for the zone is not meant to be asked. */
export function catalogSoaData(serial: number): Buffer {
  const numbers = Buffer.alloc(20);
  const fields = [serial, SOA_REFRESH_SECONDS, SOA_RETRY_SECONDS, SOA_EXPIRE_SECONDS, CATALOG_TTL_SECONDS];
  fields.forEach((field, i) => numbers.writeUInt32BE(field, i * 4));
  return Buffer.concat([encodeName('invalid'), encodeName('invalid'), numbers]);
}

/** What the SOA of the catalog is asked by, and answered with. */
export interface CatalogAnswer {
  /** Lower-case wire form. */
  readonly name: DataView;
  readonly labels: number;
  /** The whole record, its owner a pointer to the question. */
  readonly soa: DataView;
}

export function openCatalogAnswer({ name, serial }: CatalogVersion): CatalogAnswer {
  const data = catalogSoaData(serial);
  const head = Buffer.alloc(HEAD_OCTETS);
  head.writeUInt16BE(QUESTION_POINTER, 0);
  head.writeUInt16BE(Type.SOA, 2);
  head.writeUInt16BE(Class.IN, 4);
  head.writeUInt32BE(CATALOG_TTL_SECONDS, 6);
  head.writeUInt16BE(data.length, 10);
  return {
    name: viewOf(encodeNameLower(name)),
    labels: name.split('.').length,
    soa: viewOf(Buffer.concat([head, data])),
  };
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.length);
}
