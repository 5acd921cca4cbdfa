/**
 * Owns what a line of the query log says: who asked what, over which transport, and what the answer was. As JSON with a field for
 * each, or for people as `14:03:07.120 QUERY NAME IN A NOERROR  client=… over=udp flags=rd,edns,aa answers=3 octets=128 at=REGION`.
 */

import { paintColoured, paintPlain } from '../../logging/colours.ts';
import type { LogForm } from '../../logging/pino-log.ts';
import { lineHead } from '../../logging/pretty-log.ts';
import { Class, Rcode, Type } from '../../zonebuilder/dns.ts';
import { formatAddress } from '../../zonebuilder/ip-text.ts';
import { typeText } from '../../zonebuilder/rr-types.ts';
import {
  answerCount,
  findOption,
  flagsOf,
  HeaderFlag,
  isBelow,
  isOpt,
  isQuestionName,
  nameText,
  readName,
  readQuestion,
  recordsOf,
  type MessageView,
  type Question,
  type RecordHead,
} from '../dns-message.ts';
import type { QueryRecord } from '../record.ts';

/** What a line tells. */
export interface QueryEntry {
  readonly time: string;
  readonly client: string;
  readonly port: number;
  readonly transport: string;
  /** `-` where no question could be read, as for the two below. */
  readonly name: string;
  readonly class: string;
  readonly type: string;
  /** Of the query: `rd`, `ad`, `cd`, `edns`, `do`. */
  readonly flags: readonly string[];
  /** The client subnet that the query came with, whether believed or not. */
  readonly ecs?: string;
  /** `none`: there was no reply. */
  readonly rcode: string;
  /** Of the reply: `aa`, `tc`. */
  readonly replyFlags: readonly string[];
  readonly answers: number;
  readonly octets: number;
  /** Of a Service's name: the level, or static name, that the addresses are of, where that is another than was asked. */
  readonly at?: string;
}

/** By `Transport`. */
const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;
const RCODES = new Map<number, string>(Object.entries(Rcode).map(([name, code]) => [code, name]));
const CLASSES = new Map<number, string>(Object.entries(Class).map(([name, code]) => [code, name]));

/** Stands for what could not be read. */
const UNREAD = '-';
const OPT_DO = 0x8000;
const OPTION_ECS = 8;
/** The octets of an address in a client subnet, by its family (RFC 7871 section 6). */
const FAMILY_OCTETS: Readonly<Record<number, number>> = { 1: 4, 2: 16 };

/** @param domain - the served domain in wire form, lower case */
export function describeQuery(record: QueryRecord, domain: Uint8Array): QueryEntry {
  const { octets, queryAt, queryOctets, replyAt, replyOctets } = record;
  const query = { octets, start: queryAt, end: queryAt + queryOctets };
  const question = readQuestion(query);
  const opt = question && findOpt(query, question);
  const ecs = opt && subnetText(query, opt);
  return {
    time: new Date(record.queryMs).toISOString(),
    client: formatAddress(record.client),
    port: record.clientPort,
    transport: TRANSPORTS[record.transport] ?? UNREAD,
    name: question ? nameText(question.wireName) : UNREAD,
    class: question ? (CLASSES.get(question.class) ?? `CLASS${question.class}`) : UNREAD,
    type: question ? typeText(question.type) : UNREAD,
    flags: queryFlags(query, opt),
    ...(ecs !== undefined && { ecs }),
    ...describeReply({ octets, start: replyAt, end: replyAt + replyOctets }, domain),
  };
}

