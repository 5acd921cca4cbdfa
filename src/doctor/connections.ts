/** Connections to API servers, opened for one examination and closed with it. */

import { systemTimers } from '../timers.ts';
import { ApiClient } from '../watchers/api/api-client.ts';
import type { ClusterAccess } from '../watchers/credentials/cluster-access.ts';
import { Credentials } from '../watchers/credentials/credentials.ts';

const USER_AGENT = 'fedns-doctor';

/** How an API server is reached and asked. */
export interface Api {
  readonly client: ApiClient;
  /** Ends with the examination. */
  readonly signal: AbortSignal;
}

export interface ConnectionsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #end = new AbortController();
  readonly #closing: (() => void)[] = [];

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Nothing is sent yet. */
  open(load: () => Promise<ClusterAccess>): Api {
    const credentials = new Credentials({ load, timers: systemTimers, ...this.#options });
    const client = new ApiClient({ credentials, timers: systemTimers, userAgent: USER_AGENT });
    this.#closing.push(() => {
      client.close();
      credentials.close();
    });
    return { client, signal: this.#end.signal };
  }

  /** What is under way ends. */
  close(): void {
    this.#end.abort();
    for (const close of this.#closing) close();
  }
}
