/**
 * Rolls under the eyes of validators that are not ours, of fedns and of what its signer has signed, in true time with TTLs of a second: they are asked without end while
 * every step is taken at the first moment at which it may be, and answers change in between. Each reply must be validated.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { test, type Test } from 'tap';
import { DIGEST_TYPES, dsRdata } from '../../src/dnssec/ds.ts';
import { delegatedKeys, keysInForce, rdataOf, type KeysInForce } from '../../src/dnssec/keys-in-force.ts';
import type { KeyEntry, KeyRole, KeyState } from '../../src/dnssec/key-state.ts';
import { createKey, readKeys, writeKeyState } from '../../src/dnssec/keys/key-folder.ts';
import type { RollKind } from '../../src/dnssec/rolls.ts';
import { beginRoll, nextStage, noteParent, refusalOf, type ConfiguredTimes } from '../../src/dnssec/steps.ts';
import type { AlgorithmName } from '../../src/dnssec/algorithms.ts';
import { Type } from '../../src/zonebuilder/dns.ts';
import { encodeName } from '../../src/zonebuilder/names.ts';
import { formatRdata } from '../../src/zonebuilder/rr-types.ts';
import { lookAgain, MAIN, manifest, start } from '../process/serving.ts';
import { scratch } from '../support/scratch.ts';
import { signedZone } from '../support/signed-zone.ts';
import {
  ask,
  serveZone,
  startLab,
  VALIDATOR_NAMES,
  type Lab,
  type Validator,
  type ValidatorName,
} from '../support/validators.ts';

/** `npm run bench:validators` asks all of them, which takes the longer TTL: Knot Resolver keeps nothing for less than 5 s. */
const IS_BENCH = process.env['FEDNS_VALIDATORS'] === 'all';
/** A second, since caches count in seconds; the time until all is in force allows for what each adds by rounding. */
const TTL_SECONDS = IS_BENCH ? 6 : 1;
const PROPAGATION_SECONDS = 2;
const TIMES: ConfiguredTimes = {
  ttls: { dnskeySeconds: TTL_SECONDS, zoneSeconds: TTL_SECONDS },
  propagationSeconds: PROPAGATION_SECONDS,
  parentDsSeconds: TTL_SECONDS,
};
/** Of different minds: Unbound insists on each algorithm, BIND takes any chain that holds. */
const WATCHERS: readonly ValidatorName[] = IS_BENCH ? VALIDATOR_NAMES : ['unbound', 'bind'];
const TEST_MS_MAX = 240_000;

/** The zone as it is served, and its keys. */
interface World {
  readonly lab: Lab;
  readonly folder: string;
  /** Serves other keys, with another address in the zone; resolves once nothing of before is answered any more. */
  readonly exchange: (keys: KeysInForce, serial: number) => Promise<void>;
  /** What changes its address each time. */
  readonly flip: string;
  state: KeyState;
  serial: number;
}

/** Who serves the zone: NSD what our signer has signed, or fedns. */
type Server = 'nsd' | 'fedns';

interface Seen {
  replies: number;
  readonly faults: string[];
  readonly addresses: Set<string>;
}

const ROLLED: readonly (readonly [
  title: string,
  roles: readonly KeyRole[],
  kind: RollKind,
  fresh: readonly (readonly [KeyRole, AlgorithmName])[],
  server: Server,
])[] = [
  ['a CSK', ['csk'], 'csk', [['csk', 'ECDSAP256SHA256']], 'fedns'],
  ['a KSK', ['ksk', 'zsk'], 'ksk', [['ksk', 'ECDSAP256SHA256']], 'nsd'],
  ['a ZSK', ['ksk', 'zsk'], 'zsk', [['zsk', 'ECDSAP256SHA256']], 'nsd'],
  ['the algorithm', ['csk'], 'algorithm', [['csk', 'ED25519']], 'fedns'],
];

// Mostly they wait for caches.
t.jobs = ROLLED.length + 1;
t.setTimeout(TEST_MS_MAX);

