/** Owns the journal of a server: where it is kept, and which domain it listens to when a reload puts another in the place of one. */

import type { Settings } from '../config/settings.ts';
import { viewBlob } from '../journal/blob.ts';
import type { DomainRecorder } from '../journal/capture.ts';
import type { Picture } from '../journal/compare.ts';
import { LiveJournal } from '../journal/live-journal.ts';
import type { Clock, Log } from '../log.ts';
import type { StateLayout } from '../state/layout.ts';
import { systemTimers } from '../timers.ts';
import type { Cause } from '../zonebuilder/facts.ts';
import type { ChangeRecorder } from '../zonebuilder/recorder.ts';
import type { ServedDomain } from './parts.ts';

export interface JournalKeeperOptions {
  readonly settings: Settings;
  /** Absent: nothing is kept. */
  readonly layout: StateLayout | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export class JournalKeeper {
  readonly live: LiveJournal;
  readonly #recorders = new WeakMap<ServedDomain, DomainRecorder>();

  constructor({ settings, layout, clock, log }: JournalKeeperOptions) {
    const { journal } = settings;
    const isKept = layout !== undefined && journal !== undefined;
    this.live = new LiveJournal({
      ...(isKept && { store: { directory: layout.journal, ...journal } }),
      clock,
      timers: systemTimers,
      log,
    });
  }

  /**
   * Opens a domain with a recorder.
   *
   * @param isServed - whether its changes are answers at once; otherwise from {@link exchange} on
   */
  open(
    settings: Settings,
    isServed: boolean,
    openDomain: (recorder: ChangeRecorder) => ServedDomain,
  ): ServedDomain {
    const { domain, whenNoneHealthy } = settings;
    const recorder = this.live.open({ domain, isAbsentWithout: whenNoneHealthy === 'nxdomain' });
    recorder.isMuted = !isServed;
    try {
      const opened = openDomain(recorder);
      this.#recorders.set(opened, recorder);
      return opened;
    } catch (error) {
      this.live.close(recorder);
      throw error;
    }
  }

  /** A domain that was opened unserved is answered from as it is. */
  serve(domain: ServedDomain): void {
    const recorder = this.#recorders.get(domain);
    if (recorder !== undefined) recorder.isMuted = false;
  }

  /** A domain was opened and is not served after all. */
  drop(domain: ServedDomain): void {
    const recorder = this.#recorders.get(domain);
    if (recorder !== undefined) this.live.close(recorder);
  }

  /** A Service as it is answered for now; undefined where the domain is not one that the journal listens to. */
  picture(domain: ServedDomain, service: string): Picture | undefined {
    const recorder = this.#recorders.get(domain);
    if (recorder === undefined) return undefined;
    const blob = domain.blobOf?.(service);
    return {
      view: blob === undefined ? undefined : viewBlob(Buffer.from(blob)),
      numbers: this.live.numbersOf(recorder),
    };
  }

  /** Writes down what is answered otherwise by the domain that takes the place of another. */
  exchange(from: ServedDomain, to: ServedDomain, publication: { serial: number; cause: Cause }): void {
    const [old, next] = [from, to].map((domain) => this.#recorders.get(domain));
    if (old === undefined || next === undefined) return;
    this.live.exchange(old, next, pairsOf(from, to), { ...publication, cluster: '' });
  }
}

/** What both domains hold of every Service that either has. */
function* pairsOf(
  from: ServedDomain,
  to: ServedDomain,
): Generator<readonly [Uint8Array | undefined, Uint8Array | undefined]> {
  for (const service of from.serviceNames?.() ?? []) yield [from.blobOf?.(service), to.blobOf?.(service)];
  for (const service of to.serviceNames?.() ?? []) {
    if (from.blobOf?.(service) === undefined) yield [undefined, to.blobOf?.(service)];
  }
}
