/** `fedns serve` as a process that watches the scripted clusters: its configuration, its life, what it says of itself. */

import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/process/serving.ts';
import { DOMAIN } from '../domain.ts';
import { FEDERATION } from '../federation.ts';
import { encodeQuery } from '../drivers/queries.ts';

const SOURCE = new URL('../../src/main.ts', import.meta.url).pathname;
const STOP_MS_MAX = 30_000;
const REPLY_MS_MAX = 200;
const NS_PER_MS = 1e6;

export interface WatchingOptions {
  readonly folder: string;
  /** URLs of the API servers. */
  readonly clusters: readonly string[];
  readonly authority: string;
  /** Options of Node itself, such as `--cpu-prof`. */
  readonly nodeOptions: readonly string[];
  /** The program. Default: the source, which Node strips of its types. */
  readonly main?: string;
}

/** What the metrics page says, by name with labels. */
export type Samples = ReadonlyMap<string, number>;

/** Time of the thread that watches and builds, in milliseconds. */
export interface ThreadTime {
  readonly runMs: number;
  /** Ready to run, while other processes had the cores. */
  readonly waitMs: number;
}

export class WatchingFedns {
  readonly #options: WatchingOptions;
  #child: ChildProcess | undefined;
  #socket: Socket | undefined;
  #port = 0;
  #adminPort = 0;

  constructor(options: WatchingOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async start(): Promise<void> {
    const { folder, nodeOptions, main = SOURCE } = this.#options;
    [this.#port, this.#adminPort] = [await freePort(), await freePort()];
    const config = this.#writeConfig();
    const log = openSync(join(folder, 'log'), 'a');
    const args = [...nodeOptions, main, 'serve', '--config', config];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#socket = createSocket('udp4').on('error', () => {});
    this.#socket.connect(this.#port, '127.0.0.1');
    await once(this.#socket, 'connect');
  }

  async stop(): Promise<void> {
    this.#socket?.close();
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const impatient = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await exited;
    clearTimeout(impatient);
  }

  /** The IPv4 addresses of a name; none where there is no reply either. @throws Error when fedns has ended */
  async addresses(name: string): Promise<string[]> {
    if (this.#child!.exitCode !== null) throw new Error(`fedns ended, see ${this.#options.folder}/log`);
    const socket = this.#socket!;
    const signal = AbortSignal.timeout(REPLY_MS_MAX);
    try {
      socket.send(encodeQuery(1, name, 1, false));
      const [reply] = (await once(socket, 'message', { signal })) as [Buffer];
      return lastAddresses(reply);
    } catch {
      return [];
    }
  }

  async samples(): Promise<Samples> {
    const response = await fetch(`http://127.0.0.1:${this.#adminPort}/metrics`);
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  /** Since the start, all threads together. */
  peakResidentMebibytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+)/m.exec(status)![1]) / 1024;
  }

  controlThread(): ThreadTime {
    const stat = readFileSync(`/proc/${this.pid}/task/${this.pid}/schedstat`, 'utf8').split(' ');
    return { runMs: Number(stat[0]) / NS_PER_MS, waitMs: Number(stat[1]) / NS_PER_MS };
  }

  /** JSON is YAML too. Region and zones are left to be concluded from the Nodes. */
  #writeConfig(): string {
    const { folder, clusters, authority } = this.#options;
    const entries = clusters.map((url, i) => {
      const path = join(folder, `kubeconfig-${i}`);
      writeFileSync(path, JSON.stringify(kubeconfig(url, authority)));
      return { name: `cluster-${i}`, kubeconfig: { path, context: 'bench' } };
    });
    const config = {
      domain: DOMAIN,
      nameservers: [{ name: `ns1.${DOMAIN}`, addresses: ['192.0.2.53'] }],
      hostmaster: `hostmaster.${DOMAIN}`,
      listen: [`127.0.0.1:${this.#port}`],
      admin: `127.0.0.1:${this.#adminPort}`,
      stateDir: join(folder, 'state'),
      federations: [{ name: FEDERATION }],
      clusters: entries,
    };
    writeFileSync(join(folder, 'fedns.yaml'), JSON.stringify(config));
    return join(folder, 'fedns.yaml');
  }
}

function kubeconfig(url: string, authority: string): unknown {
  const data = Buffer.from(authority).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bench', cluster: { server: url, 'certificate-authority-data': data } }],
    users: [{ name: 'bench', user: { token: 'bench' } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
  };
}

/** Replies have the A records asked for and nothing behind them: 16 octets each, the owner a pointer. */
function lastAddresses(reply: Buffer): string[] {
  const count = (reply[3]! & 15) === 0 ? reply.readUInt16BE(6) : 0;
  const start = reply.length - count * 16;
  return Array.from({ length: count }, (_, i) => {
    const record = reply.subarray(start + i * 16, start + i * 16 + 16);
    return record.readUInt16BE(2) === 1 ? record.subarray(12).join('.') : '';
  });
}
