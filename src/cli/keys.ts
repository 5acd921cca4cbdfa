/**
 * Owns `fedns keys`: the commands that make, list and roll the keys of `dnssec.keys`. They work on files, whether fedns runs
 * or not; a running one sees the change by itself. What a step needs is dnssec/steps.ts; how it is told: keys-view.ts.
 */
import type { DnssecSettings, Settings } from '../config/settings.ts';
import { createKey, KeysError, readKeyState, removeKeys, writeKeyState } from '../dnssec/keys/key-folder.ts';
import type { KeyEntry, KeyRole, KeyState } from '../dnssec/key-state.ts';
import type { RollKind } from '../dnssec/rolls.ts';
import {
  beginRoll,
  nextStage,
  noteParent,
  refusalOf,
  rolesOf,
  type ConfiguredTimes,
  type ParentView,
} from '../dnssec/steps.ts';
import { StateError } from '../state/layout.ts';
import { walkStatics } from '../zonebuilder/static-set.ts';
import { CommandError, type Environment } from './environment.ts';
import {
  delegationText,
  delegationView,
  keysText,
  keysView,
  refusalText,
  type KeysWorld,
} from './keys-view.ts';
import { formatData } from './output.ts';

export const KEYS_OUTPUTS = ['table', 'json', 'yaml'] as const;
export type KeysOutput = (typeof KEYS_OUTPUTS)[number];
export const KEYS_VERBS = ['create', 'list', 'ds', 'roll'] as const;
export type KeysVerb = (typeof KEYS_VERBS)[number];
/** What a roll may be begun of; the first keys come by `create`. */
export const ROLLABLE = ['zsk', 'ksk', 'csk', 'algorithm', 'unsigned'] as const;
export type Rollable = (typeof ROLLABLE)[number];

export interface KeysChoice {
  readonly output: KeysOutput;
  readonly what?: Rollable | undefined;
  /** The operator says that the parent has the DS records. */
  readonly dsPublished?: boolean | undefined;
  /** Through whom the parent is asked. */
  readonly resolver?: string | undefined;
}

const VERBS: Readonly<Record<KeysVerb, (world: World, choice: KeysChoice) => Promise<void>>> = {
  create: createFirst,
  list: async (world, { output }) => show(world, await readState(world), output),
  ds: showDelegation,
  roll: roll,
};

interface World extends KeysWorld {
  readonly environment: Environment;
  readonly dnssec: DnssecSettings;
}

export async function runKeys(
  environment: Environment,
  { config, verb, ...choice }: KeysChoice & { readonly config: string; readonly verb: KeysVerb },
): Promise<void> {
  const loaded = await environment.load(config);
  if (loaded.kind === 'refused') throw new CommandError(loaded.faults.join('\n'));
  const { settings } = loaded;
  const { dnssec } = settings;
  if (dnssec === undefined) throw new CommandError(`${config} has no dnssec: add dnssec: { keys: ./keys }`);
  const world = {
    environment,
    settings,
    dnssec,
    nowMs: environment.clock(),
    times: timesOf(settings, dnssec),
  };
  try {
    await VERBS[verb](world, choice);
  } catch (error) {
    if (error instanceof KeysError || error instanceof StateError) throw new CommandError(error.message);
    throw error;
  }
}

/** The longest TTLs that the configuration brings, and what it says of the world around. */
function timesOf(settings: Settings, dnssec: DnssecSettings): ConfiguredTimes {
  const { ttlSeconds, apexTtlSeconds, negativeTtlSeconds, statics, domain } = settings;
  let zoneSeconds = Math.max(ttlSeconds, apexTtlSeconds, negativeTtlSeconds, dnssec.longestTtlSeconds);
  for (const record of walkStatics(statics, domain)) zoneSeconds = Math.max(zoneSeconds, record.ttlSeconds);
  return {
    ttls: { dnskeySeconds: dnssec.dnskeyTtlSeconds, zoneSeconds },
    propagationSeconds: dnssec.propagationSeconds,
    parentDsSeconds: dnssec.parentDsTtlSeconds,
  };
}

/** The folder belongs to one domain for good: keys that are there are never written over. */
async function createFirst(world: World, { output }: KeysChoice): Promise<void> {
  const { dnssec, settings, nowMs, times } = world;
  if (await hasKeys(world))
    throw new CommandError(`${dnssec.keys} has keys already: fedns keys roll exchanges them`);
  const fresh = await createKeys(world, rolesFor(dnssec), []);
  const empty = { version: 1 as const, domain: settings.domain, keys: [], ttls: times.ttls };
  await store(world, beginRoll(empty, { kind: 'first', fresh, nowMs, ttls: times.ttls }), output);
}

