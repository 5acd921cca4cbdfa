/** Owns the forms that commands print in, and how any value is written as JSON or YAML. */

import { stringify } from 'yaml';

/** Every form; each command offers some of them, its default first. */
export const OUTPUTS = ['table', 'wide', 'text', 'zone', 'json', 'ndjson', 'yaml'] as const;
export type Output = (typeof OUTPUTS)[number];

/** Names that forms had before. */
export const OUTPUT_ALIASES: Readonly<Record<string, Output>> = { short: 'table' };

/** A form that says all that there is to say, for programs. */
export type DataOutput = 'json' | 'yaml';

export function formatData(value: unknown, output: DataOutput): string {
  return output === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : formatYaml(value);
}

/** Lists begin in the first column, so that pieces of a list can be joined. */
export function formatYaml(value: unknown): string {
  // Names that YAML could take for numbers or anchors are quoted by the library; long lines stay lines.
  return stringify(value, { lineWidth: 0 });
}
