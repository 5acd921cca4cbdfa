/** What the transfer thread, the control plane and the thread of TCP say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { TransferPolicy } from '../server/policy/transfer-access.ts';
import type { LocationName } from '../zonebuilder/locations.ts';
import type { NumberedCluster } from '../zonebuilder/recorder.ts';
import type { StaticSet } from '../zonebuilder/static-set.ts';
import type { ZoneStart } from './zone-view.ts';

/** Why the zone is not handed out at the moment. */
export const REFUSALS = {
  /** A cluster that may have names in it was never read: they would be missing, and denied by every secondary. */
  incomplete: 'a cluster that may have names in the zone has not been read',
  /** Another replica is the one that numbers the zone's versions. */
  standby: 'another replica hands out the zone',
  /** The signatures of live answers are made one by one, and no zone of them is kept. */
  signed: 'the domain is signed, and a signed zone is not transferred',
} as const;
export type Refusal = keyof typeof REFUSALS;

/** Settings that the thread works by. */
export interface ThreadSettings {
  readonly policy: TransferPolicy;
  /** Networks of clients that are answered at all. */
  readonly access: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  readonly notify: readonly { readonly address: string; readonly port: number; readonly key?: string }[];
  readonly notifyDelayMs: number;
  readonly journalOctets: number;
  readonly transfers: number;
  readonly catalog?: { readonly name: string; readonly serial: number };
}

/** What has been published since the last time: the newest blob of each Service that changed. */
export interface ZoneUpdate {
  readonly serial: number;
  /** Where everything begins anew: another domain, or a thread that knows nothing. */
  readonly start?: ZoneStart;
  /** Names of Services and the octets of their blobs, one behind the other; 0 octets: the Service is gone. */
  readonly services: readonly (readonly [name: string, octets: number])[];
  readonly blobs: Uint8Array<ArrayBuffer>;
  readonly names?: readonly LocationName[];
  readonly clusters?: readonly NumberedCluster[];
  readonly statics?: StaticSet;
}

export type ToThread =
  | { readonly kind: 'settings'; readonly settings: ThreadSettings }
  | { readonly kind: 'state'; readonly refusal: Refusal | undefined }
  /** `flush`: all that was published before the thread asked by this number is in it. */
  | { readonly kind: 'update'; readonly update?: ZoneUpdate; readonly flush?: number }
  /** Somebody's clients want transfers. */
  | { readonly kind: 'connect'; readonly port: MessagePort }
  | { readonly kind: 'digest' }
  | { readonly kind: 'stop' };

export type FromThread =
  | { readonly kind: 'flush'; readonly number: number }
  /** A secondary has a later serial. */
  | { readonly kind: 'ahead'; readonly serial: number }
  | { readonly kind: 'status'; readonly status: TransferStatus }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn';
      readonly fields: object;
      readonly message: string;
    };

/** How transfers stand, for metrics. */
export interface TransferStatus {
  /** Of the version that secondaries can have; 0: none yet. */
  readonly serial: number;
  readonly refusal?: Refusal;
  /** Whether the zone is handed out. */
  readonly isReady: boolean;
  readonly transfers: Readonly<Record<TransferOutcome, number>>;
  readonly octets: number;
  readonly active: number;
  readonly journalOctets: number;
  readonly journalSteps: number;
  readonly secondaries: readonly SecondaryStatus[];
  /** Of all records but the SOA; absent: not worked out. */
  readonly digest?: string;
  readonly records?: number;
}

/** What became of requests for the zone. */
export const OUTCOMES = ['axfr', 'ixfr', 'current', 'refused', 'failed', 'cut'] as const;
export type TransferOutcome = (typeof OUTCOMES)[number];

export interface SecondaryStatus {
  /** ADDRESS:PORT. */
  readonly name: string;
  readonly sent: number;
  /** Serial of the newest NOTIFY that was answered well; 0: none yet. */
  readonly answeredSerial: number;
  /** Why the last one was not; absent: it was. */
  readonly trouble?: string;
}
