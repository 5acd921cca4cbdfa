/**
 * The fedns under test of bench/dnssec.ts: Services with one address and with eight, signed by a key made for the occasion, behind the
 * shipped data plane.
 *
 *   node bench/peers/signing-fedns.ts ADDRESS PORT '{"services":1000,"flips":0,"denialsPerSecond":10000}'
 *
 * `flips`: how many Services with one address get another one in a second, each time one that was never signed before.
 */
import { randomUUID } from 'node:crypto';
import { ALGORITHMS } from '../../src/dnssec/algorithms.ts';
import { keepMemoryLow } from '../../src/process/lean-memory.ts';
import { listThreads, yieldToOthers } from '../../src/server/linux/thread-priority.ts';
import type { SigningSettings } from '../../src/server/signing/settings.ts';
import { createSignatures } from '../../src/server/signing/signatures.ts';
import { createWaitingRoom } from '../../src/server/signing/waiting.ts';
import { chooseTransport, loadMemoryAdvice } from '../../src/server/workers/udp-transport.ts';
import { WorkerPool, type SharedSettings } from '../../src/server/workers/worker-pool.ts';
import type { ImageMemory } from '../../src/zonebuilder/image.ts';
import { APEX, makeBuilder } from '../domain.ts';

interface Options {
  readonly services: number;
  readonly flips: number;
  readonly denialsPerSecond: number;
}

const FLIP_TICK_MS = 10;
const HOUR_SECONDS = 3600;

const [address = '127.0.0.1', port = '5300', json = '{}'] = process.argv.slice(2);
const options: Options = { services: 1000, flips: 0, denialsPerSecond: 10_000, ...JSON.parse(json) };
await keepMemoryLow();
let pool: WorkerPool | undefined = undefined as WorkerPool | undefined;
const builder = makeBuilder((memory) => void pool?.adopt(settingsOf(memory)), await loadMemoryAdvice());
const signing = makeSigning();
builder.setCluster({ name: 'one', region: 'r1', zones: ['z1'], status: 'available' });
for (let i = 0; i < options.services; i++) {
  put(`one${i}`, [addressOf(i)]);
  put(
    `many${i}`,
    Array.from({ length: 8 }, (_, j) => addressOf(i * 8 + j)),
  );
}
const log = { debug: print, info: print, warn: print, error: print };
const controlPlane = listThreads();
pool = new WorkerPool({
  transport: await chooseTransport('auto'),
  listen: [{ address, port: Number(port) }],
  workers: 1,
  settings: settingsOf(builder.memory),
  firstReader: 0,
  tcp: {},
  log,
});
await pool.start();
yieldToOthers(controlPlane);
if (options.flips > 0) keepFlipping();
print({}, 'ready');
process.on('SIGTERM', () => void pool?.stop().then(() => process.exit(0)));

function settingsOf(image: ImageMemory): SharedSettings {
  return { image, apex: APEX, udpPayloadMax: 1232, signing };
}

function makeSigning(): SigningSettings {
  const algorithm = ALGORITHMS.ECDSAP256SHA256;
  return {
    signatures: createSignatures(131_072),
    denials: createSignatures(8192),
    waiting: createWaitingRoom(),
    keys: [
      {
        id: 1,
        algorithm: algorithm.number,
        keyTag: 1,
        part: 'both',
        isActive: true,
        privateKey: algorithm.generate(),
      },
    ],
    times: {
      validitySeconds: 72 * HOUR_SECONDS,
      inceptionMarginSeconds: HOUR_SECONDS,
      jitterSeconds: 7 * HOUR_SECONDS,
      notBeforeSeconds: 0,
      formerUntilSeconds: 0,
    },
    signers: 1,
    denialsPerSecond: options.denialsPerSecond,
    channel: randomUUID(),
  };
}

function put(service: string, addresses: readonly string[]): void {
  builder.upsertShard({
    cluster: 'one',
    service,
    namespace: 'n',
    federation: 'f',
    addresses,
    ready: true,
    readyZones: 'every',
    ports: [],
    cause: { object: 'bench', timeMs: Date.now() },
  });
}

function addressOf(i: number): string {
  return `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
}

function keepFlipping(): void {
  let flipped = options.services * 8;
  const start = performance.now();
  const first = flipped;
  setInterval(() => {
    const due = first + ((performance.now() - start) / 1000) * options.flips;
    for (; flipped < due; flipped++) put(`one${flipped % options.services}`, [addressOf(flipped)]);
  }, FLIP_TICK_MS);
}

function print(fields: object, message: string): void {
  console.log(JSON.stringify({ ...fields, message }));
}
