/**
 * A worker that asks for nearest names while a whole region comes and goes and tables of clients' places are replaced, and checks
 * that every reply is of one state, and of the right one where nothing was under way.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createResponder } from '../../src/server/answer/answer.ts';
import type { ResponderSettings } from '../../src/server/responder.ts';
import { Transport, UDP_REPLY_OCTETS } from '../../src/server/responder.ts';
import { geoPolicy, makeTables } from '../support/geo.ts';
import { makeQuery, readMessage } from '../support/message.ts';
import { makeRandom } from '../support/random.ts';
import { newestImage } from './newest-image.ts';
import { Progress } from './reader-progress.ts';

export const SERVICES = 16;
const FAULTS_MAX = 5;
const BATCH = 32;
/** Clients of both regions, and what they get while all is well. */
const CLIENTS = [
  [Buffer.of(8, 1, 2, 3), '10.0.0.1 10.0.0.2'],
  [Buffer.of(9, 1, 2, 3), '10.1.0.1 10.1.0.2'],
] as const;
/** What everybody gets while the first region is down. */
const OTHER = CLIENTS[1][1];

export interface NearestReaderData {
  readonly settings: ResponderSettings;
  /**
   * Not 0 when the reader is to stop; then a count that is odd while the region changes: 0 up, 2 down, 4 up, …; then the version
   * of the tables that are to be used, and for each reader of those that are.
   */
  readonly shared: SharedArrayBuffer;
  /** Of all readers, see {@link Progress}. */
  readonly progress: SharedArrayBuffer;
  readonly reader: number;
  readonly seed: number;
}

export interface NearestReport {
  readonly replies: number;
  /** Replies while nothing was under way, by whether the region was up. */
  readonly settled: readonly [up: number, down: number];
  readonly adopted: number;
  /** Times that tables were replaced. */
  readonly located: number;
  readonly faults: readonly string[];
}

/** Where the words about tables stand in what is shared. */
export const Tables = { wanted: 2, used: 3 } as const;

/** Tables of both clients: of each other version the rows have changed places. */
export function tablesOf(version: number): SharedArrayBuffer {
  return makeTables(
    [
      ['8.0.0.0/8', version & 1],
      ['9.0.0.0/8', 1 - (version & 1)],
    ],
    [],
    version,
  );
}

function readUntilStopped({
  settings: first,
  shared,
  progress,
  reader,
  seed,
}: NearestReaderData): NearestReport {
  const random = makeRandom(seed);
  let settings = first;
  const responder = createResponder(settings);
  const words = new Int32Array(shared);
  const reply = Buffer.alloc(UDP_REPLY_OCTETS);
  const faults: string[] = [];
  const settled: [number, number] = [0, 0];
  let [replies, adopted, located] = [0, 0, 0];
  const reached = new Int32Array(progress);
  Atomics.store(reached, reader, Progress.reading);
  while (Atomics.load(words, 0) === 0 && faults.length < FAULTS_MAX) {
    const image = responder.isStale ? newestImage() : undefined;
    if (image !== undefined) {
      settings = { ...settings, image };
      responder.adopt(settings);
      adopted++;
    }
    const wanted = Atomics.load(words, Tables.wanted);
    if (wanted !== Atomics.load(words, Tables.used + reader)) {
      settings = { ...settings, policy: geoPolicy(tablesOf(wanted)) };
      responder.adopt(settings);
      Atomics.store(words, Tables.used + reader, wanted);
      located++;
    }
    responder.enter();
    for (let i = 0; i < BATCH; i++) {
      const [client, near] = random.pick(CLIENTS);
      const query = makeQuery(`s${random.below(SERVICES)}.n.f.svc.example.com`, 'A');
      const before = Atomics.load(words, 1);
      const length = responder.answer(query, 0, query.length, reply, 0, Transport.udp, client, 0, 4);
      const after = Atomics.load(words, 1);
      const got = addressesIn(reply.subarray(0, length));
      const isSettled = before === after && (before & 1) === 0;
      const isDown = (before & 2) !== 0;
      // A reader that has not taken new memory yet still sees the old one.
      if (isSettled && !responder.isStale) {
        settled[isDown ? 1 : 0]++;
        if (got !== (isDown ? OTHER : near)) faults.push(`${client.join('.')} at ${before}: ${got}`);
      } else if (got !== near && got !== OTHER)
        faults.push(`${client.join('.')}, ${before} to ${after}: ${got}`);
      replies++;
    }
    responder.leave();
    if (adopted > 0 && located > 2 && settled[0] > 0 && settled[1] > 0)
      Atomics.store(reached, reader, Progress.sawEnough);
  }
  // Also after faults: the writer need not wait for more.
  Atomics.store(reached, reader, Progress.sawEnough);
  return { replies, settled, adopted, located, faults };
}

function addressesIn(reply: Buffer): string {
  return readMessage(reply)
    .answer.map(({ data }) => data)
    .toSorted()
    .join(' ');
}

if (!isMainThread) {
  const port = parentPort!;
  port.postMessage(readUntilStopped(workerData as NearestReaderData));
  port.close();
}