async function hasKeys({ dnssec, settings }: World): Promise<boolean> {
  try {
    await readKeyState(dnssec.keys, settings.domain);
    return true;
  } catch (error) {
    if (error instanceof KeysError && error.code === 'NO_KEYS') return false;
    throw error;
  }
}

async function roll(world: World, choice: KeysChoice): Promise<void> {
  const state = await readState(world);
  await (state.roll === undefined ? begin(world, state, choice) : step(world, state, choice));
}

async function begin(world: World, state: KeyState, { what, output }: KeysChoice): Promise<void> {
  const { nowMs, times, dnssec } = world;
  const kinds = rollablesOf(state);
  if (what === undefined || !kinds.includes(what)) {
    const wrong = what === undefined ? 'no roll is under way' : `there is no ${what} to roll`;
    throw new CommandError(`${wrong}; one of ${kinds.join(', ')} can be rolled`);
  }
  const fresh = await createKeys(world, freshRoles(what, state, dnssec), state.keys);
  await store(world, beginRoll(state, { kind: what, fresh, nowMs, ttls: times.ttls }), output);
}

/** Another algorithm, or other roles, come by the configuration: all keys go, and those that it wants come. */
function freshRoles(kind: RollKind, state: KeyState, dnssec: DnssecSettings): readonly KeyRole[] {
  if (kind === 'unsigned') return [];
  return kind === 'algorithm' ? rolesFor(dnssec) : rolesOf(kind, state.keys);
}

function rollablesOf({ keys }: KeyState): readonly Rollable[] {
  const roles = new Set<string>(keys.map(({ role }) => role));
  return ROLLABLE.filter((kind) => kind === 'algorithm' || kind === 'unsigned' || roles.has(kind));
}

async function step(world: World, before: KeyState, choice: KeysChoice): Promise<void> {
  const { nowMs, times } = world;
  const { kind } = before.roll!;
  if (choice.what !== undefined && choice.what !== kind)
    throw new CommandError(`a roll of kind ${kind} is under way, which has to end first`);
  const view = await viewOf(world, choice);
  const state = noteParent(before, view, nowMs);
  // What the parent was seen to have counts from now on, also where the step itself comes later.
  if (state.roll?.dsSeen !== before.roll?.dsSeen) await writeKeyState(world.dnssec.keys, state);
  const refusal = refusalOf(state, times, { view, nowMs });
  if (refusal !== undefined) throw new CommandError(refusalText(refusal, state, world));
  const next = nextStage(state, { nowMs, ttls: times.ttls });
  await store(world, next.state, choice.output);
  await removeKeys(world.dnssec.keys, next.gone);
}

async function viewOf(
  { environment, settings }: World,
  { dsPublished, resolver }: KeysChoice,
): Promise<ParentView> {
  if (dsPublished === true) return 'trusted';
  if (resolver === undefined) return undefined;
  if (environment.askParent === undefined) throw new CommandError('the parent cannot be asked here');
  return environment.askParent(settings.domain, resolver);
}

async function createKeys(
  { dnssec, nowMs }: World,
  roles: readonly KeyRole[],
  before: readonly KeyEntry[],
): Promise<readonly KeyEntry[]> {
  const fresh: KeyEntry[] = [];
  for (const role of roles) {
    const taken = [...before, ...fresh];
    fresh.push(await createKey(dnssec.keys, { role, algorithm: dnssec.algorithm, taken, nowMs }));
  }
  return fresh;
}

function rolesFor({ split }: DnssecSettings): readonly KeyRole[] {
  return split ? ['ksk', 'zsk'] : ['csk'];
}

function readState({ dnssec, settings }: World): Promise<KeyState> {
  return readKeyState(dnssec.keys, settings.domain);
}

async function store(world: World, state: KeyState, output: KeysOutput): Promise<void> {
  await writeKeyState(world.dnssec.keys, state);
  await show(world, state, output);
}

async function show(world: World, state: KeyState, output: KeysOutput): Promise<void> {
  const view = keysView(state, world);
  await world.environment.out(output === 'table' ? keysText(view) : formatData(view, output));
}

async function showDelegation(world: World, { output }: KeysChoice): Promise<void> {
  const view = delegationView(await readState(world), world);
  await world.environment.out(output === 'table' ? delegationText(view) : formatData(view, output));
}
