import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { runProgram } from '../../src/cli/program.ts';
import { parseSettings } from '../../src/config/load.ts';
import { startDemo } from '../forwarders/demo.ts';
import { digAgain, digExamples } from './dig-examples.ts';
import { markdownFiles } from './broken-links.ts';
import { blocksOf, sectionOf } from './markdown.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = markdownFiles(ROOT).filter((file) => file === 'README.md' || file.startsWith('docs/'));

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
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

t.test('YAML of the documents is YAML, and a configuration among it has no fault', (t) => {
  let configurations = 0;
  for (const page of PAGES) {
    for (const { text } of blocksOf(read(page)).filter(({ language }) => language === 'yaml')) {
      const documents = parseAllDocuments(text);
      for (const document of documents) t.strictSame(document.errors, [], `${page}: ${text.split('\n')[0]}`);
      if (!text.startsWith('domain:')) continue;
      configurations++;
      t.doesNotThrow(() => parseSettings(text, { file: page }), page);
    }
  }
  t.equal(configurations, 2);
  t.end();
});

function never(): never {
  throw new Error('help runs nothing');
}

async function help(...args: string[]): Promise<string> {
  let text = '';
  const out = (more: string): void => void (text += more);
  await runProgram([...args, '--help'], {
    out,
    err: out,
    clock: Date.now,
    version: '',
    load: never,
    serve: never,
  });
  return text;
}

t.test('the documents name every command, and none that is not there', async (t) => {
  const names = [...(await help()).matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
  t.ok(names.includes('serve'), names.join());
  const operations = read('docs/operations.md');
  for (const name of names.filter((each) => each !== 'help')) t.match(operations, `fedns ${name}`);
  for (const page of PAGES) {
    const text = read(page);
    const lines = blocksOf(text).flatMap((block) => (block.language === 'sh' ? block.text.split('\n') : []));
    const inline = [...text.matchAll(/`(fedns [^`]*)`/g)].map(([, code]) => code!);
    for (const line of [...lines, ...inline]) {
      const command = /^(?:npm run -s fedns -- |fedns )([a-z]+)/.exec(line)?.[1];
      if (command !== undefined) t.ok(names.includes(command), `${page}: ${line}`);
    }
  }
});
