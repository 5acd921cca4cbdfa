/** Loaded into a fedns process before its own code: on SIGWINCH the first thread that answers over UDP is ended as by a crash. */

import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const answering: threads.Worker[] = [];

threads.Worker = class extends threads.Worker {
  constructor(file: string | URL, options?: threads.WorkerOptions) {
    super(file, options);
    if (options?.name?.startsWith('udp-') === true) answering.push(this);
  }
};
syncBuiltinESMExports();

process.on('SIGWINCH', () => void answering.shift()?.terminate());
