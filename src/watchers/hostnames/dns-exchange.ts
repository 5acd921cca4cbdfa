/**
 * Sends one DNS message to one server and waits for the reply to it, over UDP or TCP. Owns the sockets, and which message
 * is a reply at all. What the messages say is left to those who ask: dns-client.ts, and the doctor.
 */

import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { ResolverAddress } from './resolv-conf.ts';

/** Octets of a reply, over TCP too: room for hundreds of addresses, and a bound on what decoding can cost. */
export const REPLY_OCTETS_MAX = 8192;
export const HEADER_OCTETS = 12;

/** A query, and how long its reply is waited for. */
export interface Exchange {
  readonly query: Buffer;
  readonly server: ResolverAddress;
  readonly timeoutMs: number;
}

/**
 * A connected socket takes datagrams from the server alone. What does not match the query is passed over.
 *
 * @throws the socket's error, or one that says that no reply came
 */
export function exchangeUdp({ query, server, timeoutMs }: Exchange): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  const timer = setTimeout(() => reject(new Error(`no reply within ${timeoutMs} ms`)), timeoutMs);
  socket.on('error', reject);
  socket.on('message', (message) => {
    if (message.length <= REPLY_OCTETS_MAX && isReplyTo(message, query)) resolve(message);
  });
  socket.connect(server.port, server.address, (error?: Error) => {
    if (error) reject(error);
    else socket.send(query, (sendError) => sendError && reject(sendError));
  });
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

/**
 * RFC 1035 section 4.2.2: two octets of length, then the message.
 *
 * @throws the socket's error, or one that says what is wrong with the reply
 */
export function exchangeTcp({ query, server, timeoutMs }: Exchange): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect({ host: server.address, port: server.port });
  const timer = setTimeout(() => reject(new Error(`no reply over TCP within ${timeoutMs} ms`)), timeoutMs);
  let received = Buffer.alloc(0);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('the connection ended before the reply')));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const length = received.length < 2 ? undefined : received.readUInt16BE(0);
    if (length === undefined || (received.length < 2 + length && length <= REPLY_OCTETS_MAX)) return;
    if (length > REPLY_OCTETS_MAX) return reject(new Error(`a reply of ${length} octets is too long`));
    const message = received.subarray(2, 2 + length);
    if (isReplyTo(message, query)) resolve(message);
    else reject(new Error('the reply over TCP is to another query'));
  });
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16BE(query.length);
  socket.write(Buffer.concat([prefix, query]));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** RFC 5452 section 9.1: the id, and the question as it was asked; case may come back changed. */
function isReplyTo(message: Buffer, query: Buffer): boolean {
  if (message.length < HEADER_OCTETS) return false;
  if (message.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  // QR set, opcode QUERY.
  if ((message[2]! & 0xf8) !== 0x80) return false;
  // An error may come without the question.
  if (message.readUInt16BE(4) === 0) return (message[3]! & 0x0f) !== 0 && message.length === HEADER_OCTETS;
  const end = questionEnd(query);
  const question = (octets: Buffer): string => octets.toString('latin1', HEADER_OCTETS, end).toLowerCase();
  return message.readUInt16BE(4) === 1 && question(message) === question(query);
}

/** Where the question of a query that was made here ends: its name has no pointers. */
function questionEnd(query: Buffer): number {
  let at = HEADER_OCTETS;
  while (query[at]! !== 0) at += query[at]! + 1;
  return at + 5;
}
