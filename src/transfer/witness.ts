/**
 * Asks secondaries which serial they have, before anything is handed out to them: another replica may have numbered the zone until now, or the
 * state folder may have been lost, and a secondary takes nothing that is older than what it has (RFC 1982).
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Timers } from '../timers.ts';
import { Class, Type } from '../zonebuilder/dns.ts';
import { encodeName } from '../zonebuilder/names.ts';
import { serialOf } from './wire-record.ts';

/** How long all of them are waited for, in milliseconds; one that is away has no say. */
export const WITNESS_MS = 1000;
/** When those that have not answered are asked again, in milliseconds. */
const AGAIN_MS = 300;
const HEADER_OCTETS = 12;

interface Asked {
  readonly address: string;
  readonly port: number;
}

/**
 * The serials that secondaries answer with.
 *
 * @param randomId - 0 to 65535
 */
export async function askSerials(
  secondaries: readonly Asked[],
  domain: string,
  { timers, randomId }: { readonly timers: Timers; readonly randomId: () => number },
): Promise<number[]> {
  const serials = await Promise.all(
    secondaries.map((asked) => askOne(asked, soaQuery(domain, randomId()), timers)),
  );
  return serials.filter((serial) => serial !== undefined);
}

function askOne({ address, port }: Asked, query: Buffer, timers: Timers): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const socket: Socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  // Connected, so that only the secondary's own words come in.
  socket.on('error', () => {});
  socket.on('message', (reply) => resolve(serialIn(reply, query)));
  socket.connect(port, address, () => socket.send(query));
  const again = timers.after(AGAIN_MS, () => socket.send(query, () => {}));
  const limit = timers.after(WITNESS_MS, () => resolve(undefined));
  return promise.finally(() => {
    again.cancel();
    limit.cancel();
    socket.close();
  });
}

function soaQuery(domain: string, id: number): Buffer {
  const header = Buffer.alloc(HEADER_OCTETS);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(1, 4);
  return Buffer.concat([header, encodeName(domain), Buffer.from([0, Type.SOA, 0, Class.IN])]);
}

/** The serial of a reply whose first record is the SOA; undefined where it is none. */
function serialIn(reply: Buffer, query: Buffer): number | undefined {
  const isReply = reply.length > query.length && reply.readUInt16BE(0) === query.readUInt16BE(0);
  if (!isReply || (reply[2]! & 0x80) === 0 || reply.readUInt16BE(6) === 0) return undefined;
  // The question comes back octet for octet; the owner behind it may be a pointer.
  let at = query.length;
  while (at < reply.length && reply[at] !== 0 && reply[at]! < 0xc0) at += reply[at]! + 1;
  at += reply[at] === 0 ? 1 : 2;
  if (at + 10 > reply.length || reply.readUInt16BE(at) !== Type.SOA) return undefined;
  return serialOf(reply.subarray(at + 10, at + 10 + reply.readUInt16BE(at + 8)));
}
