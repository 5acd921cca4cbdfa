/**
 * Owns how the log is written on standard error: one JSON document a line, or lines for people. The only place that knows pino; the rest
 * speaks the `Log` of src/log.ts.
 */

import { isatty } from 'node:tty';
import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { Log } from '../log.ts';
import { wantsColour } from './colours.ts';
import { prettyLine } from './pretty-log.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** How lines are written: for programs, or for people. */
export type LogForm = 'json' | 'pretty' | 'coloured';

/** What `log.format` of the configuration may be. */
export type LogFormat = 'auto' | 'json' | 'text' | 'pretty';

/** Standard error. */
const STDERR = 2;

/** The form of what goes to a stream: people sit at a terminal, and programs read everything else. */
export function chooseForm(
  format: LogFormat,
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>> = {},
): LogForm {
  if (format === 'json' || (format === 'auto' && !isTerminal)) return 'json';
  return wantsColour(env, isTerminal) ? 'coloured' : 'pretty';
}

/** The same for standard error, also from a thread, whose own `process.stderr` is none. */
export function stderrForm(format: LogFormat): LogForm {
  return chooseForm(format, isatty(STDERR), process.env);
}

/** A log that can be made quieter or louder, and written otherwise, while it runs. */
export interface LeveledLog extends Log {
  adapt(level: LogLevel, form: LogForm): void;
}

/**
 * @param destination - where lines go; standard error when absent. Lines are written at once, so that none is lost
 *   when the process dies; the query path does not log.
 */
export function createLog(
  level: LogLevel,
  form: LogForm = 'json',
  destination: DestinationStream = pino.destination({ fd: STDERR, sync: true }),
): LeveledLog {
  let current = form;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: tellErrors },
    },
    { write: (line) => destination.write(formLine(line, current)) },
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    adapt: (nextLevel, nextForm) => {
      logger.level = nextLevel;
      current = nextForm;
    },
  };
}

function formLine(line: string, form: LogForm): string {
  return form === 'json' ? line : prettyLine(line, form === 'coloured');
}

/** As JSON an error is `{}`: its message goes into `error`, where it was thrown into `stack`. */
function tellErrors(fields: object): Record<string, unknown> {
  const { error } = fields as { readonly error?: unknown };
  if (!(error instanceof Error)) return fields as Record<string, unknown>;
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  const told = { ...fields, error: String(error) };
  return frames.length === 0 ? told : { ...told, stack: frames.map((line) => line.trim()).join('\n') };
}
