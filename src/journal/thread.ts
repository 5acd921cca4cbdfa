/** The thread of the journal: messages in and out of the desk. Started by live-journal.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { Desk } from './desk.ts';
import type { FromThread, ThreadStart, ToThread } from './thread-protocol.ts';

/** How often lines are forced to the disk, in milliseconds: what a power failure may cost. */
const TEND_MS = 5000;

const port = parentPort!;
const desk = new Desk({ ...(workerData as ThreadStart), clock: Date.now });
let isFollowed = false;

const timer = setInterval(() => {
  desk.tend();
  send({ kind: 'status', status: desk.status });
}, TEND_MS);
send({ kind: 'status', status: desk.status });

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'batch': {
      desk.write(message.batch, isFollowed ? (lines) => send({ kind: 'lines', lines }) : undefined);
      return send({ kind: 'written', octets: message.octets, status: desk.status });
    }
    case 'follow':
      isFollowed = message.isFollowed;
      return;
    case 'read':
      return desk.read(message.id, message.filter);
    case 'next':
      return send({ kind: 'slice', id: message.id, slice: desk.next(message.id) });
    case 'cancel':
      return desk.cancel(message.id);
    case 'stop':
      clearInterval(timer);
      desk.stop();
      port.close();
  }
});

function send(message: FromThread): void {
  port.postMessage(message);
}
