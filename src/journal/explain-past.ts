/** Says how a question about a Service was answered at a time, and by which entries of the journal that is known. */
import type { Explanation, ExplainStep } from '../zonebuilder/explain.ts';
import type { RecordSet } from '../zonebuilder/record-sets.ts';
import type { Answer, ChangeEntry } from './entry.ts';
import { type Found, levelOf, type NamedPlace, type Past, type Present } from './past.ts';
import type { ServiceName } from './service-name.ts';

/** Stands for an RCODE where the journal does not tell. */
export const UNKNOWN = 'UNKNOWN';

export interface PastQuestion {
  /** Lower case, without trailing dot. */
  readonly name: string;
  readonly parts: ServiceName;
  readonly domain: string;
  readonly type: 'A' | 'AAAA';
  readonly timeMs: number;
  /** When the journal begins; absent: it has no entry. */
  readonly beginMs?: number;
}

/** A zone leads to its region, and that to the global level. */
const LEVELS_MAX = 3;

export function explainPast(question: PastQuestion, past: Past, present: Present): Explanation {
  const { timeMs, beginMs, parts } = question;
  const steps: ExplainStep[] = [{ rule: 'time', text: `${timeText(timeMs)}, by the journal` }];
  if (beginMs === undefined || timeMs < beginMs) return tooEarly(beginMs, steps);
  if (past.isStopped) return unknown(steps, 'fedns had been stopped then');
  const [service, namespace, federation] = parts.service.split('.');
  steps.push({
    rule: 'service',
    text: `Service ${service} of namespace ${namespace}, federation ${federation}`,
  });
  const place = placeOf(parts, past, present);
  if (place.kind === 'none') return absent(steps, `${question.name}. was no name of a place`);
  if (place.kind === 'unknown') return unknown(steps, `whether ${parts.location} was a place`);
  return follow(question, place.place, { past, present, steps });
}

function tooEarly(beginMs: number | undefined, steps: ExplainStep[]): Explanation {
  return unknown(
    steps,
    beginMs === undefined
      ? 'the journal has no entry'
      : `the journal begins at ${timeText(beginMs)} and does not reach back so far`,
  );
}

function unknown(steps: ExplainStep[], text: string): Explanation {
  return { rcode: UNKNOWN, steps: [...steps, { rule: 'unknown', text }], answer: [] };
}

function absent(steps: ExplainStep[], text: string, answer: readonly RecordSet[] = []): Explanation {
  return { rcode: 'NXDOMAIN', steps: [...steps, { rule: 'absent', text }], answer };
}

function placeOf({ location, prefix }: ServiceName, past: Past, present: Present): NamedPlace {
  if (prefix !== '') return { kind: 'place', place: `cluster ${prefix}` };
  return past.placeNamed(location, present);
}

interface Context {
  readonly past: Past;
  readonly present: Present;
  readonly steps: ExplainStep[];
}

/** Along the aliases, as a reply does. */
function follow(question: PastQuestion, place: string, { past, present, steps }: Context): Explanation {
  const answers: RecordSet[] = [];
  let { name } = question;
  let at = place;
  for (let level = 0; level < LEVELS_MAX; level++) {
    const found = past.at(at, present);
    const { answer } = found;
    steps.push({ rule: 'level', text: `${name}.: ${answerText(answer)}` }, ...reasons(found, past));
    switch (answer?.kind) {
      case undefined:
        return unknown(steps, 'entries are missing, or tell a part of it only');
      case 'absent':
        return absent(steps, `${name}. did not exist`, answers);
      case 'nxdomain':
        return { rcode: 'NXDOMAIN', steps, answer: answers };
      case 'nodata':
        return { rcode: 'NOERROR', steps, answer: answers };
      case 'addresses':
        if (at === '') steps.push(...policySteps(past.policy(present)));
        return { rcode: 'NOERROR', steps, answer: [...answers, ...addressSet(question, name, answer)] };
      case 'alias': {
        at = answer.to;
        // Where nothing above had addresses either, it was an alias in any case.
        if (past.isFlat(present) && past.at('', present).answer?.kind === 'addresses') break;
        const above = nameAt(question, at);
        const ttlSeconds = aliasTtl(past.at('', present), present);
        answers.push({ name: `${name}.`, type: 'CNAME', ttlSeconds, data: [`${above}.`] });
        name = above;
      }
    }
  }
  return { rcode: 'NOERROR', steps, answer: answers };
}

/** What the global name has is what replies were chosen from. */
function policySteps(policy: string | undefined): ExplainStep[] {
  // Of a Service that came without a word about it, the policy is that of most.
  if (policy === 'all' || policy === '') return [];
  const text =
    policy === undefined
      ? 'whether each reply had all of these is not known'
      : `${policy}: each reply had some of these`;
  return [{ rule: 'policy', text }];
}

/** Aliases have the TTL of the Service. Where nothing was healthy, addresses before or after tell it. */
function aliasTtl({ answer, since, until }: Found, present: Present): number {
  const before = since && levelOf(since, '').before;
  const after = until && levelOf(until, '').after;
  const told = [answer, before, after, present.answerAt('')].find((each) => each?.kind === 'addresses');
  return told?.kind === 'addresses' ? told.ttlSeconds : 0;
}

function nameAt({ parts, domain }: PastQuestion, place: string): string {
  return place === '' ? `${parts.service}.svc.${domain}` : `${parts.service}.svc.${place}.${domain}`;
}

function addressSet(
  { type }: PastQuestion,
  name: string,
  answer: Answer & { kind: 'addresses' },
): RecordSet[] {
  const data = type === 'A' ? answer.a : answer.aaaa;
  return data.length === 0 ? [] : [{ name: `${name}.`, type, ttlSeconds: answer.ttlSeconds, data }];
}

function answerText(answer: Answer | undefined): string {
  switch (answer?.kind) {
    case undefined:
      return 'not known';
    case 'addresses':
      return `answered with ${[...answer.a, ...answer.aaaa].join(' ')}`;
    case 'alias':
      return 'no healthy shard, so the level above answered for it';
    case 'nodata':
    case 'nxdomain':
      return 'no shard was healthy anywhere';
    case 'absent':
      return 'the Service was not known there';
  }
}

function reasons({ since, until }: Found, { startedMs }: Past): ExplainStep[] {
  const steps: ExplainStep[] = [];
  if (since !== undefined) steps.push({ rule: 'since', text: changeText(since) });
  else if (startedMs !== undefined)
    steps.push({ rule: 'since', text: `${timeText(startedMs)} or before: fedns started` });
  if (until !== undefined) steps.push({ rule: 'until', text: changeText(until) });
  return steps;
}

function changeText({ timeMs, cluster, cause }: ChangeEntry): string {
  const version = cause.resourceVersion === undefined ? '' : ` @${cause.resourceVersion}`;
  const whose = cluster === undefined ? '' : `, cluster ${cluster}`;
  return `${timeText(timeMs)}: ${cause.object}${version}${whose}`;
}

/** `2026-11-28 02:41:07.120Z` */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ');
}
