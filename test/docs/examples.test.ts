import { readFileSync } from 'node:fs';
import t from 'tap';
import { startDemo } from '../forwarders/demo.ts';
import { digAgain, digExamples } from './dig-examples.ts';
import { sectionOf } from './markdown.ts';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

t.test('dig says of the demo what the documents have it say', async (t) => {
  const { port } = await startDemo(t);
  const readme = digExamples(read('README.md'));
  const guide = digExamples(sectionOf(read('docs/guide.md'), 'Names and records'));
  t.strictSame([readme.length, guide.length], [3, 2]);
  for (const example of [...readme, ...guide]) {
    t.strictSame(digAgain(example, port), example.records, example.options.join(' '));
  }
});
