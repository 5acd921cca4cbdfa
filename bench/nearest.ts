/**
 * Compares fedns with servers that have a geoip module, those of peers/geo-peers.ts that are installed: the same database, regions,
 * Services and packets, on the same core, one after the other and over again. Each packet asks for a global name with a client subnet
 * that the database places. Prints one table.
 *
 *   node bench/nearest.ts FILE.mmdb [SERVICES] [RATE] [SECONDS] [ROUNDS]
 *
 * CPU per answer is user and system time of the whole process from the kernel's accounting. Choose a rate that all keep up with, or that none does.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NOWHERE_ROW, UNKNOWN_ROW } from '../src/geo/network-tree.ts';
import { ClientPlace, wordsOf } from '../src/server/answer/client-place.ts';
import { listRecords, soaRecord } from '../src/zonebuilder/records.ts';
import { readMessage } from '../test/support/message.ts';
import { compileRegions, regionPoints, withSubnet } from './clients.ts';
import { APEX, DOMAIN, makeBuilder } from './domain.ts';
import { pace } from './drivers/drivers.ts';
import { encodeQuery } from './drivers/queries.ts';
import { FEDERATION, fillFederation, seeded } from './federation.ts';
import { median } from './measure.ts';
import { GEO_PEERS } from './peers/geo-peers.ts';
import { cpuSeconds, run, startPinned, stopProcess } from './process.ts';

const [file = '', services = '1000', rate = '60000', seconds = '3', rounds = '5'] = process.argv.slice(2);
const database = resolve(file);
const shape = { services: Number(services), clusters: 13, seed: 1 };
const PACKETS = 200_000;
const SAMPLE = 500;
const READY_MS_MAX = 60_000;
const TRY_MS = 50;
const ADDRESS = '127.0.0.1';
const FIRST_PORT = 5600 + Math.floor(Math.random() * 1000);
const driverCore = String(availableParallelism() - 1);
const SUFFIX = `.${FEDERATION}.svc.${DOMAIN}.`;

const folder = mkdtempSync(join(tmpdir(), 'fedns-nearest-'));
/** Addresses of each Service in each region that has some. */
const addresses = new Map<string, Map<string, readonly string[]>>();
readFederation();
const names = [...addresses.keys()];
const random = seeded(5);
const nameOf = Array.from({ length: PACKETS }, () => Math.floor(random() * names.length));
const place = new ClientPlace((await compileRegions(database)).memory);
const packets = nameOf.map((i) => placedQuery(names[i]!));

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const program = join(folder, 'pace');
  await run(['cc', '-O2', '-o', program, fileURLToPath(new URL('drivers/pace.c', import.meta.url))]);
  const framed = packets.flatMap((packet) => [
    Buffer.from([packet.length & 255, packet.length >> 8]),
    packet,
  ]);
  const path = join(folder, 'packets');
  await writeFile(path, Buffer.concat(framed));
  const task = { address: ADDRESS, folder, database, shape, points: regionPoints(), services: addresses };
  const servers = GEO_PEERS.flatMap((peer, i) => {
    if (peer.program === undefined) return [];
    const { name } = peer;
    const port = FIRST_PORT + i;
    const command = peer.prepare(task, port, peer.program);
    const child = startPinned(command, { cores: '0', logFile: join(folder, `${name}.log`) });
    return [{ name, port, child, cpu: [] as number[], user: [] as number[], p99: [] as number[], lost: 0 }];
  });
  try {
    const said: string[][] = [];
    for (const { port } of servers) said.push(await sample(port));
    servers.forEach(({ name }, i) => {
      const differing = said[0]!.filter((answer, k) => answer !== said[i]![k]).length;
      if (i > 0) console.log(`${SAMPLE} questions asked of both: ${name} answered ${differing} otherwise`);
    });
    for (let round = 0; round <= Number(rounds); round++) {
      for (const server of servers) {
        const target = { address: ADDRESS, port: server.port, core: driverCore, seconds: Number(seconds) };
        const before = cpuSeconds(server.child.pid!);
        const load = await pace(program, target, path, Number(rate));
        const after = cpuSeconds(server.child.pid!);
        // The first round is for caches and compilers.
        if (round === 0) continue;
        const used = after.user + after.system - before.user - before.system;
        server.cpu.push((used * 1e6) / load.received);
        server.user.push(((after.user - before.user) * 1e6) / load.received);
        server.p99.push(load.p99);
        server.lost += load.sent - load.received;
      }
    }
    const own = servers[0]!.cpu;
    console.log(
      '| server | CPU µs/answer | (user) | fedns ÷ it, median and range | all rounds | p99 µs | lost |\n| --- | --- | --- | --- | --- | --- | --- |',
    );
    for (const { name, cpu, user, p99, lost } of servers) {
      const each = cpu.map((us) => us.toFixed(2)).join(' ');
      const ratios = cpu.map((us, i) => own[i]! / us);
      const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
      console.log(
        `| ${name} | ${median(cpu).toFixed(2)} | ${median(user).toFixed(2)} | ${median(ratios).toFixed(2)} (${range}) | ${each} | ${median(p99)} | ${lost} |`,
      );
    }
  } finally {
    await Promise.all(servers.map(({ child }) => stopProcess(child)));
  }
}

/**
 * A query for a client whose place the database knows. Where it knows the country alone, fedns answers with all addresses and gdnsd with
 * those near the middle of the country: no comparison.
 */
function placedQuery(name: string): Buffer {
  for (;;) {
    const packet = withSubnet(encodeQuery(1, name, 1, true), random);
    place.locateNetwork(wordsOf(Buffer.from([...packet.subarray(-3), 0])), 1, 24);
    if (place.row !== UNKNOWN_ROW && place.row !== NOWHERE_ROW) return packet;
  }
}

function readFederation(): void {
  const builder = makeBuilder();
  fillFederation(builder, shape);
  const soa = soaRecord({
    domain: DOMAIN,
    primary: `ns1.${DOMAIN}`,
    hostmaster: `h.${DOMAIN}`,
    serial: 1,
    apex: APEX,
  });
  const regions = new Set(regionPoints().map(({ region }) => region));
  for (const { name, type, data } of listRecords(builder, soa)) {
    const [service, namespace, federation, svc, region] = name.split('.');
    if (type !== 'A' || federation !== FEDERATION || svc !== 'svc' || !regions.has(region!)) continue;
    if (name !== `${service}.${namespace}.${federation}.svc.${region}.${DOMAIN}.`) continue;
    const global = `${service}.${namespace}${SUFFIX}`;
    addresses.set(global, (addresses.get(global) ?? new Map<string, readonly string[]>()).set(region!, data));
  }
}

/** What a server answers, once it does: the addresses of each, sorted. */
async function sample(port: number): Promise<string[]> {
  const socket = createSocket('udp4').on('error', () => {});
  socket.connect(port, ADDRESS);
  await once(socket, 'connect');
  const deadline = performance.now() + READY_MS_MAX;
  const answers: string[] = [];
  while (answers.length < SAMPLE && performance.now() < deadline) {
    const query = Buffer.from(packets[answers.length]!);
    // Late replies to an earlier try must not be taken for this one's.
    query.writeUInt16BE(answers.length);
    socket.send(query, () => {});
    const [reply] = (await once(socket, 'message', { signal: AbortSignal.timeout(TRY_MS) }).catch(
      () => [],
    )) as [Buffer?];
    if (reply?.readUInt16BE() !== answers.length) continue;
    const { answer } = readMessage(reply);
    answers.push(
      answer
        .map(({ data }) => data)
        .toSorted()
        .join(' '),
    );
  }
  socket.close();
  return answers;
}
