/** What every part may be handed: where it writes what happens, and what time it is. pino is src/logging/pino-log.ts. */

/** Milliseconds since the epoch; tests pass their own. */
export type Clock = () => number;

/** Where parts write what happens. Structured fields first, then the message, as pino takes them. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
