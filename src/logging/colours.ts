/** Owns when lines for people are coloured, and the few colours that they have. */

/** Sequences of a terminal (ECMA-48). */
const RESET = '\u001b[0m';
const SEQUENCES = {
  dim: '\u001b[2m',
  red: '\u001b[1;31m',
  green: '\u001b[32m',
  yellow: '\u001b[33m',
  cyan: '\u001b[36m',
} as const;
export type Colour = keyof typeof SEQUENCES;

/** Gives a text a colour, or leaves it. */
export type Paint = (colour: Colour, text: string) => string;

export const paintColoured: Paint = (colour, text) => SEQUENCES[colour] + text + RESET;
export const paintPlain: Paint = (_, text) => text;

/**
 * Whether to colour what goes to a stream, by the conventions that other programs follow: FORCE_COLOR comes first, then NO_COLOR
 * (no-color.org: any value but none), then what the stream is.
 *
 * @param env - the environment of the process
 */
export function wantsColour(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  return isTerminal && env['TERM'] !== 'dumb';
}
