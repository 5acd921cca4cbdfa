/** A client for tests of DNS over TCP: frames messages, takes replies apart, sees how the connection ends. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

/** A message with its length before it (RFC 1035 section 4.2.2). */
export function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** A minimal query: a header with this ID, and the root as its question. */
export function query(id: number): Buffer {
  const message = Buffer.alloc(17);
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(1, 4);
  message.writeUInt16BE(1, 13);
  message.writeUInt16BE(1, 15);
  return message;
}

export class TcpClient {
  readonly socket: Socket;
  /** What each read brought. */
  readonly reads: Buffer[] = [];
  readonly ended: Promise<'end' | 'reset'>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.reads.push(chunk));
    this.ended = new Promise((resolve) => {
      socket.on('end', () => resolve('end'));
      socket.on('error', () => resolve('reset'));
      socket.on('close', () => resolve('reset'));
    });
  }

  static async open(port: number, localAddress = '127.0.0.1', host = '127.0.0.1'): Promise<TcpClient> {
    const socket = connect({ port, host, localAddress, noDelay: true, allowHalfOpen: true });
    await once(socket, 'connect');
    return new TcpClient(socket);
  }

  send(octets: Uint8Array): void {
    this.socket.write(octets);
  }

  /** The messages received so far, without their lengths. */
  messages(): Buffer[] {
    const stream = Buffer.concat(this.reads);
    const messages = [];
    for (let pos = 0; pos + 2 <= stream.length;) {
      const end = pos + 2 + stream.readUInt16BE(pos);
      if (end > stream.length) break;
      messages.push(stream.subarray(pos + 2, end));
      pos = end;
    }
    return messages;
  }

  /** Waits until so many messages have come; rejects when the connection ends before. */
  async receive(count: number): Promise<Buffer[]> {
    while (this.messages().length < count) {
      const more = once(this.socket, 'data').then(() => undefined);
      const end = await Promise.race([more, this.ended]);
      if (end && this.messages().length < count)
        throw new Error(`${this.messages().length} of ${count} messages`);
    }
    return this.messages();
  }

  close(): void {
    this.socket.destroy();
  }
}
