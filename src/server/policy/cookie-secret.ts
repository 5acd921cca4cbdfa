/**
 * Keeps the secrets of DNS cookies fresh (RFC 9018 section 5): random ones of this process, rolled now and then, or those
 * of a file that several replicas read. What is made under them is cookies.ts.
 */
import { randomFillSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { openCookieSecrets, rollCookieSecret, type CookieSecrets } from './cookies.ts';
import { SIPHASH_KEY_OCTETS } from './siphash.ts';

/** How often a random secret is replaced: more than an hour apart, or cookies in use would lose their worth. */
const ROLL_MS = 12 * 3600_000;
/** How often the file is looked at. Compared by content: mounted Secrets change through symlinks. */
const POLL_MS = 10_000;

/** A file of secrets that cannot be used. The message is for the operator. */
export class CookieSecretError extends Error {
  readonly code = 'BAD_COOKIE_SECRET';

  constructor(file: string, reason: string) {
    super(`cannot use the cookie secret ${file}: ${reason}`);
    this.name = 'CookieSecretError';
  }
}

export interface CookieSecretOptions {
  /** From createCookieMemory. */
  readonly memory: SharedArrayBuffer;
  /** Absent: random secrets. */
  readonly file?: string;
  /** Told once about each fault of the file; the secrets stay as they were. */
  readonly onFault: (error: CookieSecretError) => void;
}

export class CookieSecretKeeper {
  readonly #secrets: CookieSecrets;
  readonly #options: CookieSecretOptions;
  #content = '';
  #fault = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CookieSecretOptions) {
    this.#options = options;
    this.#secrets = openCookieSecrets(options.memory);
  }

  /** @throws CookieSecretError when there is a file and it holds no secret */
  async start(): Promise<void> {
    const { file } = this.#options;
    if (file === undefined) {
      this.#timer = setInterval(() => this.roll(), ROLL_MS);
    } else {
      await this.#load(file);
      this.#timer = setInterval(() => void this.reload(), POLL_MS);
    }
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Replaces the current secret by a random one. */
  roll(): void {
    rollCookieSecret(this.#secrets, randomFillSync(new Uint8Array(SIPHASH_KEY_OCTETS)));
  }

  /** Reads the file now. */
  async reload(): Promise<void> {
    try {
      if (this.#options.file !== undefined) await this.#load(this.#options.file);
      this.#fault = '';
    } catch (error) {
      const { message } = error as CookieSecretError;
      if (message !== this.#fault) this.#options.onFault(error as CookieSecretError);
      this.#fault = message;
    }
  }

  async #load(file: string): Promise<void> {
    const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new CookieSecretError(file, error.code ?? error.message);
    });
    if (content === this.#content) return;
    const [current, previous] = parseSecrets(content, file);
    // The previous secret first: the current one then moves it to second place.
    if (previous) rollCookieSecret(this.#secrets, previous);
    rollCookieSecret(this.#secrets, current!);
    this.#content = content;
  }
}

/** One or two lines of 32 hexadecimal digits: the current secret, then the previous one. */
function parseSecrets(content: string, file: string): Buffer[] {
  const lines = content.trim().split(/\s*\n\s*/);
  if (lines.length > 2 || !lines.every((line) => /^[0-9a-f]{32}$/i.test(line))) {
    throw new CookieSecretError(file, 'one or two lines of 32 hexadecimal digits are expected');
  }
  return lines.map((line) => Buffer.from(line, 'hex'));
}
