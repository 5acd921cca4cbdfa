/** Owns the check of the links between the markdown files of a folder: each relative one leads to a file and a heading in it. */

import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { anchorsOf, linksOf } from './markdown.ts';

/** Folders of others, and what is made. */
const EXCLUDED = new Set(['node_modules', 'dist', '.git', '.tap', 'state']);
/** `https:`, `mailto:` and their like; what is behind them is not looked at. */
const ELSEWHERE = /^[a-z][a-z0-9+.-]*:/i;

/** The markdown files below a folder, relative to it. */
export function markdownFiles(folder: string): string[] {
  return globSync('**/*.md', {
    cwd: folder,
    exclude: (path) => EXCLUDED.has(path.split('/').at(-1)!),
  }).toSorted();
}

/** The relative links of all markdown files below a folder that lead nowhere, or out of the folder, as `FILE: LINK`. */
export function brokenLinks(folder: string): string[] {
  return markdownFiles(folder).flatMap((file) =>
    linksOf(readFileSync(join(folder, file), 'utf8'))
      .filter((link) => !ELSEWHERE.test(link) && !leads(folder, file, link))
      .map((link) => `${file}: ${link}`),
  );
}

function leads(folder: string, file: string, link: string): boolean {
  const [path = '', anchor] = link.split('#').map(decodeURIComponent);
  const target = path === '' ? join(folder, file) : join(folder, dirname(file), path);
  if (path.startsWith('/') || relative(folder, target).startsWith('..') || !existsSync(target)) return false;
  if (anchor === undefined) return true;
  return statSync(target).isFile() && anchorsOf(readFileSync(target, 'utf8')).has(anchor);
}
