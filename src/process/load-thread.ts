/** The thread that load-aside.ts starts: reads one configuration, hands it over and ends. */

import { parentPort, workerData } from 'node:worker_threads';
import { loadConfig } from '../cli/load.ts';
import type { LoadOrder } from './load-aside.ts';

const { file, options } = workerData as LoadOrder;
const config = await loadConfig(file, options);
const statics = config.kind === 'loaded' ? [config.settings.statics] : [];
parentPort!.postMessage(
  config,
  statics.flatMap(({ octets, offsets }) => [octets.buffer, offsets.buffer]),
);
