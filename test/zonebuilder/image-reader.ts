/**
 * A worker that reads the image while it changes: asks for Services at random levels through a responder of its own and
 * checks that each reply is wholly of one version. What a version looks like is said here, for the writer as well.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createResponder } from '../../src/server/answer/answer.ts';
import type { ResponderSettings } from '../../src/server/responder.ts';
import { Transport, UDP_REPLY_OCTETS } from '../../src/server/responder.ts';
import type { ShardState } from '../../src/zonebuilder/facts.ts';
import { CAUSE } from '../support/federation.ts';
import { makeQuery, readMessage, type Message } from '../support/message.ts';
import { makeRandom } from '../support/random.ts';
import { newestImage } from './newest-image.ts';
import { Progress } from './reader-progress.ts';

export const SERVICES_READ = 24;
/** Versions in one octet; 0 is none. */
export const VERSIONS = 255;
/** Where the shards are: the last location has none, so that its answers are aliases. */
const LOCATIONS = ['', '.us', '.us1.us', '.us1', '.eu1.eu', '.eu'] as const;
/** Faults that a worker tells of; one is one too many. */
const FAULTS_MAX = 5;
const BATCH = 32;

/** What a reader is to have seen for its word to count. */
export const REPLIES_ENOUGH = 1000;
export const VERSIONS_ENOUGH = 20;

export interface ReaderData {
  readonly settings: ResponderSettings;
  /** One word, not 0 when the readers are to stop. */
  readonly stop: SharedArrayBuffer;
  /** Of all readers, see {@link Progress}. */
  readonly progress: SharedArrayBuffer;
  readonly reader: number;
  readonly seed: number;
}

export interface ReaderReport {
  readonly replies: number;
  readonly versions: number;
  readonly adopted: number;
  readonly faults: readonly string[];
}

/** The shard of a version: the version is in every octet, in the number of addresses and in the TTL. */
export function shardOfVersion(service: number, version: number): ShardState {
  const addresses = Array.from({ length: countOf(version) }, (_, i) => [
    `${version}.${version}.${i}.${version}`,
    `${hex(version, version)}:${hex(version, i)}:${Array.from({ length: 6 }, () => hex(version, version)).join(':')}`,
  ]);
  return {
    cluster: 'c1',
    service: `s${service}`,
    namespace: 'n',
    federation: 'f',
    addresses: addresses.flat(),
    ready: true,
    readyZones: 'every',
    ports: [{ name: 'http', protocol: 'tcp', port: version }],
    ttlSeconds: version,
    cause: CAUSE,
  };
}

function countOf(version: number): number {
  return 1 + (version % 13);
}

function hex(high: number, low: number): string {
  return ((high << 8) | low).toString(16);
}

/** What is wrong with a reply, undefined when nothing is. */
function faultOf({ rcode, answer }: Message): string | undefined {
  if (rcode !== 'NOERROR' || answer.length === 0) return `${rcode} with ${answer.length} answers`;
  const version = answer[0]!.ttl;
  if (answer.some((rr) => rr.ttl !== version)) return 'TTLs of several versions';
  const addresses = answer.filter((rr) => rr.type !== 'CNAME');
  if (addresses[0]?.type === 'SRV')
    return addresses.length === 1 && addresses[0].data.startsWith(`0 100 ${version} `)
      ? undefined
      : 'a port of another';
  if (addresses.length !== countOf(version)) return `${addresses.length} addresses in version ${version}`;
  const places = new Set<number>();
  for (const { rdata } of addresses) {
    const at = rdata.length === 4 ? 2 : 3;
    places.add(rdata[at]!);
    if (rdata.some((octet, i) => i !== at && octet !== version))
      return `octets ${rdata.toString('hex')} in version ${version}`;
  }
  return places.size === countOf(version) && Math.max(...places) < countOf(version)
    ? undefined
    : 'an address twice';
}

function readUntilStopped({ settings, stop, progress, reader, seed }: ReaderData): ReaderReport {
  const random = makeRandom(seed);
  const responder = createResponder(settings);
  const stopped = new Int32Array(stop);
  const client = Buffer.of(192, 0, 2, 1);
  const reply = Buffer.alloc(UDP_REPLY_OCTETS);
  const faults: string[] = [];
  const versions = new Set<number>();
  let replies = 0;
  let adopted = 0;
  const reached = new Int32Array(progress);
  Atomics.store(reached, reader, Progress.reading);
  while (Atomics.load(stopped, 0) === 0 && faults.length < FAULTS_MAX) {
    const image = responder.isStale ? newestImage() : undefined;
    if (image !== undefined) {
      responder.adopt({ ...settings, image });
      adopted++;
    }
    responder.enter();
    for (let i = 0; i < BATCH; i++) {
      const type = random.pick(['A', 'AAAA', 'SRV']);
      const port = type === 'SRV' ? '_http._tcp.' : '';
      const name = `${port}s${random.below(SERVICES_READ)}.n.f.svc${random.pick(LOCATIONS)}.example.com`;
      const query = makeQuery(name, type, { payloadMax: 4096 });
      const length = responder.answer(query, 0, query.length, reply, 0, Transport.udp, client, 0, 4);
      const message = readMessage(reply.subarray(0, length));
      const fault = faultOf(message);
      if (fault !== undefined) faults.push(`${name} ${type}: ${fault}`);
      versions.add(message.answer[0]?.ttl ?? 0);
      replies++;
    }
    responder.leave();
    if (adopted > 0 && replies > REPLIES_ENOUGH && versions.size > VERSIONS_ENOUGH)
      Atomics.store(reached, reader, Progress.sawEnough);
  }
  return { replies, versions: versions.size, adopted, faults };
}

if (!isMainThread) {
  const port = parentPort!;
  port.postMessage(readUntilStopped(workerData as ReaderData));
  port.close();
}
