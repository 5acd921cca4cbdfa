/** What whoever calls the doctor tells it. The rest (sockets, clocks, the environment) is the process' to give. */

import type { Settings } from '../config/settings.ts';
import type { StepId } from './report.ts';

/** The configuration as read: settings, or its faults. */
export type ReadConfig =
  | { readonly kind: 'loaded'; readonly settings: Settings }
  | { readonly kind: 'refused'; readonly faults: readonly string[] };

export interface Complaint {
  /** The configuration file, as it was named. */
  readonly file: string;
  readonly config: ReadConfig;
  /** A Service, or a name of one, that everything is to be about. */
  readonly name?: string;
  /** `ADDRESS` or `ADDRESS:PORT`. Default: the system's. */
  readonly resolver?: string;
  /** The steps that are wanted. Default: all. */
  readonly steps?: readonly StepId[];
  /** Faults of what a valid configuration names, one line each. */
  readonly inspect: (settings: Settings) => Promise<readonly string[]>;
  /** Asks the running server's admin address. @throws an error whose message is for the operator */
  readonly askServer: (path: string, query?: Readonly<Record<string, string>>) => Promise<unknown>;
}
