/** A fedns process in which something outside of every guard throws, once on each way there is. */

import { loadConfig } from '../../src/cli/load.ts';
import { runServe } from '../../src/process/run-serve.ts';
import { realParts } from '../../src/serve/real-parts.ts';

process.on('SIGUSR2', () => {
  setImmediate(() => {
    throw new Error('thrown on purpose');
  });
  void Promise.reject(new Error('rejected on purpose'));
});

process.exitCode = await runServe({
  file: process.argv[2]!,
  version: '0.0.0',
  load: loadConfig,
  parts: realParts,
});
