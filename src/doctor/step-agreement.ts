/**
 * Whether the authoritative servers answer alike. Serials are shown and not compared: each instance of fedns counts its own
 * changes. Answers may be a part of what there is, another each time, so what several replies hold together is compared.
 */

import { pause } from '../timers.ts';
import { Type } from '../zonebuilder/dns.ts';
import { typeText } from '../zonebuilder/rr-types.ts';
import { findAuthorities } from './authoritative.ts';
import { askWhole } from './dns/ask.ts';
import { statusText } from './dns/resolver.ts';
import type { Facts } from './facts.ts';
import { type Finding, none, untried, well, wrong } from './report.ts';
import { type Sample, samplesOf } from './step-answers.ts';

/** Replies that are put together: a change on its way needs a moment, and a weighted answer has many faces. */
const ROUNDS_MAX = 4;
const PAUSE_MS = 1000;

interface Witness {
  readonly label: string;
  readonly address: string;
}

export async function checkAgreement(facts: Facts): Promise<readonly Finding[]> {
  const { domain } = await facts.settings();
  const authorities = await findAuthorities(facts);
  const witnesses = authorities.flatMap(({ name, address }) =>
    address === undefined ? [] : [{ label: `${name} (${address})`, address }],
  );
  const tried = `NS of ${domain} and names of Services at each name server`;
  if (witnesses.length < 2) return [none({ about: domain, tried }, 'there is one name server address only')];
  const samples = await samplesOf(facts);
  const asked = samples.map((sample) => (sample.type === Type.SOA ? { ...sample, type: Type.NS } : sample));
  return Promise.all(asked.map((sample) => compareAll(facts, witnesses, sample)));
}

async function compareAll(facts: Facts, witnesses: readonly Witness[], sample: Sample): Promise<Finding> {
  const look = {
    about: `${sample.name} ${typeText(sample.type)}`,
    tried: `it at ${witnesses.length} addresses`,
  };
  const seen = witnesses.map(() => new Set<string>());
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (round > 0) await pause(facts.timers, PAUSE_MS);
    const replies = await Promise.all(witnesses.map(({ address }) => wordsOf(facts, address, sample)));
    replies.forEach((words, i) => words.forEach((word) => seen[i]!.add(word)));
    const heard = seen.filter(({ size }) => size > 0);
    if (heard.length < 2) return untried(look, 'fewer than two of them answer', 'mend nameservers first');
    if (heard.every((words) => textOf(words) === textOf(heard[0]!)))
      return well(look, `alike: ${textOf(heard[0]!)}`);
  }
  const lines = witnesses.flatMap(({ label }, i) =>
    seen[i]!.size === 0 ? [] : [`${label}: ${textOf(seen[i]!)}`],
  );
  return wrong(
    look,
    lines.join('; '),
    'give every server the same configuration and clusters; fedns clusters on each',
  );
}

/** What a reply holds, or says instead; nothing of a server that is silent or lame, which is another step's to say. */
async function wordsOf(
  { ask, dnsPort }: Facts,
  address: string,
  { name, type }: Sample,
): Promise<readonly string[]> {
  const asked = await askWhole(ask, { address, port: dnsPort }, { name, type });
  if (asked.kind === 'silence' || !asked.reply.isAuthoritative) return [];
  const { reply } = asked;
  if (reply.answers.length === 0) return [`${statusText(reply)} without a record`];
  return reply.answers.map((record) => `${typeText(record.type)} ${record.data}`);
}

function textOf(words: ReadonlySet<string>): string {
  return [...words].toSorted().join(', ');
}
