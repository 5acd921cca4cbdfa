/**
 * The faults of the kit, one row each: how the world is made for it, what is done to it, and what fedns has to do. Each holds
 * its allowance, which is how long an answer may be given that was right before.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BATCH_PACKETS } from '../../src/server/udp/batch-layout.ts';
import { lookAgain, MAIN } from '../../test/process/serving.ts';
import { replyTo, ScriptedDnsServer } from '../../test/watchers/hostnames/scripted-dns-server.ts';
import { service, slice } from '../../test/watchers/kubernetes-objects.ts';
import { SERVICES, SLICES, type ScriptedRequest } from '../../test/watchers/scripted-api-server.ts';
import { CLUSTERS, World, type WorldOptions } from './world.ts';

/** What a fault shows beside its tally. Times in milliseconds; absent: there is no such thing in it. */
export interface Outcome {
  /** From the fault until the answers are without what is gone. */
  readonly withdrawMs?: number;
  /** From the end of the fault until all is answered as it is. */
  readonly recoverMs?: number;
  /** Queries that may be lost: nobody is there to answer. Default: none. */
  readonly lossMax?: number;
}

export interface Fault {
  readonly name: string;
  readonly about: string;
  readonly world: WorldOptions;
  /** Why it cannot be played here; undefined: it can. */
  readonly lacks?: () => string | undefined;
  readonly play: (world: World) => Promise<Outcome>;
}

/** Changes reach the answers within this on a machine that is busy with other things, in milliseconds. */
const CHANGE_MS = 3000;
/** A cluster that is out of reach is found to be (20 s at most), counts on for its grace (2 s), and goes. */
const OUTAGE_MS = 40_000;
/** How long a fault lasts that must change nothing, in milliseconds: several times the grace. */
const QUIET_MS = 8000;
/** Host names are looked up anew after 30 s, and tried again 10 s later, in milliseconds. */
const LOOK_AGAIN_MS = 45_000;
const DAY_SECONDS = 86_400;
const HOUR_MS = 3_600_000;

