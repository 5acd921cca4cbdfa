/**
 * Regular calls on the monotonic clock: a wall clock that steps, as after a suspend or a late NTP, neither stops them nor
 * has missed ones made up for. Tests pass a ticker of their own and never wait.
 */

/**
 * Calls `tick` regularly until the returned function is called.
 */
export type Ticker = (tick: () => void) => () => void;

/**
 * A ticker that keeps no process alive.
 *
 * @param ms - from one call to the next, in milliseconds
 */
export function intervalTicker(ms: number): Ticker {
  return (tick) => {
    const timer = setInterval(tick, ms).unref();
    return () => clearInterval(timer);
  };
}
