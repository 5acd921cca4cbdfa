/**
 * A thread that answers queries: the entry that worker-pool.ts starts. Joins a transport to a responder and obeys
 * the pool. Sockets and packets are the transports'.
 */

import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { serveBatches } from '../udp/batch-loop.ts';
import { pinThread } from '../linux/cpu-affinity.ts';
import { Recorder } from '../recorder.ts';
import type { Responder, ResponderSettings, SigningResponder } from '../responder.ts';
import { ListenError } from '../socket-address.ts';
import { becomeAsNiceAs, CONTROL_PLANE_NICENESS } from '../linux/thread-priority.ts';
import type { TlsCertificate, TlsFiles } from '../tcp/tls-certificate.ts';
import { PortableUdp } from '../udp/portable.ts';
import { PacketSender } from './packet-sender.ts';
import { serveSigning } from './signer.ts';
import { duplicate } from './socket-ledger.ts';
import {
  Control,
  INLINING,
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
  readonly recorder: Recorder;
  /** Obeys the messages that have come, without waiting for the event loop. */
  readonly refresh: () => void;
}

/** The batch transport: no turn of the event loop from here to the end. */
async function runBatch(context: WorkerContext, role: WorkerRole & { kind: 'batch' }): Promise<void> {
  const { control, port, refresh } = context;
  // Imported here, so that the portable transport runs where koffi does not load.
  const { loadLibc } = await import('../linux/libc.ts');
  const libc = loadLibc();
  const pinning = role.cpu === undefined ? undefined : pinThread(libc, role.cpu);
  const listen = role.sockets.map((socket) => socket.listen);
  tell(port, { kind: 'serving', listen, ...(pinning && { pinning }) });
  serveBatches({ ...context, libc, sockets: role.sockets, goOn: goOnOf(control, refresh) });
}

/** What a thread without an event loop asks between two turns: takes messages that have come, and says whether it is to go on. */
function goOnOf(control: Int32Array, refresh: () => void): () => boolean {
  let seen = 0;
  return () => {
    const posted = Atomics.load(control, Control.posted);
    if (posted !== seen) refresh();
    seen = posted;
    return Atomics.load(control, Control.stop) === 0;
  };
}

async function runPortable(context: WorkerContext, role: WorkerRole & { kind: 'portable' }): Promise<void> {
  const transport = new PortableUdp({ ...context, listen: role.listen, reusePort: role.reusePort });
  tell(context.port, { kind: 'serving', listen: await transport.start() });
  obeyUntilStopped(context, () => transport.stop());
}

async function runTcp(context: WorkerContext, role: WorkerRole & { kind: 'tcp' }): Promise<void> {
  const { TcpServer } = await import('../tcp/tcp.ts');
  const { TransferRelay } = await import('../tcp/transfer-relay.ts');
  const transfers = new TransferRelay();
  const { listen, tls, limits = {}, fds } = role;
  const certificate = tls && (await openCertificate(context.port, tls.files));
  const server = new TcpServer({
    listen,
    limits,
    responder: refreshing(context),
    counters: context.counters,
    ...(fds && { fds: await ownDescriptors(fds) }),
    recorder: context.recorder,
    transfers,
    ...(tls && certificate && { tls: { listen: tls.listen, certificate } }),
  });
  tell(context.port, { kind: 'serving', listen: await server.start() });
  context.port.on('message', (message: ToWorker) => {
    if (message.kind === 'transfers') transfers.connect(message.port);
  });
  obeyUntilStopped(context, async (lingerMs) => {
    await server.stop(lingerMs);
    transfers.stop();
    certificate?.stop();
  });
}

/** A server closes what it was given, and the sockets are the pool's. */
async function ownDescriptors(fds: readonly number[]): Promise<readonly number[]> {
  const { loadLibc } = await import('../linux/libc.ts');
  const libc = loadLibc();
  return fds.map((fd) => duplicate(libc, fd));
}

