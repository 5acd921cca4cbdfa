/** Owns the paths that the kubelet and scrapers ask: whether the process runs, whether it is ready, its metrics. */

import type { ServerResponse } from 'node:http';
import type { ControlPlane } from './control-plane.ts';
import { pendingClusters } from './ready.ts';
import { sendText } from './reply.ts';
import type { Call, Routes } from './route.ts';

const TEXT = { 'text/plain': undefined };

export const PROCESS_ROUTES: Routes = new Map([
  [
    '/healthz',
    {
      GET: {
        about: 'whether the process runs',
        replies: TEXT,
        serve: ({ response }: Call) => sendText(response, 200, 'ok\n'),
      },
    },
  ],
  [
    '/readyz',
    {
      GET: {
        about: 'whether queries are wanted here: 503 with the clusters to be read first, or while draining',
        replies: TEXT,
        otherReplies: { 503: { about: 'Some have not been read.', content: TEXT } },
        serve: ({ control, response }: Call) => sendReadiness(control, response),
      },
    },
  ],
  [
    '/metrics',
    {
      GET: { about: 'metrics in the Prometheus text format', replies: TEXT, serve: sendMetrics },
    },
  ],
]);

function sendReadiness(control: ControlPlane, response: ServerResponse): void {
  if (control.isDraining?.() === true) return sendText(response, 503, 'draining: this process is to end\n');
  const pending = pendingClusters(control.clusters());
  if (pending.length === 0) sendText(response, 200, 'ok\n');
  else sendText(response, 503, `waiting for the first sync of ${pending.join(', ')}\n`);
}

async function sendMetrics({ metrics, response }: Call): Promise<void> {
  sendText(response, 200, await metrics.text(), { 'content-type': metrics.contentType });
}
