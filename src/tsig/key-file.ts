/** Reads the file with the secret of a TSIG key. What the secret is used for is sign.ts; it is never logged nor shown. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

/** A file that cannot be used as the secret of a key. The message is for the operator and holds nothing of the content. */
export class KeyFileError extends Error {
  readonly code: 'NO_SUCH_FILE' | 'SECRET_FILE_OPEN' | 'BAD_SECRET';

  constructor(code: KeyFileError['code'], message: string) {
    super(message);
    this.name = 'KeyFileError';
    this.code = code;
  }
}

/** Shortest secret in octets: RFC 8945 section 8 wants at least the hash's length; 16 is what tools still make. */
export const SECRET_OCTETS_MIN = 16;
/** Longest file in octets: far more than any hash's block, far less than a wrong path may hold. */
const FILE_OCTETS_MAX = 4096;
/** Bits of a mode that let others than owner and group in, and the group write. */
const OPEN_TO_OTHERS = 0o027;

/**
 * Reads a secret: one line of base64, as `tsig-keygen` and `keymgr tsig` print it.
 *
 * @throws KeyFileError when there is no such file, everybody may read it, or it is no base64
 */
export function readKeySecret(file: string): Buffer {
  const text = readGuarded(file).trim();
  // Node takes what it can of broken base64; what comes back must be what went in.
  const secret = Buffer.from(text, 'base64');
  const isBase64 =
    /^[A-Za-z0-9+/]+={0,2}$/.test(text) && stripped(secret.toString('base64')) === stripped(text);
  if (!isBase64) throw new KeyFileError('BAD_SECRET', `${file} does not hold one line of base64`);
  if (secret.length < SECRET_OCTETS_MIN) {
    const message = `the secret in ${file} has ${secret.length} octets, at least ${SECRET_OCTETS_MIN} are needed`;
    throw new KeyFileError('BAD_SECRET', message);
  }
  return secret;
}

function readGuarded(file: string): string {
  const fd = openFile(file);
  try {
    const { mode, size } = fstatSync(fd);
    // Looked at through the descriptor: what is read is what was judged. A Secret's volume gives its group the right to read.
    if ((mode & OPEN_TO_OTHERS) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0');
      throw new KeyFileError('SECRET_FILE_OPEN', `${file} has mode ${octal}, others may get at the secret`);
    }
    if (size > FILE_OCTETS_MAX)
      throw new KeyFileError('BAD_SECRET', `${file} has ${size} octets, a secret is one line`);
    return readFileSync(fd, 'latin1');
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    throw new KeyFileError('NO_SUCH_FILE', `${file} cannot be read: ${codeOf(error)}`);
  } finally {
    closeSync(fd);
  }
}

function openFile(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    const code = codeOf(error);
    throw new KeyFileError(
      'NO_SUCH_FILE',
      code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read: ${code}`,
    );
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

function stripped(base64: string): string {
  return base64.replace(/=+$/, '');
}
