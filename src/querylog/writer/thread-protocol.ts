/** What the main thread and the one that writes queries down tell each other. */

import type { LogForm } from '../../logging/pino-log.ts';
import type { DnstapSettings } from '../../config/settings.ts';

/** What is to be written, and how. */
export interface WritingOrder {
  /** The served domain in wire form, lower case. */
  readonly domain: Uint8Array;
  /** Absent: no lines. */
  readonly form?: LogForm;
  /** Absent: no dnstap. Identity and version as they are told. */
  readonly dnstap?: DnstapSettings;
}

export interface ThreadStart {
  readonly tally: SharedArrayBuffer;
}

export type ToThread =
  | { readonly kind: 'adopt'; readonly rings: readonly SharedArrayBuffer[]; readonly order: WritingOrder }
  | { readonly kind: 'stop' };

/** A line for the log. */
export interface FromThread {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}
