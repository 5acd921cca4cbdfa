import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { loadConfig } from '../../src/cli/load.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { DelegationView, KeysView } from '../../src/cli/keys-view.ts';
import { DIGEST_TYPES, dsRdata } from '../../src/dnssec/ds.ts';
import { encodeName } from '../../src/zonebuilder/names.ts';
import { scratch } from '../support/scratch.ts';

const START_MS = Date.parse('2026-11-28T00:00:00Z');
const DAY = 86_400;

/** A configuration with its keys, a clock, and a parent that says what the test has it say. */
class Desk {
  readonly folder: string;
  nowMs = START_MS;
  parent: Buffer[][] = [[]];
  /** Everything that was printed so far. */
  printed = '';

  constructor(t: Test, dnssec = '{ keys: ./keys }') {
    this.folder = scratch(t, {});
    mkdirSync(join(this.folder, 'one'));
    this.configure(dnssec);
  }

  configure(dnssec: string): void {
    const text = `domain: example.com
nameservers: [{ name: ns1.example.com, addresses: [192.0.2.1] }, { name: ns.example.net }]
listen: ['127.0.0.1:0']
federations: [{ name: f }]
dnssec: ${dnssec}
clusters: [{ name: one, region: r, manifests: ./one }]
`;
    writeFileSync(join(this.folder, 'fedns.yaml'), text);
  }

  async run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const code = await runProgram(['keys', ...args, '--config', join(this.folder, 'fedns.yaml')], {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      clock: () => this.nowMs,
      version: '0',
      load: loadConfig,
      askParent: async () => this.parent,
      serve: async () => 0,
    });
    this.printed += out + err;
    return { code, out, err };
  }

  async view(...args: string[]): Promise<KeysView> {
    const { out, err } = await this.run(...args, '-o', 'json');
    if (out === '') throw new Error(err);
    return JSON.parse(out) as KeysView;
  }

  async ds(): Promise<DelegationView> {
    return JSON.parse((await this.run('ds', '-o', 'json')).out) as DelegationView;
  }

  /** The parent does what CDS says. */
  async follow(): Promise<void> {
    const { ds } = await this.ds();
    this.parent = [ds.map(({ dnskey }) => dsOf(dnskey))];
  }

  later(seconds: number): void {
    this.nowMs += seconds * 1000;
  }
}

function dsOf(dnskey: string): Buffer {
  const [, , , flags, protocol, algorithm, key] = dnskey.split(' ');
  const head = Buffer.of(Number(flags) >> 8, Number(flags) & 255, Number(protocol), Number(algorithm));
  return dsRdata(
    encodeName('example.com'),
    Buffer.concat([head, Buffer.from(key!, 'base64')]),
    DIGEST_TYPES['SHA-256'],
  );
}

/** To a zone with its keys, signed and delegated. */
async function delegated(t: Test, dnssec?: string): Promise<Desk> {
  const desk = new Desk(t, dnssec);
  await desk.run('create');
  desk.later(DAY + 300);
  await desk.run('roll');
  await desk.follow();
  t.equal((await desk.view('roll', '--resolver', '192.0.2.53')).roll, undefined);
  return desk;
}

