/**
 * X.509 certificates for tests, signed with keys made on the spot, so that no test needs openssl or a certificate
 * that is valid until some day. Just enough of DER for what TLS servers and Kubernetes look at.
 */

import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate with its key, both PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Kubernetes takes it as the user's name. */
  readonly commonName: string;
  /** Kubernetes takes them as the user's groups. */
  readonly organizations?: readonly string[];
  /** DNS names and IPv4 addresses. */
  readonly names?: readonly string[];
  /** Absent: signed by itself, and a certificate authority. */
  readonly issuer?: Identity;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

/** Makes a key and a certificate for it. */
export function issueCertificate(options: CertificateOptions): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = certificateBody(options, publicKey.export({ type: 'spki', format: 'der' }));
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signature = sign('sha256', body, createPrivateKey(options.issuer?.key ?? key));
  const certificate = sequence(body, ECDSA_SHA256, bitString(signature));
  return { cert: new X509Certificate(certificate).toString(), key };
}

/** A key pair for signing service account tokens. */
export function makeSigningKey(): { readonly publicKey: string; readonly privateKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    // Kubernetes reads SEC 1 and PKCS 8.
    privateKey: privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
  };
}

function certificateBody(options: CertificateOptions, publicKey: Buffer): Buffer {
  const subject = distinguishedName(options.commonName, options.organizations ?? []);
  const issuer = options.issuer === undefined ? subject : subjectOf(options.issuer);
  const now = Date.now();
  return sequence(
    tagged(0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_SHA256,
    issuer,
    sequence(
      time(options.notBefore ?? new Date(now - DAY_MS)),
      time(options.notAfter ?? new Date(now + 30 * DAY_MS)),
    ),
    subject,
    publicKey,
    tagged(3, sequence(...extensions(options, publicKey))),
  );
}

/** The subject's octets as they stand in the issuer's certificate: version, serial and so on come before. */
function subjectOf({ cert }: Identity): Buffer {
  const { raw } = new X509Certificate(cert);
  const fields = elements(contents(elements(contents(raw))[0]!));
  return fields[5]!;
}

function extensions(options: CertificateOptions, publicKey: Buffer): Buffer[] {
  const isAuthority = options.issuer === undefined;
  const keyId = createHash('sha1').update(publicKey).digest();
  const list = [
    extension('2.5.29.14', octetString(keyId)),
    extension('2.5.29.19', sequence(...(isAuthority ? [Buffer.of(0x01, 1, 0xff)] : [])), true),
    extension('2.5.29.15', Buffer.of(0x03, 2, isAuthority ? 2 : 7, isAuthority ? 0x04 : 0x80), true),
  ];
  if (isAuthority) return list;
  list.push(extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))));
  const names = (options.names ?? []).map(alternativeName);
  if (names.length > 0) list.push(extension('2.5.29.17', sequence(...names)));
  return list;
}

function alternativeName(name: string): Buffer {
  return isIPv4(name)
    ? element(0x87, Buffer.from(name.split('.').map(Number)))
    : element(0x82, Buffer.from(name));
}

function distinguishedName(commonName: string, organizations: readonly string[]): Buffer {
  const attribute = (type: string, value: string): Buffer =>
    element(0x31, sequence(oid(type), element(0x0c, Buffer.from(value))));
  return sequence(
    ...organizations.map((organization) => attribute('2.5.4.10', organization)),
    attribute('2.5.4.3', commonName),
  );
}

function extension(type: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(type), ...(critical ? [Buffer.of(0x01, 1, 0xff)] : []), octetString(value));
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function tagged(number: number, content: Buffer): Buffer {
  return element(0xa0 | number, content);
}

function integer(octets: Buffer): Buffer {
  return element(0x02, octets);
}

function octetString(octets: Buffer): Buffer {
  return element(0x04, octets);
}

function bitString(octets: Buffer): Buffer {
  return element(0x03, Buffer.concat([Buffer.of(0), octets]));
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return element(0x18, Buffer.from(digits));
}

function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number);
  const octets = [first! * 40 + second!];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    octets.push(...groups);
  }
  return element(0x06, Buffer.from(octets));
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

function headerOctets(der: Buffer): { readonly header: number; readonly length: number } {
  const first = der[1]!;
  if (first < 0x80) return { header: 2, length: first };
  const count = first & 0x7f;
  return { header: 2 + count, length: der.readUIntBE(2, count) };
}

function contents(der: Buffer): Buffer {
  const { header, length } = headerOctets(der);
  return der.subarray(header, header + length);
}

function elements(der: Buffer): Buffer[] {
  const list: Buffer[] = [];
  for (let rest = der; rest.length > 0;) {
    const { header, length } = headerOctets(rest);
    list.push(rest.subarray(0, header + length));
    rest = rest.subarray(header + length);
  }
  return list;
}
