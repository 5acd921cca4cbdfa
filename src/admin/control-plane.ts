/**
 * What the admin server asks of the running control plane: the records it serves, the clusters behind them, why a
 * name is answered as it is, and the figures of the moment. Implemented by the composition root; no HTTP in here.
 */

import type { WritingStatus } from '../querylog/tally.ts';
import type { ClusterReport } from '../watchers/source.ts';
import type { Explanation } from '../zonebuilder/explain.ts';
import type { ClusterStatus } from '../zonebuilder/facts.ts';
import type { RecordFilter } from '../zonebuilder/record-filter.ts';
import type { RecordSet } from '../zonebuilder/records.ts';
import type { DrillsControl } from './drills-control.ts';
import type { JournalControl } from './journal-control.ts';
import type { ClusterDrains } from '../zonebuilder/verdict.ts';
import type { DrainControl } from './drains.ts';
import type { TransferStatus } from '../transfer/protocol.ts';
import type { GuardControl } from './guard-control.ts';
import type { SigningStatus } from './signing.ts';
import type { Listing } from './listing.ts';
import type { ServicesControl } from './services.ts';
import type { TopologyView } from './topology.ts';

export type { Explanation, Listing, RecordFilter, RecordSet };

/** A member cluster as its source and the zone builder see it. */
export interface ClusterView {
  readonly report: ClusterReport;
  readonly status: ClusterStatus;
  /** Nothing was ever read of it, in this run or before. */
  readonly unread?: boolean;
  /** Shards of federated Services in this cluster. */
  readonly shards: number;
  /** Those of them that are in the answers. */
  readonly healthyShards: number;
  /** Which drains are about it. Absent: none; Services may be drained by themselves. */
  readonly drained?: ClusterDrains;
  /** Those of them that the guard keeps there, for their data are missing; absent: none. */
  readonly guardedShards?: number;
}

/** Where a client is, as the tables in force say. */
export interface ClientLocation {
  readonly client: string;
  /** `nowhere`: its address tells nothing of a place, such as a private one. */
  readonly kind: 'place' | 'cluster' | 'unknown' | 'nowhere';
  /** The network that decided, CIDR text: that of a cluster, or the largest with the same place around the client. */
  readonly network: string;
  /** Who says so. */
  readonly from: string;
  /** Prefix length that a resolver is told which asks with the client's subnet (RFC 7871). */
  readonly scope: number;
  /** Where it is sent, in order; empty: it gets what everybody gets. */
  readonly order: readonly ClientStep[];
}

/** One step of the order in which a client is sent somewhere. */
export interface ClientStep {
  /** `region`, `zone.region`, or `cluster NAME`. */
  readonly to: string;
  /** Kilometres from the place that is nearest to the client, which is first. Absent: not known. */
  readonly km?: number;
  /** Where its point is from. */
  readonly pointFrom?: string;
}

/** A row of the map of networks. */
export interface GeoMapRow {
  readonly network: string;
  /** Where its clients are sent first; `unknown`, `nowhere`. */
  readonly to: string;
  readonly from: string;
}

/** Networks that two clusters' Nodes claim, and that are nobody's for it. */
export interface GeoContest {
  readonly clusters: readonly [string, string];
  readonly networks: number;
  /** Some of the networks. */
  readonly examples: readonly string[];
}

/** How the tables are. */
export interface GeoStatus {
  readonly files: readonly { readonly path: string; readonly type: string; readonly builtMs: number }[];
  readonly octets: number;
  readonly reloads: Readonly<Record<'success' | 'failure', number>>;
  readonly contests: readonly GeoContest[];
  readonly compileMs?: number;
  readonly trouble?: { readonly code: string; readonly message: string; readonly sinceMs: number };
}

/** What is known of where clients are. */
export interface GeoControl {
  /** @param client - an address, checked to be one */
  locate(client: string): ClientLocation;
  map(): Iterable<GeoMapRow | undefined>;
  status(): GeoStatus;
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
  /** The process is to end, and asks for no more queries. Default: it is not. */
  isDraining?(): boolean;
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
  readonly geo?: GeoControl;
  readonly journal?: JournalControl;
  readonly drills?: DrillsControl;
  /** What became of the queries that were to be written down; undefined: none is served yet. */
  readonly queryWriting?: () => WritingStatus | undefined;
  /** The federation as a whole. */
  topology?(): TopologyView;
  readonly services?: ServicesControl;
  readonly drains?: DrainControl;
  readonly guard?: GuardControl;
  /** Undefined: there are no transfers. */
  readonly transfers?: () => TransferStatus | undefined;
  /** Undefined: the domain is not signed. */
  readonly signing?: () => SigningStatus | undefined;
  readonly clockStatus?: () => { readonly behindMs: number; readonly stepsBack: number };
}
