/** Makes queries and takes replies apart, strictly: a reply with a wrong count or a stray octet is an error. */
import { encodeName, decodeName } from '../../src/zonebuilder/names.ts';
import { typeCode, typeText, formatRdata } from '../../src/zonebuilder/rr-types.ts';

export interface QueryOptions {
  readonly id?: number;
  readonly flags?: number;
  readonly class?: number;
  /** Present: an OPT record with this payload size. */
  readonly payloadMax?: number;
  readonly ednsVersion?: number;
  /** Flags of the OPT record. */
  readonly ednsFlags?: number;
  /** Options as [code, data]. */
  readonly options?: readonly (readonly [number, Buffer])[];
}

/** A query for a name in text. */
export function makeQuery(name: string, type: string, options: QueryOptions = {}): Buffer {
  const hasOpt =
    options.payloadMax !== undefined || options.options !== undefined || options.ednsVersion !== undefined;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(options.id ?? 0x1234, 0);
  header.writeUInt16BE(options.flags ?? 0, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(hasOpt ? 1 : 0, 10);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(typeCode(type)!, 0);
  tail.writeUInt16BE(options.class ?? 1, 2);
  return Buffer.concat([header, encodeName(name), tail, ...(hasOpt ? [makeOpt(options)] : [])]);
}

function makeOpt(options: QueryOptions): Buffer {
  const rdata = Buffer.concat(
    (options.options ?? []).map(([code, data]) => Buffer.concat([uint16(code), uint16(data.length), data])),
  );
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(41, 1);
  opt.writeUInt16BE(options.payloadMax ?? 1232, 3);
  opt[6] = options.ednsVersion ?? 0;
  opt.writeUInt16BE(options.ednsFlags ?? 0, 7);
  opt.writeUInt16BE(rdata.length, 9);
  return Buffer.concat([opt, rdata]);
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff);
}

export interface Rr {
  readonly name: string;
  readonly type: string;
  readonly class: number;
  readonly ttl: number;
  readonly data: string;
  readonly rdata: Buffer;
}

export interface Message {
  readonly id: number;
  /** Of QR AA TC RD RA Z AD CD, those that are set. */
  readonly flags: string[];
  readonly opcode: number;
  /** With the upper bits from OPT. */
  readonly rcode: string;
  readonly question: { readonly name: string; readonly type: string; readonly class: number } | undefined;
  readonly answer: Rr[];
  readonly authority: Rr[];
  readonly additional: Rr[];
  readonly opt:
    { payloadMax: number; version: number; flags: number; options: [number, Buffer][] } | undefined;
  readonly octets: number;
}

const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
const FLAGS = ['CD', 'AD', 'Z', 'RA', 'RD', 'TC', 'AA'];

/** Takes a message apart. Throws where it is not exactly what its header says. */
export function readMessage(octets: Buffer): Message {
  const cursor = { octets, pos: 12 };
  const bits = octets.readUInt16BE(2);
  const flags = FLAGS.filter((_, i) => (bits & (16 << i)) !== 0);
  const questions = times(octets.readUInt16BE(4), () => readQuestion(cursor));
  const [answer, authority, rest] = [6, 8, 10].map((at) =>
    times(octets.readUInt16BE(at), () => readRr(cursor)),
  );
  if (cursor.pos !== octets.length) throw new Error(`${octets.length - cursor.pos} stray octets`);
  const opts = rest!.filter((rr) => rr.type === 'OPT');
  if (opts.length > 1) throw new Error('more than one OPT');
  const opt = opts[0] && readOpt(opts[0]);
  const rcode = (bits & 15) | (((opts[0]?.ttl ?? 0) >>> 24) * 16);
  return {
    id: octets.readUInt16BE(0),
    flags: (bits & 0x8000) !== 0 ? [...flags, 'QR'] : flags,
    opcode: (bits >> 11) & 15,
    rcode: RCODES[rcode] ?? (rcode === 16 ? 'BADVERS' : rcode === 23 ? 'BADCOOKIE' : `RCODE${rcode}`),
    question: questions[0],
    answer: answer!,
    authority: authority!,
    additional: rest!.filter((rr) => rr.type !== 'OPT'),
    opt,
    octets: octets.length,
  };
}