test('the first key: no DS record before unsigned answers have run out', async (t) => {
  const desk = new Desk(t);
  t.match(await desk.run('list'), { code: 1, err: /fedns keys create/ });
  const made = await desk.view('create');
  t.match(made, {
    keys: [{ role: 'csk', algorithm: 'ECDSAP256SHA256', published: true, signs: 'everything', ds: false }],
    roll: { kind: 'first', stage: 'sign', due: '2026-11-29T00:05:00Z' },
  });
  t.match(await desk.run('create'), { code: 1, err: /has keys already/ }, 'keys are never made over others');
  desk.later(DAY + 299);
  t.match(await desk.run('ds'), { code: 1, out: '', err: /too early: until 2026-11-29T00:05:00Z/ });
  t.match(await desk.run('roll'), { code: 1, err: /1 s from now/ });
  desk.later(1);
  t.match(await desk.view('roll'), { keys: [{ ds: true }], roll: { stage: 'delegate', parent: 'new' } });
  t.match(await desk.run('roll'), { code: 1, err: /--resolver ADDRESS/ });
  t.match(await desk.run('roll', '--resolver', '192.0.2.53'), {
    code: 1,
    err: /is not there; fedns keys ds/,
  });
  await desk.follow();
  t.equal((await desk.view('roll', '--resolver', '192.0.2.53')).roll, undefined);
  t.match(await desk.run('list'), { code: 0, out: /^TAG +ROLE[^]*no roll is under way/ });
});

test('what the registrar is given, whole and field by field', async (t) => {
  const desk = await delegated(t);
  const { ds, remove, signals } = await desk.ds();
  const { tag } = (await desk.view('list')).keys[0]!;
  t.match(ds, [{ keyTag: tag, algorithm: 13, digestType: 2, digest: /^[0-9A-F]{64}$/, flags: 257 }]);
  t.equal(ds[0]!.record, `example.com. IN DS ${tag} 13 2 ${ds[0]!.digest}`);
  t.equal(ds[0]!.dnskey, `example.com. IN DNSKEY 257 3 13 ${ds[0]!.publicKey}`);
  t.strictSame(remove, []);
  t.strictSame(
    signals.map((line) => line.split(' ').slice(0, 4).join(' ')),
    [
      `_dsboot.example.com._signal.ns.example.net. IN CDS ${tag}`,
      '_dsboot.example.com._signal.ns.example.net. IN CDNSKEY 257',
    ],
    'RFC 9615: for name servers in other zones only',
  );
  t.match(await desk.run('ds'), { code: 0, out: /IN DS[^]*key tag[^]*IN DNSKEY[^]*_dsboot/ });
});

interface Walk {
  readonly title: string;
  readonly dnssec?: string;
  /** What is put into the configuration before the roll begins. */
  readonly changed?: string;
  readonly roll: string;
  /** Stage, seconds that it lasts, and whether the parent changes in it. */
  readonly stages: readonly (readonly [stage: string, seconds: number, parent: boolean])[];
  readonly ends: readonly string[];
}

const SPLIT = '{ keys: ./keys, split: true }';
const WALKS: readonly Walk[] = [
  {
    title: 'a ZSK',
    dnssec: SPLIT,
    roll: 'zsk',
    stages: [
      ['publish', 3900, false],
      ['sign', DAY + 300, false],
    ],
    ends: ['ksk 13', 'zsk 13'],
  },
  {
    title: 'a KSK',
    dnssec: SPLIT,
    roll: 'ksk',
    stages: [
      ['publish', DAY + 300, true],
      ['retire', 0, true],
    ],
    ends: ['zsk 13', 'ksk 13'],
  },
  {
    title: 'a CSK',
    roll: 'csk',
    stages: [
      ['publish', DAY + 300, true],
      ['sign', DAY + 300, false],
      ['retire', 0, false],
    ],
    ends: ['csk 13'],
  },
  {
    title: 'the algorithm, and one key into two',
    changed: '{ keys: ./keys, algorithm: ED25519, split: true }',
    roll: 'algorithm',
    stages: [
      ['presign', DAY + 300, false],
      ['publish', 3900, false],
      ['delegate', DAY + 300, true],
      ['withdraw', 3900, false],
    ],
    ends: ['ksk 15', 'zsk 15'],
  },
];