export const FAULTS: readonly Fault[] = [
  {
    name: 'api-down',
    about: 'one API server of four is gone, and comes back',
    world: { allowanceMs: OUTAGE_MS },
    play: async (world) => {
      await world.servers[0]!.stop();
      world.setCounts(0, false);
      const withdrawMs = await world.untilRight();
      await world.servers[0]!.start();
      world.setCounts(0, true);
      return { withdrawMs, recoverMs: await world.untilRight() };
    },
  },
  {
    name: 'all-down',
    about: 'all API servers are gone: it is fedns that is cut off, and every answer stays',
    world: { allowanceMs: CHANGE_MS },
    play: async (world) => {
      for (const server of world.servers) await server.stop();
      await after(3 * QUIET_MS);
      for (const server of world.servers) await server.start();
      return { recoverMs: await changeAll(world) };
    },
  },
  {
    name: 'watch-silent',
    about: 'watches of one cluster stay open and tell nothing of a change; the others are followed',
    world: { allowanceMs: 60_000 },
    play: async (world) => {
      const [server] = world.servers;
      server!.scripts = [silence];
      server!.reset();
      await after(QUIET_MS);
      world.move(1, '192.0.2.51');
      await world.untilRight();
      world.move(0, '192.0.2.50');
      server!.scripts = [];
      return { recoverMs: await world.untilRight() };
    },
  },
  {
    name: 'stale-list',
    about: 'an API server goes back in time: lists have what was before a change',
    world: { allowanceMs: CHANGE_MS },
    play: async (world) => {
      const [server] = world.servers;
      const old = { version: server!.version, address: world.address(0) };
      world.move(0, '192.0.2.60');
      await world.untilRight();
      await after(CHANGE_MS);
      server!.scripts = [(asked) => listOld(asked, old)];
      server!.reset();
      await after(QUIET_MS);
      server!.scripts = [];
      server!.reset();
      world.move(0, '192.0.2.61');
      return { recoverMs: await world.untilRight() };
    },
  },
  {
    name: 'gone-storm',
    about: 'every watch is refused with 410 Gone, changes go on',
    world: { allowanceMs: 30_000 },
    play: async (world) => {
      const [server] = world.servers;
      server!.scripts = [gone];
      server!.reset();
      for (const host of [70, 71, 72]) {
        world.move(0, `192.0.2.${host}`);
        await world.untilRight();
      }
      server!.scripts = [];
      world.move(0, '192.0.2.73');
      return { recoverMs: await world.untilRight() };
    },
  },
  {
    name: 'clock-step',
    about: 'the wall clock goes a day forward, a year back, to 1970 and home',
    world: { allowanceMs: CHANGE_MS, env: withFakeTime },
    lacks: () => missing('faketime'),
    play: async (world) => {
      let recoverMs = 0;
      const steps = [DAY_SECONDS, -365 * DAY_SECONDS, -56 * 365 * DAY_SECONDS, 0];
      for (const [i, offsetSeconds] of steps.entries()) {
        setClock(world.folder, offsetSeconds);
        while (Math.abs((await world.clockMs()) - Date.now() - offsetSeconds * 1000) > HOUR_MS)
          await lookAgain();
        world.move(i % CLUSTERS, `192.0.2.${80 + i}`);
        recoverMs = Math.max(recoverMs, await world.untilRight());
      }
      return { recoverMs };
    },
  },
  {
    name: 'disk-full',
    about: 'the file system of the state folder has no room left',
    world: { allowanceMs: CHANGE_MS, before: onTinyDisk },
    lacks: () => missing('unshare') ?? noNamespace(),
    play: async (world) => {
      // Through the process: the file system is mounted where only it sees it.
      const state = `/proc/${world.child.pid}/root${join(world.folder, 'state')}`;
      fill(join(state, 'other'));
      const recoverMs = await changeAll(world);
      // The journal of these changes finds out.
      while (!world.log.includes('ENOSPC')) await once(world.child.stderr!, 'data');
      return { recoverMs };
    },
  },
  {
    name: 'kill-9',
    about: 'fedns is killed while one API server is gone, and started again',
    world: { allowanceMs: OUTAGE_MS },
    play: async (world) => {
      await after(1500);
      await world.servers[0]!.stop();
      world.setCounts(0, false);
      await world.stopServing('SIGKILL');
      const startMs = performance.now();
      await world.serve();
      const withdrawMs = await world.untilRight();
      await world.servers[0]!.start();
      world.setCounts(0, true);
      await world.untilRight();
      return { withdrawMs, recoverMs: performance.now() - startMs - withdrawMs, lossMax: Infinity };
    },
  },
  {
    name: 'worker-crash',
    about: 'a thread that answers dies, twice',
    world: {
      allowanceMs: CHANGE_MS,
      node: ['--import', fileURLToPath(new URL('crash-workers.ts', import.meta.url))],
    },
    play: async (world) => {
      let recoverMs = 0;
      for (const host of [90, 91]) {
        world.child.kill('SIGWINCH');
        while (world.log.split('another follows').length <= host - 89)
          await once(world.child.stderr!, 'data');
        recoverMs = Math.max(recoverMs, await world.untilRight());
        world.move(0, `192.0.2.${host}`);
        await world.untilRight();
      }
      // A batch that the thread had taken from its socket goes with it.
      return { recoverMs, lossMax: 2 * BATCH_PACKETS };
    },
  },
  {
    name: 'hostile-cluster',
    about: 'one cluster sends rubbish, thousands of objects and the names of others; the others are followed',
    world: { allowanceMs: OUTAGE_MS },
    play: async (world) => {
      const [server] = world.servers;
      for (let i = 0; i < 3000; i++) server!.put(SERVICES, hostileService(i));
      for (let i = 0; i < 200; i++)
        server!.send(SLICES, `{"type":"ADDED","object":${'['.repeat(1 + (i % 50))}\n`);
      server!.put(SLICES, slice(null, { name: 'broken' }));
      let recoverMs = 0;
      for (const host of [100, 101, 102]) {
        world.move(1, `192.0.2.${host}`);
        recoverMs = Math.max(recoverMs, await world.judge.until(regionOf(1), [`192.0.2.${host}`]));
      }
      return { recoverMs };
    },
  },
  {
    name: 'flapping',
    about: 'endpoints of one cluster become ready and not, 50 times a second; the others stay',
    world: { allowanceMs: CHANGE_MS },
    play: async (world) => {
      for (let i = 0; i < 250; i++) {
        world.setReady(0, i % 2 === 1);
        await after(20);
      }
      world.setReady(0, false);
      const withdrawMs = await world.untilRight();
      world.setReady(0, true);
      return { withdrawMs, recoverMs: await world.untilRight() };
    },
  },
  lostHostname(),
  {
    name: 'replaced',
    about: 'another process takes over, three times in a row (fedns replace)',
    world: { allowanceMs: CHANGE_MS },
    play: async (world) => {
      let recoverMs = 0;
      for (const host of [120, 121, 122]) {
        const startMs = performance.now();
        await run([MAIN, 'replace', '-c', world.file]);
        world.move(0, `192.0.2.${host}`);
        await world.untilRight();
        recoverMs = Math.max(recoverMs, performance.now() - startMs);
      }
      return { recoverMs };
    },
  },
];

