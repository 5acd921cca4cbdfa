import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { needCommand } from '../support/commands.ts';
import { MAIN, site, start, type Process } from './serving.ts';

t.setTimeout(120_000);

/** fedns at a terminal of its own, and how it is ended there. */
async function serveAtTerminal(
  t: Test,
  env: readonly string[],
): Promise<{ script: Process; end(): Promise<void> }> {
  const { file } = await site(t);
  const command = ['exec env', ...env, `'${process.execPath}' '${MAIN}' serve --config '${file}'`].join(' ');
  const script = start(t, needCommand('script'), ['--quiet', '--return', '--command', command, '/dev/null']);
  await script.until(/listening/);
  const end = async (): Promise<void> => {
    // Script itself would take the terminal away, and that is a reload.
    process.kill(childOf(script.child.pid!), 'SIGTERM');
    t.equal(await script.ended, 0);
  };
  return { script, end };
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

const LISTENING = / listening {2}.*version=.*addresses=.*127\.0\.0\.1:\d+ /;

t.test(
  'at a terminal the lines are for people and coloured, without colours where NO_COLOR is set',
  async (t) => {
    const cases = [
      { env: ['-u', 'NO_COLOR', '-u', 'FORCE_COLOR', 'TERM=xterm'], isColoured: true },
      { env: ['-u', 'FORCE_COLOR', 'TERM=xterm', 'NO_COLOR=1'], isColoured: false },
    ];
    for (const { env, isColoured } of cases) {
      const title = env.join(' ');
      const { script, end } = await serveAtTerminal(t, env);
      await end();
      const text = script.output();
      t.equal(text.includes('\u001b[32mINFO \u001b[0m listening'), isColoured, title);
      // oxlint-disable-next-line no-control-regex
      const plain = text.replace(/\u001b\[[0-9;]*m/g, '');
      t.match(plain, LISTENING, title);
      t.match(plain, /\d\d:\d\d:\d\d\.\d{3} INFO {2}stopping {2}signal=SIGTERM\r\n/, title);
      t.match(plain, /INFO {2}stopped\r\n/, title);
      t.notMatch(plain, /isolat|cut off/, title);
    }
  },
);
