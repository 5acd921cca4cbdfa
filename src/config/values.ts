/**
 * The texts of a configuration that have a form of their own: names, addresses, networks. Each function takes what
 * the operator wrote and returns the canonical form, or throws a BadValue that says what to write instead.
 */
import { domainToASCII } from 'node:url';
import { canonicalAddress, formatAddress, parseAddress } from '../zonebuilder/ip-text.ts';
import { encodeName, NameError, parseLabels } from '../zonebuilder/names.ts';
import type { FaultCode } from './fault.ts';
import type { ListenAddress } from './settings.ts';

/** A text that has not the form it must have. */
export class BadValue extends Error {
  readonly code: FaultCode;
  readonly fix: string | undefined;

  constructor(code: FaultCode, message: string, fix?: string) {
    super(message);
    this.name = 'BadValue';
    this.code = code;
    this.fix = fix;
  }
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/**
 * A DNS label of letters, digits and inner hyphens (RFC 1123 section 2.1), lower-cased: federations, regions, zones,
 * namespaces and clusters are called so.
 */
export function parseLabel(text: string): string {
  const label = text.toLowerCase();
  if (label.length > 63) {
    throw new BadValue('BAD_LABEL', `${text} has ${label.length} octets, a label has at most 63`);
  }
  if (LABEL.test(label)) return label;
  const repaired = label.replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  const fix = LABEL.test(repaired) ? `for example ${repaired}` : undefined;
  throw new BadValue('BAD_LABEL', `${quote(text)} is no DNS label of letters, digits and hyphens`, fix);
}

/** A host or domain name, lower case, without the trailing dot; never the root. */
export function parseDomainName(text: string): string {
  const name = checkedName(text);
  if (canonicalAddress(name) !== undefined) {
    throw new BadValue('BAD_NAME', `${text} is an address, a name is expected`);
  }
  return checkLabels(name, text, /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/);
}

/** A record's owner name, lower case, without the trailing dot; `*` may stand for the first label. */
export function parseOwnerName(text: string): string {
  const name = checkedName(text);
  // RFC 4592 section 2.1.1 gives only a whole leftmost label a meaning; elsewhere an asterisk is surely a mistake.
  if (name.replace(/^\*\./, '').includes('*')) {
    throw new BadValue('BAD_WILDCARD', 'a wildcard must be the whole first label, and have labels behind it');
  }
  return checkLabels(name.replace(/^\*\./, ''), text, /^[a-z0-9_/-]+$/) && name;
}

/** The hostmaster's mailbox as a name: `dns.admin@example.com` becomes `dns\.admin.example.com` (RFC 1035 section 8). */
export function parseMailbox(text: string): string {
  const [local = '', domain, more] = text.split('@');
  if (domain === undefined) return checkLabels(checkedName(text, true), text, /^[!-~]+$/);
  if (local === '' || domain === '' || more !== undefined) {
    throw new BadValue('BAD_MAILBOX', `${text} is neither a mail address nor a name`);
  }
  const escaped = local.replaceAll(/[.\\;"()$ ]/g, '\\$&');
  return checkLabels(checkedName(`${escaped}.${parseDomainName(domain)}`, true), text, /^[!-~]+$/);
}

/** An address in canonical form. */
export function parseAddressText(text: string): string {
  const address = canonicalAddress(text);
  if (address !== undefined) return address;
  const port = /^(.*[^:]):[0-9]+$/.exec(text)?.[1];
  const fix =
    port !== undefined && canonicalAddress(port) !== undefined ? `without port: ${port}` : undefined;
  throw new BadValue('BAD_ADDRESS', `${quote(text)} is no IPv4 or IPv6 address`, fix);
}

/** A network as canonical CIDR text; an address alone stands for itself. */
export function parseNetwork(text: string): string {
  const [addressText = '', lengthText, more] = text.split('/');
  const octets = parseAddress(addressText);
  if (octets === undefined || more !== undefined) {
    throw new BadValue(
      'BAD_NETWORK',
      `${quote(text)} is no network`,
      'for example 10.0.0.0/8 or 2001:db8::/32',
    );
  }
  const bits = octets.length * 8;
  const length =
    lengthText === undefined ? bits : /^[0-9]{1,3}$/.test(lengthText) ? Number(lengthText) : bits + 1;
  if (length > bits) throw new BadValue('BAD_NETWORK', `the prefix length of ${text} must be 0 to ${bits}`);
  const network = `${formatAddress(maskedTo(octets, length))}/${length}`;
  if (!network.startsWith(`${formatAddress(octets)}/`)) {
    throw new BadValue('BAD_NETWORK', `${text} has bits set behind its prefix`, `the network is ${network}`);
  }
  return network;
}

/** `address:port`, or `[address]:port` for IPv6. Port 0 lets the system choose. */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})$/.exec(text);
  const address = canonicalAddress(match?.[1] ?? match?.[2] ?? '');
  const bracketed = match?.[1] !== undefined;
  if (match && address !== undefined && Number(match[3]) <= 65535 && bracketed === address.includes(':')) {
    return { address, port: Number(match[3]) };
  }
  throw new BadValue('BAD_LISTEN', `${quote(text)} is not ADDRESS:PORT or [ADDRESS]:PORT`, listenFix(text));
}

