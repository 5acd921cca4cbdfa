/**
 * Domain names in text and in wire form (RFC 1035 sections 3.1 and 5.1). Control-plane code: it allocates.
 * The query path reads names in place and does not come here.
 */

/** Longest wire name in octets, with the root label (RFC 1035 section 2.3.4). */
export const NAME_OCTETS_MAX = 255;
/** Longest label in octets (RFC 1035 section 2.3.4). */
export const LABEL_OCTETS_MAX = 63;

/** Why a text is no domain name. `code` is stable. */
export class NameError extends Error {
  readonly code: 'EMPTY_LABEL' | 'LABEL_TOO_LONG' | 'NAME_TOO_LONG' | 'BAD_ESCAPE';

  constructor(code: NameError['code'], message: string) {
    super(message);
    this.name = 'NameError';
    this.code = code;
  }
}

/**
 * Splits the presentation form of a name into labels, honouring `\.` and `\DDD` (RFC 1035 section 5.1).
 * The name counts as absolute with or without its trailing dot; `.` and the empty text are the root.
 *
 * @throws NameError when a label is empty or longer than 63 octets, or an escape is malformed
 */
export function parseLabels(nameText: string): Buffer[] {
  if (nameText === '' || nameText === '.') return [];
  const labels: Buffer[] = [];
  let octets: number[] = [];
  let sawDot = false;
  const source = Buffer.from(nameText, 'utf8');
  for (let i = 0; i < source.length; i++) {
    const octet = source[i]!;
    sawDot = false;
    if (octet === 0x2e) {
      labels.push(finishLabel(octets, nameText));
      octets = [];
      sawDot = true;
    } else if (octet === 0x5c) {
      const escape = readEscape(source, i + 1, nameText);
      octets.push(escape.octet);
      i = escape.last;
    } else {
      octets.push(octet);
    }
  }
  if (!sawDot) labels.push(finishLabel(octets, nameText));
  return labels;
}

/**
 * The wire form of a name, case kept.
 *
 * @returns length-prefixed labels and the root label
 * @throws NameError when the text is no domain name or longer than 255 octets
 */
export function encodeName(nameText: string): Buffer {
  const plain = encodePlainName(nameText);
  if (plain !== undefined) return plain;
  const parts: Buffer[] = [];
  for (const label of parseLabels(nameText)) parts.push(Buffer.of(label.length), label);
  parts.push(Buffer.of(0));
  const wireName = Buffer.concat(parts);
  if (wireName.length > NAME_OCTETS_MAX) {
    throw new NameError(
      'NAME_TOO_LONG',
      `${nameText} has ${wireName.length} octets, the limit is ${NAME_OCTETS_MAX}`,
    );
  }
  return wireName;
}

/**
 * The same in one pass for a name of ASCII without escapes, as nearly all are: each dot becomes the length of the label
 * behind it. Undefined: the long way has to say what the text is.
 */
function encodePlainName(nameText: string): Buffer | undefined {
  const { length } = nameText;
  if (length === 0 || length > NAME_OCTETS_MAX - 2) return undefined;
  const wireName = Buffer.allocUnsafe(length + 2);
  let lengthAt = 0;
  for (let i = 0; i < length; i++) {
    const code = nameText.charCodeAt(i);
    if (code === 0x5c || code > 0x7f) return undefined;
    wireName[i + 1] = code;
    if (code !== 0x2e) continue;
    const octets = i - lengthAt;
    if (octets === 0 || octets > LABEL_OCTETS_MAX) return undefined;
    wireName[lengthAt] = octets;
    lengthAt = i + 1;
  }
  const octets = length - lengthAt;
  if (octets > LABEL_OCTETS_MAX) return undefined;
  wireName[lengthAt] = octets;
  wireName[length + 1] = 0;
  return octets === 0 ? wireName.subarray(0, length + 1) : wireName;
}

/** The wire form of a name with A to Z lowered (RFC 4343); this is how the image keys names. */
export function encodeNameLower(nameText: string): Buffer {
  return lowerWireName(encodeName(nameText));
}

/** Lowers A to Z in place. Length octets are below 64 and never touched. */
export function lowerWireName(wireName: Buffer): Buffer {
  for (let i = 0; i < wireName.length; i++) {
    const octet = wireName[i]!;
    if (octet >= 0x41 && octet <= 0x5a) wireName[i] = octet | 0x20;
  }
  return wireName;
}

/**
 * The presentation form of an uncompressed wire name, without the trailing dot; the root is `.`.
 * Octets outside the printable range, dots and backslashes in labels are escaped.
 */
export function decodeName(wire: Uint8Array, offset = 0): string {
  let text = '';
  let pos = offset;
  for (let length = wire[pos]!; length !== 0; length = wire[pos]!) {
    if (text !== '') text += '.';
    for (let i = pos + 1; i <= pos + length; i++) text += escapeOctet(wire[i]!);
    pos += length + 1;
  }
  return text === '' ? '.' : text;
}

const ROOT = Buffer.of(0);

/** As {@link decodeName}, for labels that the root does not end, as the image holds them. */
export function decodeLabels(labels: Uint8Array): string {
  return decodeName(Buffer.concat([labels, ROOT]));
}

/** The name above, in presentation form; that of the top is empty. */
export function parentOf(nameText: string): string {
  const label = /^(?:\\.|[^.\\])*\.?/s.exec(nameText)![0];
  return nameText.slice(label.length);
}

/** Whether `nameText` is `domain` or lies below it; both lower case, no trailing dot. */
export function isWithin(nameText: string, domain: string): boolean {
  return nameText === domain || nameText.endsWith('.' + domain);
}

function finishLabel(octets: number[], nameText: string): Buffer {
  if (octets.length === 0) throw new NameError('EMPTY_LABEL', `${nameText} has an empty label`);
  if (octets.length > LABEL_OCTETS_MAX) {
    throw new NameError(
      'LABEL_TOO_LONG',
      `a label of ${nameText} has ${octets.length} octets, the limit is 63`,
    );
  }
  return Buffer.from(octets);
}

function readEscape(source: Buffer, start: number, nameText: string): { octet: number; last: number } {
  const digits = source.toString('latin1', start, start + 3);
  if (/^[0-9]{3}$/.test(digits)) {
    const octet = Number(digits);
    if (octet > 255) throw new NameError('BAD_ESCAPE', `\\${digits} in ${nameText} is above 255`);
    return { octet, last: start + 2 };
  }
  const octet = source[start];
  if (octet === undefined || (octet >= 0x30 && octet <= 0x39)) {
    throw new NameError('BAD_ESCAPE', `${nameText} has an unfinished escape`);
  }
  return { octet, last: start };
}

function escapeOctet(octet: number): string {
  if (octet <= 0x20 || octet >= 0x7f) return '\\' + String(octet).padStart(3, '0');
  const char = String.fromCharCode(octet);
  return '."\\;()@$'.includes(char) ? '\\' + char : char;
}
