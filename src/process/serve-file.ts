/** Owns what the real process serves with: the parts that open sockets and files. */

import { realParts } from '../serve/real-parts.ts';
import { loadAside } from './load-aside.ts';
import { runServe } from './run-serve.ts';

/** Serves what a configuration file says until SIGTERM or SIGINT. @returns the exit code */
export function serveFile(file: string, version: string): Promise<number> {
  return runServe({ file, version, load: loadAside, parts: realParts });
}
