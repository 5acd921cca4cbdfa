/**
 * Owns how the log is written on standard error: one JSON document a line, or lines for people. The only place that knows pino; the rest
 * speaks the `Log` of src/log.ts.
 */

import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { Log } from '../log.ts';
import { prettyLine } from './pretty-log.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** How lines are written: for programs, or for people. */
export type LogForm = 'json' | 'pretty';

/** The form for standard error: people sit at a terminal, and programs read everything else. */
export function chooseForm(format: LogForm | 'auto', isTerminal: boolean): LogForm {
  if (format !== 'auto') return format;
  return isTerminal ? 'pretty' : 'json';
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
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): LeveledLog {
  let current = form;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => destination.write(current === 'json' ? line : prettyLine(line)) },
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
