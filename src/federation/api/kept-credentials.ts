/**
 * Credentials that are looked up once for many requests. `Credentials` reads its files for each, which is right for a watch or a
 * list and too much for thousands of writes; a rotated token is in use a second later than it could be.
 */

import type { Timers } from '../../timers.ts';
import type { CredentialSource } from '../../watchers/api/api-client.ts';
import type { ApiAccess } from '../../watchers/credentials/credentials.ts';

/** How long they are kept, in milliseconds. */
const KEPT_MS = 1000;

export function keepCredentials(source: CredentialSource, timers: Pick<Timers, 'now'>): CredentialSource {
  let kept: Promise<ApiAccess> | undefined;
  let sinceMs = 0;
  const look = (): Promise<ApiAccess> => {
    sinceMs = timers.now();
    const looking = source.current();
    // One that fails is looked up anew by whoever asks next.
    looking.catch(() => {
      if (kept === looking) kept = undefined;
    });
    return looking;
  };
  return {
    current: () => {
      if (kept === undefined || timers.now() - sinceMs >= KEPT_MS) kept = look();
      return kept;
    },
    refused: (authorization) => {
      kept = undefined;
      source.refused(authorization);
    },
  };
}
