/** The thread that page-files.ts starts: builds the page, hands it over and ends. */

import { parentPort } from 'node:worker_threads';
import { buildPage } from './page-build.ts';

parentPort!.postMessage(buildPage(), []);
