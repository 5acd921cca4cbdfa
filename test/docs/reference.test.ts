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
