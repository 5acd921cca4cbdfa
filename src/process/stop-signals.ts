/** Owns the signals that end `fedns serve`, and the limit to what their work may take. */

/** Time for draining and keeping the state, in milliseconds: well within the 30 s that a Pod is given. */
export const STOP_MS_MAX = 10_000;

export interface Signals {
  /** The first SIGTERM or SIGINT. */
  readonly stop: Promise<NodeJS.Signals>;
  /** Another one: whoever sends it does not want to wait. */
  readonly again: Promise<NodeJS.Signals>;
  /** Called with each SIGHUP; those that come before this is set are void, since the file is being read. */
  onHangup: () => void;
  /** Called with each SIGUSR2; those that come before this is set are void, since nothing is served yet. */
  onReplace: () => void;
  /** How long queries are answered on after the first signal, in milliseconds. */
  drainMs: () => number;
}

export function catchSignals(): Signals {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const second = Promise.withResolvers<NodeJS.Signals>();
  const signals: Signals = {
    stop: first.promise,
    again: second.promise,
    onHangup: () => undefined,
    onReplace: () => undefined,
    drainMs: () => 0,
  };
  let count = 0;
  const end = (signal: NodeJS.Signals): void => {
    (count++ === 0 ? first : second).resolve(signal);
    // From the signal on, also while fedns is still starting: a file system that hangs must not hold the process.
    const drainMs = count === 1 ? signals.drainMs() : 0;
    setTimeout(giveUp, drainMs + STOP_MS_MAX).unref();
  };
  process.on('SIGTERM', end).on('SIGINT', end);
  process.on('SIGHUP', () => signals.onHangup());
  // Windows has no such signal.
  if (process.platform !== 'win32') process.on('SIGUSR2', () => signals.onReplace());
  return signals;
}

function giveUp(): void {
  process.stderr.write(`fedns: stopping took more than ${STOP_MS_MAX / 1000} s, so it is cut short\n`);
  process.exit(1);
}
