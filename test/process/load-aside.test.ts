/** Long configurations are read beside the control plane. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { loadConfig } from '../../src/cli/load.ts';
import { loadAside } from '../../src/process/load-aside.ts';
import { scratch } from '../support/scratch.ts';

const HEAD = `domain: example.com
nameservers: [{ name: ns1.example.com, addresses: [192.0.2.1] }]
federations: [{ name: fed }]
clusters: [{ name: a, inCluster: true }]
records:
`;

function fileOf(test: Test, records: number, more = ''): string {
  const lines = Array.from(
    { length: records },
    (_, i) => `  - { name: n${i}.example.com, type: A, data: 192.0.2.7 }\n`,
  );
  const file = join(scratch(test, {}), 'fedns.yaml');
  writeFileSync(file, HEAD + lines.join('') + more);
  return file;
}

/** Whether the event loop has turned before the file was read. */
async function turnsWhile(loading: Promise<unknown>): Promise<boolean> {
  const order: string[] = [];
  setImmediate(() => order.push('turn'));
  await loading.then(() => order.push('loaded'));
  return order[0] === 'turn';
}

t.test('other work goes on while a long file is read', async (t) => {
  t.equal(await turnsWhile(loadAside(fileOf(t, 5000))), true);
  t.equal(await turnsWhile(loadAside(fileOf(t, 5))), false, 'for a short one no thread is started');
});

t.test('a long file says the same whoever reads it', async (t) => {
  const file = fileOf(t, 5000);
  t.strictSame(await loadAside(file), await loadConfig(file));
});

t.test('a long file with faults is refused with each of them and its place', async (t) => {
  const config = await loadAside(fileOf(t, 5000, '  - { name: a.example.net, type: AAA, data: x }\n'));
  t.match(config, {
    kind: 'refused',
    faults: [
      /:5006:13: records\[5000\]\.name: a\.example\.net does not lie/,
      /:5006:34: .*AAA is no RR type/,
    ],
  });
});

t.test('a file that is not there is refused as usual', async (t) => {
  const file = join(scratch(t, {}), 'none.yaml');
  t.match(await loadAside(file), { kind: 'refused', faults: [/there is no such file/] });
});
