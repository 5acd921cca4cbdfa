/** fedns as a primary in this process: the real data plane and the real transfer thread, facts as the test says them. */
import { createSocket } from 'node:dgram';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Test } from 'tap';
import { parseSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { BuiltDomain } from '../../src/serve/built-domain.ts';
import type { ServedDomain } from '../../src/serve/parts.ts';
import { ThreadsDataPlane } from '../../src/serve/threads-data-plane.ts';
import { TransferKeeper } from '../../src/serve/transfer-keeper.ts';
import { addSerial } from '../../src/state/serial.ts';
import type { Cause, ShardState } from '../../src/zonebuilder/facts.ts';
import { freePort } from '../process/serving.ts';
import { makeShard } from '../support/federation.ts';
import { lines, makeQuery, readMessage, type Message } from '../support/message.ts';

export const SECRET = 'AAECAwQFBgcICQoLDA0ODw==';
export const DOMAIN = 'example.com';
const CAUSE: Cause = { object: 'test', timeMs: 1 };

export const CLUSTERS = [
  { name: 'c0', region: 'us', zones: ['us1'] },
  { name: 'c1', region: 'us', zones: ['us2'] },
  { name: 'c2', region: 'eu', zones: ['eu1'] },
] as const;

export interface Primary {
  readonly port: number;
  readonly tlsPort: number;
  readonly domain: ServedDomain;
  readonly keeper: TransferKeeper;
  readonly settings: Settings;
  shard(cluster: string, service: string, facts?: Partial<ShardState>): void;
  serial(): number;
  stop(): Promise<void>;
}

export interface PrimaryOptions {
  /** What stands in `transfer` besides keys and allow. */
  readonly transfer?: string;
  readonly more?: string;
  readonly firstSerial?: number;
  readonly port?: number;
}

const say = (...args: unknown[]): void => {
  if (process.env['FEDNS_LOG'] !== undefined) console.error(...args);
};

/** Starts one with the key `k1`, which any client may use; it ends with the test. */
export async function startPrimary(t: Test, folder: string, options: PrimaryOptions = {}): Promise<Primary> {
  const port = options.port ?? (await freePort());
  const tlsPort = await freePort();
  await writeFile(join(folder, 'k1'), SECRET);
  await chmod(join(folder, 'k1'), 0o600);
  const text = `domain: ${DOMAIN}
nameservers: [{ name: ns1.${DOMAIN}, addresses: [127.0.0.1] }]
listen: ['127.0.0.1:${port}']
workers: 1
stateDir: false
cookies: { policy: off }
federations: [{ name: f }]
clusters: [{ name: c0, manifests: . }]
records:
  - { name: www.${DOMAIN}, type: ALIAS, data: web.shop.f.svc.${DOMAIN} }
  - { name: txt.${DOMAIN}, type: TXT, data: '"text"' }
transfer:
  keys: [{ name: k1, secretFile: ./k1 }]
  allow: [{ key: k1 }]
  ${options.transfer ?? ''}
${options.more?.replaceAll('TLS_PORT', String(tlsPort)) ?? ''}`;
  const { settings } = parseSettings(text, { file: join(folder, 'fedns.yaml') });
  let serial = options.firstSerial ?? 1000;
  let domain: ServedDomain | undefined;
  let dataPlane: ThreadsDataPlane | undefined;
  const log = { debug() {}, info: say, warn: say, error: say };
  const keeper = new TransferKeeper({
    domain: () => domain!,
    dataPlane: () => dataPlane,
    serial: () => serial,
    raiseSerial: (to) => {
      serial = addSerial(to, 1);
      domain?.showSerial(serial);
    },
    log,
  });
  const ignore = {
    service() {},
    places() {},
    clusters() {},
    statics() {},
    discard() {},
    publish() {},
  };
  domain = keeper.open(
    settings,
    ignore,
    (recorder) =>
      new BuiltDomain(settings, {
        nextSerial: () => (serial = addSerial(serial, 1)),
        currentSerial: () => serial,
        clock: Date.now,
        onImage: (image) => dataPlane?.follow(image),
        onChange: () => {},
        onHealth: () => {},
        recorder,
      }),
  );
  for (const { name, region, zones } of CLUSTERS)
    domain.setCluster({ name, region, zones, status: 'available' });
  domain.beginServing();
  dataPlane = new ThreadsDataPlane(settings, domain.image, log, 'test');
  await dataPlane.start();
  await keeper.adopt(settings);
  const stop = async (): Promise<void> => {
    await keeper.stop();
    await dataPlane.stop();
  };
  t.teardown(stop);
  return {
    port,
    tlsPort,
    domain,
    keeper,
    settings,
    shard: (cluster, service, facts) =>
      domain.upsertShard({ ...makeShard(cluster, service, facts), cause: CAUSE }),
    serial: () => serial,
    stop,
  };
}

/** Asks over UDP until there is an answer. */
export async function ask(port: number, name: string, type: string): Promise<Message> {
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  try {
    for (;;) {
      const reply = new Promise<Buffer | undefined>((resolve) => {
        socket.removeAllListeners('message').once('message', resolve);
        void setTimeout(300).then(() => resolve(undefined));
      });
      socket.send(makeQuery(name, type), port, '127.0.0.1');
      const octets = await reply;
      if (octets !== undefined) return readMessage(octets);
    }
  } finally {
    socket.close();
  }
}

/** The serial that a server answers with; undefined: it has no zone yet. */
export async function serialAt(port: number): Promise<number | undefined> {
  const { answer } = await ask(port, DOMAIN, 'SOA');
  const soa = answer.find(({ type }) => type === 'SOA');
  return soa?.rdata.readUInt32BE(soa.rdata.length - 20);
}

/** What a name and type are answered with, so that two servers can be compared. */
export async function answerAt(port: number, name: string, type: string): Promise<string> {
  const { rcode, answer } = await ask(port, name, type);
  return [rcode, ...lines(answer)].join('\n');
}