/** The name of a load balancer stops resolving: its last addresses count on. */
function lostHostname(): Fault {
  let dns: ScriptedDnsServer | undefined;
  return {
    name: 'lost-hostname',
    about: 'the host name of a load balancer resolves no more, for longer than it is looked up anew',
    world: { allowanceMs: CHANGE_MS },
    play: async (world) => {
      dns = await new ScriptedDnsServer().start();
      try {
        return await loseHostname(world, dns);
      } finally {
        await dns.stop();
      }
    },
  };
}

async function loseHostname(world: World, dns: ScriptedDnsServer): Promise<Outcome> {
  dns.script = ({ query, type }) => replyTo(query, type === 'A' ? [{ a: '192.0.2.110', ttl: 1 }] : []);
  writeFileSync(world.file, `${world.config}resolvers: ['${dns.address}']\n`);
  world.child.kill('SIGHUP');
  await world.followHostname(0, 'lb.example.net', '192.0.2.110');
  dns.script = () => undefined;
  await after(LOOK_AGAIN_MS);
  return { recoverMs: await changeOthers(world) };
}

/** Every cluster's Service gets another address. @returns how long until all answers have them */
async function changeAll(world: World): Promise<number> {
  for (let i = 0; i < CLUSTERS; i++) world.move(i, `198.51.100.${i + 1}`);
  return world.untilRight();
}

async function changeOthers(world: World): Promise<number> {
  for (let i = 1; i < CLUSTERS; i++) world.move(i, `198.51.100.${i + 1}`);
  return world.untilRight();
}

function regionOf(index: number): string {
  return `nginx.web.main.svc.r${index}.example.com`;
}

/** Watches begin, and that is all. */
function silence({ watch, response }: ScriptedRequest): boolean {
  if (!watch) return false;
  response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  return true;
}

function gone({ watch, response }: ScriptedRequest): boolean {
  if (!watch) return false;
  const status = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', message: 'too old' };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
  return true;
}

function listOld(
  { path, watch, response }: ScriptedRequest,
  old: { version: number; address: string },
): boolean {
  if (watch || path !== SERVICES) return false;
  const items = [service({ ingress: [{ ip: old.address }] })];
  const metadata = { resourceVersion: String(old.version) };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'ServiceList', apiVersion: 'v1', metadata, items }));
  return true;
}

/** Names that are none, addresses that are none, names of others. */
function hostileService(i: number): Record<string, unknown> {
  const name = i % 3 === 0 ? `x${'y'.repeat(300)}${i}` : `flood-${i}`;
  const ingress = i % 2 === 0 ? [{ ip: '127.0.0.1' }, { ip: 'nonsense' }] : [{ hostname: 'example.com' }];
  return service({ name, ingress });
}

function missing(command: string): string | undefined {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `no ${command}`;
  }
}

function noNamespace(): string | undefined {
  try {
    execFileSync('unshare', ['--mount', '--map-root-user', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no mount namespace';
  }
}

function onTinyDisk(folder: string): readonly string[] {
  const script = 'mount -t tmpfs -o size=256k tmpfs "$0/state" && exec "$@"';
  return ['unshare', '--mount', '--map-root-user', 'sh', '-c', script, folder];
}

function fill(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(1 << 20));
  } catch {
    // As much as there was room for.
  }
}

function setClock(folder: string, offsetSeconds: number): void {
  writeFileSync(join(folder, 'clock'), `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}\n`);
}

function withFakeTime(folder: string): NodeJS.ProcessEnv {
  setClock(folder, 0);
  const args = ['-m', '--exclude-monotonic', '-f', '+0', 'printenv', 'LD_PRELOAD'];
  return {
    LD_PRELOAD: execFileSync('faketime', args, { encoding: 'utf8' }).trim(),
    FAKETIME_TIMESTAMP_FILE: join(folder, 'clock'),
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
}

/** @throws when the command fails */
async function run(args: readonly string[]): Promise<void> {
  const { NODE_OPTIONS: _tap, ...env } = process.env;
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
}
