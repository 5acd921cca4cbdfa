/** The domain that the tables of this folder ask about, and the ways they ask. */
import type { Test } from 'tap';
import type { QueryPolicy } from '../../src/server/policy.ts';
import { createCookieMemory } from '../../src/server/cookies.ts';
import { Transport } from '../../src/server/responder.ts';
import { TcpServer } from '../../src/server/tcp.ts';
import { framed, TcpClient } from '../server/tcp-client.ts';
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
  readonly transport: Transport;
  /** @returns the reply; undefined when none comes */
  ask(query: Buffer): Promise<Buffer | undefined>;
}

/** The responder by itself, as each transport calls it, and through sockets. */
export async function waysTo(t: Test, federation: Federation): Promise<Way[]> {
  return [
    { name: 'UDP', transport: Transport.udp, ask: async (query) => federation.askRaw(query, Transport.udp) },
    await overTcp(t, federation),
  ];
}

async function overTcp(t: Test, federation: Federation): Promise<Way> {
  const server = new TcpServer({
    listen: [{ address: '127.0.0.1', port: 0 }],
    responder: federation.responder,
    counters: federation.counters,
  });
  const [bound] = await server.start();
  t.teardown(() => server.stop());
  return {
    name: 'TCP',
    transport: Transport.tcp,
    async ask(query) {
      const client = await TcpClient.open(bound!.port);
      client.send(framed(query));
      // The end of what we send has the server close behind its reply, or without one.
      client.socket.end();
      await client.ended;
      return client.messages()[0];
    },
  };
}
