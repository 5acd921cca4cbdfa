/**
 * Takes a DNS message apart and accepts nothing that is not exactly right: written from the RFCs for the tests, shares no
 * code with the server. For a message that is to be believed, not for one from the network: it throws.
 */

export class DecodeError extends Error {}

export interface DecodedRecord {
  /** Lower case, with the trailing dot; octets beyond letters, digits, `-`, `_` and `*` as `\DDD`. */
  readonly owner: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** The data with its names expanded and lowered, as text; what is not taken apart as hex. */
  readonly data: string;
}

export interface DecodedOption {
  readonly code: number;
  readonly data: Uint8Array;
}

export interface DecodedMessage {
  readonly id: number;
  /** The second pair of octets. */
  readonly flags: number;
  readonly opcode: number;
  /** With the upper bits from OPT. */
  readonly rcode: number;
  readonly question?: {
    readonly octets: Uint8Array;
    readonly name: string;
    readonly type: number;
    readonly class: number;
  };
  readonly answers: readonly DecodedRecord[];
  readonly authorities: readonly DecodedRecord[];
  /** Without OPT. */
  readonly additionals: readonly DecodedRecord[];
  readonly opt?: {
    readonly payload: number;
    readonly version: number;
    readonly flags: number;
    readonly options: readonly DecodedOption[];
  };
}

const OPT = 41;

interface Cursor {
  readonly octets: Uint8Array;
  pos: number;
}

/** @throws DecodeError when anything is wrong: a count, a length, a pointer, an octet too many */
export function decodeStrictly(octets: Uint8Array): DecodedMessage {
  const cursor: Cursor = { octets, pos: 0 };
  const [id, flags, questions, answerCount, authorityCount, additionalCount] = Array.from({ length: 6 }, () =>
    uint16(cursor),
  ) as [number, number, number, number, number, number];
  must(questions <= 1, `${questions} questions`);
  const question = questions === 1 ? { question: readQuestion(cursor) } : {};
  const answers = readRecords(cursor, answerCount);
  const authorities = readRecords(cursor, authorityCount);
  const rest = readRecords(cursor, additionalCount);
  must(cursor.pos === octets.length, `${octets.length - cursor.pos} octets behind the last record`);
  must(
    [...answers, ...authorities].every(({ type }) => type !== OPT),
    'OPT outside of the additional section',
  );
  const opts = rest.filter(({ type }) => type === OPT);
  must(opts.length <= 1, 'two OPT records');
  const opt = opts[0] && { opt: readOpt(opts[0]) };
  return {
    id,
    flags,
    opcode: (flags >> 11) & 15,
    rcode: (flags & 15) | (opts[0] ? (opts[0].ttl >>> 24) << 4 : 0),
    ...question,
    answers,
    authorities,
    additionals: rest.filter(({ type }) => type !== OPT),
    ...opt,
  };
}

function readQuestion(cursor: Cursor): NonNullable<DecodedMessage['question']> {
  const start = cursor.pos;
  const name = readName(cursor, false);
  const type = uint16(cursor);
  const klass = uint16(cursor);
  return { octets: cursor.octets.subarray(start, cursor.pos), name, type, class: klass };
}

function readRecords(cursor: Cursor, count: number): DecodedRecord[] {
  return Array.from({ length: count }, () => readRecord(cursor));
}

function readRecord(cursor: Cursor): DecodedRecord {
  const owner = readName(cursor, true);
  const type = uint16(cursor);
  const klass = uint16(cursor);
  const ttl = uint16(cursor) * 65_536 + uint16(cursor);
  const length = uint16(cursor);
  const end = cursor.pos + length;
  must(end <= cursor.octets.length, 'RDATA ends behind the message');
  must(type === OPT || ttl < 2 ** 31, `TTL ${ttl}`);
  must(type === OPT || klass === 1 || klass === 3, `class ${klass}`);
  const data = readData(cursor, type, end);
  must(cursor.pos === end, `RDATA of type ${type} is ${end - cursor.pos} octets longer than its fields`);
  return { owner, type, class: klass, ttl, data };
}

