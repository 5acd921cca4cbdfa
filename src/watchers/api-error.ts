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
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  /** The resource version or the continue token is too old, or of another history. */
  | 'GONE'
  /** The server asks to come back later: 429, or 503 with `Retry-After`. */
  | 'BUSY'
  /** Any other status. */
  | 'STATUS'
  /** The reply is not what the API speaks. */
  | 'NOT_JSON'
  /** The reply passed a limit. */
  | 'TOO_LARGE';

/** A failed exchange with an API server. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  /** HTTP status, or the code of an in-band `Status`. */
  readonly status: number | undefined;
  /** From `Retry-After`, in milliseconds; 0: not asked for. */
  readonly retryAfterMs: number;

  constructor(
    code: ApiErrorCode,
    message: string,
    more: { readonly status?: number; readonly retryAfterMs?: number } = {},
  ) {
    super(oneLine(message));
    this.name = 'ApiError';
    this.code = code;
    this.status = more.status;
    this.retryAfterMs = more.retryAfterMs ?? 0;
  }
}

/** Longest message kept of what a server or a plugin says. */
const MESSAGE_CHARS_MAX = 240;

/** A text from outside, fit for a log line or a terminal: no control characters, bounded. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, MESSAGE_CHARS_MAX * 4)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return line.length > MESSAGE_CHARS_MAX ? line.slice(0, MESSAGE_CHARS_MAX) + '…' : line;
}

/** The error of a reply with a status other than 200. `message` is what the server says of it. */
export function statusError(status: number, message: string, retryAfterMs = 0): ApiError {
  const text = message === '' ? `HTTP status ${status}` : `${status}: ${message}`;
  return new ApiError(codeOfStatus(status, retryAfterMs), text, { status, retryAfterMs });
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
  return new ApiError(code, describe(error));
}

/** Node puts the reason of a failed connection into `code`, or, with several addresses, into `errors`. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}
