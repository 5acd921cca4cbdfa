/** Names, asked of the running server at its own addresses over both transports, and held against what its admin address says. */

import type { Explanation, RecordSet } from '../admin/control-plane.ts';
import type { ServicePage } from '../admin/services.ts';
import type { ListenAddress } from '../config/settings.ts';
import { pause } from '../timers.ts';
import { Type } from '../zonebuilder/dns.ts';
import { typeText } from '../zonebuilder/rr-types.ts';
import { TRANSPORTS, type Transport } from './dns/ask.ts';
import type { DnsRecord } from './dns/message.ts';
import { rcodeText, serverText, statusText } from './dns/resolver.ts';
import type { Facts } from './facts.ts';
import { behind, type Finding, type Look, messageOf, well, wrong } from './report.ts';

/** Services that are asked for where none is named. */
const SAMPLE_MAX = 5;
/** An answer that changes between the two questions is asked for again. */
const ATTEMPTS = 3;
const PAUSE_MS = 300;

/** A question whose answer the server says itself. */
export interface Sample {
  readonly name: string;
  readonly type: number;
}

export async function checkAnswers(facts: Facts): Promise<readonly Finding[]> {
  const { listen } = await facts.settings();
  await facts.topology().catch(() => {
    throw behind('server', 'asking it for names, over UDP and TCP');
  });
  const samples = await samplesOf(facts);
  const addresses = [...new Map(listen.map(reachable).map((at) => [serverText(at), at])).values()];
  const found = await Promise.all(
    addresses.map(async (at) => Promise.all(samples.map((sample) => checkAt(facts, at, sample)))),
  );
  return found.flat();
}

/** The SOA record, and the named Service or some of all. Without a server that says which, the SOA record alone. */
export async function samplesOf(facts: Facts): Promise<readonly Sample[]> {
  const { domain } = await facts.settings();
  const soa = { name: domain, type: Type.SOA };
  const names = await serviceNames(facts).catch(() => (facts.name === undefined ? [] : [facts.name]));
  return [soa, ...names.map((name) => ({ name: globalName(name, domain), type: Type.A }))];
}

async function serviceNames({ name, askServer }: Facts): Promise<readonly string[]> {
  if (name !== undefined) return [name];
  const page = (await askServer('/api/v1/services', { limit: String(SAMPLE_MAX) })) as ServicePage;
  return page.rows.map((row) => row.name);
}

/** `S.N.F` means its global name; anything in the domain means itself. */
export function globalName(name: string, domain: string): string {
  const plain = name.toLowerCase().replace(/\.$/, '');
  return plain === domain || plain.endsWith(`.${domain}`) ? plain : `${plain}.svc.${domain}`;
}

/** A wildcard can be listened on but not asked everywhere. */
function reachable({ address, port }: ListenAddress): ListenAddress {
  if (address === '0.0.0.0') return { address: '127.0.0.1', port };
  return address === '::' ? { address: '::1', port } : { address, port };
}

async function checkAt(facts: Facts, at: ListenAddress, sample: Sample): Promise<Finding> {
  const about = `${sample.name} ${typeText(sample.type)} at ${serverText(at)}`;
  const look = { about, tried: 'the question over UDP and TCP, and GET /api/v1/explain' };
  let fault = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await pause(facts.timers, PAUSE_MS);
    const results = await Promise.all(TRANSPORTS.map((over) => compare(facts, at, sample, over)));
    const wrongs = results.filter((result) => 'fault' in result);
    if (wrongs.length === 0) return well(look, 'text' in results[0]! ? results[0].text : '');
    fault = wrongs.map((result) => result.fault).join('; ');
  }
  return unanswered(look, fault);
}

function unanswered(look: Look, fault: string): Finding {
  const next = 'see that nothing else listens at that address, and what the log of fedns says';
  return wrong(look, fault, next);
}

async function compare(
  facts: Facts,
  at: ListenAddress,
  { name, type }: Sample,
  over: Transport,
): Promise<{ readonly fault: string } | { readonly text: string }> {
  try {
    const said = (await facts.askServer('/api/v1/explain', { name, type: typeText(type) })) as Explanation;
    let asked = await facts.ask(at, { name, type }, over);
    if (asked.kind === 'reply' && asked.reply.isTruncated) asked = await facts.ask(at, { name, type }, 'TCP');
    if (asked.kind === 'silence') return { fault: `${over}: ${asked.message}` };
    const { reply } = asked;
    if (!reply.isAuthoritative) return { fault: `${over}: ${statusText(reply)}, without AA` };
    if (rcodeText(reply.rcode) !== said.rcode)
      return { fault: `${over}: ${statusText(reply)}, and not ${said.rcode}` };
    const strange = strangeIn(reply.answers, said.answer);
    if (strange !== undefined) return { fault: `${over}: ${strange}` };
    const server = reply.serverId === undefined ? '' : `, from ${reply.serverId}`;
    return { text: `${answerText(reply.answers) || 'no record'}, AA over UDP and TCP${server}` };
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

/** What a client gets may be a part of what everybody gets; nothing else may be in it, and no set may be missing. */
function strangeIn(answers: readonly DnsRecord[], sets: readonly RecordSet[]): string | undefined {
  for (const { type, data } of answers) {
    if (type === Type.SOA) continue;
    const isSaid = sets.some((set) => set.type === typeText(type) && set.data.includes(data));
    if (!isSaid) return `it answers with ${typeText(type)} ${data}, of which it says nothing itself`;
  }
  const missing = sets.find((set) => !answers.some(({ type }) => typeText(type) === set.type));
  return missing && `it does not answer with ${missing.type} ${missing.data.join(' ')}`;
}

export function answerText(answers: readonly DnsRecord[]): string {
  return answers.map(({ type, data }) => (type === Type.SOA ? `serial ${serialOf(data)}` : data)).join(' ');
}

/** The serial in the presentation form of an SOA record. */
export function serialOf(soa: string): string {
  return soa.split(' ')[2] ?? '';
}
