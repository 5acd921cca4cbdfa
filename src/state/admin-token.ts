/**
 * Owns the secret that admin requests which change something must carry. It is made at the first start and readable
 * for the owner only; to change it, delete the file and restart. Comparing it is the admin server's business.
 */

import { randomBytes } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { replaceFile } from './atomic-file.ts';
import { STATE_FILE_MODE, StateError, reasonOf } from './layout.ts';

/** 256 bits: beyond guessing. */
const TOKEN_OCTETS = 32;
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{32,512}$/;

/**
 * The token in `path`, made there if the file is missing.
 *
 * @throws StateError `UNUSABLE` when the file holds no token of 32 to 512 URL-safe characters, or cannot be read
 */
export async function loadAdminToken(path: string): Promise<string> {
  const kept = await readToken(path);
  if (kept !== undefined) return kept;
  const token = randomBytes(TOKEN_OCTETS).toString('base64url');
  await replaceFile(path, [`${token}\n`]);
  return token;
}

async function readToken(path: string): Promise<string | undefined> {
  let token: string;
  try {
    token = (await readFile(path, 'utf8')).trim();
    // A token that others could read is closed again rather than refused: the operator may have copied it here.
    await chmod(path, STATE_FILE_MODE);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new StateError('UNUSABLE', `admin token ${path} cannot be read: ${reasonOf(error)}`);
  }
  if (TOKEN_PATTERN.test(token)) return token;
  throw new StateError('UNUSABLE', `${path} holds no token of 32 to 512 URL-safe characters; delete it`);
}
