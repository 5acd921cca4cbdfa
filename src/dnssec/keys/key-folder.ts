/**
 * Owns the files of a zone's keys: a folder of our own, or a Secret that is mounted. One PKCS #8 file for each key, closed to
 * others, and `keys.json`, which says what each does and has no secret. What is in a key file is never told: not in an error,
 * not in the log.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../state/atomic-file.ts';
import { reasonOf } from '../../state/layout.ts';
import { ALGORITHMS, type AlgorithmName } from '../algorithms.ts';
import { dnskeyRdata, keyTag, SEP_FLAGS, ZSK_FLAGS } from '../dnskey.ts';
import { isSep, rdataOf, type HeldKey } from '../keys-in-force.ts';
import { formatKeyState, keyStateSchema, type KeyEntry, type KeyRole, type KeyState } from '../key-state.ts';
import { stageOf } from '../rolls.ts';

/** The document beside the keys. */
export const KEY_STATE_FILE = 'keys.json';
/** Octets of a key file, or of the document: what is longer is something else. */
const FILE_OCTETS_MAX = 65_536;
const KEY_FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Permissions of others than the owner, and of those the one that a Secret's volume needs for a process that is not root. */
const FOREIGN_BITS = 0o077;
const GROUP_READ = 0o040;
const PEM_HEAD = '-----BEGIN PRIVATE KEY-----';

export type KeysErrorCode =
  'NO_KEYS' | 'UNREADABLE' | 'OPEN_TO_OTHERS' | 'NOT_A_KEY' | 'OTHER_KEY' | 'OTHER_DOMAIN' | 'BAD_STATE';

/** Keys that cannot be used. The message is one line for the operator, and never has a part of a key; `code` is stable. */
export class KeysError extends Error {
  readonly code: KeysErrorCode;

  constructor(code: KeysErrorCode, message: string) {
    super(message);
    this.name = 'KeysError';
    this.code = code;
  }
}

/** The keys of a zone with their private halves. */
export interface HeldKeys {
  readonly state: KeyState;
  readonly keys: readonly HeldKey[];
}

/**
 * Reads the keys of a zone.
 *
 * @throws KeysError
 */
export async function readKeys(folder: string, domain: string): Promise<HeldKeys> {
  const state = await readKeyState(folder, domain);
  try {
    return await readKeysOf(folder, state);
  } catch (error) {
    // A step that ends a roll may have come in between: its document names no key whose file is gone.
    const now = await readKeyState(folder, domain);
    if (formatKeyState(now) === formatKeyState(state)) throw error;
    return readKeysOf(folder, now);
  }
}

async function readKeysOf(folder: string, state: KeyState): Promise<HeldKeys> {
  const isSecret = await isSecretVolume(folder);
  const keys = await Promise.all(state.keys.map((entry) => readKey(folder, entry, isSecret)));
  return { state, keys };
}

/**
 * Reads the document alone, which takes no right to read keys.
 *
 * @throws KeysError
 */
export async function readKeyState(folder: string, domain: string): Promise<KeyState> {
  const path = join(folder, KEY_STATE_FILE);
  const state = parseState(path, await readText(path));
  if (state.domain === domain) return state;
  throw new KeysError('OTHER_DOMAIN', `${path} has the keys of ${state.domain}, not of ${domain}`);
}

/** Writes the document; whoever reads meanwhile sees the old one or the new one. */
export async function writeKeyState(folder: string, state: KeyState): Promise<void> {
  await replaceFile(join(folder, KEY_STATE_FILE), [formatKeyState(state)]);
}

/**
 * Makes a key and writes its file. The document does not name it yet.
 *
 * @param taken - keys that are there: a validator tells keys apart by their tags first
 */
export async function createKey(
  folder: string,
  {
    role,
    algorithm,
    taken,
    nowMs,
  }: {
    readonly role: KeyRole;
    readonly algorithm: AlgorithmName;
    readonly taken: readonly KeyEntry[];
    readonly nowMs: number;
  },
): Promise<KeyEntry> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const flags = role === 'zsk' ? ZSK_FLAGS : SEP_FLAGS;
  const { generate } = ALGORITHMS[algorithm];
  let privateKey: KeyObject;
  let rdata: Buffer;
  do {
    privateKey = generate();
    rdata = dnskeyRdata(ALGORITHMS[algorithm], flags, privateKey);
  } while (taken.some(({ tag }) => tag === keyTag(rdata)));
  const tag = keyTag(rdata);
  const file = `${role}-${ALGORITHMS[algorithm].number}-${tag}.pem`;
  await writeKey(join(folder, file), privateKey);
  return { file, role, algorithm, tag, dnskey: rdata.toString('base64'), created: nowMs };
}

