/**
 * Whether servers say the same: asks each the same names and compares what a client would conclude. Speed of wrong
 * answers is no speed.
 */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readMessage } from '../test/support/message.ts';
import { encodeQuery, pickNames, type Mix } from './drivers/queries.ts';
import type { ZoneNames } from './zone.ts';

/** Names that are asked of each server, per mix. */
const SAMPLE = 200;
const TRIES = 3;
const WAIT_MS = 1000;

/** A question and, per server, what it concluded. */
export interface Difference {
  readonly name: string;
  readonly answers: Readonly<Record<string, string>>;
}

/** What all servers are asked. */
export function sampleNames(mixes: readonly Mix[], names: ZoneNames): string[] {
  return mixes.flatMap((mix) => pickNames(mix, names, 7).slice(0, SAMPLE));
}

/** What a server concludes about a name: its RCODE, and the records of its answer in a canonical form. */
export interface Conclusion {
  readonly rcode: string;
  /** Records of the name that was asked for. */
  readonly own: string;
  /** All records, those that aliases lead to included. */
  readonly all: string;
}

/** A server's conclusions. */
export interface Concluded {
  readonly server: string;
  readonly followsAliases: boolean;
  readonly conclusions: readonly (Conclusion | undefined)[];
}

/** Asks one server. */
export async function conclude(
  server: {
    readonly name: string;
    readonly address: string;
    readonly port: number;
    readonly followsAliases: boolean;
  },
  names: readonly string[],
): Promise<Concluded> {
  const socket = createSocket('udp4');
  socket.connect(server.port, server.address);
  await once(socket, 'connect');
  try {
    const conclusions = [];
    for (const [i, name] of names.entries())
      conclusions.push(await ask(socket, encodeQuery(i, name, 1, false)));
    return { server: server.name, followsAliases: server.followsAliases, conclusions };
  } finally {
    socket.close();
  }
}

async function ask(socket: Socket, query: Buffer): Promise<Conclusion | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    socket.send(query);
    const reply = await nextReply(socket, query);
    if (reply !== undefined) return conclusionOf(reply);
  }
  return undefined;
}

async function nextReply(socket: Socket, query: Buffer): Promise<Buffer | undefined> {
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    for (;;) {
      const [reply] = (await once(socket, 'message', { signal })) as [Buffer];
      if (reply.readUInt16BE() === query.readUInt16BE()) return reply;
    }
  } catch {
    return undefined;
  }
}

/** RRsets are sets (RFC 2181 section 5), so their order is not compared. */
function conclusionOf(reply: Buffer): Conclusion {
  const { rcode, answer, question } = readMessage(reply);
  const asked = question?.name.toLowerCase();
  const text = (records: typeof answer): string =>
    records
      .map(({ name, type, ttl, data }) => `${name} ${ttl} ${type} ${data}`.toLowerCase())
      .toSorted()
      .join(', ');
  return { rcode, own: text(answer.filter(({ name }) => name.toLowerCase() === asked)), all: text(answer) };
}

/**
 * The questions on which servers differ. All that follow aliases must say the same; of the others as much as they
 * say: what an alias leads to also decides the RCODE (RFC 6604 section 2.1).
 */
export function compare(names: readonly string[], concluded: readonly Concluded[]): Difference[] {
  const differences: Difference[] = [];
  const followers = concluded.filter(({ followsAliases }) => followsAliases);
  for (const [i, name] of names.entries()) {
    const full = new Set(followers.map(({ conclusions }) => describe(conclusions[i], 'all')));
    const own = new Set(concluded.map(({ conclusions }) => describe(conclusions[i], 'own')));
    if (full.size <= 1 && own.size <= 1) continue;
    const answers = concluded.map(({ server, conclusions }) => [server, describe(conclusions[i], 'all')]);
    differences.push({ name, answers: Object.fromEntries(answers) as Record<string, string> });
  }
  return differences;
}

function describe(conclusion: Conclusion | undefined, records: 'own' | 'all'): string {
  return conclusion === undefined ? 'no reply' : `${conclusion.rcode}: ${conclusion[records]}`;
}
