/**
 * What an operator is told of a cluster's credentials: that they are about to end, that what stands in the file now
 * cannot be used, that the cluster refuses them. Each once in the log, and as refusals while it stands. When they end
 * is worked out in expiry.ts; what a refusal does to the facts, in health/outage-governor.ts.
 */

import type { Clock, Log } from '../../log.ts';
import type { Credentials } from './credentials.ts';
import type { Refusal } from '../source.ts';

export interface CredentialWatchOptions {
  readonly cluster: string;
  readonly credentials: Pick<Credentials, 'expiry' | 'fault'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Standing {
  readonly code: string;
  readonly message: string;
  readonly sinceMs: number;
}

const LASTING = 'a token in a Secret of type kubernetes.io/service-account-token does not end';

export class CredentialWatch {
  readonly #options: CredentialWatchOptions;
  #ending: Standing | undefined;
  #fault: Standing | undefined;

  constructor(options: CredentialWatchOptions) {
    this.#options = options;
  }

  /** Looks at the credentials; to be called from time to time. */
  look(): void {
    const { fault } = this.#options.credentials;
    this.#ending = this.#renew(this.#ending, this.#endingNow());
    this.#fault = this.#renew(
      this.#fault,
      fault && { code: fault.code, message: `what was read before is used on: ${fault.message}` },
    );
  }

  refusals(): Refusal[] {
    const object = `Cluster ${this.#options.cluster}`;
    return [this.#fault, this.#ending].filter((one) => one !== undefined).map((one) => ({ ...one, object }));
  }

  /** The message names the end and not the time left, so that it stays the same. */
  #endingNow(): { readonly code: string; readonly message: string } | undefined {
    const { credentials, clock } = this.#options;
    const { expiry } = credentials;
    if (expiry === undefined || clock() < expiry.warnMs) return undefined;
    const verb = clock() < expiry.endsMs ? 'ends' : 'ended';
    const when = new Date(expiry.endsMs).toISOString();
    return {
      code: 'CREDENTIAL_ENDS',
      message: `its ${expiry.what} ${verb} at ${when}: replace it; ${LASTING}`,
    };
  }

  #renew(before: Standing | undefined, now: Omit<Standing, 'sinceMs'> | undefined): Standing | undefined {
    if (now === undefined || before?.message === now.message) return now && before;
    const { cluster, clock, log } = this.#options;
    log.warn({ cluster, code: now.code, reason: now.message }, 'the credentials of a cluster need attention');
    return { ...now, sinceMs: clock() };
  }
}
