/** A fedns process in which something outside of every guard throws, once on each way there is. */

import { loadConfig } from '../../src/cli/load.ts';
import { runServe } from '../../src/process/run-serve.ts';
import { realParts } from '../../src/serve/real-parts.ts';

/** How often it is looked whether fedns catches by now, in milliseconds. */
const LOOK_MS = 10;

// A signal that fedns itself has no use for.
process.on('SIGWINCH', throwOnceCaught);

process.exitCode = await runServe({
  file: process.argv[2]!,
  version: '0.0.0',
  load: loadConfig,
  parts: realParts,
});

/** Before fedns serves, whatever nobody catches ends it. */
function throwOnceCaught(): void {
  if (process.listenerCount('unhandledRejection') === 0) return void setTimeout(throwOnceCaught, LOOK_MS);
  setImmediate(() => {
    throw new Error('thrown on purpose');
  });
  void Promise.reject(new Error('rejected on purpose'));
}
