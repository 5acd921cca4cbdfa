/** Owns `fedns join`: what its words mean. What it makes is in src/federation/members. */

import type { JoinChoice } from '../federation/members/join.ts';
import { CommandError, type Environment } from './environment.ts';
import { registering } from './registration.ts';

export interface JoinWords extends Omit<JoinChoice, 'tokenSeconds'> {
  /** How long the token is to last. */
  readonly tokenFor?: string;
}

const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };
/** An API server gives no token for less (TokenRequest, `expirationSeconds`). */
const TOKEN_SECONDS_MIN = 600;

export async function runJoin(environment: Environment, name: string, words: JoinWords): Promise<void> {
  const { tokenFor, ...same } = words;
  const tokenSeconds = tokenFor === undefined ? undefined : parseTime(tokenFor);
  const choice: JoinChoice = { ...same, ...(tokenSeconds !== undefined && { tokenSeconds }) };
  await registering(environment, (registration) => registration.join(name, choice));
}

function parseTime(text: string): number {
  const found = /^([1-9]\d{0,5})([mhd])$/.exec(text);
  const seconds = found === null ? 0 : Number(found[1]) * SECONDS[found[2]!]!;
  if (seconds >= TOKEN_SECONDS_MIN) return seconds;
  throw new CommandError(`--token-for ${text}: a time of at least 10m, such as 12h or 90d`);
}
