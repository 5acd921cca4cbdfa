/**
 * Plays faults against a fedns process that is asked all the while, and prints what came of it as a table.
 *
 *   npm run faults [-- FAULT…]
 *
 * Exits with 1 when an answer was wrong, a query was lost that should not have been, or a fault did not come to its end.
 */

import { FAULTS, type Fault } from './faults.ts';
import { play, type Played } from './play.ts';
import { tableOf } from './table.ts';

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !FAULTS.some((fault) => fault.name === name));
if (unknown.length > 0) {
  console.error(
    `no such fault: ${unknown.join(', ')}; there are ${FAULTS.map(({ name }) => name).join(', ')}`,
  );
  process.exit(1);
}
const played: Played[] = [];
for (const fault of FAULTS) {
  if (chosen.length > 0 && !chosen.includes(fault.name)) continue;
  await playOne(fault);
}
console.log(tableOf(played));
for (const { fault, failure } of played) if (failure !== undefined) console.log(`${fault}: ${failure}`);
process.exitCode = played.some(({ failure }) => failure !== undefined) ? 1 : 0;

async function playOne(fault: Fault): Promise<void> {
  const lack = fault.lacks?.();
  console.log(`${fault.name}: ${lack === undefined ? fault.about : `not played, ${lack}`}`);
  if (lack === undefined) played.push(await play(fault));
}
