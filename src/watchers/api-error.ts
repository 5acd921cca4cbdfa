/**
 * What can go wrong between fedns and an API server, as a closed set of codes. Which of them is waited out, relisted
 * or reported is decided by the callers.
 */

/** Stable codes of {@link ApiError}. */
export type ApiErrorCode =
  /** No credentials could be made: an unreadable file, a failed exec plugin. */
  | 'CREDENTIALS'
  /** No connection: name not resolved, refused, TLS not agreed on. */
  | 'UNREACHABLE'
  /** The connection broke while a reply was under way. */
  | 'INTERRUPTED'
  /** No reply began in time. */
  | 'TIMEOUT'
  /** A reply began and then fell silent. */
  | 'IDLE'
  /** The server shows a certificate that is not trusted. */
  | 'UNTRUSTED'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  /** The resource version or the continue token is too old. */
  | 'GONE'
  /** The resource version is of another history: the server has not reached it. */
  | 'HISTORY'
  /** The server asks to come back later: 429, or 503 with `Retry-After`. */
  | 'BUSY'
  /** Any other status. */
  | 'STATUS'
  /** The reply is not what the API speaks. */
  | 'NOT_JSON'
  /** The reply passed a limit. */
  | 'TOO_LARGE';

/** What the `Status` object of a reply says beside its message; empty texts where it says nothing. */
export interface SaidStatus {
  /** The message as the server wrote it, on one line, longer than an error's own. */
  readonly message: string;
  /** Such as `AlreadyExists`, `Invalid`. */
  readonly reason: string;
  /** The kind that it is about, in the plural, such as `namespaces`. */
  readonly kind: string;
  readonly causes: readonly SaidCause[];
}

export interface SaidCause {
  /** Such as `FieldManagerConflict`, `NamespaceTerminating`. */
  readonly reason: string;
  readonly message: string;
  /** Such as `.spec.ports`. */
  readonly field: string;
}

/** A failed exchange with an API server. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  /** HTTP status, or the code of an in-band `Status`. */
  readonly status: number | undefined;
  /** From `Retry-After`, in milliseconds; 0: not asked for. */
  readonly retryAfterMs: number;
  /** The system's or OpenSSL's code, such as `ECONNREFUSED`. */
  readonly system: string | undefined;
  /** Absent: the reply held no `Status` object. */
  readonly said: SaidStatus | undefined;

  constructor(code: ApiErrorCode, message: string, more: ApiErrorDetails = {}) {
    super(oneLine(message, code === 'CREDENTIALS' ? CREDENTIALS_CHARS_MAX : MESSAGE_CHARS_MAX));
    this.name = 'ApiError';
    this.code = code;
    this.status = more.status;
    this.retryAfterMs = more.retryAfterMs ?? 0;
    this.system = more.system;
    this.said = more.said;
  }
}

export interface ApiErrorDetails {
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly system?: string;
  readonly said?: SaidStatus;
}

/** Longest message kept of what a server says. */
const MESSAGE_CHARS_MAX = 240;
/** Longest message of credentials: with file, field and all that a plugin says. */
const CREDENTIALS_CHARS_MAX = 1600;

/** A text from outside, fit for a log line or a terminal: no control characters, bounded. */
export function oneLine(text: string, charsMax: number = MESSAGE_CHARS_MAX): string {
  const line = text
    .slice(0, charsMax * 4)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return line.length > charsMax ? line.slice(0, charsMax) + '…' : line;
}

/** What 401 means to who set the cluster up. */
const NOT_TAKEN = 'its token or certificate is not taken: it ended, was deleted, or is for another cluster';

/** The error of a reply with a status other than 200. `message` is what the server says of it. */
export function statusError(
  status: number,
  message: string,
  retryAfterMs = 0,
  said: SaidStatus | undefined = undefined,
): ApiError {
  const told = message === '' ? `HTTP status ${status}` : `${status}: ${message}`;
  const text = status === 401 ? `${told} (${NOT_TAKEN})` : told;
  const details = { status, retryAfterMs, ...(said && { said }) };
  return new ApiError(codeOfStatus(status, retryAfterMs), text, details);
}

function codeOfStatus(status: number, retryAfterMs: number): ApiErrorCode {
  switch (status) {
    case 401:
      return 'UNAUTHORIZED';
    case 403:
      return 'FORBIDDEN';
    case 404:
      return 'NOT_FOUND';
    case 410:
      return 'GONE';
    case 429:
      return 'BUSY';
    default:
      return status === 503 && retryAfterMs > 0 ? 'BUSY' : 'STATUS';
  }
}

/** Any error as an ApiError; `code` is for those that are not one yet. */
export function asApiError(error: unknown, code: ApiErrorCode): ApiError {
  if (error instanceof ApiError) return error;
  const system = systemCode(error);
  const known = code === 'CREDENTIALS' || system === undefined ? undefined : TLS_CODES.get(system);
  return new ApiError(known ?? code, describe(error), system === undefined ? {} : { system });
}

/** What OpenSSL and Node say of certificates: the server's, which are not trusted, and ours, which are refused. */
const TLS_CODES: ReadonlyMap<string, ApiErrorCode> = new Map([
  ...[
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_SIGNATURE_FAILURE',
    'CERT_UNTRUSTED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ].map((text) => [text, 'UNTRUSTED'] as const),
  ...[
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
    'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED',
    'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
    'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  ].map((text) => [text, 'UNAUTHORIZED'] as const),
]);

/** The code of the system or of OpenSSL; with several addresses tried, of the first. */
function systemCode(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return systemCode(error.errors[0]);
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Node puts the reason of a failed connection into `code`, or, with several addresses, into `errors`. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  // Our own say all that there is to say, in words.
  return code === undefined || error.name === 'CredentialError' || error.message.includes(code)
    ? error.message
    : `${code}: ${error.message}`;
}
