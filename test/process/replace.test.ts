/** A fedns process that another one follows, under queries all the while, and the ways in which that comes to nothing. */

import { createSocket, type Socket } from 'node:dgram';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { query, soaSerial } from '../support/soa-query.ts';
import { TcpClient, framed } from '../server/tcp/tcp-client.ts';
import { addressesOf, lookAgain, MAIN, manifest, NGINX, serve, site, start } from './serving.ts';
import type { Process, Site } from './serving.ts';

if (process.platform !== 'linux') {
  t.plan(0, 'sockets are passed on by the batch transport, which is Linux’s');
  process.exit();
}

t.setTimeout(300_000);

/** Queries under way at a time: enough that one is always in the socket while the processes change. */
const UNDER_WAY = 8;

/** A client that asks for the SOA record without pause, and never twice: what is lost stays missing. */
class Asker {
  /** In the order of the replies. */
  readonly serials: number[] = [];
  readonly #socket: Socket = createSocket('udp4');
  readonly #port: number;
  readonly #open = new Set<number>();
  #next = 0;
  #isOver = false;
  #onReply: (() => void) | undefined;

  constructor(port: number) {
    this.#port = port;
    this.#socket.on('message', (reply) => this.#take(reply));
  }

  begin(): void {
    for (let i = 0; i < UNDER_WAY; i++) this.#ask();
  }

