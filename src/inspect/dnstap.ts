/** Whether dnstap messages have somewhere to go. They may wait for it, so what lacks is doubtful and no fault. */

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { messageOf, warning, type Finding } from './finding.ts';

export async function inspectDnstap({ dnstap }: Settings): Promise<readonly Finding[]> {
  if (dnstap === undefined) return [];
  const { to } = dnstap;
  switch (to.kind) {
    case 'file':
      return attempt(
        dirname(to.path),
        constants.W_OK,
        (reason) => `dnstap.file: no file can be made: ${reason}`,
      );
    case 'socket':
      return attempt(to.path, constants.W_OK, (reason) => `dnstap.socket: no reader is there yet: ${reason}`);
    // Whether one listens is known only to whom connects.
    case 'tcp':
      return [];
  }
}

async function attempt(
  path: string,
  mode: number,
  tell: (reason: string) => string,
): Promise<readonly Finding[]> {
  try {
    await access(path, mode);
    return [];
  } catch (error) {
    return [warning(tell(messageOf(error)))];
  }
}
