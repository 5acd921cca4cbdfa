/** Owns `fedns explain`: how a name is answered, and by which rules. */

import type { Explanation } from '../admin/control-plane.ts';
import { openAdminClient, readJson } from './admin-client.ts';
import type { Environment } from './environment.ts';

export interface ExplainArguments {
  readonly name: string;
  readonly type: string;
  readonly client?: string;
}

export async function runExplain(
  environment: Environment,
  file: string,
  question: ExplainArguments,
): Promise<void> {
  const client = await openAdminClient(environment, file);
  const reply = await client.get('/api/v1/explain', { ...question });
  environment.out(formatExplanation(question, (await readJson(reply)) as Explanation));
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