/** Never over a file that is there. */
async function writeKey(path: string, key: KeyObject): Promise<void> {
  const file = await open(path, 'wx', KEY_FILE_MODE);
  try {
    await file.writeFile(key.export({ format: 'pem', type: 'pkcs8' }));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Takes the files of keys away that no document names any more. */
export async function removeKeys(folder: string, gone: readonly KeyEntry[]): Promise<void> {
  for (const { file } of gone) await rm(join(folder, file), { force: true });
}

async function readKey(folder: string, entry: KeyEntry, isSecret: boolean): Promise<HeldKey> {
  const path = join(folder, entry.file);
  refuseOpen(path, await statFile(path), isSecret);
  const privateKey = parseKey(path, await readText(path));
  if (!ALGORITHMS[entry.algorithm].fits(privateKey))
    throw new KeysError('OTHER_KEY', `${path} is no key for ${entry.algorithm}`);
  const flags = isSep(entry) ? SEP_FLAGS : ZSK_FLAGS;
  if (!dnskeyRdata(ALGORITHMS[entry.algorithm], flags, privateKey).equals(rdataOf(entry)))
    throw new KeysError('OTHER_KEY', `${path} is not the key that ${KEY_STATE_FILE} has under this name`);
  return { ...entry, privateKey };
}

/** Whoever may read a key can answer in the name of the zone. */
function refuseOpen(path: string, { mode }: Stats, isSecret: boolean): void {
  const foreign = mode & FOREIGN_BITS & (isSecret ? ~GROUP_READ : ~0);
  if (foreign === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  const mend = isSecret ? 'set defaultMode: 0400 at the volume' : `chmod 600 ${path}`;
  throw new KeysError('OPEN_TO_OTHERS', `${path} has mode ${octal}, so that others may use the key: ${mend}`);
}

/** The kubelet exchanges what a volume holds by one symbolic link, and gives its files to the group of the Pod. */
async function isSecretVolume(folder: string): Promise<boolean> {
  try {
    return (await lstat(join(folder, '..data'))).isSymbolicLink();
  } catch {
    return false;
  }
}

/** What node:crypto says of a broken file is left out: it is of no use, and might tell of the content. */
function parseKey(path: string, text: string): KeyObject {
  if (!text.trimStart().startsWith(PEM_HEAD))
    throw new KeysError('NOT_A_KEY', `${path} is no PKCS #8 key without a passphrase in PEM`);
  try {
    return createPrivateKey(text);
  } catch {
    throw new KeysError('NOT_A_KEY', `${path} is no private key, though it begins as one`);
  }
}

function parseState(path: string, text: string): KeyState {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new KeysError('BAD_STATE', `${path} is no JSON document`);
  }
  const parsed = keyStateSchema.safeParse(document);
  if (!parsed.success) {
    const { path: where, message } = parsed.error.issues[0]!;
    throw new KeysError('BAD_STATE', `${path}: ${where.map(String).join('.')}: ${message}`);
  }
  checkStage(path, parsed.data);
  return parsed.data;
}

function checkStage(path: string, { roll }: KeyState): void {
  try {
    if (roll !== undefined) stageOf(roll);
  } catch (error) {
    throw new KeysError('BAD_STATE', `${path}: ${reasonOf(error)}`);
  }
}

async function statFile(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function readText(path: string): Promise<string> {
  const { size } = await statFile(path);
  if (size > FILE_OCTETS_MAX)
    throw new KeysError('UNREADABLE', `${path} has ${size} octets, the limit is ${FILE_OCTETS_MAX}`);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): KeysError {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  if (isMissing && path.endsWith(KEY_STATE_FILE))
    return new KeysError('NO_KEYS', `${path} is not there: fedns keys create makes the first keys`);
  return new KeysError('UNREADABLE', `${path} cannot be read: ${reasonOf(error)}`);
}
