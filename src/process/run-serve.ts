/**
 * Owns `fedns serve` as a process: what is written when it cannot start, signals, reloads, what nobody caught, and
 * the exit code. What runs inside is server.ts.
 */

import type { LoadedConfig } from '../cli/environment.ts';
import type { Settings } from '../config/settings.ts';
import { createSchedule } from '../jobs.ts';
import { createLog, stderrForm } from '../logging/pino-log.ts';
import type { LeveledLog, LogForm, LogLevel } from '../logging/pino-log.ts';
import { AbsentError, startServer } from '../serve/server.ts';
import type { RunningServer } from '../serve/server.ts';
import type { Parts } from '../serve/parts.ts';
import { reasonOf } from '../state/layout.ts';
import { ConfigWatch, digestOf } from './config-watch.ts';
import { keepMemoryLow } from './lean-memory.ts';

/** Time for draining and keeping the state, in milliseconds: well within the 30 s that a Pod is given. */
const STOP_MS_MAX = 10_000;
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
  await keepMemoryLow();
  const digest = await digestOf(options.file);
  // Manifests that are not there, or a kubeconfig, may have a state from the last run to be served meanwhile.
  const config = await options.load(options.file, { tolerateAbsent: true });
  if (config.kind === 'refused') return complain(config.faults);
  const log = createLog(...logChoice(config.settings));
  warn(log, config);
  try {
    const server = await start(config, log, options);
    return await untilStopped({ server, log, digest, signals, options });
  } catch (error) {
    return complain(error instanceof AbsentError ? error.faults : [`fedns: ${reasonOf(error)}`]);
  }
}

/** The level and form of the log on standard error. */
function logChoice({ log: { level, format } }: Settings): [LogLevel, LogForm] {
  return [level, stderrForm(format)];
}

interface Signals {
  /** The first SIGTERM or SIGINT. */
  readonly stop: Promise<NodeJS.Signals>;
  /** Called with each SIGHUP; those that come before this is set are void, since the file is being read. */
  onHangup: () => void;
}

function catchSignals(): Signals {
  const ending = Promise.withResolvers<NodeJS.Signals>();
  const signals: Signals = { stop: ending.promise, onHangup: () => undefined };
  const end = (signal: NodeJS.Signals): void => {
    ending.resolve(signal);
    // From the signal on, also while fedns is still starting: a file system that hangs must not hold the process.
    setTimeout(giveUp, STOP_MS_MAX).unref();
  };
  process.on('SIGTERM', end).on('SIGINT', end);
  process.on('SIGHUP', () => signals.onHangup());
  return signals;
}

function giveUp(): void {
  process.stderr.write(`fedns: stopping took more than ${STOP_MS_MAX / 1000} s, so it is cut short\n`);
  process.exit(1);
}

function start(
  { settings, absent = [] }: LoadedConfig & { kind: 'loaded' },
  log: LeveledLog,
  { parts, version }: ServeProcess,
): Promise<RunningServer> {
  const schedule = createSchedule(log);
  return startServer(settings, { log, parts, version, clock: Date.now, schedule, absent });
}

function complain(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`${line}\n`);
  return 1;
}

function warn(log: LeveledLog, { warnings }: LoadedConfig): void {
  for (const warning of warnings) log.warn({ code: 'CONFIG' }, warning);
}

async function untilStopped(running: {
  readonly server: RunningServer;
  readonly log: LeveledLog;
  readonly digest: string | undefined;
  readonly signals: Signals;
  readonly options: ServeProcess;
}): Promise<number> {
  const { server, log, digest, signals, options } = running;
  const reload = inTurn(() => reloadOnce(server, log, options));
  const watch = new ConfigWatch(options.file, digest, { onChange: reload, log });
  watch.start();
  signals.onHangup = reload;
  const fault = (error: unknown): void => {
    // The workers answer on from the image; ending the process would end them too.
    server.metrics.fault();
    const told = error instanceof Error ? error : String(error);
    log.error({ code: 'FAULT', error: told }, 'nobody caught this: a bug, please report it');
  };
  process.on('uncaughtException', fault).on('unhandledRejection', fault);
  const signal = await signals.stop;
  watch.stop();
  log.info({ signal }, 'stopping');
  return stop(server, log);
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

async function reloadOnce(server: RunningServer, log: LeveledLog, options: ServeProcess): Promise<void> {
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
