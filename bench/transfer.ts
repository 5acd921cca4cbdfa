/**
 * What a whole transfer costs: time, octets, memory, and how long answers take meanwhile. `node --expose-gc bench/transfer.ts [SERVICES]`; 13 clusters,
 * one table. Answers are asked over UDP, one after the other, beside the transfer.
 */
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseSettings } from '../src/config/load.ts';
import { BuiltDomain } from '../src/serve/built-domain.ts';
import type { ServedDomain } from '../src/serve/parts.ts';
import { ThreadsDataPlane } from '../src/serve/threads-data-plane.ts';
import { TransferKeeper } from '../src/serve/transfer-keeper.ts';
import { encodeName } from '../src/zonebuilder/names.ts';

const DOMAIN = 'example.com';
const SERVICES = Number(process.argv[2] ?? 50_000);
const CLUSTERS = 13;
const SECRET = Buffer.alloc(32, 7);

const folder = mkdtempSync(join(tmpdir(), 'fedns-bench-'));
writeFileSync(join(folder, 'k1'), SECRET.toString('base64'), { mode: 0o600 });
const { settings } = parseSettings(
  `domain: ${DOMAIN}
nameservers: [{ name: ns1.${DOMAIN}, addresses: [127.0.0.1] }]
listen: ['127.0.0.1:0']
workers: 1
stateDir: false
federations: [{ name: f }]
clusters: [{ name: c0, manifests: . }]
transfer: { keys: [{ name: k1, secretFile: ./k1 }], allow: [{ key: k1 }] }`,
  { file: join(folder, 'fedns.yaml') },
);

let serial = 1000;
let domain: ServedDomain | undefined;
let dataPlane: ThreadsDataPlane | undefined;
const log = { debug() {}, info() {}, warn: console.error, error: console.error };
const keeper = new TransferKeeper({
  domain: () => domain!,
  dataPlane: () => dataPlane,
  serial: () => serial,
  raiseSerial: (to) => (serial = to + 1),
  log,
});
const silent = { service() {}, places() {}, clusters() {}, statics() {}, discard() {}, publish() {} };
domain = keeper.open(
  settings,
  silent,
  (recorder) =>
    new BuiltDomain(settings, {
      nextSerial: () => ++serial,
      currentSerial: () => serial,
      clock: Date.now,
      onImage: (image) => dataPlane?.follow(image),
      onChange: () => {},
      onHealth: () => {},
      recorder,
    }),
);
fill(domain);
dataPlane = new ThreadsDataPlane(settings, domain.image, log, 'bench');
const { port } = (await dataPlane.start()).addresses[0]!;
await keeper.adopt(settings);
while (!keeper.status!.isReady) await setTimeout(50);
await setTimeout(1000);

globalThis.gc?.();
const idleMiB = rssMiB();
const quiet = await latencies(setTimeout(2000));
const asking = transfer(port);
const busy = await latencies(asking.then(() => {}));
const whole = await asking;
const rows = [
  ['Services × clusters', `${SERVICES} × ${CLUSTERS}`],
  ['messages, MB', `${whole.messages}, ${(whole.octets / 1e6).toFixed(1)}`],
  ['seconds', whole.seconds.toFixed(1)],
  ['MiB above idle', (whole.peakMiB - idleMiB).toFixed(0)],
  ['answers: p50 / p99 / max ms, without', quiet],
  ['answers: p50 / p99 / max ms, meanwhile', busy],
];
for (const [what, figure] of rows) console.log(`| ${what!.padEnd(40)} | ${figure!.padEnd(24)} |`);
await keeper.stop();
await dataPlane.stop();
rmSync(folder, { recursive: true });

function fill(into: ServedDomain): void {
  const regions = ['us', 'eu', 'asia'];
  for (let i = 0; i < CLUSTERS; i++)
    into.setCluster({ name: `c${i}`, region: regions[i % 3]!, zones: [`z${i}`], status: 'available' });
  into.beginServing();
  const cause = { object: 'bench', timeMs: 1 };
  into.batch(cause, () => {
    for (let s = 0; s < SERVICES; s++)
      for (let i = 0; i < CLUSTERS; i++)
        into.upsertShard({
          cluster: `c${i}`,
          federation: 'f',
          namespace: `n${s % 100}`,
          service: `s${s}`,
          addresses: [`10.${i}.${s >> 8}.${s & 255}`],
          ready: true,
          readyZones: 'every',
          ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
          cause,
        });
  });
}

/** Asks one query after the other until something is over. */
async function latencies(over: Promise<unknown>): Promise<string> {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const took: number[] = [];
  const state = { isOver: false };
  void over.then(() => (state.isOver = true));
  const query = message(`s1.n1.f.svc.${DOMAIN}`, 1);
  while (!state.isOver) {
    const from = performance.now();
    const reply = once(socket, 'message');
    socket.send(query);
    await reply;
    took.push(performance.now() - from);
    await setTimeout(1);
  }
  socket.close();
  took.sort((a, b) => a - b);
  const at = (part: number): string =>
    took[Math.min(took.length - 1, Math.floor(took.length * part))]!.toFixed(2);
  return `${at(0.5)} / ${at(0.99)} / ${at(1)}`;
}

async function transfer(
  to: number,
): Promise<{ octets: number; messages: number; seconds: number; peakMiB: number }> {
  const from = performance.now();
  const socket = connect(to, '127.0.0.1');
  const query = signed(message(DOMAIN, 252));
  socket.write(Buffer.concat([Buffer.of(query.length >> 8, query.length & 255), query]));
  let octets = 0;
  let messages = 0;
  let left = 0;
  let peakMiB = 0;
  let rest: Buffer = Buffer.alloc(0);
  let lastMs = from;
  // Behind the last message nothing comes any more.
  socket.setTimeout(5000, () => socket.end());
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    octets += chunk.length;
    lastMs = performance.now();
    peakMiB = Math.max(peakMiB, rssMiB());
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length > 0 && (left > 0 || rest.length >= 2)) {
      if (left === 0) {
        left = rest.readUInt16BE(0);
        rest = rest.subarray(2);
        messages++;
      }
      const taken = Math.min(left, rest.length);
      left -= taken;
      rest = rest.subarray(taken);
    }
  }
  return { octets, messages, seconds: (lastMs - from) / 1000, peakMiB };
}

function message(name: string, type: number): Buffer {
  const header = Buffer.from('123400000001000000000000', 'hex');
  return Buffer.concat([header, encodeName(name), Buffer.of(0, type, 0, 1)]);
}

function signed(query: Buffer): Buffer {
  const time = Buffer.alloc(8);
  time.writeUIntBE(Math.floor(Date.now() / 1000), 0, 6);
  time.writeUInt16BE(300, 6);
  const [key, algorithm] = [encodeName('k1'), encodeName('hmac-sha256')];
  const variables = Buffer.concat([
    key,
    Buffer.from('00ff00000000', 'hex'),
    algorithm,
    time,
    Buffer.alloc(4),
  ]);
  const mac = createHmac('sha256', SECRET).update(query).update(variables).digest();
  const rdata = Buffer.concat([
    algorithm,
    time,
    Buffer.of(0, 32),
    mac,
    query.subarray(0, 2),
    Buffer.alloc(4),
  ]);
  const fixed = Buffer.concat([Buffer.from('00fa00ff00000000', 'hex'), Buffer.of(0, rdata.length)]);
  const octets = Buffer.concat([query, key, fixed, rdata]);
  octets.writeUInt16BE(1, 10);
  return octets;
}

function rssMiB(): number {
  return process.memoryUsage.rss() / 2 ** 20;
}
