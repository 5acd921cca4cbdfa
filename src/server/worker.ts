/**
 * A thread that answers queries: the entry that worker-pool.ts starts. Joins a transport to a responder and obeys
 * the pool. Sockets and packets are the transports'.
 */

import assert from 'node:assert/strict';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { serveBatches } from './batch-loop.ts';
import { pinThread } from './linux.ts';
import type { Responder, ResponderSettings } from './responder.ts';
import { ListenError } from './socket-address.ts';
import { PortableUdp } from './udp-portable.ts';
import {
  Control,
  type FromWorker,
  type ToWorker,
  type WorkerRole,
  type WorkerStart,
} from './worker-protocol.ts';

/** What every role works with. */
interface WorkerContext {
  readonly port: MessagePort;
  readonly control: Int32Array;
  readonly responder: Responder;
  readonly counters: Float64Array;
}

type CreateResponder = (settings: ResponderSettings) => Responder;

/** The batch transport: no turn of the event loop from here to the end. */
async function runBatch(context: WorkerContext, role: WorkerRole & { kind: 'batch' }): Promise<void> {
  const { control, port, responder, counters } = context;
  // Imported here, so that the portable transport runs where koffi does not load.
  const { loadLibc } = await import('./libc.ts');
  const libc = loadLibc();
  if (role.cpu !== undefined) pinThread(libc, role.cpu);
  tell(port, { kind: 'serving', listen: role.sockets.map((socket) => socket.listen) });
  let seen = 0;
  const goOn = (): boolean => {
    const posted = Atomics.load(control, Control.posted);
    if (posted !== seen) takeIn(context);
    seen = posted;
    return Atomics.load(control, Control.stop) === 0;
  };
  serveBatches({ libc, sockets: role.sockets, responder, counters, goOn });
}

function takeIn({ port, responder }: WorkerContext): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    obey(port, responder, next.message as ToWorker);
  }
}

/** The portable transport: ends when the pool says so and the sockets are closed. */
async function runPortable(context: WorkerContext, role: WorkerRole & { kind: 'portable' }): Promise<void> {
  const { port, responder, counters } = context;
  const transport = new PortableUdp({ listen: role.listen, reusePort: role.reusePort, responder, counters });
  tell(port, { kind: 'serving', listen: await transport.start() });
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') void transport.stop().then(() => port.close());
    else obey(port, responder, message);
  });
}

function obey(port: MessagePort, responder: Responder, message: ToWorker): void {
  if (message.kind !== 'adopt') return;
  responder.adopt(message.settings);
  tell(port, { kind: 'adopted', number: message.number });
}

function tell(port: MessagePort, message: FromWorker): void {
  port.postMessage(message);
}

async function run(port: MessagePort, start: WorkerStart): Promise<void> {
  const { createResponder } = (await import(start.responderUrl)) as { createResponder: CreateResponder };
  const context: WorkerContext = {
    port,
    control: new Int32Array(start.control),
    responder: createResponder(start.settings),
    counters: new Float64Array(start.settings.counters),
  };
  if (start.role.kind === 'batch') await runBatch(context, start.role);
  else await runPortable(context, start.role);
}

assert(parentPort !== null, 'worker.ts runs as a worker thread');
try {
  await run(parentPort, workerData as WorkerStart);
} catch (error) {
  if (!(error instanceof ListenError)) throw error;
  tell(parentPort, { kind: 'refused', code: error.code, message: error.message });
  parentPort.close();
}
