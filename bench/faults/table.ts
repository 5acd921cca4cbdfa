/** The table at the end, as Markdown. */

import type { Played } from './play.ts';

const HEADINGS = [
  'fault',
  'allowance s',
  'queries',
  'wrong',
  'lost',
  'withdrawn after s',
  'recovered after s',
];

export function tableOf(played: readonly Played[]): string {
  const rows = played.map(({ fault, allowanceMs, tally, withdrawMs, recoverMs }) => [
    fault,
    String(allowanceMs / 1000),
    ...[tally.asked, tally.wrong, tally.lost].map(String),
    seconds(withdrawMs),
    seconds(recoverMs),
  ]);
  const lines = [HEADINGS, HEADINGS.map(() => '---'), ...rows];
  const widths = HEADINGS.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`).join('\n');
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? '' : (ms / 1000).toFixed(1);
}
