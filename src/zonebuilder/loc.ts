/**
 * LOC records (RFC 1876): where something is on the earth. Degrees, minutes and seconds as people write them, thousandths of a
 * second of arc and centimetres on the wire.
 */
import {
  atEnd,
  RdataError,
  readWord,
  remaining,
  takeNumber,
  takeOctets,
  type TextCursor,
  type WireCursor,
} from './rdata-cursor.ts';

const VERSION = 0;
/** Latitude and longitude count from here: the equator, the prime meridian (RFC 1876 section 2). */
const ORIGIN = 2 ** 31;
const MS_PER_DEGREE = 3_600_000;
/** Altitude counts from 100,000 m below the ellipsoid, in centimetres. */
const BASE_CM = 10_000_000;
const ALTITUDE_CM_MAX = 2 ** 32 - 1;
/** 90,000 km, the largest that a digit and a power of ten to the ninth can say. */
const SIZE_CM_MAX = 9e9;
/** What is meant where the fields are left out: 1 m, 10 km and 10 m, in centimetres (RFC 1876 section 3). */
const DEFAULTS_CM = [100, 1_000_000, 1000] as const;

/** One of the two angles. */
interface Axis {
  readonly what: string;
  readonly degreesMax: number;
  readonly positive: string;
  readonly negative: string;
}

const LATITUDE: Axis = { what: 'the latitude', degreesMax: 90, positive: 'N', negative: 'S' };
const LONGITUDE: Axis = { what: 'the longitude', degreesMax: 180, positive: 'E', negative: 'W' };

/** `d [m [s]] N|S d [m [s]] E|W alt[m] [size[m] [horizontal[m] [vertical[m]]]]` (RFC 1876 section 3). */
export function parseLoc(cursor: TextCursor): Buffer {
  const wire = Buffer.alloc(16);
  wire[0] = VERSION;
  wire.writeUInt32BE(readAngle(cursor, LATITUDE), 4);
  wire.writeUInt32BE(readAngle(cursor, LONGITUDE), 8);
  wire.writeUInt32BE(readAltitude(cursor), 12);
  const sizes = ['the size', 'the horizontal precision', 'the vertical precision'];
  for (const [i, what] of sizes.entries()) {
    const cm = atEnd(cursor) ? DEFAULTS_CM[i]! : readSize(cursor, what);
    wire[i + 1] = encodeSize(cm);
  }
  return wire;
}

function readAngle(cursor: TextCursor, axis: Axis): number {
  const parts: string[] = [];
  for (;;) {
    const word = readWord(cursor, axis.what);
    const direction = word.toUpperCase();
    if (direction === axis.positive) return ORIGIN + angleOf(parts, axis);
    if (direction === axis.negative) return ORIGIN - angleOf(parts, axis);
    if (parts.push(word) > 3)
      throw bad(`${axis.what} ends with ${axis.positive} or ${axis.negative}, not with ${word}`);
  }
}

function angleOf([degrees = '', minutes = '0', seconds = '0']: readonly string[], axis: Axis): number {
  const isWhole = /^[0-9]{1,3}$/.test(degrees) && /^[0-9]{1,2}$/.test(minutes) && Number(minutes) < 60;
  const isFraction = /^[0-9]{1,2}(?:\.[0-9]{1,3})?$/.test(seconds) && Number(seconds) < 60;
  if (!isWhole || !isFraction) throw bad(`${axis.what} is degrees, minutes and seconds: 52 31 12.025`);
  // Rounded, because a decimal fraction has no exact form here.
  const ms = Number(degrees) * MS_PER_DEGREE + Number(minutes) * 60_000 + Math.round(Number(seconds) * 1000);
  if (ms > axis.degreesMax * MS_PER_DEGREE) throw bad(`${axis.what} is at most ${axis.degreesMax} degrees`);
  return ms;
}

function readAltitude(cursor: TextCursor): number {
  const cm = readMetres(cursor, 'the altitude', /^(-?[0-9]{1,8})(?:\.([0-9]{1,2}))?m?$/i) + BASE_CM;
  if (cm >= 0 && cm <= ALTITUDE_CM_MAX) return cm;
  throw bad('the altitude is -100000.00 to 42849672.95 m');
}

function readSize(cursor: TextCursor, what: string): number {
  const cm = readMetres(cursor, what, /^([0-9]{1,8})(?:\.([0-9]{1,2}))?m?$/i);
  if (cm <= SIZE_CM_MAX) return cm;
  throw bad(`${what} is 0 to 90000000.00 m`);
}

/** @returns centimetres */
function readMetres(cursor: TextCursor, what: string, pattern: RegExp): number {
  const word = readWord(cursor, what);
  const found = pattern.exec(word);
  if (found === null) throw bad(`${what} is a number of metres such as 12.50m, not ${word}`);
  const [, whole = '', fraction = ''] = found;
  const cm = Math.abs(Number(whole)) * 100 + Number(fraction.padEnd(2, '0'));
  return whole.startsWith('-') ? -cm : cm;
}

/** One digit and the power of ten that it is multiplied by; further digits are dropped, as in RFC 1876 appendix A. */
function encodeSize(cm: number): number {
  let power = 0;
  while (cm >= 10) {
    cm = Math.floor(cm / 10);
    power++;
  }
  return (cm << 4) | power;
}

/** Prints every field, those that have defaults too. */
export function formatLoc(cursor: WireCursor): string {
  const version = cursor.data[cursor.pos];
  // RFC 1876 section 2: of another version nothing may be assumed.
  if (version !== undefined && version !== VERSION) return formatUnknown(cursor);
  takeNumber(cursor, 1);
  const sizes = Array.from({ length: 3 }, () => formatSize(takeNumber(cursor, 1)));
  const angles = [LATITUDE, LONGITUDE].map((axis) => formatAngle(takeNumber(cursor, 4) - ORIGIN, axis));
  return [...angles, formatMetres(takeNumber(cursor, 4) - BASE_CM), ...sizes].join(' ');
}

function formatUnknown(cursor: WireCursor): string {
  const octets = takeOctets(cursor, remaining(cursor));
  return `\\# ${octets.length} ${octets.toString('hex')}`;
}

function formatSize(octet: number): string {
  const [digit, power] = [octet >> 4, octet & 15];
  if (digit > 9 || power > 9) throw malformed('a size in the LOC rdata is no digit and power of ten');
  return formatMetres(digit * 10 ** power);
}

function formatAngle(ms: number, { what, degreesMax, positive, negative }: Axis): string {
  const size = Math.abs(ms);
  if (size > degreesMax * MS_PER_DEGREE) throw malformed(`${what} in the LOC rdata is above ${degreesMax}°`);
  const degrees = Math.floor(size / MS_PER_DEGREE);
  const minutes = Math.floor(size / 60_000) % 60;
  const seconds = ((size % 60_000) / 1000).toFixed(3);
  return `${degrees} ${minutes} ${seconds} ${ms < 0 ? negative : positive}`;
}

function formatMetres(cm: number): string {
  return `${(cm / 100).toFixed(2)}m`;
}

function bad(message: string): RdataError {
  return new RdataError('BAD_SYNTAX', message);
}

function malformed(message: string): RdataError {
  return new RdataError('MALFORMED_RDATA', message);
}
