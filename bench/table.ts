/** The table at the end. */

export interface Row {
  readonly server: string;
  /** Counts among the best peer: an authoritative server other than fedns that is not there for scale only. */
  readonly isPeer: boolean;
  readonly driver: string;
  readonly mix: string;
  readonly answersPerSecond: number;
  /** User and system time per answer. */
  readonly cpuMicroseconds: number;
  readonly userMicroseconds: number;
  readonly lostShare: number;
  readonly residentMebibytes: number;
  readonly readySeconds: number | undefined;
  /** Microseconds at half of the row's answers per second. */
  latency: { readonly p50: number; readonly p99: number } | undefined;
}

const HEADINGS = [
  'driver',
  'mix',
  'server',
  'k answers/s',
  '÷ best peer',
  'CPU µs/answer',
  '(user)',
  '÷ best peer',
  '÷ echo',
  'lost %',
  'p50 µs',
  'p99 µs',
  'RSS MiB',
  'first answer s',
];

/** As Markdown. Ratios are within the rows of one driver and mix. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [HEADINGS, HEADINGS.map(() => '---'), ...rows.map((row) => formatRow(row, rows))];
  const widths = HEADINGS.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`).join('\n');
}

function formatRow(row: Row, rows: readonly Row[]): string[] {
  const group = rows.filter(({ driver, mix }) => driver === row.driver && mix === row.mix);
  const peers = group.filter(({ isPeer }) => isPeer);
  const echo = group.find(({ server }) => server === 'echo');
  const fastest = Math.max(...peers.map((peer) => peer.answersPerSecond));
  const leanest = Math.min(...peers.map((peer) => peer.cpuMicroseconds));
  return [
    row.driver,
    row.mix,
    row.server,
    (row.answersPerSecond / 1000).toFixed(1),
    ratio(row.answersPerSecond, fastest),
    row.cpuMicroseconds.toFixed(3),
    row.userMicroseconds.toFixed(3),
    ratio(row.cpuMicroseconds, leanest),
    ratio(row.cpuMicroseconds, echo?.cpuMicroseconds ?? Number.NaN),
    (row.lostShare * 100).toFixed(2),
    row.latency === undefined ? '' : String(row.latency.p50),
    row.latency === undefined ? '' : String(row.latency.p99),
    row.residentMebibytes.toFixed(0),
    row.readySeconds === undefined ? '' : row.readySeconds.toFixed(2),
  ];
}

function ratio(value: number, to: number): string {
  return Number.isFinite(to) && to > 0 ? (value / to).toFixed(2) : '';
}