for (const [title, roles, kind, fresh, server] of ROLLED) {
  test(
    `${title} rolls from an unsigned zone on, served by ${server}, and no validator ever says SERVFAIL`,
    { timeout: TEST_MS_MAX, buffered: true },
    async (tt) => {
      const world = await open(tt, title.split(' ').at(-1)!.toLowerCase(), { roles, server });
      const validators = await Promise.all(WATCHERS.map((name) => world.lab.validator(tt, name)));
      for (const one of validators) tt.notOk(await isValidated(one, world), `${one.name}: unsigned at first`);
      await finish(world);
      for (const one of validators) await until(() => isValidated(one, world));
      const made = await Promise.all(fresh.map(([role, algorithm]) => makeKey(world, role, algorithm)));
      const before = world.state.keys.map(({ tag }) => tag);
      const seen = await watching(validators, world, async () => {
        world.state = beginRoll(world.state, { kind, fresh: made, nowMs: Date.now(), ttls: TIMES.ttls });
        await serve(world);
        await finish(world);
      });
      tt.strictSame(seen.faults, []);
      tt.not(seen.replies, 0);
      tt.ok(seen.addresses.size > 1, 'answers have changed meanwhile');
      for (const one of validators) tt.ok(await isValidated(one, world), `${one.name}: validated at the end`);
      tt.notSame(
        world.state.keys.map(({ tag }) => tag),
        before,
      );
    },
  );
}

test(
  'a validator does see a step that is taken too early',
  { timeout: TEST_MS_MAX, buffered: true },
  async (tt) => {
    const world = await open(tt, 'hurried', { roles: ['csk'] });
    const one = await world.lab.validator(tt, 'unbound');
    await finish(world);
    await until(() => isValidated(one, world));
    const made = await makeKey(world, 'csk', 'ECDSAP256SHA256');
    let state = beginRoll(world.state, { kind: 'csk', fresh: [made], nowMs: Date.now(), ttls: TIMES.ttls });
    while (state.roll !== undefined) state = nextStage(state, { nowMs: Date.now(), ttls: TIMES.ttls }).state;
    world.state = state;
    await serve(world, { parent: false });
    await until(async () => (await one.resolve(world.flip, 'A')).rcode === 'SERVFAIL');
    tt.pass('it says SERVFAIL once its cache has run out');
  },
);

/** A zone that the parent knows no keys of, with its first keys. */
async function open(
  tt: Test,
  label: string,
  { roles, server = 'nsd' }: { readonly roles: readonly KeyRole[]; readonly server?: Server },
): Promise<World> {
  const domain = `${label}.example`;
  const lab = await startLab(tt, { domain, ttlSeconds: TTL_SECONDS });
  const folder = join(scratch(tt, {}), 'keys');
  const empty: KeyState = { version: 1, domain, keys: [], ttls: TIMES.ttls };
  const made: KeyEntry[] = [];
  for (const role of roles)
    made.push(await makeKey({ folder, state: { ...empty, keys: made } }, role, 'ECDSAP256SHA256'));
  const state = beginRoll(empty, { kind: 'first', fresh: made, nowMs: Date.now(), ttls: TIMES.ttls });
  await writeKeyState(folder, state);
  const served = server === 'nsd' ? await openNsd(tt, lab) : await openFedns(tt, lab, folder);
  return { lab, folder, state, serial: 1, ...served };
}

/** The zone as a file that our signer has signed. */
async function openNsd(tt: Test, lab: Lab): Promise<Pick<World, 'exchange' | 'flip'>> {
  const { address, domain } = lab;
  const unsigned = { records: [], keySigners: [], zoneSigners: [] };
  const zone = await serveZone(tt, { address, domain, text: zoneText(lab, 1, unsigned) });
  return { flip: `flip.${domain}`, exchange: (keys, serial) => zone.replace(zoneText(lab, serial, keys)) };
}