/** Sorted `name type data` lines of a section, for comparison that ignores order. */
export function lines(section: readonly Rr[]): string[] {
  return section.map(({ name, type, data }) => `${name} ${type} ${data}`).toSorted();
}

interface Cursor {
  readonly octets: Buffer;
  pos: number;
}

function readQuestion(cursor: Cursor): NonNullable<Message['question']> {
  const name = readName(cursor);
  const at = (cursor.pos += 4) - 4;
  return { name, type: typeText(cursor.octets.readUInt16BE(at)), class: cursor.octets.readUInt16BE(at + 2) };
}

function readRr(cursor: Cursor): Rr {
  const { octets } = cursor;
  const name = readName(cursor);
  const at = cursor.pos;
  const type = octets.readUInt16BE(at);
  const length = octets.readUInt16BE(at + 8);
  const start = at + 10;
  if (start + length > octets.length) throw new Error('RDATA passes the end');
  cursor.pos = start + length;
  const rdata =
    type === 41 ? octets.subarray(start, start + length) : expandRdata(octets, type, start, length);
  return {
    name,
    type: typeText(type),
    class: octets.readUInt16BE(at + 2),
    ttl: octets.readUInt32BE(at + 4),
    data: type === 41 ? '' : formatRdata(type, rdata),
    rdata,
  };
}

/** RDATA with its names decompressed, where the type may have compressed ones (RFC 3597 section 4). */
function expandRdata(octets: Buffer, type: number, start: number, length: number): Buffer {
  const leading = { 2: 0, 5: 0, 12: 0, 15: 2, 6: 0 }[type];
  if (leading === undefined) return Buffer.from(octets.subarray(start, start + length));
  const cursor = { octets, pos: start + leading };
  const names = times(type === 6 ? 2 : 1, () => wireName(cursor));
  const expanded = [
    octets.subarray(start, start + leading),
    ...names,
    octets.subarray(cursor.pos, start + length),
  ];
  return Buffer.concat(expanded);
}

function readName(cursor: Cursor): string {
  return decodeName(wireName(cursor));
}

/** Follows pointers, each of which must lead backwards. */
function wireName(cursor: Cursor): Buffer {
  const { octets } = cursor;
  const parts: Buffer[] = [];
  let at = cursor.pos;
  let end = 0;
  for (let bound = at; ;) {
    const length = octets[at];
    if (length === undefined) throw new Error('name passes the end');
    if (length >= 0xc0) {
      if (end === 0) end = at + 2;
      at = octets.readUInt16BE(at) & 0x3fff;
      if (at >= bound) throw new Error('compression pointer leads forward');
      bound = at;
      continue;
    }
    parts.push(octets.subarray(at, at + length + 1));
    at += length + 1;
    if (length === 0) break;
  }
  cursor.pos = end === 0 ? at : end;
  return Buffer.concat(parts);
}

function readOpt(rr: Rr): NonNullable<Message['opt']> {
  if (rr.name !== '.') throw new Error('OPT has an owner');
  const options: [number, Buffer][] = [];
  let at = 0;
  while (at < rr.rdata.length) {
    const length = rr.rdata.readUInt16BE(at + 2);
    if (at + 4 + length > rr.rdata.length) throw new Error('option passes the end');
    options.push([rr.rdata.readUInt16BE(at), rr.rdata.subarray(at + 4, at + 4 + length)]);
    at += 4 + length;
  }
  return { payloadMax: rr.class, version: (rr.ttl >>> 16) & 255, flags: rr.ttl & 0xffff, options };
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
