/**
 * Tells whether the API server that answers now is that of the cluster that answered before: a name, an address or a
 * load balancer may lead to another cluster any day, whose versions mean something else. What it is known by is the
 * uid of its namespace `kube-system`, which Kubernetes itself makes once in a cluster's life; a cluster restored from
 * a backup keeps it (version-check.ts is about those). A server that does not let it be read is known by that.
 */

import { ApiError, asApiError, type ApiErrorCode } from '../api-error.ts';
import type { ApiClient } from './api-client.ts';
import { parseJson } from './list-scanner.ts';
import type { Timers } from '../../timers.ts';

/** Version 0: any state will do, so that the server takes it from its memory and bothers nobody. */
const PATH = '/api/v1/namespaces/kube-system?resourceVersion=0';
const ACCEPT = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** Short: everything else waits for it, and no answer says nothing. */
const LIMITS = { headersMs: 5_000, idleMs: 5_000 };
const OCTETS_MAX = 256 * 1024;
/** Time until a server that refused is asked again: doubling, for refusals fill the audit logs of others. */
const REFUSED_FIRST_MS = 5_000;
const REFUSED_MAX_MS = 600_000;

/** What is known of a server that does not let the uid be read. */
const UNREADABLE = '';
const UNREADABLE_CODES: ReadonlySet<ApiErrorCode> = new Set(['FORBIDDEN', 'NOT_FOUND']);
/** With these nothing else will work either; anything else says nothing, and is no reason to stop. */
const FAILING_CODES: ReadonlySet<ApiErrorCode> = new Set([
  'CREDENTIALS',
  'UNREACHABLE',
  'UNTRUSTED',
  'INTERRUPTED',
  'UNAUTHORIZED',
  'BUSY',
]);

export interface IdentityOptions {
  readonly client: ApiClient;
  readonly timers: Timers;
  /** Another cluster answers. Called before anything else is read of it. */
  readonly onOther: () => void;
  /** The server has said who it is, for the first time or as another. */
  readonly onKnown?: (uid: string) => void;
}

export class ServerIdentity {
  readonly #options: IdentityOptions;
  readonly #stopped = new AbortController();
  #known: string | undefined;
  #checking: Promise<void> | undefined;
  #refusals = 0;
  #askAgainMs = -Infinity;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /**
   * To be awaited before each list and watch; those that come at once share one request.
   *
   * @throws ApiError when the server cannot be asked at the moment
   */
  check(): Promise<void> {
    if (this.#options.timers.now() < this.#askAgainMs) return Promise.resolve();
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** The next answer is that of a new acquaintance. */
  forget(): void {
    this.#known = undefined;
    this.#refusals = 0;
    this.#askAgainMs = -Infinity;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #check(): Promise<void> {
    const before = this.#known;
    const found = await this.#read();
    // Forgotten meanwhile: the answer may be that of the server before.
    if (found === undefined || this.#known !== before) return;
    this.#known = found;
    if (found !== UNREADABLE && found !== before) this.#options.onKnown?.(found);
    if (before !== undefined && before !== found) this.#options.onOther();
  }

  /** @returns undefined when the answer says nothing */
  async #read(): Promise<string | undefined> {
    const { client } = this.#options;
    try {
      const uid = await readServerUid(client, this.#stopped.signal);
      this.#refusals = 0;
      return uid;
    } catch (error) {
      const { code } = asApiError(error, 'NOT_JSON');
      if (FAILING_CODES.has(code)) throw error;
      this.#waitLonger();
      return UNREADABLE_CODES.has(code) ? UNREADABLE : undefined;
    }
  }

  #waitLonger(): void {
    const waitMs = Math.min(REFUSED_MAX_MS, REFUSED_FIRST_MS * 2 ** Math.min(this.#refusals, 10));
    this.#refusals++;
    this.#askAgainMs = this.#options.timers.now() + waitMs;
  }
}

/**
 * Asks a server who it is.
 *
 * @throws ApiError when it cannot be asked, does not say, or refuses to
 */
export async function readServerUid(client: ApiClient, signal: AbortSignal): Promise<string> {
  return readUid(await client.getText(PATH, ACCEPT, LIMITS, signal, OCTETS_MAX));
}

function readUid(text: string): string {
  const object = parseJson(Buffer.from(text)) as { metadata?: { uid?: unknown } | null } | null;
  const uid = object?.metadata?.uid;
  if (typeof uid === 'string' && uid !== '') return uid;
  throw new ApiError('NOT_JSON', 'namespace kube-system has no uid');
}
