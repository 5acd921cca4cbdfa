/** Owns what the commands need from outside, so that tests can run them without a process of their own. */

import type { ListenAddress, Settings } from '../config/settings.ts';
import type { Registration } from './registrar.ts';
import type { Complaint } from '../doctor/complaint.ts';
import type { StepReport } from '../doctor/report.ts';

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

/** What was found beyond the configuration file, one line each. */
export interface Inspection {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
  /** What is well, where that was asked for. Default: none. */
  readonly notes?: readonly string[];
}

export interface Environment {
  /** Standard output; resolves when it takes more. */
  readonly out: (text: string) => void | Promise<void>;
  /** Standard error. */
  readonly err: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly version: string;
  /** Who gives the command, as the journal names them: `USER@HOST`. Default: nobody is named. */
  readonly who?: string;
  /** Default: by the clock of the system. */
  readonly pause?: (ms: number) => Promise<void>;
  readonly load: (file: string) => Promise<LoadedConfig>;
  /** Looks at what valid settings name; with `live`, also at what the clusters say. Default: at nothing. */
  readonly inspect?: (settings: Settings, live: boolean) => Promise<Inspection>;
  /** Has the serving process of this machine replaced; the line for the operator. Default: it cannot be. */
  readonly replace?: (file: string) => Promise<string>;
  /** Looks at the live system, step by step. Default: it cannot be. */
  readonly doctor?: (complaint: Complaint) => Promise<readonly StepReport[]>;
  /** Brings federated objects into the member clusters until told to stop; the exit code. Default: it cannot be. */
  readonly federate?: (file: string, options: { readonly confirm: boolean }) => Promise<number>;
  /** Makes hosts and members of clusters. Default: not here. */
  readonly registration?: Registration;
  /** The DS records of a domain at each server of its parent, found through a resolver. Default: it cannot be asked. */
  readonly askParent?: (domain: string, resolver: string) => Promise<readonly (readonly Buffer[])[]>;
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