/** fedns itself, with a Service that moves to another address at each stage. */
async function openFedns(tt: Test, lab: Lab, folder: string): Promise<Pick<World, 'exchange' | 'flip'>> {
  const { address, domain } = lab;
  const site = dirname(folder);
  const flip = `nginx.mynamespace.myfederation.svc.${domain}`;
  mkdirSync(join(site, 'cluster'));
  const move = (serial: number): void =>
    writeFileSync(join(site, 'cluster', 'nginx.yaml'), manifest(`192.0.2.${serial}`));
  move(1);
  writeFileSync(join(site, 'fedns.yaml'), fednsConfig(domain, address, flip));
  const running = start(tt, process.execPath, [MAIN, 'serve', '--config', join(site, 'fedns.yaml')]);
  await running.until(/"msg":"listening"/);
  const exchange = async (
    { records, keySigners, zoneSigners }: KeysInForce,
    serial: number,
  ): Promise<void> => {
    move(serial);
    const keys = records
      .filter(({ type }) => type === Type.DNSKEY)
      .map(({ rdata }) => formatRdata(Type.DNSKEY, rdata));
    await until(async () => {
      const [a, dnskey] = [await signed(address, flip, 'A'), await signed(address, domain, 'DNSKEY')];
      return (
        isSame(a.data, [`192.0.2.${serial}`]) &&
        isSame(
          a.tags,
          zoneSigners.map(({ tag }) => tag),
        ) &&
        isSame(dnskey.data, keys) &&
        isSame(
          dnskey.tags,
          keySigners.map(({ tag }) => tag),
        )
      );
    });
  };
  return { flip, exchange };
}

function fednsConfig(domain: string, address: string, flip: string): string {
  const ttls = ['ttl', 'apexTtl', 'negativeTtl', 'nodataTtl']
    .map((key) => `${key}: ${TTL_SECONDS}\n`)
    .join('');
  return `domain: ${domain}
nameservers: [{ name: ns1.${domain}, addresses: [${address}] }]
listen: ['${address}:53']
stateDir: false
workers: 1
${ttls}dnssec: { keys: ./keys, dnskeyTtl: ${TTL_SECONDS}, longestTtl: 0, propagationSeconds: ${PROPAGATION_SECONDS} }
federations: [{ name: myfederation }]
clusters: [{ name: one, region: us-central1, zones: [us-central1-a], manifests: ./cluster }]
records:
  - { name: alias.${domain}, type: CNAME, data: ${flip}. }
  - { name: "*.wild.${domain}", type: TXT, data: '"any"' }
`;
}

/** What a server gives a client that sets DO, and which keys have signed it. */
async function signed(
  address: string,
  owner: string,
  type: string,
): Promise<{ data: string[]; tags: number[] }> {
  const { answer } = await ask(address, 53, owner, type, { ednsFlags: 0x8000 });
  return {
    data: answer.filter((record) => record.type === type).map(({ data }) => data),
    tags: answer.filter((record) => record.type === 'RRSIG').map(({ rdata }) => rdata.readUInt16BE(16)),
  };
}

function isSame(one: readonly (string | number)[], other: readonly (string | number)[]): boolean {
  return one.toSorted().join() === other.toSorted().join();
}

function makeKey(
  { folder, state }: Pick<World, 'folder' | 'state'>,
  role: KeyRole,
  algorithm: AlgorithmName,
): Promise<KeyEntry> {
  return createKey(folder, { role, algorithm, taken: state.keys, nowMs: Date.now() });
}

/** Takes every step at the first moment at which it may be taken, to the end of the roll. */
async function finish(world: World): Promise<void> {
  await serve(world);
  while (world.state.roll !== undefined) {
    const view = [parentOf(world)];
    world.state = noteParent(world.state, view, Date.now());
    const refusal = refusalOf(world.state, TIMES, { view, nowMs: Date.now() });
    if (refusal === undefined) {
      world.state = nextStage(world.state, { nowMs: Date.now(), ttls: TIMES.ttls }).state;
      await serve(world);
    } else if (refusal.why === 'early') await lookAgain();
    else throw new Error(`${stageText(world)}: ${refusal.why}`);
  }
}

