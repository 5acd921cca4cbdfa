/**
 * Makes the query policy of the settings and keeps what it needs: the memories that all workers share, and the secrets of
 * cookies. Lives on the control plane's thread; what workers make of it is policy.ts.
 */
import { createHash } from 'node:crypto';
import type { Settings } from '../../config/settings.ts';
import { readKeys } from '../../tsig/keys.ts';
import { catalogOf } from './catalog-soa.ts';
import { CookieSecretKeeper, type CookieSecretError } from './cookie-secret.ts';
import { createCookieMemory } from './cookies.ts';
import type { QueryPolicy } from './policy.ts';
import { createRateLimitMemory } from './rate-limit.ts';

/** The settings that a policy is made of. */
export type PolicySettings = Pick<Settings, 'access' | 'rateLimit' | 'cookies' | 'identity' | 'transfer'>;

export interface PolicyKeeperOptions {
  /** The name of this machine or Pod, which NSID stands for. */
  readonly hostName: string;
  readonly onFault: (error: CookieSecretError) => void;
}

export class PolicyKeeper {
  readonly #options: PolicyKeeperOptions;
  readonly #cookieMemory = createCookieMemory();
  #rateLimitMemory: SharedArrayBuffer | undefined;
  #secrets: CookieSecretKeeper | undefined;

  constructor(options: PolicyKeeperOptions) {
    this.#options = options;
  }

  /**
   * Takes on settings, the first and every later time. Cookies and counts of before stay good.
   *
   * @throws CookieSecretError, or KeyFileError, when a file of secrets cannot be used; then nothing has changed
   */
  async adopt(settings: PolicySettings): Promise<QueryPolicy> {
    const { transfer } = settings;
    const keys = readKeys(transfer?.keys ?? []);
    await this.#keepSecrets(settings.cookies);
    const policy = this.#policyOf(settings);
    if (transfer === undefined) return policy;
    const { allow, tls } = transfer;
    const catalog = catalogOf(transfer, Date.now);
    return { ...policy, transfer: { keys, allow, tls, ...(catalog && { catalog }) } };
  }

  stop(): void {
    this.#secrets?.stop();
  }

  async #keepSecrets({ policy, secretFile }: PolicySettings['cookies']): Promise<void> {
    const keeper = new CookieSecretKeeper({
      memory: this.#cookieMemory,
      onFault: this.#options.onFault,
      ...(secretFile !== undefined && { file: secretFile }),
    });
    if (policy !== 'off') await keeper.start();
    this.#secrets?.stop();
    this.#secrets = keeper;
  }

  #policyOf({ access, rateLimit, cookies, identity }: PolicySettings): QueryPolicy {
    if (rateLimit) this.#rateLimitMemory ??= createRateLimitMemory();
    return {
      access,
      ...(cookies.policy !== 'off' && {
        cookies: { memory: this.#cookieMemory, required: cookies.policy === 'require' },
      }),
      ...(rateLimit && { rateLimit: { memory: this.#rateLimitMemory!, settings: rateLimit } }),
      nsid: identity.nsid ?? hostDigest(this.#options.hostName),
      chaos: { version: identity.version, id: identity.hostname },
    };
  }
}

/** Tells servers apart without telling what their machines are called. */
function hostDigest(hostName: string): string {
  return createHash('sha256').update(hostName).digest('hex').slice(0, 8);
}
