/**
 * Owns the form of the log for people at a terminal: `14:03:07.120 WARN  message  key=value key=value`. What is logged,
 * and its form for programs, is pino-log.ts.
 */

/** Fields of every line, which have places of their own. */
const HEAD = new Set(['time', 'level', 'msg']);

/** Sequences of a terminal (ECMA-48): by them a warning is seen from afar. */
const RESET = '\u001b[0m';
const COLOURS: Readonly<Record<string, string>> = {
  debug: '\u001b[2m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
};

/**
 * Rewrites one line.
 *
 * @param line - a JSON document with `time`, `level` and `msg`, ended by a line feed; what is none is left as it is
 */
export function prettyLine(line: string): string {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { time, level, msg } = fields;
  const name = String(level);
  const label = name.toUpperCase().padEnd(5);
  const colour = COLOURS[name];
  const rest = Object.entries(fields)
    .filter(([key]) => !HEAD.has(key))
    .map(([key, value]) => ` ${key}=${formatValue(value)}`);
  const head = `${clockText(String(time))} ${colour === undefined ? label : colour + label + RESET}`;
  return `${head} ${printable(String(msg))}${rest.length > 0 ? ' ' : ''}${rest.join('')}\n`;
}

/** The time of the day; the date is the terminal's owner's. */
function clockText(iso: string): string {
  return /T([0-9:.]+)Z$/.exec(iso)?.[1] ?? iso;
}

/** A word as it is, anything else as JSON, so that where a value ends is always seen. */
function formatValue(value: unknown): string {
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
