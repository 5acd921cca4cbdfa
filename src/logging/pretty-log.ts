/**
 * Owns the form of the log for people at a terminal: `14:03:07.120 WARN  message  key=value key=value`. What is logged,
 * and its form for programs, is pino-log.ts.
 */

import { paintColoured, paintPlain, type Colour, type Paint } from './colours.ts';

/** Fields of every line, which have places of their own. */
const HEAD: ReadonlySet<string> = new Set(['time', 'level', 'msg']);

/** Of a bug, where it was comes below its line. */
const STACK = 'stack';
const STACK_INDENT = '    ';

/** By its colour a warning is seen from afar. */
const COLOURS: Readonly<Record<string, Colour>> = {
  trace: 'dim',
  debug: 'dim',
  info: 'green',
  warn: 'yellow',
  error: 'red',
};

/**
 * Rewrites one line.
 *
 * @param line - a JSON document with `time`, `level` and `msg`, ended by a line feed; what is none is left as it is
 * @param isColoured - whether level and keys have colours. Default: false
 */
export function prettyLine(line: string, isColoured = false): string {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { time, level, msg, [STACK]: stack } = fields;
  const paint = isColoured ? paintColoured : paintPlain;
  const rest = Object.entries(fields)
    .filter(([key]) => !HEAD.has(key) && key !== STACK)
    .map(([key, value]) => ` ${paint('dim', `${key}=`)}${formatValue(value)}`);
  const gap = rest.length > 0 ? ' ' : '';
  const below = typeof stack === 'string' ? stackLines(stack, paint) : '';
  return `${lineHead(String(time), String(level), paint)}${printable(String(msg))}${gap}${rest.join('')}\n${below}`;
}

/** How every line for people begins. */
export function lineHead(iso: string, level: string, paint: Paint): string {
  const label = level.toUpperCase().padEnd(5);
  return `${paint('dim', clockText(iso))} ${paint(COLOURS[level] ?? 'cyan', label)} `;
}

/** The time of the day where the terminal is, which also knows the date. */
function clockText(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => pad(n, 2));
  return `${hours}:${minutes}:${seconds}.${pad(at.getMilliseconds(), 3)}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

/** Indented, so that no text in it looks like a line of its own. */
function stackLines(stack: string, paint: Paint): string {
  const lines = stack.split('\n').map((line) => STACK_INDENT + printable(line.trim()));
  return lines.map((line) => `${paint('dim', line)}\n`).join('');
}

interface Listen {
  readonly address: string;
  readonly port: number;
}

/** An address and port, and nothing else. */
function isListen(value: unknown): value is Listen {
  const { address, port, ...rest } = (value ?? {}) as Partial<Listen>;
  return typeof address === 'string' && typeof port === 'number' && Object.keys(rest).length === 0;
}

/** What a list may be written of without brackets. */
function isShort(value: unknown): boolean {
  return (
    typeof value === 'number' ||
    isListen(value) ||
    (typeof value === 'string' && /^[^\s"=,[\]]+$/.test(value))
  );
}

/** A word as it is, anything else as JSON, so that where a value ends is always seen. */
function formatValue(value: unknown): string {
  if (Array.isArray(value) && value.length > 0 && value.every(isShort))
    return value.map(formatValue).join(',');
  if (isListen(value))
    return value.address.includes(':')
      ? `[${value.address}]:${value.port}`
      : `${value.address}:${value.port}`;
  const isWord = typeof value === 'string' && /^[^\s"=]+$/.test(value);
  return printable(isWord ? value : JSON.stringify(value));
}

/** What comes from a cluster must not steer the terminal: control characters are shown, not sent. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
