/**
 * Whether memory stays flat: sends queries by the hundred million and looks at the server's memory meanwhile.
 *
 *   node bench/soak.ts [--packets 100000000] [--services 1000] [--updates 100]
 *
 * Exits with 1 when the memory of the last three tenths lies more than {@link GROWTH_MAX} over that of the three behind the
 * first, each by its median: what a heap holds at one moment depends on how long ago it was collected.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeBuilder } from './domain.ts';
import { dnsperf } from './drivers/drivers.ts';
import { fillFederation } from './federation.ts';
import { median } from './measure.ts';
import { residentMebibytes, startPinned, stopProcess } from './process.ts';
import { pickNames, writeQueries } from './drivers/queries.ts';
import { writeZone } from './zone.ts';

/** MiB; a leaked octet per packet would be 57. */
const GROWTH_MAX = 8;
const TENTHS = 10;
const PORT = 5390;
const READY_MS = 3000;

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '100000000' },
    services: { type: 'string', default: '1000' },
    updates: { type: 'string', default: '100' },
  },
});
const shape = { services: Number(values.services), clusters: 13, seed: 1 };
const folder = mkdtempSync(join(tmpdir(), 'fedns-soak-'));
const queries = join(folder, 'queries');
const server = startServer();
try {
  await prepareQueries();
  await new Promise((resolve) => setTimeout(resolve, READY_MS));
  report(await soak(Number(values.packets)));
} finally {
  await stopProcess(server);
  rmSync(folder, { recursive: true });
}

function startServer(): ReturnType<typeof startPinned> {
  const options = JSON.stringify({ ...shape, workers: 1, updates: Number(values.updates) });
  const script = fileURLToPath(new URL('./peers/fedns.ts', import.meta.url));
  const command = [process.execPath, script, '127.0.0.1', String(PORT), options];
  return startPinned(command, { cores: '0', logFile: join(folder, 'log') });
}

async function prepareQueries(): Promise<void> {
  const builder = makeBuilder();
  fillFederation(builder, shape);
  const names = await writeZone(builder, shape.clusters, join(folder, 'zone'));
  await writeQueries([...pickNames('hit', names, 1), ...pickNames('nxdomain', names, 1)], queries);
}

/** Memory after each tenth, in MiB. */
async function soak(packets: number): Promise<number[]> {
  const core = String(availableParallelism() - 1);
  const memory: number[] = [];
  let answered = 0;
  while (memory.length < TENTHS) {
    const load = await dnsperf({ address: '127.0.0.1', port: PORT, core, seconds: 5 }, queries, {
      edns: false,
      clients: 4,
    });
    answered += load.answers;
    if (load.answers === 0) throw new Error(`no answers, see ${folder}/log`);
    if (answered < (packets / TENTHS) * (memory.length + 1)) continue;
    memory.push(residentMebibytes(server.pid!));
    console.log(`${answered} answers, ${memory.at(-1)!.toFixed(1)} MiB`);
  }
  return memory;
}

function report(memory: readonly number[]): void {
  const growth = median(memory.slice(-3)) - median(memory.slice(1, 4));
  console.log(`grew by ${growth.toFixed(1)} MiB`);
  if (growth > GROWTH_MAX) process.exitCode = 1;
}
