/** A real name server (NSD) on a loopback port, serving one zone file; and questions to it, many in flight. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../process/serving.ts';

/** Questions in flight at once: few enough that no socket buffer overflows. */
const WINDOW = 48;
/** A question that has no answer after this long is asked again. */
const RETRY_MS = 500;
/** Times it is asked before NSD counts as dead. */
const TRIES_MAX = 40;

/** NSD with one zone. */
export class Nsd {
  readonly #process: ChildProcess;
  readonly #asker: Asker;
  #log = '';

  private constructor(child: ChildProcess, asker: Asker) {
    this.#process = child;
    this.#asker = asker;
    child.stderr!.on('data', (data) => (this.#log += data));
  }

  /** Starts NSD on a free port and waits until it answers. */
  static async start(command: string, folder: string, domain: string, zone: string): Promise<Nsd> {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'zone'), zone);
    const port = await freePort();
    writeFileSync(join(folder, 'nsd.conf'), configuration(folder, port, domain));
    const child = spawn(command, ['-d', '-c', join(folder, 'nsd.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new Nsd(child, await Asker.open(port));
  }

  /** What NSD has to say, for a failing test. */
  get log(): string {
    return this.#log;
  }

  /** The replies to the queries, in their order. IDs are overwritten. */
  ask(queries: readonly Buffer[]): Promise<Buffer[]> {
    return this.#asker.ask(queries);
  }

  async stop(): Promise<void> {
    this.#asker.close();
    if (this.#process.exitCode !== null) return;
    this.#process.kill('SIGTERM');
    await once(this.#process, 'exit');
  }
}

/** Everything lies in one folder and belongs to the user who runs the test. */
function configuration(folder: string, port: number, domain: string): string {
  const options = {
    'ip-address': `127.0.0.1@${port}`,
    'do-ip6': 'no',
    'server-count': '1',
    username: '""',
    chroot: '""',
    database: '""',
    zonesdir: `"${folder}"`,
    pidfile: '""',
    xfrdfile: '""',
    xfrdir: `"${folder}"`,
    zonelistfile: `"${folder}/zone.list"`,
    'minimal-responses': 'yes',
    'round-robin': 'no',
    'rrl-ratelimit': '0',
    'rrl-whitelist-ratelimit': '0',
    'log-only-syslog': 'no',
  };
  const lines = Object.entries(options).map(([key, value]) => `  ${key}: ${value}\n`);
  return `server:\n${lines.join('')}remote-control:\n  control-enable: no\nzone:\n  name: ${domain}\n  zonefile: zone\n`;
}

/** Asks over UDP and matches replies to questions by their IDs. */
class Asker {
  readonly #socket: Socket;
  #retry: NodeJS.Timeout | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number): Promise<Asker> {
    const socket = createSocket('udp4');
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    // Until NSD is up its port refuses; the retries go on.
    socket.on('error', () => undefined);
    return new Asker(socket);
  }

  ask(queries: readonly Buffer[]): Promise<Buffer[]> {
    const replies: Buffer[] = [];
    const waiting = new Map<number, number>();
    const { promise, resolve, reject } = Promise.withResolvers<Buffer[]>();
    let next = 0;
    let tries = 0;
    const send = (index: number): void => {
      queries[index]!.writeUInt16BE(index & 0xffff, 0);
      waiting.set(index & 0xffff, index);
      this.#socket.send(queries[index]!);
    };
    const fill = (): void => {
      while (waiting.size < WINDOW && next < queries.length) send(next++);
    };
    const receive = (reply: Buffer): void => {
      const index = waiting.get(reply.readUInt16BE(0));
      if (index === undefined) return;
      waiting.delete(index & 0xffff);
      replies[index] = reply;
      tries = 0;
      fill();
      if (waiting.size === 0) finish();
    };
    const again = (): void => {
      if (++tries > TRIES_MAX) fail();
      else for (const index of waiting.values()) send(index);
    };
    const end = (): void => {
      clearInterval(this.#retry);
      this.#socket.off('message', receive);
    };
    const finish = (): void => {
      end();
      resolve(replies);
    };
    const fail = (): void => {
      end();
      reject(new Error(`no answer to ${waiting.size} queries`));
    };
    this.#socket.on('message', receive);
    this.#retry = setInterval(again, RETRY_MS);
    fill();
    return promise;
  }

  close(): void {
    clearInterval(this.#retry);
    this.#socket.close();
  }
}
