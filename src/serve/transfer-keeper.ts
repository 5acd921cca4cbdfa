/** Owns how transfers stand in a server: which domain they are of, under which keys, and when they are not to be had. */

import type { Settings, TransferSettings } from '../config/settings.ts';
import type { Log } from '../log.ts';
import { systemTimers } from '../timers.ts';
import { ZoneFeed } from '../transfer/feed.ts';
import type { Refusal, ThreadSettings, TransferStatus } from '../transfer/protocol.ts';
import { Transfers } from '../transfer/transfers.ts';
import { catalogOf } from '../server/policy/catalog-soa.ts';
import { isSerialAfter } from '../state/serial.ts';
import { readKeys } from '../tsig/keys.ts';
import type { ChangeRecorder } from '../zonebuilder/recorder.ts';
import { primaryOf } from './apex.ts';
import type { DataPlane, ServedDomain } from './parts.ts';

export interface TransferKeeperOptions {
  /** The one that is served. */
  readonly domain: () => ServedDomain;
  readonly dataPlane: () => DataPlane | undefined;
  readonly serial: () => number;
  /** Has the next serial be behind one that a secondary has. */
  readonly raiseSerial: (to: number) => void;
  readonly log: Log;
}

export class TransferKeeper {
  readonly #options: TransferKeeperOptions;
  readonly #feeds = new WeakMap<ServedDomain, ZoneFeed>();
  #transfers: Transfers | undefined;
  #isSigned = false;
  #isStandby = false;

  constructor(options: TransferKeeperOptions) {
    this.#options = options;
  }

  /** Figures; undefined: there are no transfers. */
  get status(): TransferStatus | undefined {
    return this.#transfers?.status;
  }

  /** Opens a domain so that what it publishes can be transferred, beside whoever else records it. */
  open(
    settings: Settings,
    recorder: ChangeRecorder,
    openDomain: (recorder: ChangeRecorder) => ServedDomain,
  ): ServedDomain {
    const { domain, whenNoneHealthy, hostmaster, apexTtlSeconds, nodataTtlSeconds, statics } = settings;
    const primary = primaryOf(settings);
    const start = {
      domain,
      whenNoneHealthy,
      primary,
      hostmaster,
      ttlSeconds: apexTtlSeconds,
      nodataTtlSeconds,
    };
    const feed = new ZoneFeed({
      start,
      statics,
      onWaiting: () => {
        if (this.#feeds.get(this.#options.domain()) === feed) this.#transfers?.news();
      },
    });
    const opened = openDomain(both(recorder, feed));
    this.#feeds.set(opened, feed);
    return opened;
  }

  /** Another domain is served from now on. */
  exchange(): void {
    this.#transfers?.renew();
  }

  /** Puts settings in force, the first and every later time. @throws KeyFileError when a secret cannot be used */
  async adopt(settings: Settings): Promise<void> {
    const { transfer } = settings;
    this.#isSigned = settings.dnssec !== undefined;
    this.#isStandby = transfer?.standby === true;
    if (transfer === undefined) return this.stop();
    const own = this.#settingsOf(settings, transfer);
    if (this.#transfers !== undefined) return this.#transfers.adopt(own);
    const { log } = this.#options;
    const transfers = new Transfers({ settings: own, origin: this.#origin(), timers: systemTimers, log });
    this.#transfers = transfers;
    transfers.start(() => this.#options.dataPlane()?.serveTransfers?.(() => transfers.connect()));
  }

  async stop(): Promise<void> {
    const transfers = this.#transfers;
    this.#transfers = undefined;
    await transfers?.stop();
  }

  #settingsOf({ access }: Settings, transfer: TransferSettings): ThreadSettings {
    const { keys, allow, tls, notify, notifyDelayMs, journalOctets, transfers } = transfer;
    const catalog = catalogOf(transfer, Date.now);
    return {
      policy: { keys: readKeys(keys), allow, tls },
      access,
      notify,
      notifyDelayMs,
      journalOctets,
      transfers,
      ...(catalog && { catalog }),
    };
  }

  #origin(): ConstructorParameters<typeof Transfers>[0]['origin'] {
    const { domain, serial } = this.#options;
    const feed = (): ZoneFeed | undefined => this.#feeds.get(domain());
    return {
      everything: () => feed()!.everything(blobsOf(domain()), serial()),
      take: () => feed()?.take(),
      raise: (to) => {
        if (!isSerialAfter(to, serial())) return;
        this.#options.log.warn(
          { serial: to },
          'a secondary has a later serial than was numbered here: going on behind it',
        );
        this.#options.raiseSerial(to);
        feed()?.publish({ serial: serial() });
      },
      refusal: () => this.#refusal(),
    };
  }

  #refusal(): Refusal | undefined {
    if (this.#isSigned) return 'signed';
    if (this.#isStandby) return 'standby';
    const isIncomplete = this.#options
      .domain()
      .clusterStates()
      .some(({ status, unread }) => status === 'pending' || unread === true);
    return isIncomplete ? 'incomplete' : undefined;
  }
}

function* blobsOf(domain: ServedDomain): Generator<readonly [string, Uint8Array]> {
  for (const service of domain.serviceNames?.() ?? []) {
    const blob = domain.blobOf?.(service);
    if (blob !== undefined) yield [service, blob];
  }
}

/** Each hears of everything. */
function both(first: ChangeRecorder, second: ChangeRecorder): ChangeRecorder {
  return {
    service: (before, after) => {
      first.service(before, after);
      second.service(before, after);
    },
    places: (read) => {
      first.places(read);
      second.places(read);
    },
    clusters: (read) => {
      first.clusters(read);
      second.clusters(read);
    },
    statics: (before, after) => {
      first.statics(before, after);
      second.statics(before, after);
    },
    discard: () => {
      first.discard();
      second.discard();
    },
    publish: (publication) => {
      first.publish(publication);
      second.publish(publication);
    },
  };
}
