import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { ALGORITHM_NAMES } from '../../src/dnssec/algorithms.ts';
import { createKey, KeysError, readKeys, writeKeyState } from '../../src/dnssec/keys/key-folder.ts';
import type { KeyState } from '../../src/dnssec/key-state.ts';
import { keysInForce } from '../../src/dnssec/keys-in-force.ts';
import { beginRoll, nextStage } from '../../src/dnssec/steps.ts';
import { scratch } from '../support/scratch.ts';

const DOMAIN = 'example.com';
const TTLS = { dnskeySeconds: 3600, zoneSeconds: 86_400 };
const NOW_MS = 1_800_000_000_000;

interface Made {
  readonly folder: string;
  readonly file: string;
  readonly state: KeyState;
}

async function make(t: Test, algorithm: (typeof ALGORITHM_NAMES)[number] = 'ED25519'): Promise<Made> {
  const folder = join(scratch(t, {}), 'keys');
  const key = await createKey(folder, { role: 'csk', algorithm, taken: [], nowMs: NOW_MS });
  const state: KeyState = { version: 1, domain: DOMAIN, keys: [key], ttls: TTLS };
  await writeKeyState(folder, state);
  return { folder, file: join(folder, key.file), state };
}

for (const algorithm of ALGORITHM_NAMES) {
  test(`a key of ${algorithm} is read as it was made, and is closed to others`, async (t) => {
    const { folder, file, state } = await make(t, algorithm);
    const held = await readKeys(folder, DOMAIN);
    t.strictSame(held.state, state);
    t.equal(statSync(file).mode & 0o777, 0o600);
    t.equal(statSync(folder).mode & 0o077, 0);
    const { records, keySigners, zoneSigners } = keysInForce(held.state, held.keys, {
      ttlSeconds: 60,
      cds: true,
    });
    t.strictSame(
      records.map(({ type, ttlSeconds }) => [type, ttlSeconds]),
      [
        [48, 60],
        [59, 60],
        [60, 60],
      ],
    );
    t.strictSame([keySigners.length, zoneSigners.length], [1, 1]);
    t.equal(keySigners[0]!.tag, state.keys[0]!.tag);
  });
}

interface Refused {
  readonly title: string;
  readonly code: KeysError['code'];
  readonly message: RegExp;
  readonly spoil: (made: Made) => void;
}

const REFUSED: readonly Refused[] = [
  {
    title: 'a key that the group may read',
    code: 'OPEN_TO_OTHERS',
    message: /mode 0640.*chmod 600/,
    spoil: ({ file }) => chmodSync(file, 0o640),
  },
  {
    title: 'a key that everybody may read',
    code: 'OPEN_TO_OTHERS',
    message: /mode 0604/,
    spoil: ({ file }) => chmodSync(file, 0o604),
  },
  {
    title: 'a key that others may write',
    code: 'OPEN_TO_OTHERS',
    message: /mode 0602/,
    spoil: ({ file }) => chmodSync(file, 0o602),
  },
  {
    title: 'a document without its key',
    code: 'UNREADABLE',
    message: /pem cannot be read/,
    spoil: ({ file }) => renameSync(file, `${file}.away`),
  },
  {
    title: 'a folder without keys',
    code: 'NO_KEYS',
    message: /fedns keys create/,
    spoil: ({ folder }) => renameSync(folder, `${folder}.away`),
  },
  {
    title: 'what is no PEM',
    code: 'NOT_A_KEY',
    message: /no PKCS #8 key/,
    spoil: ({ file }) => writeFileSync(file, 'hello'),
  },
  {
    title: 'a key cut short',
    code: 'NOT_A_KEY',
    message: /no private key, though/,
    spoil: ({ file }) => writeFileSync(file, readFileSync(file, 'utf8').slice(0, 70)),
  },
  {
    title: 'a key with a passphrase',
    code: 'NOT_A_KEY',
    message: /without a passphrase/,
    spoil: ({ file }) => writeFileSync(file, encrypted()),
  },
  {
    title: 'a key in the form of OpenSSL alone',
    code: 'NOT_A_KEY',
    message: /PKCS #8/,
    spoil: ({ file }) => writeFileSync(file, sec1()),
  },
  {
    title: 'a key of another algorithm',
    code: 'OTHER_KEY',
    message: /no key for ED25519/,
    spoil: ({ file }) => writeFileSync(file, pkcs8('ec')),
  },
  {
    title: 'another key of the same algorithm',
    code: 'OTHER_KEY',
    message: /is not the key/,
    spoil: ({ file }) => writeFileSync(file, pkcs8('ed25519')),
  },
  {
    title: 'the keys of another domain',
    code: 'OTHER_DOMAIN',
    message: /example\.org/,
    spoil: (made) => edit(made, { domain: 'example.org' }),
  },
  {
    title: 'a document of a later version',
    code: 'BAD_STATE',
    message: /version/,
    spoil: (made) => edit(made, { version: 2 }),
  },
  {
    title: 'a document with a field that nobody knows',
    code: 'BAD_STATE',
    message: /extra/,
    spoil: (made) => edit(made, { extra: 1 }),
  },
  {
    title: 'a document without keys',
    code: 'BAD_STATE',
    message: /keys/,
    spoil: (made) => edit(made, { keys: [] }),
  },
  {
    title: 'a document that is no JSON',
    code: 'BAD_STATE',
    message: /no JSON/,
    spoil: ({ folder }) => writeFileSync(join(folder, 'keys.json'), '{'),
  },
  {
    title: 'a key that lies elsewhere',
    code: 'BAD_STATE',
    message: /file/,
    spoil: (made) =>
      edit(made, { keys: [{ ...made.state.keys[0], file: '../key.pem', created: '2026-11-28T00:00:00Z' }] }),
  },
  {
    title: 'a stage that there is not',
    code: 'BAD_STATE',
    message: /no stage retire/,
    spoil: (made) =>
      edit(made, {
        roll: { kind: 'zsk', stage: 'retire', since: '2026-11-28T00:00:00Z', from: [], to: [], ttls: TTLS },
      }),
  },
  {
    title: 'a roll of a key that there is not',
    code: 'BAD_STATE',
    message: /no key/,
    spoil: (made) =>
      edit(made, {
        roll: {
          kind: 'zsk',
          stage: 'sign',
          since: '2026-11-28T00:00:00Z',
          from: [],
          to: ['zsk.pem'],
          ttls: TTLS,
        },
      }),
  },
];

