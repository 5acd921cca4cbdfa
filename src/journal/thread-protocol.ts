/** What the control plane and the journal's thread say to each other. */
import type { Batch } from './batch.ts';
import type { DeskOptions, DeskStatus, Slice } from './desk.ts';
import type { JournalFilter } from './query.ts';

/** What the thread is started with. */
export type ThreadStart = Pick<DeskOptions, 'store'>;

export type ToThread =
  /** `octets` come back once the batch is written. */
  | { readonly kind: 'batch'; readonly batch: Batch; readonly octets: number }
  /** Whether lines are to be sent back, for those who follow. */
  | { readonly kind: 'follow'; readonly isFollowed: boolean }
  | { readonly kind: 'read'; readonly id: number; readonly filter: JournalFilter }
  | { readonly kind: 'next'; readonly id: number }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'stop' };

export type FromThread =
  /** For those who follow. */
  | { readonly kind: 'lines'; readonly lines: string }
  | { readonly kind: 'written'; readonly octets: number; readonly status: DeskStatus }
  | { readonly kind: 'status'; readonly status: DeskStatus }
  /** No slice: the reading was given up. */
  | { readonly kind: 'slice'; readonly id: number; readonly slice: Slice | undefined };
