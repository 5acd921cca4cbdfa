/**
 * Owns how a query becomes dnstap messages (dnstap.proto, version 1): an AUTH_QUERY and, where there was a reply, an AUTH_RESPONSE,
 * each as a frame. Addresses, ports and times stand in both; the zone, where the query was about ours, and both times in the second.
 */

import assert from 'node:assert/strict';
import { Transport } from '../../server/responder.ts';
import { isBelow, readQuestion } from '../dns-message.ts';
import type { QueryRecord } from '../record.ts';
import { FRAME_HEAD_OCTETS } from './frames.ts';
import { FIELD_OCTETS_MAX, writeFixed32, writeNumber, writeOctets, type ProtoCursor } from './protobuf.ts';

export type MessageKind = 'auth-query' | 'auth-response';

/** Fields of `Dnstap`. */
const Dnstap = { identity: 1, version: 2, message: 14, type: 15 } as const;
const TYPE_MESSAGE = 1;

/** Fields of `Message`. */
const Message = {
  type: 1,
  socketFamily: 2,
  socketProtocol: 3,
  queryAddress: 4,
  responseAddress: 5,
  queryPort: 6,
  responsePort: 7,
  queryTimeSeconds: 8,
  queryTimeNanoseconds: 9,
  queryMessage: 10,
  queryZone: 11,
  responseTimeSeconds: 12,
  responseTimeNanoseconds: 13,
  responseMessage: 14,
} as const;
const AUTH_QUERY = 1;
const AUTH_RESPONSE = 2;
const Family = { inet: 1, inet6: 2 } as const;
/** `SocketProtocol`, by transport. */
const PROTOCOLS = new Map<number, number>([
  [Transport.udp, 1],
  [Transport.tcp, 2],
  [Transport.tls, 3],
]);

/** Octets of a frame besides identity, version and the DNS message: every field of the tables at its longest. */
const FIXED_OCTETS_MAX = 20 * FIELD_OCTETS_MAX + 2 * 16 + 255;

/** What all messages of a server have in common. */
export interface MessageSource {
  readonly identity: Buffer;
  readonly version: Buffer;
  /** The served domain in wire form, lower case. */
  readonly domain: Uint8Array;
  readonly kinds: ReadonlySet<MessageKind>;
}

/** Room that the frames of a record need at most, in octets. */
export function framesOctetsMax({ identity, version }: MessageSource, record: QueryRecord): number {
  return 2 * (FIXED_OCTETS_MAX + identity.length + version.length) + record.queryOctets + record.replyOctets;
}

/** Writes the frames of a record. @returns how many */
export function writeFrames(cursor: ProtoCursor, source: MessageSource, record: QueryRecord): number {
  let frames = 0;
  if (source.kinds.has('auth-query')) {
    writeFrame(cursor, source, (message) => writeQuery(message, record));
    frames++;
  }
  if (source.kinds.has('auth-response') && record.replyOctets > 0) {
    writeFrame(cursor, source, (message) => writeResponse(message, source, record));
    frames++;
  }
  return frames;
}

/** Where a message is written first: how long it is stands in front of it. */
const scratch: ProtoCursor = { octets: Buffer.alloc(FIXED_OCTETS_MAX + 65_536), at: 0 };

function writeFrame(cursor: ProtoCursor, source: MessageSource, write: (message: ProtoCursor) => void): void {
  scratch.at = 0;
  write(scratch);
  const start = cursor.at;
  cursor.at += FRAME_HEAD_OCTETS;
  const { identity, version } = source;
  if (identity.length > 0) writeOctets(cursor, Dnstap.identity, identity, 0, identity.length);
  if (version.length > 0) writeOctets(cursor, Dnstap.version, version, 0, version.length);
  writeOctets(cursor, Dnstap.message, scratch.octets, 0, scratch.at);
  writeNumber(cursor, Dnstap.type, TYPE_MESSAGE);
  cursor.octets.writeUInt32BE(cursor.at - start - FRAME_HEAD_OCTETS, start);
}

function writeQuery(message: ProtoCursor, record: QueryRecord): void {
  writeNumber(message, Message.type, AUTH_QUERY);
  writeEnds(message, record);
  writeTime(message, Message.queryTimeSeconds, Message.queryTimeNanoseconds, record.queryMs);
  writeOctets(message, Message.queryMessage, record.octets, record.queryAt, record.queryOctets);
}

function writeResponse(message: ProtoCursor, { domain }: MessageSource, record: QueryRecord): void {
  writeNumber(message, Message.type, AUTH_RESPONSE);
  writeEnds(message, record);
  writeTime(message, Message.queryTimeSeconds, Message.queryTimeNanoseconds, record.queryMs);
  if (isOurs(record, domain)) writeOctets(message, Message.queryZone, domain, 0, domain.length);
  writeTime(message, Message.responseTimeSeconds, Message.responseTimeNanoseconds, record.replyMs);
  writeOctets(message, Message.responseMessage, record.octets, record.replyAt, record.replyOctets);
}

/** Both addresses are of one family, that of the client's packet. */
function writeEnds(message: ProtoCursor, record: QueryRecord): void {
  const { client, server, clientPort, serverPort, transport } = record;
  writeNumber(message, Message.socketFamily, client.length === 4 ? Family.inet : Family.inet6);
  writeNumber(
    message,
    Message.socketProtocol,
    PROTOCOLS.get(transport) ?? assert.fail(`transport ${transport}`),
  );
  writeOctets(message, Message.queryAddress, client, 0, client.length);
  if (server.length > 0) writeOctets(message, Message.responseAddress, server, 0, server.length);
  writeNumber(message, Message.queryPort, clientPort);
  writeNumber(message, Message.responsePort, serverPort);
}

function writeTime(message: ProtoCursor, secondsField: number, nanosecondsField: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  writeNumber(message, secondsField, seconds);
  // What a double has of the present time is good to about a quarter of a microsecond.
  const microseconds = Math.min(999_999, Math.round((ms - seconds * 1000) * 1000));
  writeFixed32(message, nanosecondsField, microseconds * 1000);
}

function isOurs({ octets, queryAt, queryOctets }: QueryRecord, domain: Uint8Array): boolean {
  const question = readQuestion({ octets, start: queryAt, end: queryAt + queryOctets });
  return question !== undefined && isBelow(question.wireName, domain);
}
