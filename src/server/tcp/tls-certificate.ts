/**
 * The certificate and key of DNS over TLS (RFC 7858): read from files, and read again when they change, so that a renewed
 * certificate is used by the next connection while those that exist go on.
 */
import { constants, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';

/** The application protocol of DNS over TLS in the TLS handshake (IANA's ALPN registry). */
export const TLS_ALPN = ['dot'];

export interface TlsFiles {
  /** The certificate and its chain, PEM. */
  readonly certificate: string;
  /** The private key, PEM. */
  readonly key: string;
}

/** A certificate that cannot be used. The message is for the operator. */
export class CertificateError extends Error {
  readonly code = 'BAD_CERTIFICATE';

  constructor(files: TlsFiles, cause: unknown) {
    super(`cannot use certificate ${files.certificate} with key ${files.key}: ${(cause as Error).message}`, {
      cause,
    });
    this.name = 'CertificateError';
  }
}

/** Files are compared by content: ConfigMaps and Secrets change through symlinks, which no file event tells reliably. */
const POLL_MS = 10_000;

export class TlsCertificate {
  readonly #files: TlsFiles;
  readonly #onFault: (error: CertificateError) => void;
  readonly #onTaken: (certificate: X509Certificate) => void;
  #context: SecureContext | undefined;
  /** What was last tried. */
  #content = '';
  #fault = '';
  #poller: NodeJS.Timeout | undefined;

  /**
   * @param onFault - told once about each fault; the old certificate stays
   * @param onTaken - told about each certificate that takes the place of another
   */
  constructor(
    files: TlsFiles,
    onFault: (error: CertificateError) => void,
    onTaken: (certificate: X509Certificate) => void = () => {},
  ) {
    this.#files = files;
    this.#onFault = onFault;
    this.#onTaken = onTaken;
  }

  /**
   * Reads the files and keeps an eye on them.
   *
   * @throws CertificateError when they are no certificate and key that belong together
   */
  async start(): Promise<void> {
    await this.#load();
    this.#poller = setInterval(() => void this.reload(), POLL_MS);
    this.#poller.unref();
  }

  stop(): void {
    clearInterval(this.#poller);
  }

  /** For the next handshake. */
  get context(): SecureContext {
    if (!this.#context) throw new Error('the certificate is not loaded');
    return this.#context;
  }

  /** Reads the files now. */
  async reload(): Promise<void> {
    try {
      await this.#load();
      this.#fault = '';
    } catch (error) {
      const { message } = error as CertificateError;
      if (message !== this.#fault) this.#onFault(error as CertificateError);
      this.#fault = message;
    }
  }

  async #load(): Promise<void> {
    try {
      const cert = await readFile(this.#files.certificate, 'utf8');
      const key = await readFile(this.#files.key, 'utf8');
      if (cert + key === this.#content) return;
      const isRenewal = this.#context !== undefined;
      this.#content = cert + key;
      this.#context = createSecureContext({
        cert,
        key,
        minVersion: 'TLSv1.2',
        // A TLS 1.2 client could have the server do one handshake after the other on a single connection, past every limit
        // on connections. TLS 1.3 has no renegotiation (RFC 8446 section 1.2).
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      });
      if (isRenewal) this.#onTaken(new X509Certificate(cert));
    } catch (cause) {
      throw new CertificateError(this.#files, cause);
    }
  }
}
