/** Gives the doctor what it needs of this machine: resolvers, sockets, clock. Loaded only for `fedns doctor`. */

import { CommandError } from '../cli/environment.ts';
import type { Complaint } from '../doctor/complaint.ts';
import { diagnose } from '../doctor/diagnose.ts';
import { asker } from '../doctor/dns/ask.ts';
import type { StepReport } from '../doctor/report.ts';
import { systemTimers } from '../timers.ts';
import { parseResolver, systemResolvers } from '../watchers/hostnames/resolv-conf.ts';

/** Time for a reply of a name server, in milliseconds, as dig waits. */
const PATIENCE_MS = 5000;
const DNS_PORT = 53;

/** @throws CommandError when the resolver is no address */
export async function runDoctor(complaint: Complaint): Promise<readonly StepReport[]> {
  const named = complaint.resolver === undefined ? undefined : parseResolver(complaint.resolver);
  if (complaint.resolver !== undefined && named === undefined)
    throw new CommandError(
      `--resolver ${complaint.resolver}: not an address such as 192.0.2.53 or [2001:db8::53]:53`,
    );
  const inputs = {
    ...complaint,
    resolvers: named === undefined ? await systemResolvers() : [named],
    ask: asker(PATIENCE_MS),
    dnsPort: DNS_PORT,
    env: process.env,
    clock: Date.now,
    timers: systemTimers,
  };
  return diagnose(inputs, complaint.steps);
}
