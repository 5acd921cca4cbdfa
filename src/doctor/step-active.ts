/** Whether `fedns federate` runs: one replica renews the Lease, all the time. Clocks of two machines are not compared. */

import type { FederateSettings } from '../config/settings.ts';
import { ObjectClient } from '../federation/api/object-client.ts';
import { leaseNameOf } from '../federation/run/federate.ts';
import { LEASE, LEASE_MS, ROUND_MS } from '../federation/sync/leadership.ts';
import { pause } from '../timers.ts';
import type { Api } from './connections.ts';
import type { Facts } from './facts.ts';
import { type Finding, untried, well, wrong } from './report.ts';

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly renewTime?: string;
}

/** Looks until the Lease is renewed, or would have run out. */
export async function checkActive(
  host: Api,
  federate: FederateSettings,
  { timers }: Facts,
): Promise<Finding> {
  const ref = { type: LEASE, namespace: federate.namespace, name: leaseNameOf(federate) };
  const look = { about: 'fedns federate', tried: `the Lease ${ref.namespace}/${ref.name}` };
  const objects = new ObjectClient(host);
  let first: LeaseSpec | undefined;
  for (let waitedMs = 0; waitedMs <= LEASE_MS; waitedMs += ROUND_MS) {
    const found = await objects.get(ref);
    if (!found.ok && found.failure.cause === 'absent')
      return wrong(look, 'it has never run', 'start fedns federate');
    if (!found.ok) return untried(look, found.failure.message, 'mend endpoint first');
    const { holderIdentity = '', renewTime } = (found.value['spec'] ?? {}) as LeaseSpec;
    if (holderIdentity === '') return wrong(look, 'it has been stopped', 'start fedns federate');
    if (first !== undefined && first.renewTime !== renewTime)
      return well(look, `${holderIdentity} is active`);
    first ??= { holderIdentity, ...(renewTime !== undefined && { renewTime }) };
    await pause(timers, ROUND_MS);
  }
  return wrong(
    look,
    `${first!.holderIdentity} has not renewed it since ${first!.renewTime}`,
    'start fedns federate',
  );
}
