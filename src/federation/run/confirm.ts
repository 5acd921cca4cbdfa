/** Owns `fedns federate --confirm`: shows which removals wait, and has the active replica carry them out. */

import type { FederateSettings, Settings } from '../../config/settings.ts';
import type { Clock } from '../../log.ts';
import type { Timers } from '../../timers.ts';
import { ApiClient } from '../../watchers/api/api-client.ts';
import { accessLoader, Credentials } from '../../watchers/credentials/credentials.ts';
import { ObjectClient } from '../api/object-client.ts';
import { confirmationOf, readNotes, type HeldNotes } from '../sync/held-notes.ts';
import { LEASE } from '../sync/leadership.ts';
import { hostOrigin, leaseNameOf } from './federate.ts';

/** What the command says, and its exit code. */
export interface Confirmation {
  readonly text: string;
  readonly code: 0 | 1;
}

/** Confirms the removals that wait at this moment, and no later ones. */
export async function confirmRemovals(
  settings: Settings,
  federate: FederateSettings,
  { timers, clock }: { readonly timers: Timers; readonly clock: Clock },
): Promise<Confirmation> {
  const load = accessLoader(hostOrigin(settings), process.env);
  const credentials = new Credentials({ load, timers, clock, env: process.env });
  const client = new ApiClient({ credentials, timers, userAgent: 'fedns' });
  try {
    const objects = new ObjectClient({ client, signal: new AbortController().signal });
    return await confirm(objects, federate);
  } finally {
    credentials.close();
    client.close();
  }
}

/** @param objects - of the host */
export async function confirm(objects: ObjectClient, federate: FederateSettings): Promise<Confirmation> {
  const ref = { type: LEASE, namespace: federate.namespace, name: leaseNameOf(federate) };
  const found = await objects.get(ref);
  if (!found.ok && found.failure.cause === 'absent')
    return { text: `no fedns federate has run for the federation ${federate.federation} yet`, code: 1 };
  if (!found.ok)
    return {
      text: `the Lease ${ref.namespace}/${ref.name} cannot be read: ${found.failure.message}`,
      code: 1,
    };
  const notes = readNotes(found.value.metadata.annotations ?? {});
  if (Object.keys(notes).length === 0) return { text: 'no removals wait for a confirmation', code: 0 };
  const written = await objects.merge(ref, { metadata: { annotations: confirmationOf(notes) } });
  if (!written.ok)
    return { text: `the confirmation could not be written: ${written.failure.message}`, code: 1 };
  return { text: confirmedText(notes), code: 0 };
}

function confirmedText(notes: HeldNotes): string {
  const lines = Object.entries(notes).map(
    ([cluster, { removals, objects }]) =>
      `${cluster}: ${removals} of ${objects} objects are going to be removed`,
  );
  return [...lines, 'confirmed: the active replica begins within seconds'].join('\n');
}
