/** Owns `fedns explain`: how a name is answered, and by which rules. */

import type { Explanation } from '../admin/control-plane.ts';
import { openAdminClient } from './admin-client.ts';
import type { AdminTarget } from './admin-client.ts';
import type { Environment } from './environment.ts';
import { parseMoment } from './moment.ts';
import { formatData } from './output.ts';

export interface ExplainArguments {
  readonly name: string;
  readonly type: string;
  readonly client?: string;
  /** As typed: a time, or how long ago. */
  readonly at?: string;
}

/** How a name is answered: as text for people, or as the admin server says it. */
export const EXPLAIN_OUTPUTS = ['text', 'json', 'yaml'] as const;
export type ExplainOutput = (typeof EXPLAIN_OUTPUTS)[number];

/** Exit code for a name that is not served: whatever it is answered with but NOERROR. */
export const NOT_SERVED = 3;

/** @returns the exit code: 0, or {@link NOT_SERVED} */
export async function runExplain(
  environment: Environment,
  target: AdminTarget,
  { output, at, ...question }: ExplainArguments & { readonly output: ExplainOutput },
): Promise<number> {
  const client = await openAdminClient(environment, target);
  const then = at === undefined ? {} : { at: String(parseMoment(at, environment.clock(), '--at')) };
  const explanation = (await client.json('/api/v1/explain', { ...question, ...then })) as Explanation;
  await environment.out(
    output === 'text' ? formatExplanation(question, explanation) : formatData(explanation, output),
  );
  return explanation.rcode === 'NOERROR' ? 0 : NOT_SERVED;
}

/** The question, the steps in their order, then the reply's records. */
export function formatExplanation(question: ExplainArguments, explanation: Explanation): string {
  const lines = [`${question.name} ${question.type.toUpperCase()}`];
  const width = Math.max(0, ...explanation.steps.map((step) => step.rule.length));
  for (const { rule, text } of explanation.steps) lines.push(`  ${rule.padEnd(width)}  ${text}`);
  lines.push(explanation.rcode);
  for (const { name, ttlSeconds, type, data } of explanation.answer) {
    for (const rdata of data) lines.push(`  ${name} ${ttlSeconds} IN ${type} ${rdata}`);
  }
  return `${lines.join('\n')}\n`;
}