test('keys that cannot be used are refused, and nothing of them is told', async (t) => {
  for (const { title, code, message, spoil } of REFUSED) {
    await t.test(title, async (tt) => {
      const made = await make(tt);
      const secret = readFileSync(made.file, 'utf8').split('\n')[1]!;
      spoil(made);
      const error = await readKeys(made.folder, DOMAIN).catch((thrown: unknown) => thrown);
      if (!(error instanceof KeysError)) return void tt.fail(`not refused: ${String(error)}`);
      tt.equal(error.code, code);
      tt.match(error.message, message);
      tt.notMatch(JSON.stringify([error.message, error.stack, error.cause]), secret.slice(0, 16));
    });
  }
});

test("in a Secret's volume the group may read, as the kubelet gives it, and others may not", async (t) => {
  const { folder } = await make(t);
  const mounted = `${folder}-mounted`;
  mkdirSync(join(mounted, '..2026_11_28'), { recursive: true });
  for (const name of readdirSync(folder)) {
    writeFileSync(join(mounted, '..2026_11_28', name), readFileSync(join(folder, name)), { mode: 0o440 });
    symlinkSync(join('..data', name), join(mounted, name));
  }
  symlinkSync('..2026_11_28', join(mounted, '..data'));
  t.equal((await readKeys(mounted, DOMAIN)).keys.length, 1);
  const pem = readdirSync(mounted).find((name) => name.endsWith('.pem'))!;
  chmodSync(join(mounted, '..2026_11_28', pem), 0o444);
  await t.rejects(readKeys(mounted, DOMAIN), { code: 'OPEN_TO_OTHERS', message: /defaultMode/ });
});

test('a roll in the document is read as it was written', async (t) => {
  const { folder, state } = await make(t);
  const fresh = await createKey(folder, {
    role: 'csk',
    algorithm: 'ED25519',
    taken: state.keys,
    nowMs: NOW_MS + 1,
  });
  const begun = beginRoll(state, { kind: 'csk', fresh: [fresh], nowMs: NOW_MS + 1, ttls: TTLS });
  await writeKeyState(folder, begun);
  t.strictSame((await readKeys(folder, DOMAIN)).state, begun);
  const seen = { ...begun, roll: { ...begun.roll!, dsSeen: NOW_MS + 2 } };
  await writeKeyState(folder, seen);
  t.strictSame((await readKeys(folder, DOMAIN)).state, seen);
  const next = nextStage(seen, { nowMs: NOW_MS + 3, ttls: TTLS });
  await writeKeyState(folder, next.state);
  t.strictSame((await readKeys(folder, DOMAIN)).state, next.state);
});

function edit({ folder }: Made, fields: object): void {
  const path = join(folder, 'keys.json');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...fields }));
}

function pkcs8(kind: 'ec' | 'ed25519'): string {
  const { privateKey } =
    kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }) : generateKeyPairSync('ed25519');
  return privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
}

function sec1(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ format: 'pem', type: 'sec1' }) as string;
}

function encrypted(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({
    format: 'pem',
    type: 'pkcs8',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  }) as string;
}
