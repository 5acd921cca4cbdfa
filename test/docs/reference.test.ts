import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readPage, withReference } from './reference.ts';

/** Prettier aligns the columns; what counts is the text. */
function squeeze(markdown: string): string {
  return markdown.replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---');
}

t.test(
  'the reference in docs/configuration.md names every key of the configuration as the schema does',
  (t) => {
    const page = readPage();
    t.equal(squeeze(page), squeeze(withReference(page)), 'else run: npm run docs');
    t.end();
  },
);

t.test('docs/operations.md tells what every metric is for', (t) => {
  const root = join(import.meta.dirname, '../..');
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const folder = join(root, 'src/admin');
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts'));
  const sources = files.map((file) => readFileSync(join(folder, file), 'utf8'));
  const metrics = sources.flatMap((text) => text.match(/'fedns_[a-z_]+'/g) ?? []);
  t.ok(metrics.length > 20);
  for (const metric of metrics) t.ok(page.includes(metric.slice(1, -1)), metric);
  t.end();
});
