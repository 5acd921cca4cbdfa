/** A DNS server on loopback, UDP and TCP, that answers as the test says. Messages are dns2's: a second opinion. */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Packet } from 'dns2';

export interface ScriptedRecord {
  readonly name?: string;
  readonly ttl?: number;
  readonly a?: string;
  readonly aaaa?: string;
  readonly cname?: string;
}

export interface Question {
  readonly name: string;
  readonly type: 'A' | 'AAAA';
  readonly over: 'udp' | 'tcp';
  readonly query: Packet;
  readonly peer?: RemoteInfo;
}

export type Script = (question: Question) => Packet | Buffer | undefined;

export class ScriptedDnsServer {
  /** Decides each reply; nothing: silence. */
  script: Script = () => undefined;
  /** What was asked, for example `A lb.example.net`. */
  asked: string[] = [];
  readonly udp: Socket = createSocket('udp4');
  readonly #tcp: Server;
  readonly #connections = new Set<TcpSocket>();

  constructor() {
    this.#tcp = createServer((socket) => this.#serve(socket));
    this.udp.on('message', (message, peer) => {
      const reply = this.#decide(message, 'udp', peer);
      if (reply !== undefined) this.udp.send(reply, peer.port, peer.address);
    });
  }

  /** For the `resolvers` setting. */
  get address(): string {
    return `127.0.0.1:${this.udp.address().port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#tcp.listen(0, '127.0.0.1', resolve));
    const { port } = this.#tcp.address() as AddressInfo;
    await new Promise<void>((resolve) => this.udp.bind(port, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise<void>((resolve) => this.udp.close(resolve));
    await new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
  }

  /** The questions since the last time, sorted, forgetting them. */
  take(): string[] {
    const asked = this.asked.toSorted();
    this.asked = [];
    return asked;
  }

  #serve(socket: TcpSocket): void {
    this.#connections.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      const reply = this.#decide(chunk.subarray(2), 'tcp');
      if (reply === undefined) return socket.end();
      const prefix = Buffer.alloc(2);
      prefix.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([prefix, reply]));
    });
  }

  #decide(message: Buffer, over: 'udp' | 'tcp', peer?: RemoteInfo): Buffer | undefined {
    const query = Packet.parse(message);
    const { name, type } = query.questions[0]!;
    const mnemonic = type === Packet.TYPE.A ? 'A' : 'AAAA';
    this.asked.push(`${mnemonic} ${name}${over === 'tcp' ? ' over TCP' : ''}`);
    const question = { name, type: mnemonic, over, query, ...(peer === undefined ? {} : { peer }) } as const;
    const reply = this.script(question);
    return reply instanceof Packet ? reply.toBuffer() : (reply as Buffer | undefined);
  }
}

/** A reply to a query with these records; those without a name are the question's. */
export function replyTo(query: Packet, records: readonly ScriptedRecord[], rcode = 0): Packet {
  const reply = Packet.createResponseFromRequest(query);
  reply.header.rcode = rcode;
  reply.header.ra = 1;
  const question = query.questions[0]!;
  for (const record of records) {
    const base = { name: record.name ?? question.name, class: Packet.CLASS.IN, ttl: record.ttl ?? 60 };
    if (record.a !== undefined) add(reply, { ...base, type: Packet.TYPE.A, address: record.a });
    if (record.aaaa !== undefined) add(reply, { ...base, type: Packet.TYPE.AAAA, address: record.aaaa });
    if (record.cname !== undefined) add(reply, { ...base, type: Packet.TYPE.CNAME, domain: record.cname });
  }
  return reply;
}

function add(reply: Packet, record: object): void {
  reply.answers.push(Object.assign(new Packet.Resource(), record));
}

/** A script that answers each name with its records of the type asked for, and CNAME records. */
export function zone(names: Readonly<Record<string, readonly ScriptedRecord[]>>): Script {
  return ({ name, type, query }) => {
    const records = names[name];
    if (records === undefined) return replyTo(query, [], Packet.RCODE.NXDOMAIN);
    const wanted = type === 'A' ? 'a' : 'aaaa';
    return replyTo(
      query,
      records.filter((record) => record[wanted] !== undefined || record.cname !== undefined),
    );
  };
}
