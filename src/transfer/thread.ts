/** The thread of transfers: messages in and out of zone, desk and herald. Started by transfers.ts. */
import { randomInt } from 'node:crypto';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { FromServer } from '../server/transfer-seam.ts';
import { systemTimers } from '../timers.ts';
import { TransferDesk } from './desk.ts';
import { Herald } from './herald.ts';
import type { FromThread, Refusal, ThreadSettings, ToThread, TransferStatus } from './protocol.ts';
import { askSerials } from './witness.ts';
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
let secondaries: ThreadSettings['notify'] = [];
/** Times that the handing out was taken up or laid down. */
let turns = 0;

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
    flush,
    onLog: (level, fields, message) => send({ kind: 'log', level, fields, message }),
  });
  herald = new Herald({
    zone,
    timers: systemTimers,
    clock: Date.now,
    randomId,
    onTrouble: (fields, message) => send({ kind: 'log', level: 'warn', fields, message }),
  });
}

function adopt(settings: ThreadSettings): void {
  if (zone === undefined) start(settings);
  secondaries = settings.notify;
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
    isReady: refusal === undefined && zone.isKnown,
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
      return void take(message.refusal);
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

/** Takes up or lays down the handing out. Before the first of it, secondaries have a say about the serial. */
async function take(refusal: Refusal | undefined): Promise<void> {
  const turn = ++turns;
  if (refusal !== undefined) {
    desk.withhold(refusal);
    return herald.hold(true);
  }
  const serials = await askSerials(secondaries, zone.domain, { timers: systemTimers, randomId });
  for (const serial of serials) send({ kind: 'ahead', serial });
  // Whatever it has led to is in the zone then.
  await flush();
  if (turn !== turns) return;
  desk.withhold(undefined);
  herald.hold(false);
  keepDigest();
}

function flush(): Promise<void> {
  return new Promise((resolve) => {
    flushing.set(++flushes, resolve);
    send({ kind: 'flush', number: flushes });
  });
}

function randomId(): number {
  return randomInt(65_536);
}

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
