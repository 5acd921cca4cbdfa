import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { brokenLinks, markdownFiles } from './broken-links.ts';
import { anchorsOf, blocksOf, linksOf, sectionOf } from './markdown.ts';
import { scratch } from '../support/scratch.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

t.test('every relative link of the documents leads to a file and a heading that is there', (t) => {
  const files = markdownFiles(ROOT);
  for (const file of ['README.md', 'docs/guide.md', 'bench/NOTES.md']) t.ok(files.includes(file), file);
  t.notOk(
    files.some((file) => file.includes('node_modules')),
    'those of others are not looked at',
  );
  t.strictSame(brokenLinks(ROOT), []);
  t.end();
});

t.test('every file and folder of the repository that the documents name is there', (t) => {
  let found = 0;
  for (const page of markdownFiles(ROOT)) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const [, path] of text.matchAll(/`((?:src|test|bench|config|docs)\/[\w./*-]*)`/g)) {
      found++;
      t.not(globSync(path!, { cwd: ROOT }).length, 0, `${page}: ${path}`);
    }
  }
  t.ok(found > 50);
  t.end();
});

const PAGE = `# A page: of \`code\`, and [links](other.md)

[good](other.md#two-words), [by title](other.md "Other"), [here](#again-1), [away](https://example.com/none), [file](a.txt)
[gone](none.md), [no heading](other.md#three), [no such here](#none), [out](../../README.md), [root](/other.md)
\`[code](none.md)\` and
[defined]: none-either.md

## Again
## Again

\`\`\`sh
# no heading
[no link](none.md)
\`\`\`
`;

t.test('a link that leads nowhere is found, and one in code is none', (t) => {
  const folder = scratch(t, {
    'page.md': PAGE,
    'other.md': '# Two words\n',
    'a.txt': '',
    node_modules: { 'x.md': '[](no.md)' },
  });
  t.strictSame(
    brokenLinks(folder),
    ['none.md', 'other.md#three', '#none', '../../README.md', '/other.md', 'none-either.md'].map(
      (link) => `page.md: ${link}`,
    ),
  );
  t.end();
});

t.test('a page is read as GitHub shows it', (t) => {
  t.strictSame([...anchorsOf(PAGE)], ['a-page-of-code-and-links', 'again', 'again-1']);
  t.strictSame([...anchorsOf('## `fedns_x`: Ümläut & more, 2 -- 3_4')], ['fedns_x-ümläut--more-2----3_4']);
  t.strictSame(linksOf('![image](a.png) [[nested]](b.md) [not closed](c.md'), ['a.png', 'b.md']);
  t.strictSame(blocksOf(PAGE), [{ language: 'sh', text: '# no heading\n[no link](none.md)\n' }]);
  t.strictSame(blocksOf('1. x\n\n   ```\n   a\n     b\n   ```\n'), [{ language: '', text: 'a\n  b\n' }]);
  const sections = '# A\n1\n## B\n2\n```\n# C\n```\n### D\n3\n## E\n4\n';
  t.equal(sectionOf(sections, 'B'), '## B\n2\n```\n# C\n```\n### D\n3\n');
  t.equal(sectionOf(sections, 'E'), '## E\n4\n');
  t.throws(() => sectionOf(sections, 'C'), /no heading "C"/, 'which is code');
  t.end();
});
