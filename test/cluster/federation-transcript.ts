/**
 * The guide of the federation for people to read: `node test/cluster/federation-transcript.ts` prints every command and what it
 * shows. Ends with 1 where something is not as it should be; the test says what (federation-guide.test.ts).
 */

import { ACTS, play, PLACES } from './federation-play.ts';
import { Stage } from './federation-stage.ts';

const stage = new Stage(PLACES);
try {
  await stage.start();
  for (const act of ACTS) {
    if (act.part !== undefined) process.stdout.write(`## ${act.part}\n\n`);
    const { said, faults } = await play(stage, act);
    if (act.types === undefined) continue;
    process.stdout.write(`$ ${act.types}\n${said.text.trimEnd()}\n\n`);
    for (const fault of faults) process.stdout.write(`!! ${fault}\n`);
    if (faults.length > 0) process.exitCode = 1;
  }
  if (process.exitCode === 1) process.stdout.write(`${stage.log('federate')}\n${stage.log('serve')}\n`);
} finally {
  await stage.stop();
}
