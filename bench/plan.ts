/** What one run of the benchmark measures, and on which cores. */

import type { Mix } from './drivers/queries.ts';
import type { FederationShape } from './federation.ts';

/** What is measured. */
export interface Plan {
  readonly shape: FederationShape;
  readonly workers: number;
  readonly mixes: readonly Mix[];
  readonly seconds: number;
  readonly rounds: number;
  /** Sockets that dnsperf asks from. */
  readonly clients: number;
  /** Queries per second that kxdpgun offers. */
  readonly rate: number;
  readonly folder: string;
  readonly serverCores: string;
  readonly driverCore: string;
  readonly pace: string | undefined;
}
