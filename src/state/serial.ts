/**
 * Owns the SOA serial: it grows with every published change, across restarts and after a clock that went back
 * (RFC 1035 section 3.3.13, RFC 1982). When a change is published is the caller's business.
 *
 * `next` only counts. A ceiling is kept on the disk ahead of need: every serial handed out lies at or below it, so a
 * process that starts after a crash goes on above the ceiling. A clean stop writes the exact value.
 */

import { readFile } from 'node:fs/promises';
import { replaceFile } from './atomic-file.ts';
import { reasonOf } from './layout.ts';

/** Where the serial writes what happens; pino's shape. */
export interface SerialLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SerialOptions {
  /** Absent: nothing is kept, and each start begins with the time. */
  readonly path?: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: SerialLog;
  /** Serials known from elsewhere to have been served, such as the snapshot's. */
  readonly witnesses?: readonly number[];
}

/** Serials reserved by one write: at 1,000 changes a second a write every half minute. */
export const SERIAL_BLOCK = 65_536;

const MODULUS = 2 ** 32;
const HALF = 2 ** 31;

/** `serial + count` (RFC 1982 section 3.1). Zero is skipped: old secondaries take it for "no serial known". */
export function addSerial(serial: number, count: number): number {
  const sum = (serial + count) % MODULUS;
  return sum < serial || sum === 0 ? sum + 1 : sum;
}

/**
 * Whether `a` is after `b` (RFC 1982 section 3.2). A distance of exactly 2^31 has no order there; here it counts as
 * not after, so that a serial never moves on it.
 */
export function isSerialAfter(a: number, b: number): boolean {
  const distance = (a - b + MODULUS) % MODULUS;
  return distance > 0 && distance < HALF;
}

/** Hands out serials. */
export class Serial {
  readonly #options: SerialOptions;
  #current = 0;
  #ceiling = 0;
  #writing: Promise<void> | undefined;
  #reportedOverrun = false;
  /** The file is another process': nothing is written. */
  #isCeded = false;

  constructor(options: SerialOptions) {
    this.#options = options;
  }

  /**
   * Finds where to go on and reserves the first block; afterwards {@link current} is a serial never served before.
   *
   * @throws when the first reservation cannot be written
   */
  async start(): Promise<void> {
    const stored = await readCeiling(this.#options);
    this.#current = this.#firstSerial(stored);
    this.#ceiling = this.#current;
    if (this.#options.path !== undefined) await this.#reserve();
  }

  /** Goes on behind a serial of the process that still owns the file; nothing is written until {@link own}. */
  follow(serial: number): void {
    this.#isCeded = true;
    this.#current = addSerial(serial, 1);
    this.#ceiling = this.#current;
  }

  /**
   * Takes the file over, or back.
   *
   * @throws when it cannot be written; then serials are handed out all the same
   */
  async own(): Promise<void> {
    this.#isCeded = false;
    if (this.#options.path !== undefined) await this.#reserve();
  }

  /**
   * Leaves the file to another process, whose serials begin behind this one.
   *
   * @throws RangeError when that one is not ahead of what was handed out
   */
  async cede(serial: number): Promise<void> {
    if (!isSerialAfter(serial, this.#current))
      throw new RangeError(`serial ${serial} is not after ${this.#current}`);
    this.#isCeded = true;
    await this.#writing;
    this.#current = serial;
  }

  /** The newest serial handed out. */
  get current(): number {
    return this.#current;
  }

  /** The serial of the next published change. Does no input or output. */
  next(): number {
    this.#current = addSerial(this.#current, 1);
    if (this.#options.path !== undefined && !this.#isCeded) this.#lookAhead();
    return this.#current;
  }

  /** Goes on behind a serial that was served elsewhere; one that is not ahead changes nothing. */
  raise(serial: number): void {
    if (!isSerialAfter(serial, this.#current)) return;
    this.#current = addSerial(serial, 1);
    if (this.#options.path !== undefined && !this.#isCeded) this.#lookAhead();
  }

  /** Resolves once no write is under way. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** Writes the exact value, so that a clean restart goes on without a gap. */
  async stop(): Promise<void> {
    await this.#writing;
    if (this.#options.path === undefined || this.#isCeded) return;
    await writeCeiling(this.#options.path, this.#current);
    this.#ceiling = this.#current;
  }

  #firstSerial(stored: number | undefined): number {
    const time = Math.floor(this.#options.clock() / 1000) % MODULUS || 1;
    const known = [...(this.#options.witnesses ?? [])];
    if (stored !== undefined) known.push(stored);
    let first = time;
    for (const serial of known) if (!isSerialAfter(first, serial)) first = addSerial(serial, 1);
    return first;
  }

  #lookAhead(): void {
    const left = (this.#ceiling - this.#current + MODULUS) % MODULUS;
    const overrun = left > HALF;
    if (overrun) this.#reportOverrun();
    if ((left < SERIAL_BLOCK / 2 || overrun) && this.#writing === undefined) {
      this.#writing = this.#reserve()
        .catch((error: unknown) => {
          this.#options.log.error({ code: 'SERIAL_WRITE', reason: reasonOf(error) }, 'serial not reserved');
        })
        .finally(() => {
          this.#writing = undefined;
        });
    }
  }

  /** Answers must not wait for a disk, so serials go on above the ceiling; a crash now could repeat some. */
  #reportOverrun(): void {
    if (this.#reportedOverrun) return;
    this.#reportedOverrun = true;
    this.#options.log.error(
      { code: 'SERIAL_OVERRUN', serial: this.#current },
      'serials run ahead of the disk',
    );
  }

  async #reserve(): Promise<void> {
    const ceiling = addSerial(this.#current, SERIAL_BLOCK);
    await writeCeiling(this.#options.path!, ceiling);
    this.#ceiling = ceiling;
    this.#reportedOverrun = false;
  }
}

async function writeCeiling(path: string, ceiling: number): Promise<void> {
  await replaceFile(path, [`${JSON.stringify({ format: 'fedns-serial', version: 1, ceiling })}\n`]);
}

async function readCeiling(options: SerialOptions): Promise<number | undefined> {
  if (options.path === undefined) return undefined;
  try {
    return parseCeiling(await readFile(options.path, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return undefined;
    options.log.warn(
      { code: 'SERIAL_UNREADABLE', path: options.path, reason: reasonOf(error) },
      'the kept serial cannot be read, going on from the time',
    );
    return undefined;
  }
}

function parseCeiling(text: string): number {
  const value: unknown = JSON.parse(text);
  const fields = (value ?? {}) as { format?: unknown; version?: unknown; ceiling?: unknown };
  if (fields.format !== 'fedns-serial' || fields.version !== 1)
    throw new Error('not a serial file of version 1');
  const { ceiling } = fields;
  if (typeof ceiling !== 'number' || !Number.isInteger(ceiling) || ceiling < 0 || ceiling >= MODULUS) {
    throw new Error('its ceiling is no 32-bit number');
  }
  return ceiling;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
