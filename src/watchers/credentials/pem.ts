/**
 * Certificates and keys as kubeconfigs hold them: base64 of PEM. Finds out what is wrong with one in words that say
 * what to do, where OpenSSL would only say that some certificate was not found.
 */

import { X509Certificate } from 'node:crypto';
import { CredentialError } from './cluster-access.ts';

export type PemKind = 'certificate' | 'key';

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const BEGIN = /-----BEGIN ([A-Z0-9 ]+)-----/g;
/** What `kubectl config view` writes in place of data. */
const PLACEHOLDERS = new Set(['DATA+OMITTED', 'REDACTED']);

/**
 * The text of a `…-data` field.
 *
 * @throws CredentialError `PEM_MALFORMED`
 */
export function decodeData(data: string, kind: PemKind): string {
  const packed = data.replaceAll(/[\r\n]/g, '');
  if (PLACEHOLDERS.has(data.trim())) {
    throw malformed(`is ${data.trim()}, a placeholder: make the file with kubectl config view --raw`);
  }
  if (data.includes('-----BEGIN ')) throw malformed('is PEM as it is: this field takes base64 of it');
  if (!BASE64.test(packed) || packed.length % 4 !== 0) throw malformed('is no base64, or cut off');
  const text = Buffer.from(packed, 'base64').toString('latin1');
  checkPem(text, kind);
  return text;
}

/**
 * Checks that a text holds certificates, at least one of them whole, or a key.
 *
 * @throws CredentialError `PEM_MALFORMED`
 */
export function checkPem(text: string, kind: PemKind): void {
  const blocks = blocksOf(text).filter(({ label }) => isOfKind(label, kind));
  if (blocks.length === 0) throw malformed(problemOf(text, kind));
  if (kind === 'certificate' && certificatesIn(text).length === 0)
    throw malformed('holds a certificate that is damaged');
}

/** The certificates of a text in its order, without those that are damaged. */
export function certificatesIn(text: string): X509Certificate[] {
  const blocks = blocksOf(text).filter(({ label }) => isOfKind(label, 'certificate'));
  return blocks.flatMap(({ pem }) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return [];
    }
  });
}

interface PemBlock {
  readonly label: string;
  readonly pem: string;
}

/** Whole blocks; what is begun and not ended ends the search, so that a hostile text is read once. */
function blocksOf(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let from = 0;
  for (const begin of text.matchAll(BEGIN)) {
    if (begin.index < from) continue;
    const label = begin[1]!;
    const ending = `-----END ${label}-----`;
    const end = text.indexOf(ending, begin.index);
    if (end < 0) break;
    from = end + ending.length;
    blocks.push({ label, pem: text.slice(begin.index, from) });
  }
  return blocks;
}

function isOfKind(label: string, kind: PemKind): boolean {
  return kind === 'certificate' ? label.endsWith('CERTIFICATE') : label.endsWith('PRIVATE KEY');
}

function problemOf(text: string, kind: PemKind): string {
  if (text.trim() === '') return 'is empty';
  if (text.startsWith('LS0tLS1CRUdJTi')) return 'is encoded as base64 twice';
  const begun = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (begun === undefined) return `holds no PEM ${kind}`;
  if (isOfKind(begun, kind)) return `is cut off in the middle of a ${kind}`;
  return `holds a ${begun.toLowerCase()} and no ${kind}`;
}

function malformed(message: string): CredentialError {
  return new CredentialError('PEM_MALFORMED', message);
}
