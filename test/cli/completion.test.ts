/** Completion scripts, run by the shells themselves where they are installed. */

import { spawnSync } from 'node:child_process';
import t from 'tap';
import { runProgram } from '../../src/cli/program.ts';

async function script(shell: string): Promise<string> {
  let out = '';
  await runProgram(['completion', shell], {
    out: (text) => void (out += text),
    err: () => {},
    clock: () => 0,
    version: '',
    load: async () => ({ kind: 'refused', faults: [], warnings: [] }),
    serve: async () => 0,
  });
  return out;
}

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).status === 0;
}

/** What has been typed, and words that are offered and that are not. */
const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['fedns ', ['serve', 'check', 'records', 'clusters', 'explain', 'completion'], ['--config']],
  ['fedns rec', ['records'], ['clusters']],
  ['fedns records --', ['--output', '--admin', '--federation', '--config'], ['--client', '--format', '-o']],
  ['fedns explain --c', ['--client', '--config'], ['--output']],
  ['fedns clusters -o ', ['table', 'wide', 'json', 'yaml'], ['zone', 'short']],
  ['fedns records --output z', ['zone'], ['table']],
  ['fedns completion ', ['bash', 'zsh', 'fish'], ['records']],
];

t.test(
  'bash completes commands, options and what may follow them',
  { skip: !isInstalled('bash') },
  async (t) => {
    const source = await script('bash');
    for (const [line, offered, others] of CASES) {
      const words = line.split(' ').map((word) => `'${word}'`);
      const typed = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}`;
      const ask = `${source}\n${typed}\n_fedns\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', ask], { encoding: 'utf8' });
      t.equal(stderr, '', line);
      const replies = new Set(stdout.split('\n'));
      for (const word of offered) t.ok(replies.has(word), `${line}: ${word}`);
      for (const word of others) t.notOk(replies.has(word), `${line}: no ${word}`);
    }
  },
);

t.test('fish completes the same', { skip: !isInstalled('fish') }, async (t) => {
  const source = await script('fish');
  for (const [line, offered] of CASES) {
    const ask = `${source}\ncomplete -C ${JSON.stringify(line)}`;
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', ask], { encoding: 'utf8' });
    t.equal(stderr, '', line);
    const replies = new Set(stdout.split('\n').map((reply) => reply.split('\t')[0]));
    for (const word of offered) t.ok(replies.has(word), `${line}: ${word}`);
  }
});

t.test('zsh takes its script without a word', { skip: !isInstalled('zsh') }, async (t) => {
  const ask = `autoload -U compinit && compinit -D\n${await script('zsh')}\nprint $_comps[fedns]`;
  const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', ask], { encoding: 'utf8' });
  t.strictSame([stderr, stdout.includes('_fedns')], ['', true]);
});

t.test('another shell is refused', async (t) => {
  t.equal(await script('tcsh'), '');
});
