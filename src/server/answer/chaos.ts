/**
 * What the server tells of itself in class CHAOS (RFC 4892): nothing, unless the operator has given it a text to tell.
 */
import { Class, Type } from '../../zonebuilder/dns.ts';
import { encodeName } from '../../zonebuilder/names.ts';
import { HEADER_OCTETS, type Exchange } from './exchange.ts';
import type { Name } from './name.ts';
import type { OpenPolicy } from '../policy/policy.ts';
import { RECORD_OCTETS, write16, writeRecordHead } from './write.ts';

const VERSION_NAMES = ['version.bind', 'version.server'].map(encodeName);
const ID_NAMES = ['hostname.bind', 'id.server'].map(encodeName);

/** Answers a query of class CHAOS. @returns whether there was a text to tell */
export function answerChaos(x: Exchange, policy: OpenPolicy): boolean {
  const text = findText(x.name, policy);
  if (text === undefined || text.length === 0) return false;
  x.isAuthoritative = true;
  if (x.type === Type.TXT || x.type === Type.ANY) writeText(x, text);
  return true;
}

function findText(name: Name, policy: OpenPolicy): Uint8Array | undefined {
  for (let i = 0; i < VERSION_NAMES.length; i++) if (isName(name, VERSION_NAMES[i]!)) return policy.version;
  for (let i = 0; i < ID_NAMES.length; i++) if (isName(name, ID_NAMES[i]!)) return policy.id;
  return undefined;
}

function isName(name: Name, wireName: Uint8Array): boolean {
  if (name.octets !== wireName.length) return false;
  for (let i = 0; i < wireName.length; i++) if (name.lower[i] !== wireName[i]) return false;
  return true;
}

function writeText(x: Exchange, text: Uint8Array): void {
  const octets = RECORD_OCTETS + 1 + text.length;
  if (x.at + octets > x.limit) {
    x.isTruncated = true;
    return;
  }
  const { reply } = x;
  const at = writeRecordHead(x, x.base + HEADER_OCTETS, Type.TXT, 0, 1 + text.length);
  write16(reply, x.at + 4, Class.CH);
  reply[at] = text.length;
  for (let i = 0; i < text.length; i++) reply[at + 1 + i] = text[i]!;
  x.at += octets;
  x.answers++;
}
