/**
 * Builds what the npm package carries into `dist`: the server's and the page's modules as JavaScript, and the page's files that are
 * none. Nothing here is needed to run fedns from a clone.
 *
 *     npm run build
 */

import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';

const PAGE = 'admin/page';

rmSync('dist', { recursive: true, force: true });
for (const project of ['tsconfig.page-build.json', 'tsconfig.build.json']) {
  const { status } = spawnSync('tsc', ['-p', project], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`tsc -p ${project} ended with ${status}`);
}
for (const name of readdirSync(`src/${PAGE}`)) {
  if (!name.endsWith('.ts')) cpSync(`src/${PAGE}/${name}`, `dist/${PAGE}/${name}`);
}
