/**
 * The client that a flood must not hurt: a worker thread that asks at a steady rate over UDP and now and then over TCP, and
 * tells how long each answer took. Its source address is not the flood's.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { encodeQuery } from './queries.ts';

export interface GoodClientOptions {
  readonly port: number;
  readonly name: string;
  /** UDP queries per second; TCP gets one query for every twenty of these. */
  readonly rate: number;
  readonly seconds: number;
  /** Where it asks from. */
  readonly address: string;
}

export interface GoodClientReport {
  readonly udp: Answers;
  readonly tcp: Answers;
}

export interface Answers {
  readonly sent: number;
  readonly lost: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Time that an answer has, in milliseconds. */
const PATIENCE_MS = 2000;
const ID_COUNT = 65_536;
const CLIENT_COOKIE = Buffer.from('fedns\0\0\0');
const COOKIE_OCTETS = 24;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage(await ask(workerData as GoodClientOptions));

async function ask(options: GoodClientOptions): Promise<GoodClientReport> {
  const [udp, tcp] = await Promise.all([askUdp(options), askTcp(options)]);
  return { udp, tcp };
}

async function askUdp({ port, name, rate, seconds, address }: GoodClientOptions): Promise<Answers> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  socket.bind(0, address);
  await once(socket, 'listening');
  const sentAt = new Float64Array(ID_COUNT);
  const times: number[] = [];
  let cookie: Buffer = CLIENT_COOKIE;
  socket.on('message', (reply: Buffer) => {
    cookie = cookieOf(reply);
    const id = reply.readUInt16BE(0);
    if (sentAt[id] !== 0) times.push(performance.now() - sentAt[id]!);
    sentAt[id] = 0;
  });
  const start = performance.now();
  let sent = 0;
  while (performance.now() - start < seconds * 1000) {
    for (const due = Math.floor(((performance.now() - start) / 1000) * rate); sent < due; sent++) {
      sentAt[sent % ID_COUNT] = performance.now();
      socket.send(withCookie(sent % ID_COUNT, name, cookie), port, '127.0.0.1');
    }
    await sleep(1);
  }
  await sleep(PATIENCE_MS);
  socket.close();
  return summarise(sent, times);
}

/** A query with the cookie that the server gave last, as resolvers send it (RFC 7873 section 5.1). */
function withCookie(id: number, name: string, cookie: Buffer): Buffer {
  const query = encodeQuery(id, name, 1, true);
  query[query.length - 1] = 4 + cookie.length;
  return Buffer.concat([query, Buffer.of(0, 10, 0, cookie.length), cookie]);
}

/** The cookie stands last in the replies of fedns to such queries. */
function cookieOf(reply: Buffer): Buffer {
  return Buffer.from(reply.subarray(-COOKIE_OCTETS));
}

async function askTcp(options: GoodClientOptions): Promise<Answers> {
  const pauseMs = 20_000 / options.rate;
  const start = performance.now();
  const times: number[] = [];
  let sent = 0;
  while (performance.now() - start < options.seconds * 1000) {
    sent++;
    const ms = await askTcpOnce(options);
    if (ms !== undefined) times.push(ms);
    await sleep(pauseMs);
  }
  return summarise(sent, times);
}

/** A connection for one query. @returns undefined when it fails */
async function askTcpOnce({ port, name, address }: GoodClientOptions): Promise<number | undefined> {
  const start = performance.now();
  const socket = connect({ port, host: '127.0.0.1', localAddress: address, noDelay: true });
  const message = encodeQuery(1, name, 1, false);
  socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 255), message]));
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
  const ok = await Promise.race([
    once(socket, 'data').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false);
  clearTimeout(timer);
  socket.destroy();
  return ok ? performance.now() - start : undefined;
}

function summarise(sent: number, times: readonly number[]): Answers {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { sent, lost: sent - times.length, p50: at(0.5), p99: at(0.99) };
}
