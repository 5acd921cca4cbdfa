/** The domain that the tables of this folder ask about, and the ways they ask. */
import type { Test } from 'tap';
import type { QueryPolicy } from '../../src/server/policy/policy.ts';
import { createCookieMemory } from '../../src/server/policy/cookies.ts';
import { Transport } from '../../src/server/responder.ts';
import type { ListenError } from '../../src/server/socket-address.ts';
import { chooseTransport } from '../../src/server/workers/udp-transport.ts';
import { WorkerPool } from '../../src/server/workers/worker-pool.ts';
import type { ListenAddress } from '../../src/config/settings.ts';
import { Client, keepLog, TRANSPORTS } from '../server/transport-fixture.ts';
import { parseAddress } from '../../src/zonebuilder/ip-text.ts';
import { makeQuery } from '../support/message.ts';
import { framed, TcpClient } from '../server/tcp/tcp-client.ts';
import { makeFederation, type Federation, type FederationOptions } from '../support/federation.ts';

export const SERVICE = 'web.shop.main.svc.example.com';

/** As a server is configured by default, apart from a name to tell. */
export const DEFAULT_POLICY: QueryPolicy = {
  access: { allow: [], deny: [] },
  cookies: { memory: createCookieMemory(), required: false },
  nsid: 'ns1-test',
  chaos: { version: '', id: '' },
};

/** One Service in two zones of one region, none in another region, and a static record of every kind. */
export function makeDomain(options: FederationOptions = {}): Federation {
  const federation = makeFederation({
    policy: DEFAULT_POLICY,
    records: [
      'alias.example.com CNAME web.shop.main.svc.example.com',
      'away.example.com CNAME lb.provider.example',
      'type666.example.com TYPE666 \\# 4 0a0b0c0d',
      '*.wild.example.com A 192.0.2.9',
      'sub.example.com NS ns.sub.example.com',
      'ns.sub.example.com A 192.0.2.53',
      `big.example.com TXT "${'a'.repeat(245)}" "${'b'.repeat(245)}"`,
      'loop1.example.com CNAME loop2.example.com',
      'loop2.example.com CNAME loop1.example.com',
      ...Array.from({ length: 100 }, (_, i) => `c${i}.chain.example.com CNAME c${i + 1}.chain.example.com`),
      'c100.chain.example.com A 192.0.2.100',
      ...Array.from({ length: 40 }, (_, i) => `many.example.com NS ns${i}.many.example.com`),
      ...Array.from({ length: 40 }, (_, i) => `ns${i}.many.example.com A 192.0.2.${i + 1}`),
    ],
    ...options,
  });
  federation.cluster('one', 'r9', ['z9']);
  federation.cluster('two', 'r9', ['z8']);
  federation.cluster('empty', 'r1', ['z1']);
  const ports = [{ name: 'http', protocol: 'tcp', port: 80 }] as const;
  federation.shard('one', 'web.shop.main', { addresses: ['192.0.2.1', '2001:db8::1'], ports });
  federation.shard('two', 'web.shop.main', { addresses: ['192.0.2.2'], ports });
  return federation;
}

/** One way to ask a server. */
export interface Way {
  readonly name: string;
  readonly over: 'UDP' | 'TCP';
  /** The port, where there is a socket. */
  readonly port?: number;
  /** @returns the reply; undefined when none comes */
  ask(query: Buffer): Promise<Buffer | undefined>;
}

/**
 * The responder by itself, and workers with real sockets: both UDP transports, and TCP.
 *
 * @param from - IPv4 address that is asked from, of 127.0.0.0/8; default: any
 */
export async function waysTo(t: Test, federation: Federation, from?: string): Promise<Way[]> {
  const client = from === undefined ? undefined : parseAddress(from);
  const ways: Way[] = [
    {
      name: 'the responder',
      over: 'UDP',
      ask: async (query) => federation.askRaw(query, Transport.udp, client),
    },
  ];
  for (const [i, kind] of TRANSPORTS.entries()) {
    const listen = await startWorkers(t, federation, kind, 1 + 2 * i);
    ways.push(await overUdp(t, listen, `UDP, ${kind}`, from));
    if (i === 0) ways.push(overTcp(listen, from));
  }
  return ways;
}

async function startWorkers(
  t: Test,
  federation: Federation,
  kind: 'batch' | 'portable',
  firstReader: number,
): Promise<ListenAddress> {
  const pool = new WorkerPool({
    transport: await chooseTransport(kind),
    listen: [{ address: '127.0.0.1', port: 0 }],
    workers: 1,
    settings: federation.settings(),
    firstReader,
    tcp: {},
    log: keepLog(),
  });
  try {
    const [listen] = await pool.start();
    t.teardown(() => pool.stop());
    return listen!;
  } catch (error) {
    // The port that the system chose for UDP may be in use over TCP, by some other test's client.
    if ((error as ListenError).code !== 'EADDRINUSE') throw error;
    return startWorkers(t, federation, kind, firstReader);
  }
}

/**
 * Of a query that gets no reply one learns by the reply to one that is sent later: replies of one batch may change
 * places, but when a query is answered that was sent after another's reply had come, the batch of both is done.
 */
async function overUdp(t: Test, listen: ListenAddress, name: string, from?: string): Promise<Way> {
  const client = await Client.connect(listen, from);
  t.teardown(() => client.close());
  const fences = [0x600d, 0x600e].map((id) => makeQuery(SERVICE, 'A', { id }));
  let received = 0;
  return {
    name,
    over: 'UDP',
    async ask(query) {
      await client.sent(query);
      let reply: Buffer | undefined;
      for (const fence of fences) {
        await client.sent(fence);
        for (let next = await nextReply(); !isReplyTo(fence, next); next = await nextReply()) reply = next;
      }
      return reply;
    },
  };

  async function nextReply(): Promise<Buffer> {
    return (await client.received(received + 1))[received++]!;
  }
}

function isReplyTo(query: Buffer, reply: Buffer): boolean {
  return query.readUInt16BE(0) === reply.readUInt16BE(0);
}

function overTcp({ port }: ListenAddress, from?: string): Way {
  return {
    name: 'TCP',
    over: 'TCP',
    port,
    async ask(query) {
      const client = await TcpClient.open(port, from);
      client.send(framed(query));
      // The end of what we send has the server close behind its reply, or without one.
      client.socket.end();
      await client.ended;
      return client.messages()[0];
    },
  };
}
