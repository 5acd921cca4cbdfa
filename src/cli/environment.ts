/** Owns what the commands need from outside, so that tests can run them without a process of their own. */

import type { ListenAddress, Settings } from '../config/settings.ts';

/** A configuration file as read: settings, or everything that is wrong with it, one line each. */
export type LoadedConfig =
  | {
      readonly kind: 'loaded';
      readonly settings: Settings;
      readonly warnings: readonly string[];
      /** Clusters whose files are not there, where that is tolerated. */
      readonly absent?: readonly { readonly cluster: string; readonly fault: string }[];
    }
  | {
      readonly kind: 'refused';
      readonly faults: readonly string[];
      readonly warnings: readonly string[];
      /** The admin address, where the file still tells it. */
      readonly admin?: ListenAddress;
    };

export interface Environment {
  /** Standard output; resolves when it takes more. */
  readonly out: (text: string) => void | Promise<void>;
  /** Standard error. */
  readonly err: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly version: string;
  readonly load: (file: string) => Promise<LoadedConfig>;
  /** Reads what the configuration names, as far as nothing has to be contacted for it. Default: nothing. */
  readonly inspect?: (
    settings: Settings,
  ) => Promise<{ readonly faults: readonly string[]; readonly warnings: readonly string[] }>;
  /** Serves until told to stop; the exit code. */
  readonly serve: (file: string) => Promise<number>;
}

/** Something that ends a command: one line for the operator, exit code 1. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}
