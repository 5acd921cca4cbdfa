import t, { test, type Test } from 'tap';
import { missingWorld, runInWorld, WORLD_MS_MAX } from './tools.ts';
import { needCommand } from '../support/commands.ts';

interface Finding {
  readonly level: string;
  readonly tag: string;
  readonly testcase: string;
  readonly args: Record<string, string>;
}

const QUIET = new Set(['INFO', 'NOTICE']);

/** Notices that are as they must be. */
const KNOWN = new Map([
  ['ZONE02', 'refresh is short: a secondary that missed a NOTIFY must not serve a dead shard for hours'],
  ['ZONE04', 'retry is short for the same reason'],
  ['ZONE06', 'negative answers are kept shortly, so that recovery is seen soon'],
  ['DNSSEC07', 'the domain of the test is not signed'],
  ['UNSPECIFIED', 'says the same once more'],
]);

function zonemaster(t: Test, domain: string): Finding[] {
  const output = runInWorld(
    t,
    'zonemaster-cli',
    '--hints',
    'hints',
    '--json',
    '--level',
    'INFO',
    '--no-time',
    domain,
  );
  return JSON.parse(output) as Finding[];
}

t.setTimeout(WORLD_MS_MAX);
needCommand('zonemaster-cli');
const skip = missingWorld();

test(
  'Zonemaster finds nothing to warn of in a delegation to fedns',
  { skip, timeout: WORLD_MS_MAX },
  async (t) => {
    const findings = zonemaster(t, 'example.com');
    t.same(
      findings.filter(({ level }) => !QUIET.has(level)),
      [],
    );
    const notices = findings.filter(({ level }) => level === 'NOTICE');
    t.same(
      notices.filter(({ testcase }) => !KNOWN.has(testcase)),
      [],
    );
    const cases = new Set(findings.map(({ testcase }) => testcase));
    for (const name of [
      'NAMESERVER01',
      'NAMESERVER07',
      'NAMESERVER08',
      'CONSISTENCY05',
      'DELEGATION04',
      'ZONE10',
    ]) {
      t.ok(cases.has(name), `${name} has looked`);
    }
  },
);

test(
  'Zonemaster does find what is wrong with a domain that is delegated and not served',
  { skip, timeout: WORLD_MS_MAX },
  async (t) => {
    const levels = zonemaster(t, 'lame.com').map(({ level }) => level);
    t.ok(levels.includes('ERROR') || levels.includes('CRITICAL'), [...new Set(levels)].join(' '));
  },
);
