import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { test } from 'tap';
import { freePort, start } from '../process/serving.ts';
import { coreDns, CoreDnsMissing } from './coredns.ts';
import { compareAll, compareForms, DOMAIN, startDemo } from './demo.ts';
import { scratch } from '../support/scratch.ts';

/** Building CoreDNS, where it is not in the cache, in milliseconds. */
const MS_MAX = 1_000_000;
t.setTimeout(MS_MAX);

/** What stands in the forward block, beside where to. */
const FORWARDS: readonly (readonly [string, string])[] = [
  ['forward', ''],
  ['forward with force_tcp', 'force_tcp'],
  ['forward with prefer_udp and a health check', 'prefer_udp\n    health_check 0.2s'],
];

test('CoreDNS with a forward block', { timeout: MS_MAX }, async (tt) => {
  const binary = await coreDns().catch((error: unknown) => {
    if (error instanceof CoreDnsMissing) return error;
    throw error;
  });
  if (binary instanceof CoreDnsMissing) return void tt.pass(binary.message, { skip: binary.message });
  const demo = await startDemo(tt);
  for (const [title, options] of FORWARDS) {
    await tt.test(title, { timeout: MS_MAX }, async (ttt) => {
      const port = await freePort();
      const file = join(scratch(ttt, {}), 'Corefile');
      const forward = `forward . 127.0.0.1:${demo.port} {\n    ${options}\n  }`;
      writeFileSync(file, `${DOMAIN}:${port} {\n  bind 127.0.0.1\n  errors\n  ${forward}\n}\n`);
      const running = start(ttt, binary, ['-conf', file]);
      await running.until(/CoreDNS-/);
      if (options === '') compareAll(ttt, demo, port);
      compareForms(ttt, demo, port);
      ttt.notMatch(running.output(), /\[ERROR\]/, 'CoreDNS has nothing to complain of');
    });
  }
});