for (const { title, dnssec, changed, roll, stages, ends } of WALKS) {
  test(`${title} rolls step by step, each no sooner than caches allow`, async (t) => {
    const desk = await delegated(t, dnssec);
    if (changed !== undefined) desk.configure(changed);
    const before = readdirSync(join(desk.folder, 'keys'));
    await desk.view('roll', roll);
    for (const [stage, seconds, parent] of stages) {
      t.match(await desk.view('list'), { roll: { kind: roll, stage } });
      if (parent)
        t.match(await desk.run('roll', '--resolver', '192.0.2.53'), { code: 1, err: /parent is not ready/ });
      await desk.follow();
      if (seconds > 0) {
        t.match(await desk.run('roll', '--resolver', '192.0.2.53'), { code: 1, err: /too early/ }, stage);
        desk.later(seconds - 1);
        t.match(
          await desk.run('roll', '--resolver', '192.0.2.53'),
          { code: 1, err: /too early/ },
          `${stage}, a second before`,
        );
        desk.later(1);
      }
      t.match(await desk.run('roll', '--resolver', '192.0.2.53'), { code: 0 }, `${stage} ends`);
    }
    const { keys, roll: left } = await desk.view('list');
    t.equal(left, undefined);
    t.strictSame(
      keys.map(({ role, file }) => `${role} ${file.split('-')[1]}`),
      ends,
    );
    const after = readdirSync(join(desk.folder, 'keys'));
    t.equal(after.length, keys.length + 1, 'the files of the keys that went are gone');
    t.not(after.join(), before.join());
  });
}

test('a word of the operator stands in for the parent, and its caches are waited for all the same', async (t) => {
  const desk = await delegated(t);
  await desk.view('roll', 'csk');
  desk.later(3900);
  t.match(await desk.run('roll', '--ds-published'), { code: 1, err: /86700 s from now/ });
  desk.later(DAY + 300);
  t.match(await desk.view('roll'), { roll: { stage: 'sign' } }, 'it need not be said again');
  t.strictSame((await desk.ds()).remove.length, 1, 'the DS record of the old key is to go now');
});

test('one roll at a time, and only of what there is', async (t) => {
  const desk = await delegated(t);
  t.match(await desk.run('roll'), { code: 1, err: /no roll is under way; one of csk, algorithm, unsigned/ });
  t.match(await desk.run('roll', 'zsk'), { code: 1, err: /there is no zsk/ });
  await desk.view('roll', 'csk');
  t.match(await desk.run('roll', 'algorithm'), { code: 1, err: /roll of kind csk is under way/ });
});

test('back to an unsigned zone: the parent forgets the keys first', async (t) => {
  const desk = await delegated(t);
  await desk.view('roll', 'unsigned');
  t.match(await desk.ds(), { ds: [], remove: [] });
  t.match(await desk.run('roll', '--resolver', '192.0.2.53'), { code: 1, err: /still there/ });
  desk.parent = [[]];
  t.match(await desk.run('roll', '--resolver', '192.0.2.53'), { code: 1, err: /too early/ });
  desk.later(DAY + 300);
  t.match(await desk.view('roll', '--resolver', '192.0.2.53'), { roll: { stage: 'ready' } });
  t.match(await desk.run('roll'), { code: 1, err: /take dnssec out/ });
});

test('a configuration without dnssec says what to add', async (t) => {
  const desk = new Desk(t);
  const path = join(desk.folder, 'fedns.yaml');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^dnssec.*\n/m, ''));
  t.match(await desk.run('list'), { code: 1, err: /add dnssec/ });
});

test('no command prints a part of a private key', async (t) => {
  const desk = await delegated(t, SPLIT);
  await desk.run('roll', 'ksk');
  for (const output of ['table', 'json', 'yaml']) {
    await desk.run('list', '-o', output);
    await desk.run('ds', '-o', output);
  }
  for (const name of readdirSync(join(desk.folder, 'keys')).filter((file) => file.endsWith('.pem'))) {
    const text = readFileSync(join(desk.folder, 'keys', name), 'utf8');
    for (const line of text.split('\n').slice(1, 3))
      t.notOk(desk.printed.includes(line.slice(0, 24)) && line !== '', name);
  }
});