/** @param form - as the rest of the log has it */
export function formatEntry(entry: QueryEntry, form: LogForm): string {
  const { time, ...rest } = entry;
  if (form === 'json') return `${JSON.stringify({ level: 'info', time, ...rest, msg: 'query' })}\n`;
  const paint = form === 'coloured' ? paintColoured : paintPlain;
  const { name, class: dnsClass, type, rcode, client, port, ecs, at } = entry;
  const fields: readonly (readonly [string, string | number | undefined])[] = [
    ['client', `${client}#${port}`],
    ['over', entry.transport],
    ['flags', [...entry.flags, ...entry.replyFlags].join(',') || undefined],
    ['ecs', ecs],
    ['answers', entry.answers],
    ['octets', entry.octets],
    ['at', at],
  ];
  const told = fields
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${paint('dim', `${key}=`)}${value}`);
  const outcome = paint(rcode === 'NOERROR' ? 'green' : 'yellow', rcode);
  const question = name === UNREAD ? 'no question' : `${name} ${dnsClass} ${type}`;
  return `${lineHead(time, 'query', paint)}${question} ${outcome} ${told.join('')}\n`;
}

function findOpt(message: MessageView, question: Question): RecordHead | undefined {
  return [...recordsOf(message, question)].find(isOpt);
}

function queryFlags(query: MessageView, opt: RecordHead | undefined): readonly string[] {
  const flags = flagsOf(query);
  const isDnssecOk = opt !== undefined && (opt.ttl & OPT_DO) !== 0;
  return [
    ...((flags & HeaderFlag.rd) !== 0 ? ['rd'] : []),
    ...((flags & HeaderFlag.ad) !== 0 ? ['ad'] : []),
    ...((flags & HeaderFlag.cd) !== 0 ? ['cd'] : []),
    ...(opt ? ['edns'] : []),
    ...(isDnssecOk ? ['do'] : []),
  ];
}

function subnetText(query: MessageView, opt: RecordHead): string | undefined {
  const data = findOption(query, opt, OPTION_ECS);
  if (data === undefined || data.length < 4) return undefined;
  const octets = FAMILY_OCTETS[(data[0]! << 8) | data[1]!];
  if (octets === undefined || data.length - 4 > octets) return undefined;
  const address = new Uint8Array(octets);
  address.set(data.subarray(4));
  return `${formatAddress(address)}/${data[2]!}`;
}

type ReplyEntry = Pick<QueryEntry, 'rcode' | 'replyFlags' | 'answers' | 'octets' | 'at'>;

function describeReply(reply: MessageView, domain: Uint8Array): ReplyEntry {
  const octets = reply.end - reply.start;
  if (octets === 0) return { rcode: 'none', replyFlags: [], answers: 0, octets: 0 };
  const flags = flagsOf(reply);
  const question = readQuestion(reply);
  const records = question === undefined ? [] : [...recordsOf(reply, question)];
  // The upper eight bits stand in the OPT record (RFC 6891 section 6.1.3).
  const rcode = (flags & 0xf) | (Math.floor((records.find(isOpt)?.ttl ?? 0) / 0x100_0000) << 4);
  const answers = answerCount(reply);
  const last = records[answers - 1];
  const at = question && last && placeOf(reply, question, last, domain);
  return {
    rcode: RCODES.get(rcode) ?? `RCODE${rcode}`,
    replyFlags: [
      ...((flags & HeaderFlag.aa) !== 0 ? ['aa'] : []),
      ...((flags & HeaderFlag.tc) !== 0 ? ['tc'] : []),
    ],
    answers,
    octets,
    ...(at !== undefined && { at }),
  };
}

/** The level that an answer comes from, where aliases led there: the part behind `svc`, `global` where there is none. */
function placeOf(
  reply: MessageView,
  question: Question,
  last: RecordHead,
  domain: Uint8Array,
): string | undefined {
  if (last.type === Type.CNAME || isQuestionName(reply, last.at)) return undefined;
  const owner = readName(reply, last.at);
  if (owner === undefined || !isBelow(owner, domain)) return undefined;
  const text = nameText(owner);
  if (text.toLowerCase() === nameText(question.wireName).toLowerCase()) return undefined;
  const below = text.slice(0, text.length - nameText(domain).length - 1);
  const match = /(?:^|\.)svc(?:\.(.*))?$/i.exec(below);
  return match === null ? text : (match[1] ?? 'global');
}
