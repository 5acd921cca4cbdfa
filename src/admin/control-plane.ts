/**
 * What the admin server asks of the running control plane: the records it serves, the clusters behind them, why a
 * name is answered as it is, and the figures of the moment. Implemented by the composition root; no HTTP in here.
 */

import type { ClusterReport } from '../watchers/source.ts';
import type { Explanation } from '../zonebuilder/explain.ts';
import type { ClusterStatus } from '../zonebuilder/facts.ts';
import type { RecordFilter } from '../zonebuilder/record-filter.ts';
import type { RecordSet } from '../zonebuilder/records.ts';
import type { Listing } from './listing.ts';

export type { Explanation, Listing, RecordFilter, RecordSet };

/** A member cluster as its source and the zone builder see it. */
export interface ClusterView {
  readonly report: ClusterReport;
  readonly status: ClusterStatus;
  /** Shards of federated Services in this cluster. */
  readonly shards: number;
  /** Those of them that are in the answers. */
  readonly healthyShards: number;
}

/** What `explain` is asked. */
export interface ExplainQuestion {
  /** As typed: absolute with or without the trailing dot. */
  readonly name: string;
  /** A mnemonic or `TYPEnnn`, upper case. */
  readonly type: string;
  /** Address of the client or its resolver, checked to be one. */
  readonly client?: string;
}

/** A question that cannot be explained because it is malformed; the message is for the operator. */
export class QuestionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'QuestionError';
  }
}

/** Figures of the moment. */
export interface Vitals {
  readonly serial: number;
  /** Federated Services known. */
  readonly services: number;
  /** Octets of the answer image: in use, and mapped. */
  readonly imageOctetsUsed: number;
  readonly imageOctetsTotal: number;
  /** Settings of the newest configuration that take effect with a restart. */
  readonly restartPending: readonly string[];
  /** One block of counters per worker, see server/counters.ts. */
  readonly counters: readonly SharedArrayBuffer[];
}

export interface ControlPlane {
  /**
   * The RRsets that are served, the SOA first.
   *
   * @throws QuestionError when the filter is malformed
   */
  records(filter: RecordFilter): Listing<RecordSet>;
  clusters(): readonly ClusterView[];
  /** @throws QuestionError when the name or type is malformed */
  explain(question: ExplainQuestion): Explanation;
  vitals(): Vitals;
}
