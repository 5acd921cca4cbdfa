/**
 * Owns which keys the server signs with: reads them before settings are put in force, looks whether a step of a roll or a new
 * Secret has changed them, and adds their records to those of the configuration. What cannot be read changes nothing.
 */
import type { Settings } from '../config/settings.ts';
import { KeysError, readKeys, type HeldKeys } from '../dnssec/keys/key-folder.ts';
import { keysInForce, type KeysInForce } from '../dnssec/keys-in-force.ts';
import type { Log } from '../log.ts';
import type { Timer, Timers } from '../timers.ts';
import { packStatics, walkStatics } from '../zonebuilder/static-set.ts';

/** Time between two looks at the keys, in milliseconds: far below any TTL that a roll waits for. */
const LOOK_MS = 1000;

/** Settings with the keys that belong to them, ready to be put in force. */
export interface KeyedSettings {
  /** As the configuration has them. */
  readonly plain: Settings;
  /** Their static records are those of the keys, too. */
  readonly settings: Settings;
  /** Undefined: the domain is not signed. */
  readonly keys: KeysInForce | undefined;
  readonly held: HeldKeys | undefined;
}

export interface KeysKeeperOptions {
  readonly timers: Timers;
  readonly log: Log;
  /** Default: from the folder. Tests bring their own. */
  readonly read?: typeof readKeys;
}

export class KeysKeeper {
  readonly #options: KeysKeeperOptions;
  #current: KeyedSettings | undefined;
  #timer: Timer | undefined;
  /** Why the keys on the disk are not those in force; '': they are. */
  #trouble = '';
  #isStopped = false;

  constructor(options: KeysKeeperOptions) {
    this.#options = options;
  }

  /** Who signs what now; undefined: the domain is not signed. */
  get keys(): KeysInForce | undefined {
    return this.#current?.keys;
  }

  /**
   * Reads the keys that settings name, and puts nothing in force.
   *
   * @throws KeysError
   */
  async prepare(plain: Settings): Promise<KeyedSettings> {
    const { dnssec, domain } = plain;
    if (dnssec === undefined) return { plain, settings: plain, keys: undefined, held: undefined };
    return keyed(plain, await (this.#options.read ?? readKeys)(dnssec.keys, domain));
  }

  /** Says that prepared settings are in force. */
  commit(prepared: KeyedSettings): void {
    this.#current = prepared;
    this.#trouble = '';
  }

  /**
   * Begins to look for other keys.
   *
   * @param onChange - puts them in force, or throws; then it is tried again
   */
  start(onChange: (changed: KeyedSettings) => void): void {
    const look = (): void => {
      if (this.#isStopped) return;
      this.#timer = this.#options.timers.after(LOOK_MS, () => void this.#look(onChange).then(look));
    };
    look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #look(onChange: (changed: KeyedSettings) => void): Promise<void> {
    const before = this.#current;
    if (before?.held === undefined) return;
    try {
      const changed = await this.prepare(before.plain);
      // A reload that came in between has read them itself.
      if (this.#current !== before || this.#isStopped) return;
      if (!isSame(before.held, changed.held!)) this.#adopt(changed, onChange);
      this.#trouble = '';
    } catch (error) {
      this.#tell(error);
    }
  }

  #adopt(changed: KeyedSettings, onChange: (changed: KeyedSettings) => void): void {
    onChange(changed);
    this.#current = changed;
    const { keys, roll } = changed.held!.state;
    const tags = keys.map(({ role, tag }) => `${role} ${tag}`);
    const stage = roll && `${roll.kind}: ${roll.stage}`;
    this.#options.log.info({ keys: tags, ...(stage && { roll: stage }) }, 'other keys are in force');
  }

  /** The same trouble is told once. */
  #tell(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason === this.#trouble) return;
    this.#trouble = reason;
    const code = error instanceof KeysError ? error.code : 'KEYS_NOT_ADOPTED';
    this.#options.log.error(
      { code, reason },
      'the keys cannot be used as they are, those before stay in force',
    );
  }
}

function keyed(plain: Settings, held: HeldKeys): KeyedSettings {
  const { dnskeyTtlSeconds, cds } = plain.dnssec!;
  const keys = keysInForce(held.state, held.keys, { ttlSeconds: dnskeyTtlSeconds, cds });
  const statics = packStatics([...walkStatics(plain.statics, plain.domain), ...keys.records], plain.domain);
  return { plain, settings: { ...plain, statics }, keys, held };
}

/** Files may be written anew with the same content. */
function isSame(before: HeldKeys, after: HeldKeys): boolean {
  return JSON.stringify(before.state) === JSON.stringify(after.state);
}
