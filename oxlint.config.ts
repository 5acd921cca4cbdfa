/** What oxlint looks for. Which folder may import which is import-table.ts; here it becomes rules. */

import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { defineConfig, type OxlintOverride } from 'oxlint';
import { IMPORTS } from './import-table.ts';

const rows: readonly (readonly [folder: string, allowed: readonly string[]])[] = Object.entries(IMPORTS);

/** Whether a row is one file at the root of `src`. */
function isFile(row: string): boolean {
  return existsSync(`src/${row}.ts`);
}

/** What stands in a module specifier for the files of `target`, seen from a file in `folder`. */
function specifier(folder: string, target: string): string {
  const from = isFile(folder) ? posix.dirname(folder) : folder;
  const path = posix.relative(posix.join('src', from), posix.join('src', target));
  const files = isFile(target) ? `${path}.ts` : `${path}/*.ts`;
  return files.startsWith('..') ? files : `./${files}`;
}

function importRule(folder: string, allowed: readonly string[]): OxlintOverride['rules'] & object {
  const group = ['../**', './*/**', ...allowed.map((target) => `!${specifier(folder, target)}`)];
  const message = `import-table.ts has no such import for src/${folder}`;
  return { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] };
}

for (const [index, [folder, allowed]] of rows.entries()) {
  const above = new Set(rows.slice(0, index).map(([name]) => name));
  const wrong = allowed.filter((target) => !above.has(target));
  if (wrong.length > 0)
    throw new Error(`import-table.ts: ${folder} names ${wrong.join(', ')}, no row above it`);
}

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'import', 'node'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  rules: {
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'unicorn/no-new-array': 'off',
    'no-await-in-loop': 'off',
    'no-bitwise': 'off',
    'no-shadow': ['error', { allow: ['t'] }],
  },
  overrides: [
    { files: ['src/**'], rules: importRule('*', []) },
    ...rows.map(([row, allowed]) => ({
      files: [isFile(row) ? `src/${row}.ts` : `src/${row}/*.ts`],
      rules: importRule(row, allowed),
    })),
  ],
  ignorePatterns: ['dist', 'node_modules'],
});