/** What is in force now, with another address in the zone; then the parent does what CDS says. */
async function serve(world: World, { parent = true } = {}): Promise<void> {
  await writeKeyState(world.folder, world.state);
  const { state, keys } = await readKeys(world.folder, world.lab.domain);
  await world.exchange(keysInForce(state, keys, { ttlSeconds: TTL_SECONDS, cds: true }), ++world.serial);
  // The stage begins when the last server has it.
  if (world.state.roll !== undefined)
    world.state = { ...world.state, roll: { ...world.state.roll, since: Date.now() } };
  if (parent) await world.lab.setDs(parentOf(world).map((rdata) => formatRdata(Type.DS, rdata)));
}

function parentOf({ state, lab }: World): Buffer[] {
  const delegated = delegatedKeys(state);
  if (delegated === 'delete') return [];
  return delegated.map((key) => dsRdata(encodeName(lab.domain), rdataOf(key), DIGEST_TYPES['SHA-256']));
}

function zoneText({ domain, address }: Lab, serial: number, keys: KeysInForce): string {
  return signedZone({
    domain,
    ttlSeconds: TTL_SECONDS,
    names: [
      [
        domain,
        [
          ['NS', `ns1.${domain}.`],
          ['SOA', `ns1.${domain}. host.${domain}. ${serial} 300 60 604800 ${TTL_SECONDS}`],
        ],
      ],
      [`alias.${domain}`, [['CNAME', `flip.${domain}.`]]],
      [`flip.${domain}`, [['A', `192.0.2.${serial}`]]],
      [`ns1.${domain}`, [['A', address]]],
      [`*.wild.${domain}`, [['TXT', '"any"']]],
    ],
    apex: keys.records,
    keySigners: keys.keySigners,
    zoneSigners: keys.zoneSigners,
  });
}

/** Asks every validator without end until the work is done. */
async function watching(
  validators: readonly Validator[],
  world: World,
  work: () => Promise<void>,
): Promise<Seen> {
  const seen: Seen = { replies: 0, faults: [], addresses: new Set() };
  const ended = { isOver: false };
  const watchers = validators.map(async (validator) => {
    for (let turn = 0; !ended.isOver; turn++) {
      for (const [owner, type] of questions(world, turn))
        await look(validator, { owner, type, stage: stageText(world) }, seen);
      await lookAgain();
    }
  });
  try {
    await work();
  } finally {
    ended.isOver = true;
    await Promise.all(watchers);
  }
  return seen;
}

async function look(
  validator: Validator,
  { owner, type, stage }: { readonly owner: string; readonly type: string; readonly stage: string },
  seen: Seen,
): Promise<void> {
  const { rcode, flags, answer } = await validator.resolve(owner, type);
  seen.replies++;
  for (const { type: has, data } of answer) if (has === 'A') seen.addresses.add(data);
  const isGood = rcode !== 'SERVFAIL' && flags.includes('AD');
  if (!isGood)
    seen.faults.push(`${validator.name}: ${owner} ${type} at ${stage}: ${rcode} ${flags.join(' ')}`);
}

function questions(world: World, turn: number): readonly (readonly [owner: string, type: string])[] {
  return [
    [world.flip, 'A'],
    [nameOf(world, 'alias'), 'A'],
    [world.flip, 'AAAA'],
    [nameOf(world, `n${turn}.wild`), 'TXT'],
    [nameOf(world, `gone${turn}`), 'A'],
    [world.lab.domain, 'DNSKEY'],
    [world.lab.domain, 'SOA'],
  ];
}

function stageText({ state: { roll } }: World): string {
  return roll === undefined ? 'the end' : `${roll.kind} ${roll.stage}`;
}

function nameOf({ lab }: World, label: string): string {
  return `${label}.${lab.domain}`;
}

async function isValidated(validator: Validator, world: World): Promise<boolean> {
  const { rcode, flags } = await validator.resolve(world.flip, 'A');
  return rcode === 'NOERROR' && flags.includes('AD');
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await lookAgain();
}
