/**
 * Owns `fedns serve` as a process: what is written when it cannot start, signals, reloads, what nobody caught, and
 * the exit code. What runs inside is server.ts.
 */

import { setTimeout as after } from 'node:timers/promises';
import type { LoadedConfig } from '../cli/environment.ts';
import type { Settings } from '../config/settings.ts';
import { createSchedule } from '../jobs.ts';
import { createLog, stderrForm } from '../logging/pino-log.ts';
import type { LeveledLog, LogForm, LogLevel } from '../logging/pino-log.ts';
import { AbsentError, startServer } from '../serve/server.ts';
import type { RunningServer } from '../serve/server.ts';
import type { Predecessor } from '../serve/succession.ts';
import { niceness } from '../server/linux/thread-priority.ts';
import type { Parts } from '../serve/parts.ts';
import { formatListen } from '../server/socket-address.ts';
import { reasonOf } from '../state/layout.ts';
import { ConfigWatch, digestOf } from './config-watch.ts';
import { keepMemoryLow } from './lean-memory.ts';
import { Replacing } from './replacing.ts';
import { serviceManager, type ServiceManager } from './service-manager.ts';
import { catchSignals, STOP_MS_MAX, type Signals } from './stop-signals.ts';
import { meetPredecessor } from './successor.ts';

/** Time after the stop until whatever still holds the process is named and cut off, in milliseconds. */
const LINGER_MS_MAX = 2000;

export interface ServeProcess {
  readonly file: string;
  readonly version: string;
  readonly load: (file: string, options?: { readonly tolerateAbsent?: boolean }) => Promise<LoadedConfig>;
  readonly parts: Parts;
}

/** Serves until SIGTERM or SIGINT. @returns the exit code */
export async function runServe(options: ServeProcess): Promise<number> {
  // Signals are caught before anything is started, so that one that comes meanwhile ends what was started.
  const signals = catchSignals();
  const manager = serviceManager();
  await keepMemoryLow();
  const digest = await digestOf(options.file);
  // Manifests that are not there, or a kubeconfig, may have a state from the last run to be served meanwhile.
  const config = await options.load(options.file, { tolerateAbsent: true });
  if (config.kind === 'refused') return complain(config.faults);
  const log = createLog(...logChoice(config.settings));
  warn(log, config);
  try {
    const predecessor = await meetPredecessor();
    const nice = predecessor?.nice ?? niceness();
    const server = await start(config, log, options, predecessor);
    return await untilStopped({ server, log, digest, signals, manager, nice, options });
  } catch (error) {
    return complain(error instanceof AbsentError ? error.faults : [`fedns: ${reasonOf(error)}`]);
  }
}

/** The level and form of the log on standard error. */
function logChoice({ log: { level, format } }: Settings): [LogLevel, LogForm] {
  return [level, stderrForm(format)];
}

function start(
  { settings, absent = [] }: LoadedConfig & { kind: 'loaded' },
  log: LeveledLog,
  { parts, version }: ServeProcess,
  predecessor: Predecessor | undefined,
): Promise<RunningServer> {
  const schedule = createSchedule(log);
  return startServer(settings, {
    log,
    parts,
    version,
    clock: Date.now,
    schedule,
    absent,
    ...(predecessor && { predecessor }),
  });
}

function complain(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`${line}\n`);
  return 1;
}

function warn(log: LeveledLog, { warnings }: LoadedConfig): void {
  for (const warning of warnings) log.warn({ code: 'CONFIG' }, warning);
}

/** A server that has started, and what it is joined to. */
interface Running {
  readonly server: RunningServer;
  readonly log: LeveledLog;
  readonly digest: string | undefined;
  readonly signals: Signals;
  readonly manager: ServiceManager;
  /** Of the threads that answer. */
  readonly nice: number;
  readonly options: ServeProcess;
}

async function untilStopped(running: Running): Promise<number> {
  const { server, log, digest, signals, manager, nice, options } = running;
  let isPutOff = false;
  const reload = inTurn(async () => {
    // A successor reads the file itself, and facts must not move while it takes over.
    isPutOff = replacing.isRunning;
    if (!isPutOff) await reloadOnce(running);
  });
  const replacing = new Replacing({ server, log, nice, onFailure: () => void (isPutOff && reload()) });
  const watch = new ConfigWatch(options.file, digest, { onChange: reload, log });
  watch.start();
  signals.onHangup = reload;
  signals.onReplace = () => replacing.begin();
  signals.drainMs = () => server.drainSeconds * 1000;
  const fault = (error: unknown): void => {
    // The workers answer on from the image; ending the process would end them too.
    server.metrics.fault();
    const told = error instanceof Error ? error : String(error);
    log.error({ code: 'FAULT', error: told }, 'nobody caught this: a bug, please report it');
  };
  process.on('uncaughtException', fault).on('unhandledRejection', fault);
  await manager.ready(statusOf(server));
  const end = await Promise.race([signals.stop, replacing.done]);
  watch.stop();
  if (typeof end === 'number') await manager.followedBy(end);
  else await drain(running, end, replacing);
  return stop(server, log);
}

function statusOf({ addresses }: RunningServer): string {
  return `answers at ${addresses.map(formatListen).join(', ')}`;
}

/** Answers on for as long as queries may still be sent here. */
async function drain(
  { server, log, signals, manager }: Pick<Running, 'server' | 'log' | 'signals' | 'manager'>,
  signal: NodeJS.Signals,
  replacing: Replacing,
): Promise<void> {
  const { drainSeconds } = server;
  server.drain();
  await manager.stopping(drainSeconds * 1000 + STOP_MS_MAX);
  await replacing.stop();
  log.info({ signal, ...(drainSeconds > 0 && { drainSeconds }) }, 'stopping');
  if (drainSeconds === 0) return;
  const enough = new AbortController();
  await Promise.race([signals.again, after(drainSeconds * 1000, undefined, enough)]);
  enough.abort();
}

async function stop(server: RunningServer, log: LeveledLog): Promise<number> {
  let code = 0;
  try {
    await server.stop();
    log.info({}, 'stopped');
  } catch (error) {
    log.error({ reason: reasonOf(error) }, 'not everything stopped cleanly');
    code = 1;
  }
  nameWhatLingers(log, code);
  return code;
}

/** The process ends by itself once nothing is left; if something is, that is a bug worth a line, not a hang. */
function nameWhatLingers(log: LeveledLog, code: number): void {
  const timer = setTimeout(() => {
    log.warn({ resources: process.getActiveResourcesInfo() }, 'something outlived the server');
    process.exit(code);
  }, LINGER_MS_MAX);
  timer.unref();
}

async function reloadOnce({ server, log, manager, options }: Running): Promise<void> {
  await manager.reloading();
  try {
    const config = await options.load(options.file);
    if (config.kind === 'refused') throw new Error(config.faults.join('; '));
    warn(log, config);
    await server.reload(config.settings);
    log.adapt(...logChoice(config.settings));
    server.metrics.reloaded(true);
    log.info({ file: options.file }, 'configuration reloaded');
  } catch (error) {
    server.metrics.reloaded(false);
    log.error(
      { file: options.file, reason: reasonOf(error) },
      'configuration refused, the old one stays in force',
    );
  }
  await manager.ready(statusOf(server));
}

/** Calls of the result run one after the other; of those that come meanwhile, one more run serves them all. */
function inTurn(run: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const next = async (): Promise<void> => {
    running = true;
    do {
      again = false;
      await run();
    } while (again);
    running = false;
  };
  return () => {
    if (running) again = true;
    else void next();
  };
}
