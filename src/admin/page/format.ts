/** How numbers and times are written on the page. */

/** A span of time, coarse: `12 s`, `3 min`, `5 h`, `2 d`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A span until then, or since then. */
export function formatUntil(ms: number): string {
  return ms >= 0 ? `in ${formatSpan(ms)}` : `${formatSpan(-ms)} ago`;
}

/** A time of day, of 24 hours. */
export function formatClock(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB');
}

/** The same; with the date where it is not today. */
export function formatTime(ms: number, nowMs: number): string {
  const date = new Date(ms);
  const isToday = date.toDateString() === new Date(nowMs).toDateString();
  return isToday ? formatClock(ms) : `${date.toLocaleDateString('en-CA')} ${formatClock(ms)}`;
}

/** A rate or count: `0`, `0.4`, `12`, `1,234`, `56.7k`. */
export function formatCount(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(value >= 100_000 ? 0 : 1)}k`;
  if (value >= 10 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  return value.toFixed(1);
}

/** A duration of a change: `500 µs`, `2 ms`, `1 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds} s`;
}

/** `1 cluster`, `3 clusters`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
