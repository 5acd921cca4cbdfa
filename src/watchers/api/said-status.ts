/** Reads what an API server says of an error: the `Status` object of its body, each part bounded and checked. */

import { oneLine, type SaidCause, type SaidStatus } from '../api-error.ts';

/** Longest message kept: quotas and admission webhooks write a few hundred characters, validation lists many faults. */
const SAID_CHARS_MAX = 2000;
/** Causes kept: one for each field that is in conflict or wrong. */
const CAUSES_MAX = 32;

/** @returns undefined when the text is no JSON object with a message, such as the page of a proxy */
export function readSaid(text: string): SaidStatus | undefined {
  const status = parseObject(text);
  if (typeof status?.['message'] !== 'string') return undefined;
  const details = asObject(status['details']);
  return {
    message: oneLine(status['message'], SAID_CHARS_MAX),
    reason: asLine(status['reason']),
    kind: asLine(details?.['kind']),
    causes: readCauses(details?.['causes']),
  };
}

function readCauses(value: unknown): SaidCause[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, CAUSES_MAX).map((entry: unknown) => {
    const cause = asObject(entry);
    return {
      reason: asLine(cause?.['reason']),
      message: asLine(cause?.['message']),
      field: asLine(cause?.['field']),
    };
  });
}

function parseObject(text: string): Fields | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function asObject(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function asLine(value: unknown): string {
  return typeof value === 'string' ? oneLine(value) : '';
}
