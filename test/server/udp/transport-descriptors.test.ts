import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { TRANSPORTS } from '../transport-fixture.ts';

const child = fileURLToPath(new URL('./descriptors-child.ts', import.meta.url));

/** What the child says when the process may have `limit` descriptors. */
async function run(kind: string, limit: number, addresses: number): Promise<string> {
  const command = `ulimit -n ${limit} && exec "${process.execPath}" "${child}" ${kind} ${addresses}`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  return (await promisify(execFile)('/bin/sh', ['-c', command], { env })).stdout.trim();
}

for (const kind of TRANSPORTS) {
  t.test(`few file descriptors suffice for few addresses, ${kind}`, async (test) => {
    test.equal(await run(kind, 64, 4), 'served');
  });

  t.test(`too few file descriptors are an error that names the limit, ${kind}`, async (test) => {
    test.match(
      await run(kind, 64, 60),
      /^cannot listen on UDP 127\.0\.1\.\d+:0: the process has no file descriptor left \(ulimit -n\) \(EMFILE\)$/,
    );
  });
}
