import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readReadme, withReference } from './reference.ts';

/** Prettier aligns the columns; what counts is the text. */
function squeeze(markdown: string): string {
  return markdown.replaceAll(/ {2,}/g, ' ').replaceAll(/-{3,}/g, '---');
}

t.test('the reference in README.md names every key of the configuration as the schema does', async (t) => {
  const readme = readReadme();
  t.equal(squeeze(readme), squeeze(withReference(readme)), 'else run: npm run docs');
});

t.test('README.md tells what every metric is for', (t) => {
  const folder = join(import.meta.dirname, '../../src/admin');
  const readme = readReadme();
  const sources = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  const metrics = sources.flatMap((text) => text.match(/'fedns_[a-z_]+'/g) ?? []);
  t.ok(metrics.length > 20);
  for (const metric of metrics) t.ok(readme.includes(metric.slice(1, -1)), metric);
  t.end();
});