/** Reads the data of one record. Only the types of RFC 1035 may be compressed (RFC 3597 section 4). */
function readData(cursor: Cursor, type: number, end: number): string {
  const octets = end - cursor.pos;
  switch (type) {
    case 1:
      must(octets === 4, `an A record of ${octets} octets`);
      return hex(cursor, end);
    case 28:
      must(octets === 16, `an AAAA record of ${octets} octets`);
      return hex(cursor, end);
    case 2:
    case 5:
    case 12:
      return readName(cursor, true);
    case 6:
      return [readName(cursor, true), readName(cursor, true), hex(cursor, cursor.pos + 20)].join(' ');
    case 15:
      return [uint16(cursor), readName(cursor, true)].join(' ');
    case 16:
      return readStrings(cursor, end);
    case 33:
      return [uint16(cursor), uint16(cursor), uint16(cursor), readName(cursor, false)].join(' ');
    default:
      return hex(cursor, end);
  }
}

function readStrings(cursor: Cursor, end: number): string {
  must(end > cursor.pos, 'a TXT record without a string');
  const strings = [];
  while (cursor.pos < end) {
    const length = uint8(cursor);
    must(cursor.pos + length <= end, 'a string ends behind its record');
    strings.push(hex(cursor, cursor.pos + length));
  }
  return strings.join(' ');
}

function readOpt(record: DecodedRecord): NonNullable<DecodedMessage['opt']> {
  must(record.owner === '.', `OPT owner ${record.owner}`);
  const data = Buffer.from(record.data, 'hex');
  const cursor: Cursor = { octets: data, pos: 0 };
  const options = [];
  while (cursor.pos < data.length) {
    const code = uint16(cursor);
    const length = uint16(cursor);
    must(cursor.pos + length <= data.length, 'an option ends behind OPT');
    options.push({ code, data: data.subarray(cursor.pos, cursor.pos + length) });
    cursor.pos += length;
  }
  const codes = options.map(({ code }) => code);
  must(new Set(codes).size === codes.length, `options ${codes.join(' ')}`);
  return { payload: record.class, version: (record.ttl >>> 16) & 255, flags: record.ttl & 0xffff, options };
}

/** Reads a name. A pointer leads to an earlier place than the name it is in, so that no chain has an end it does not reach. */
function readName(cursor: Cursor, mayPoint: boolean): string {
  const labels: string[] = [];
  let start = cursor.pos;
  let octets = 1;
  let after = -1;
  for (let pos = start; ;) {
    const length = cursor.octets[pos] ?? fail('a name ends behind the message');
    if (length >= 0xc0) {
      must(mayPoint, 'a compression pointer where none may be');
      const target = ((length & 0x3f) << 8) | (cursor.octets[pos + 1] ?? fail('half a pointer'));
      must(target >= 12 && target < start, `a pointer from ${pos} to ${target}`);
      if (after < 0) after = pos + 2;
      start = target;
      pos = target;
      continue;
    }
    must(length < 64, `label type ${length >> 6}`);
    if (length === 0) {
      cursor.pos = after < 0 ? pos + 1 : after;
      break;
    }
    octets += length + 1;
    must(octets <= 255, `a name of more than 255 octets`);
    must(pos + 1 + length <= cursor.octets.length, 'a label ends behind the message');
    labels.push(labelText(cursor.octets, pos + 1, pos + 1 + length));
    pos += 1 + length;
  }
  return labels.length === 0 ? '.' : labels.map((label) => `${label}.`).join('');
}

function labelText(octets: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) {
    const char = String.fromCharCode(octets[i]!);
    text += /[a-zA-Z0-9_*-]/.test(char) ? char.toLowerCase() : `\\${String(octets[i]!).padStart(3, '0')}`;
  }
  return text;
}

function uint8(cursor: Cursor): number {
  return cursor.octets[cursor.pos++] ?? fail('the message ends early');
}

function uint16(cursor: Cursor): number {
  return uint8(cursor) * 256 + uint8(cursor);
}

function hex(cursor: Cursor, end: number): string {
  must(end <= cursor.octets.length, 'the message ends early');
  const text = Buffer.from(cursor.octets.subarray(cursor.pos, end)).toString('hex');
  cursor.pos = end;
  return text;
}

function must(condition: boolean, message: string): asserts condition {
  if (!condition) fail(message);
}

function fail(message: string): never {
  throw new DecodeError(message);
}