/** A name server to ask: an address, with `:port` where it is not 53. */
export function parseResolver(text: string): string {
  const address = canonicalAddress(text);
  if (address !== undefined) return address;
  const listen = parseListen(text);
  return formatListen(listen);
}

/** `NAME:PORT` or `ADDRESS:PORT`. */
export function parsePeer(text: string): { readonly host: string; readonly port: number } {
  const [, name, port] = /^([^:[\]]+):([0-9]{1,5})$/.exec(text) ?? [];
  if (name === undefined || canonicalAddress(name) !== undefined) {
    const { address, port: ofAddress } = parseListen(text);
    return { host: address, port: ofAddress };
  }
  if (Number(port) > 65535 || Number(port) === 0)
    throw new BadValue('BAD_LISTEN', `${quote(text)} has no port from 1 to 65535`);
  return { host: parseDomainName(name), port: Number(port) };
}

/** `address:port`, with brackets around IPv6. */
export function formatListen(listen: ListenAddress): string {
  return listen.address.includes(':')
    ? `[${listen.address}]:${listen.port}`
    : `${listen.address}:${listen.port}`;
}

/** Lower-cases, drops the trailing dot, and holds the name to the lengths of RFC 1035 section 2.3.4. */
function checkedName(text: string, escapes = false): string {
  const name = text.toLowerCase().replace(/(?<!\\)\.$/, '');
  if (name === '') throw new BadValue('BAD_NAME', `${quote(text)} is the root, a proper name is expected`);
  if (/[\u0080-\uffff]/.test(name)) {
    const ascii = domainToASCII(name);
    throw new BadValue(
      'BAD_NAME',
      `${text} is not in ASCII`,
      ascii === '' ? undefined : `its DNS form is ${ascii}`,
    );
  }
  if (!escapes && name.includes('\\')) throw new BadValue('BAD_NAME', `${text} must not hold escapes`);
  try {
    encodeName(name);
  } catch (error) {
    if (error instanceof NameError) throw new BadValue('BAD_NAME', error.message);
    throw error;
  }
  return name;
}

function checkLabels(name: string, text: string, form: RegExp): string {
  const labels = name.includes('\\')
    ? parseLabels(name).map((label) => label.toString('latin1'))
    : name.split('.');
  const bad = labels.find((label) => !form.test(label));
  if (bad === undefined) return name;
  throw new BadValue('BAD_NAME', `${quote(text)} has the label ${quote(bad)}, which no name has`);
}

function maskedTo(octets: Buffer, length: number): Buffer {
  return Buffer.from(octets.map((octet, i) => octet & (0xff00 >> Math.max(0, Math.min(8, length - i * 8)))));
}

function listenFix(text: string): string {
  const split = /^(.*):([0-9]{1,5})$/.exec(text);
  if (split && canonicalAddress(split[1]!)?.includes(':')) return `with brackets: [${split[1]}]:${split[2]}`;
  const address = canonicalAddress(text);
  if (address !== undefined) return `with a port: ${formatListen({ address, port: 53 })}`;
  const port = /^\*?:([0-9]{1,5})$/.exec(text)?.[1];
  if (port !== undefined) return `all addresses: "0.0.0.0:${port}", "[::]:${port}"`;
  return 'for example 127.0.0.1:53 or [::1]:53';
}

function quote(text: string): string {
  return JSON.stringify(text);
}