  /** Resolves once everything that was asked is answered. */
  async end(): Promise<void> {
    this.#isOver = true;
    while (this.#open.size > 0) await new Promise<void>((resolve) => (this.#onReply = resolve));
    this.#socket.close();
  }

  /** Resolves once so many more replies have come. */
  async more(count: number): Promise<void> {
    const wanted = this.serials.length + count;
    while (this.serials.length < wanted) await new Promise<void>((resolve) => (this.#onReply = resolve));
  }

  #ask(): void {
    const id = this.#next++ & 0xffff;
    this.#open.add(id);
    this.#socket.send(query(id), this.#port, '127.0.0.1');
  }

  #take(reply: Buffer): void {
    if (!this.#open.delete(reply.readUInt16BE())) return;
    this.serials.push(soaSerial(reply));
    if (!this.#isOver) this.#ask();
    this.#onReply?.();
  }
}

/** Runs `fedns replace`. @returns its exit code and output */
async function replace(test: Test, { file }: Site): Promise<{ code: number | string; output: string }> {
  const command = start(test, process.execPath, [MAIN, 'replace', '--config', file]);
  return { code: await command.ended, output: command.output() };
}

/** The process that the state folder belongs to; it is ended with the test, for nobody here has started it. */
function holder(test: Test, { folder }: Site): number {
  const { pid } = JSON.parse(readFileSync(join(folder, 'state', 'lock'), 'utf8')) as { pid: number };
  test.teardown(async () => {
    if (!isAlive(pid)) return;
    process.kill(pid, 'SIGKILL');
    while (isAlive(pid)) await lookAgain();
  });
  return pid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that nobody has waited for yet counts as gone.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** The exit code; the pipes of a process stay open as long as one that follows it has them. */
async function exitOf({ child }: Process): Promise<number> {
  while (child.exitCode === null) await lookAgain();
  return child.exitCode;
}

async function change(at: Site, address: string): Promise<void> {
  writeFileSync(join(at.folder, 'cluster', 'nginx.yaml'), manifest(address));
  while ((await addressesOf(at.port, NGINX))[0] !== address) await lookAgain();
}

t.test(
  'one process after another takes over, no query is lost, and the serial never goes back',
  async (t) => {
    const at = await site(t);
    const first = await serve(t, at.file);
    const asker = new Asker(at.port);
    asker.begin();
    let pid = first.child.pid!;
    // Sockets are opened beside those that are there, and given up: both change where the kernel sends a client's queries.
    for (const [workers, address] of [
      [3, '192.0.2.11'],
      [1, '192.0.2.12'],
    ] as const) {
      writeFileSync(at.file, readFileSync(at.file, 'utf8').replace(/workers: \d/, `workers: ${workers}`));
      const { code, output } = await replace(t, at);
      t.strictSame([code, output.includes(`has replaced process ${pid}`)], [0, true], output);
      t.not(holder(t, at), pid);
      pid = holder(t, at);
      await asker.more(UNDER_WAY);
      await change(at, address);
    }
    await asker.end();
    t.equal(await exitOf(first), 0, 'the first one has ended as if it had been told to');
    t.strictSame(asker.serials, inOrder(asker.serials));
    t.equal((await fetch(`http://127.0.0.1:${at.adminPort}/readyz`)).status, 200);
  },
);

/** Replies overtake each other; a serial goes back where it is behind one that was replied before the query was sent. */
function inOrder(serials: readonly number[]): number[] {
  let newest = 0;
  return serials.map((serial, i) => {
    newest = Math.max(newest, serials[i - 2 * UNDER_WAY] ?? 0);
    return serial >= newest ? serial : newest;
  });
}

t.test('a connection goes on being answered while its process ends', async (t) => {
  const at = await site(t);
  const first = await serve(t, at.file);
  const client = await TcpClient.open(at.port);
  client.send(framed(query(1)));
  await client.receive(1);
  const progress = { isOver: false };
  const replaced = replace(t, at).then(() => (progress.isOver = true));
  // Each query waits for the reply to the one before, up to the close that the server begins.
  for (let id = 2; !progress.isOver && (await isAnswered(client, id)); id++);
  await replaced;
  holder(t, at);
  t.equal(await exitOf(first), 0);
  t.equal(await client.ended, 'end', 'and is closed in order, not reset');
  client.close();
  const next = await TcpClient.open(at.port);
  next.send(framed(query(1)));
  t.equal((await next.receive(1)).length, 1);
  next.close();
});

async function isAnswered(client: TcpClient, id: number): Promise<boolean> {
  client.send(framed(query(id)));
  return client.receive(id).then(
    () => true,
    () => false,
  );
}

t.test('a configuration with a fault leaves everything as it was, and once mended it is taken', async (t) => {
  const at = await site(t);
  const first = await serve(t, at.file);
  const text = readFileSync(at.file, 'utf8');
  const asker = new Asker(at.port);
  asker.begin();
  // The command looks at the file itself; whoever sends the signal does not.
  writeFileSync(at.file, `${text}nonsense: 1\n`);
  const refused = await replace(t, at);
  t.equal(refused.code, 1);
  t.match(refused.output, /nonsense/);
  first.child.kill('SIGUSR2');
  await first.until(/NOT_REPLACED[^\n]*ended with 1/);
  t.ok(existsSync(join(at.folder, 'state', 'succession.json')));
  writeFileSync(at.file, text);
  await change(at, '192.0.2.21');
  t.equal((await replace(t, at)).code, 0);
  t.not(holder(t, at), first.child.pid);
  await asker.end();
  t.notOk(existsSync(join(at.folder, 'state', 'succession.json')), 'nothing is told of the earlier attempt');
});

t.test('nothing follows where no state is kept, nor with the portable transport', async (t) => {
  const at = await site(t);
  const text = readFileSync(at.file, 'utf8');
  writeFileSync(at.file, `${text}stateDir: false\n`);
  const stateless = await replace(t, at);
  t.equal(stateless.code, 1);
  t.match(stateless.output, /without stateDir/);
  writeFileSync(at.file, `${text}transport: portable\n`);
  await serve(t, at.file);
  const { code, output } = await replace(t, at);
  t.equal(code, 1);
  t.match(output, /batch transport/);
  t.strictSame(await addressesOf(at.port, NGINX), ['192.0.2.10']);
});

t.test('no process of this machine to be replaced is told', async (t) => {
  const { code, output } = await replace(t, await site(t));
  t.equal(code, 1);
  t.match(output, /no fedns of this machine uses/);
});

t.test(
  'after SIGTERM queries are answered on while readiness is off, until the time or a second signal',
  async (t) => {
    const at = await site(t);
    writeFileSync(at.file, `${readFileSync(at.file, 'utf8')}drainSeconds: 3600\n`);
    const fedns = await serve(t, at.file);
    fedns.child.kill('SIGTERM');
    await fedns.until(/"drainSeconds":3600,"msg":"stopping"/);
    const ready = await fetch(`http://127.0.0.1:${at.adminPort}/readyz`);
    t.strictSame([ready.status, await ready.text()], [503, 'draining: this process is to end\n']);
    await change(at, '192.0.2.31');
    fedns.child.kill('SIGTERM');
    t.equal(await fedns.ended, 0);
  },
);

/** Prints each datagram that comes to a socket, in one line: Node has no such sockets, and any Debian has Perl. */
const MANAGER = String.raw`use Socket; $| = 1;
socket(S, AF_UNIX, SOCK_DGRAM, 0) and bind(S, sockaddr_un($ARGV[0])) or die $!;
print "bound\n";
while (defined recv(S, $m, 4096, 0)) { $m =~ s/\n/ /g; print "$m\n" }`;

t.test('systemd hears of start, reload, the process that follows, and stop', async (t) => {
  const at = await site(t);
  // The path of such a socket has 107 octets at most.
  const folder = mkdtempSync(join(tmpdir(), 'fedns-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const socket = join(folder, 'notify');
  const manager = start(t, 'perl', ['-e', MANAGER, socket]);
  await manager.until(/^bound$/m);
  const args = [`NOTIFY_SOCKET=${socket}`, process.execPath, MAIN, 'serve', '--config', at.file];
  const fedns = start(t, 'env', args);
  await manager.until(/^READY=1 STATUS=answers at 127\.0\.0\.1:\d+ $/m);
  fedns.child.kill('SIGHUP');
  await manager.until(/^RELOADING=1 MONOTONIC_USEC=\d+ $\n^READY=1/m);
  t.equal((await replace(t, at)).code, 0);
  const pid = holder(t, at);
  await manager.until(new RegExp(`^MAINPID=${pid} $`, 'm'));
  await manager.until(/(^READY=1[^\n]*\n[^]*){3}/m);
  process.kill(pid, 'SIGTERM');
  await manager.until(/^STOPPING=1 EXTEND_TIMEOUT_USEC=10000000 $/m);
  t.pass();
});
