/**
 * Compares fedns with gdnsd's geoip plugin: the same database, regions, Services and packets, on the same core, one after the other and
 * over again. Each packet asks for a global name with a client subnet that the database places. Prints one table.
 *
 *   node bench/nearest.ts FILE.mmdb [SERVICES] [RATE] [SECONDS] [ROUNDS]
 *
 * CPU per answer is user and system time of the whole process from the kernel's accounting, at a rate that both keep up with.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NOWHERE_ROW, UNKNOWN_ROW } from '../src/geo/network-tree.ts';
import { ClientPlace, wordsOf } from '../src/server/answer/client-place.ts';
import { listRecords, soaRecord } from '../src/zonebuilder/records.ts';
import { readMessage } from '../test/support/message.ts';
import { compileRegions, regionPoints, withSubnet } from './clients.ts';
import { APEX, DOMAIN, makeBuilder, TTL_SECONDS } from './domain.ts';
import { pace } from './drivers/drivers.ts';
import { encodeQuery } from './drivers/queries.ts';
import { FEDERATION, fillFederation, seeded } from './federation.ts';
import { median } from './measure.ts';
import { findProgram } from './peers/peers.ts';
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
  const commands = { fedns: prepareFedns(FIRST_PORT), gdnsd: prepareGdnsd(FIRST_PORT + 1) };
  const servers = Object.entries(commands).map(([name, command], i) => ({
    name,
    port: FIRST_PORT + i,
    child: startPinned(command, { cores: '0', logFile: join(folder, `${name}.log`) }),
    cpu: [] as number[],
    user: [] as number[],
    p99: [] as number[],
    lost: 0,
  }));
  try {
    const said: string[][] = [];
    for (const { port } of servers) said.push(await sample(port));
    const differing = said[0]!.filter((answer, i) => answer !== said[1]![i]).length;
    console.log(`${SAMPLE} questions asked of both: ${differing} answered otherwise`);
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
    const best = median(servers[1]!.cpu);
    console.log(
      '| server | CPU µs/answer | (user) | ÷ gdnsd | all rounds | p99 µs | lost |\n| --- | --- | --- | --- | --- | --- | --- |',
    );
    for (const { name, cpu, user, p99, lost } of servers) {
      const each = cpu.map((us) => us.toFixed(2)).join(' ');
      const middle = median(cpu);
      console.log(
        `| ${name} | ${middle.toFixed(2)} | ${median(user).toFixed(2)} | ${(middle / best).toFixed(2)} | ${each} | ${median(p99)} | ${lost} |`,
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

function prepareFedns(port: number): string[] {
  const script = fileURLToPath(new URL('peers/fedns.ts', import.meta.url));
  const options = { ...shape, workers: 1, updates: 0, database };
  return [process.execPath, script, ADDRESS, String(port), JSON.stringify(options)];
}

/** A resource per Service; a region without the Service is no data centre of it. */
function prepareGdnsd(port: number): string[] {
  const home = join(folder, 'gdnsd');
  mkdirSync(join(home, 'zones'), { recursive: true });
  mkdirSync(join(home, 'run'), { recursive: true });
  const points = regionPoints();
  const coords = points.map(({ region, point }) => `${region} => [ ${point.latitude}, ${point.longitude} ]`);
  const resources = [...addresses.values()].map((places, i) => {
    const map = [...places].map(([region, list]) => `${region} => [ ${list.join(', ')} ]`);
    return `r${i} => { map => m, service_types => up, dcmap => { ${map.join(', ')} } }`;
  });
  writeFileSync(
    join(home, 'config'),
    `options => {
  listen => { ${ADDRESS}:${port} => { udp_threads => 1, tcp_threads => 1 } }
  run_dir => "${home}/run"
  state_dir => "${home}/run"
  lock_mem => false
  zones_rfc1035_auto => false
}
plugins => { geoip => {
  undefined_datacenters_ok => true
  maps => { m => {
    geoip2_db => "${database}"
    datacenters => [ ${points.map(({ region }) => region).join(', ')} ]
    auto_dc_coords => { ${coords.join(', ')} }
    auto_dc_limit => 0
  } }
  resources => {
    ${resources.join('\n    ')}
  }
} }
`,
  );
  const lines = names.map((name, i) => `${name} ${TTL_SECONDS} DYNA geoip!r${i}\n`);
  const head = `@ 21600 SOA ns1 hostmaster 1 7200 1800 259200 15\n@ 21600 NS ns1\nns1 21600 A 192.0.2.53\n`;
  writeFileSync(join(home, 'zones', DOMAIN), head + lines.join(''));
  return [findProgram('gdnsd')!, '-c', home, 'start'];
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
