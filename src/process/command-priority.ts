/**
 * Owns who goes first where `fedns replace` and the server that it is for share a machine: the server. Loading the command's
 * code is work for which the sockets of a busy server on few cores have no room. Imports little, since it runs before that.
 */

import { listThreads, yieldToOthers } from '../server/linux/thread-priority.ts';

/** @param command - the first word of the command line; all but `replace` are left as they are */
export function letServerGoFirst(command: string | undefined): void {
  if (command === 'replace') yieldToOthers(listThreads());
}
