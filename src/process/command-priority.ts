/**
 * Owns who goes first where a command and a server share a machine: the server. Loading a command's code is a second of
 * work, for which the sockets of a busy server on few cores have no room. Imports little, since it runs before that.
 */

import { becomeNice, listThreads, niceness } from '../server/linux/thread-priority.ts';

/** By how much a command is nicer: it gets a tenth of a CPU that it contends for, and so ends also under full load. */
const COMMAND_NICENESS = 10;

/** @param command - the first word of the command line; `serve` is left as it is */
export function letServerGoFirst(command: string | undefined): void {
  if (command !== 'serve') becomeNice(listThreads(), niceness() + COMMAND_NICENESS);
}
