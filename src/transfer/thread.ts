/** The thread of transfers: messages in and out of zone, desk and herald. Started by transfers.ts. */
import { randomInt } from 'node:crypto';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { FromServer } from '../server/transfer-seam.ts';
import { systemTimers } from '../timers.ts';
import { TransferDesk } from './desk.ts';
import { Herald } from './herald.ts';
import type { FromThread, ThreadSettings, ToThread, TransferStatus } from './protocol.ts';
import { Zone } from './zone.ts';

/** How often figures are sent, in milliseconds. */
const STATUS_MS = 1000;
/** Services whose records are taken into the digest at once: some milliseconds of work. */
const DIGEST_STEPS = 20;

const port = parentPort!;
let zone: Zone;
let desk: TransferDesk;
let herald: Herald;
let flushes = 0;
const flushing = new Map<number, () => void>();
const ports = new Set<MessagePort>();
let wantsDigest = false;

const timer = setInterval(() => {
  // The digest is of versions, and where nobody is told of any, nobody else cuts them.
  if (wantsDigest && desk.refusal === undefined && zone.isBehind) zone.cut();
  send({ kind: 'status', status: status() });
}, STATUS_MS);

function start(settings: ThreadSettings): void {
  zone = new Zone(settings.journalOctets);
  desk = new TransferDesk({
    zone,
    clock: Date.now,
    flush: () =>
      new Promise((resolve) => {
        flushing.set(++flushes, resolve);
        send({ kind: 'flush', number: flushes });
      }),
    onLog: (level, fields, message) => send({ kind: 'log', level, fields, message }),
  });
  herald = new Herald({
    zone,
    timers: systemTimers,
    clock: Date.now,
    randomId: () => randomInt(65_536),
    onTrouble: (fields, message) => send({ kind: 'log', level: 'warn', fields, message }),
  });
}

function adopt(settings: ThreadSettings): void {
  if (zone === undefined) start(settings);
  zone.journal.limit(settings.journalOctets);
  desk.adopt(settings);
  herald.adopt(settings, desk.access);
}

function status(): TransferStatus {
  const { refusal } = desk;
  const { digest } = zone;
  return {
    serial: zone.versionSerial,
    ...(refusal !== undefined && { refusal }),
    ...desk.figures,
    journalOctets: zone.journal.octets,
    journalSteps: zone.journal.steps,
    secondaries: herald.status,
    ...(digest !== undefined && { digest: digest.text, records: digest.records }),
  };
}

/** The digest of the newest version, once somebody has asked for it; it costs little from then on. */
function keepDigest(): void {
  if (!wantsDigest || !zone.isKnown || desk.refusal !== undefined) return;
  zone.cut();
  zone.wantDigest();
  const work = (): void => {
    if (zone.workDigest(DIGEST_STEPS)) setImmediate(work);
  };
  work();
}

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'settings':
      return adopt(message.settings);
    case 'state':
      desk.withhold(message.refusal);
      return herald.hold(message.refusal !== undefined);
    case 'update':
      if (message.update !== undefined) {
        zone.update(message.update);
        herald.look();
      }
      if (message.flush !== undefined) {
        flushing.get(message.flush)?.();
        flushing.delete(message.flush);
      }
      return;
    case 'connect':
      return connect(message.port);
    case 'digest':
      wantsDigest = true;
      return keepDigest();
    case 'stop':
      clearInterval(timer);
      herald.stop();
      for (const open of ports) open.close();
      send({ kind: 'status', status: status() });
      port.close();
  }
});

function connect(asking: MessagePort): void {
  ports.add(asking);
  const hear = desk.serve((message) => {
    // Memory that a message has for itself changes hands.
    const { buffer } = message.octets;
    asking.postMessage(message, message.octets.length > 0 ? [buffer as ArrayBuffer] : []);
  });
  asking.on('message', (message: FromServer) => hear(message));
  asking.on('close', () => ports.delete(asking));
}

function send(message: FromThread): void {
  port.postMessage(message);
}
