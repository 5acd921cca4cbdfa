/** A fedns whose wall clock steps while its monotonic clock goes on, as after a suspend, a migration or a late NTP. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { needCommand } from '../support/commands.ts';
import {
  addressesOf,
  lookAgain,
  MAIN,
  manifest,
  NGINX,
  site,
  start,
  untapped,
  type Site,
} from './serving.ts';

t.setTimeout(180_000);

const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 365 * DAY_SECONDS;

/** Seconds that the wall clock is away from the true time, one after the other. */
const OFFSETS: readonly (readonly [string, number])[] = [
  ['a day forward', DAY_SECONDS],
  ['back again', 0],
  ['a year forward', YEAR_SECONDS],
  ['back again', 0],
  ['56 years back, to where a machine without a clock starts', -56 * YEAR_SECONDS],
  ['56 years forward, when NTP has answered', 0],
  ['another 56 years forward', 56 * YEAR_SECONDS],
  ['and back', 0],
  ['a year back', -YEAR_SECONDS],
  ['a day back', -YEAR_SECONDS - DAY_SECONDS],
];

/** The library that `faketime` loads into a process. */
function preload(): string {
  const [command, args] = untapped(needCommand('faketime'), [
    '-m',
    '--exclude-monotonic',
    '-f',
    '+0',
    'printenv',
    'LD_PRELOAD',
  ]);
  return execFileSync(command, args, { encoding: 'utf8' }).trim();
}

/** Starts a fedns whose wall clock follows the offset in a file. */
async function serveWithClock(t: Test, { folder, file }: Site): Promise<(offsetSeconds: number) => void> {
  const clock = join(folder, 'clock');
  const set = (offsetSeconds: number): void =>
    writeFileSync(clock, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}\n`);
  set(0);
  const fedns = start(t, 'env', [
    `LD_PRELOAD=${preload()}`,
    `FAKETIME_TIMESTAMP_FILE=${clock}`,
    'FAKETIME_NO_CACHE=1',
    'FAKETIME_DONT_FAKE_MONOTONIC=1',
    'NO_FAKE_STAT=1',
    process.execPath,
    MAIN,
    'serve',
    '--config',
    file,
  ]);
  await fedns.until(/"msg":"listening"/);
  return set;
}

/** The server's own wall clock, from the date of its replies, in milliseconds since the epoch. */
async function clockOf(adminPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  await response.text();
  return Date.parse(response.headers.get('date')!);
}

t.test('a step of the wall clock delays neither changes nor the admin address', async (t) => {
  const here = await site(t);
  const setOffset = await serveWithClock(t, here);
  let host = 10;
  for (const [title, offsetSeconds] of OFFSETS) {
    setOffset(offsetSeconds);
    const isThere = (ms: number): boolean => Math.abs(ms - Date.now() - offsetSeconds * 1000) < 3_600_000;
    while (!isThere(await clockOf(here.adminPort))) await lookAgain();
    const address = `192.0.2.${++host}`;
    writeFileSync(join(here.folder, 'cluster', 'nginx.yaml'), manifest(address));
    while ((await addressesOf(here.port, NGINX))[0] !== address) await lookAgain();
    t.pass(title);
  }
});
