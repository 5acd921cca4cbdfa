/** Whether the credentials of a cluster can be used, as far as this machine tells. */

import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { ApiOrigin } from '../config/settings.ts';
import type { ClusterAccess } from '../watchers/credentials/cluster-access.ts';
import { accessLoader, readHeld } from '../watchers/credentials/credentials.ts';
import type { Expiry } from '../watchers/credentials/expiry.ts';
import { fault, messageOf, warning, type Finding, type InspectOptions } from './finding.ts';

export async function inspectCredentials(
  origin: ApiOrigin,
  { env, clock }: InspectOptions,
): Promise<readonly Finding[]> {
  const place = origin.kind === 'kubeconfig' ? origin.path : 'inCluster';
  try {
    const loaded = await accessLoader(origin, env)();
    const { expiry } = await readHeld(loaded);
    return [
      ...(await inspectPlugin(loaded, env)),
      ...(isAnonymous(loaded) ? [warning('says nothing of who fedns is: add a token or a certificate')] : []),
      ...endOf(expiry, clock()),
    ].map(({ severity, text }) => ({ severity, text: `${place}: ${text}` }));
  } catch (error) {
    const message = messageOf(error);
    return [fault(message.startsWith(place) ? message : `${place}: ${message}`)];
  }
}

function isAnonymous({ token, basic, clientCertificate, exec }: ClusterAccess): boolean {
  return [token, basic, clientCertificate, exec].every((way) => way === undefined);
}

function endOf(expiry: Expiry | undefined, nowMs: number): Finding[] {
  if (expiry === undefined || nowMs < expiry.warnMs) return [];
  const when = new Date(expiry.endsMs).toISOString();
  if (nowMs >= expiry.endsMs) return [fault(`its ${expiry.what} has ended at ${when}: replace it`)];
  return [warning(`its ${expiry.what} ends at ${when}: replace it`)];
}

/** It is not run: that may open a browser or ask the network. */
async function inspectPlugin(
  { exec }: ClusterAccess,
  env: InspectOptions['env'],
): Promise<readonly Finding[]> {
  if (exec === undefined) return [];
  const folders = isAbsolute(exec.command) ? [''] : (env['PATH'] ?? '').split(delimiter);
  for (const folder of folders) if (await isProgram(join(folder, exec.command))) return [];
  const hint = exec.installHint === undefined ? '' : `: ${exec.installHint.replaceAll(/\s+/g, ' ').trim()}`;
  return [fault(`exec plugin ${exec.command}: there is no such program that may be run${hint}`)];
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
