import t, { test, type Test } from 'tap';
import { missingWorld, runInWorld, WORLD_MS_MAX } from './tools.ts';
import { needCommand } from '../support/commands.ts';

const SERVICE = 'nginx.mynamespace.myfederation.svc';
const NAMES = [
  'example.com',
  `${SERVICE}.example.com`,
  `${SERVICE}.us-east1.example.com`,
  `${SERVICE}.us-east1-b.us-east1.example.com`,
  // No shard there: an alias to the region, and on to the global name.
  `${SERVICE}.asia-east1-a.example.com`,
];

/** Asks every name server for everything, with EDNS trials and NSID, and prints the verdicts as JSON. */
function analyse(t: Test, names: readonly string[]): Record<string, unknown> {
  const root = '.:a.root-servers.net=198.41.0.4,a.root-servers.net=[2001:503:ba3e::2:30]';
  const list = names.join(' ');
  const probe = `dnsviz probe -d 0 -A -E -n -a . -x '${root}' -o probe.json ${list}`;
  return JSON.parse(
    runInWorld(t, 'sh', '-c', `${probe} && dnsviz grok -l info -r probe.json ${list}`),
  ) as Record<string, unknown>;
}

/** Errors and warnings anywhere below, with the path that leads to them. */
function complaints(verdict: unknown, path = ''): string[] {
  if (typeof verdict !== 'object' || verdict === null) return [];
  return Object.entries(verdict).flatMap(([key, value]) =>
    key === 'errors' || key === 'warnings'
      ? [`${path} ${JSON.stringify(value)}`]
      : complaints(value, `${path}/${key}`),
  );
}

t.setTimeout(WORLD_MS_MAX);
needCommand('dnsviz');
const skip = missingWorld();

test(
  'dnsviz finds neither error nor warning, at the apex and at every level of a Service',
  { skip, timeout: WORLD_MS_MAX },
  async (t) => {
    const verdicts = analyse(t, NAMES);
    for (const name of NAMES) t.equal((verdicts[`${name}.`] as { status?: string }).status, 'NOERROR', name);
    t.same(complaints(verdicts), []);
  },
);

test(
  'dnsviz does find what is wrong with a domain that is delegated and not served',
  { skip, timeout: WORLD_MS_MAX },
  async (t) => {
    t.not(complaints(analyse(t, ['lame.com'])).length, 0);
  },
);
