/**
 * Nine real clusters, each an API server with its controllers, and a tenth API server as the federation's endpoint: `npm run
 * bench:nine` plays the blog's run (nine-acts.ts), prints what is typed, what it shows and after how many seconds, and ends with
 * 1 where something is not as it should be. There are no nodes: what kubelets and load balancers do is done by hand.
 */

import { play, type Act } from '../test/cluster/federation-play.ts';
import { Stage } from '../test/cluster/federation-stage.ts';
import { ACTS, NINE } from './nine-acts.ts';

const stage = new Stage(NINE);
const say = (text: string): void => void process.stdout.write(`${text}\n\n`);

/** @returns whether it was as it should be */
async function perform(act: Act): Promise<boolean> {
  if (act.part !== undefined) say(`## ${act.part}`);
  const startMs = performance.now();
  const { said, faults } = await play(stage, act);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  say(`$ ${act.types}\n${said.text.trimEnd()}${act.looks === true ? `\n# after ${seconds} s` : ''}`);
  for (const fault of faults) say(`!! ${fault}`);
  return faults.length === 0;
}

try {
  await stage.start();
  for (const act of ACTS) if (!(await perform(act))) process.exitCode = 1;
  if (process.exitCode === 1) say(`${stage.log('federate')}\n${stage.log('serve')}`);
} finally {
  await stage.stop();
}