async function openCertificate(port: MessagePort, files: TlsFiles): Promise<TlsCertificate> {
  const tls = await import('../tcp/tls-certificate.ts');
  const certificate = new tls.TlsCertificate(
    files,
    // Of two files one is written first, so that a pair may not match for a while.
    ({ message }) => tell(port, { kind: 'fault', message: `${message}; the one before is used on` }),
    ({ subject, validTo }) => {
      const whose = subject.split('\n').at(-1) || 'no subject';
      tell(port, { kind: 'notice', message: `a new certificate is used: ${whose}, valid until ${validTo}` });
    },
  );
  await certificate.start();
  return certificate;
}

/** A responder that looks itself whether its image has moved, for a transport that does not. */
function refreshing({ responder, refresh }: WorkerContext): Responder {
  return {
    isStale: false,
    get parking() {
      return responder.parking;
    },
    answer: responder.answer.bind(responder),
    enter: () => {
      if (responder.isStale) refresh();
      responder.enter();
    },
    leave: () => responder.leave(),
    adopt: (settings) => responder.adopt(settings),
  };
}

/** For the roles with an event loop. The thread ends once nothing of it is left open. */
function obeyUntilStopped(context: WorkerContext, stop: (lingerMs: number) => Promise<void>): void {
  const { port } = context;
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') void stop(message.lingerMs).then(() => port.close());
    else obey(context, message);
  });
}

async function runSigner(context: WorkerContext, role: WorkerRole & { kind: 'signer' }): Promise<void> {
  const { port, refresh, control } = context;
  // Only answer.ts can sign; a test that puts another responder in its place has no keys.
  const responder = context.responder as SigningResponder;
  const send = role.sendsPackets ? await packetSender(context.counters) : undefined;
  tell(port, { kind: 'serving', listen: [] });
  serveSigning({ ...context, responder, goOn: goOnOf(control, refresh), ...(send && { send }) });
}

async function packetSender(counters: Float64Array): Promise<PacketSender> {
  const { loadLibc } = await import('../linux/libc.ts');
  return new PacketSender(loadLibc(), counters);
}

type Obedient = Pick<WorkerContext, 'port' | 'responder' | 'recorder'>;

function obey({ port, responder, recorder }: Obedient, message: ToWorker): void {
  if (message.kind !== 'adopt') return;
  responder.adopt(message.settings);
  recorder.adopt(message.settings.record);
  tell(port, { kind: 'adopted', number: message.number });
}

function tell(port: MessagePort, message: FromWorker): void {
  port.postMessage(message);
}

async function run(port: MessagePort, start: WorkerStart): Promise<void> {
  becomeAsNiceAs(start.role.kind === 'signer' ? start.nice + CONTROL_PLANE_NICENESS : start.nice);
  setFlagsFromString(INLINING);
  const { createResponder } = await loadResponder(start.responderUrl);
  const responder = createResponder(start.settings);
  const recorder = new Recorder();
  recorder.adopt(start.settings.record);
  const refresh = (): void => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      if ((next.message as ToWorker).kind === 'adopt') obey(context, next.message as ToWorker);
      // A stop is for the event loop, which is still to come to it.
      else setImmediate(() => port.emit('message', next.message));
    }
  };
  const context = {
    port,
    control: new Int32Array(start.control),
    responder,
    recorder,
    counters: new Float64Array(start.settings.counters),
    refresh,
  };
  const { role } = start;
  if (role.kind === 'batch') await runBatch(context, role);
  else if (role.kind === 'portable') await runPortable(context, role);
  else if (role.kind === 'signer') await runSigner(context, role);
  else await runTcp(context, role);
}

function loadResponder(url: string | undefined): Promise<{ createResponder: CreateResponder }> {
  return url === undefined ? import('../answer/answer.ts') : import(url);
}

type CreateResponder = (settings: ResponderSettings) => Responder;

assert(parentPort !== null, 'worker.ts runs as a worker thread');
try {
  await run(parentPort, workerData as WorkerStart);
} catch (error) {
  if (!(error instanceof ListenError)) throw error;
  tell(parentPort, { kind: 'refused', code: error.code, message: error.message });
  parentPort.close();
}
