/**
 * What can come of a request that was not done, as plain data: a closed set of causes that say who is to act next, with the
 * server's own words beside. Which of them is waited out, tried again or told to people is decided by the callers.
 */

import type { ApiError, ApiErrorCode, SaidCause } from '../../watchers/api-error.ts';

export type FailureCause =
  /** The server cannot be spoken to at all, or is in trouble itself: nothing is known of the object. */
  | 'unreachable'
  /** 401, or no credentials could be made: nothing else will succeed before they are others. */
  | 'unauthorized'
  /** 429, or 503 that says when to come back. */
  | 'busy'
  /** 403: by RBAC, a quota or admission; the message says which. */
  | 'forbidden'
  /** 403: the namespace is being deleted; what is in it cannot be made before it is gone and there again. */
  | 'namespaceTerminating'
  /** 404: the namespace that the object is to stand in is not there. */
  | 'namespaceAbsent'
  /** 404: the server has no such kind. */
  | 'kindAbsent'
  /** 404: the object is not there. */
  | 'absent'
  /** 409: it is there already. */
  | 'exists'
  /** 409: fields belong to others (server-side apply without force). */
  | 'fieldConflict'
  /** 409: it has changed, or is another by that name (a precondition on uid or version): read it again. */
  | 'changed'
  /** 400, 413, 415, 422 and the 500 of an object that fits no schema: the same request never succeeds. */
  | 'invalid'
  /** 410: the continue token or version is too old. */
  | 'expired'
  /** Any other status. */
  | 'failed';

export interface Failure {
  readonly cause: FailureCause;
  /** On one line, in the server's own words where it has said any. */
  readonly message: string;
  readonly status?: number;
  /** The server's, such as `AlreadyExists`. */
  readonly reason?: string;
  /** One for each field, where the server says so. */
  readonly causes: readonly SaidCause[];
  /** How long the server asks to be left alone, in milliseconds; 0: it does not. */
  readonly retryAfterMs: number;
}

/** What was asked for, or why there is none. */
export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

/**
 * @param error - of `ApiClient`
 * @param path - that was asked for: a namespace that is not there is not the namespace of something else
 */
export function failureOf(error: ApiError, path = ''): Failure {
  const { said, status, retryAfterMs } = error;
  return {
    cause: causeOf(error, path),
    message: said === undefined || said.message === '' ? error.message : said.message,
    causes: said?.causes ?? [],
    retryAfterMs,
    ...(status !== undefined && { status }),
    ...(said !== undefined && said.reason !== '' && { reason: said.reason }),
  };
}

/** Causes that a code alone tells. */
const BY_CODE: Readonly<Partial<Record<ApiErrorCode, FailureCause>>> = {
  CREDENTIALS: 'unauthorized',
  UNAUTHORIZED: 'unauthorized',
  UNREACHABLE: 'unreachable',
  UNTRUSTED: 'unreachable',
  INTERRUPTED: 'unreachable',
  TIMEOUT: 'unreachable',
  IDLE: 'unreachable',
  NOT_JSON: 'unreachable',
  GONE: 'expired',
  BUSY: 'busy',
};

function causeOf(error: ApiError, path: string): FailureCause {
  const known = BY_CODE[error.code];
  if (known !== undefined) return known;
  switch (error.status) {
    case 403:
      return hasCause(error, 'NamespaceTerminating') ? 'namespaceTerminating' : 'forbidden';
    case 404:
      return absentCause(error, path);
    case 409:
      return conflictCause(error);
    case 400:
    case 413:
    case 415:
      return 'invalid';
    case 422:
      return isAnother(error) ? 'changed' : 'invalid';
    case 500:
      return FITS_NO_SCHEMA.test(error.message) ? 'invalid' : 'failed';
    case 502:
    case 503:
    case 504:
      return 'unreachable';
    default:
      return 'failed';
  }
}

/** Server-side apply answers 500 where the object fits no schema (seen of 1.36.3): it stays so until the object is another. */
const FITS_NO_SCHEMA = /failed to create typed patch object/;

/** A Namespace itself. */
const OF_NAMESPACE = /^\/api\/v1\/namespaces\/[^/]+$/;

/** The kinds that no server has are answered in plain text, without a `Status`. */
function absentCause({ said }: ApiError, path: string): FailureCause {
  if (said === undefined || said.reason !== 'NotFound' || said.kind === '') return 'kindAbsent';
  return said.kind === 'namespaces' && !OF_NAMESPACE.test(path) ? 'namespaceAbsent' : 'absent';
}

function conflictCause(error: ApiError): FailureCause {
  if (error.said?.reason === 'AlreadyExists') return 'exists';
  return hasCause(error, 'FieldManagerConflict') ? 'fieldConflict' : 'changed';
}

/** A uid that is not that of the object by the name is told as a field that cannot change (seen of 1.36.3). */
function isAnother({ said }: ApiError): boolean {
  return said?.causes.some(({ field }) => field === 'metadata.uid') ?? false;
}

function hasCause({ said }: ApiError, reason: string): boolean {
  return said?.causes.some((cause) => cause.reason === reason) ?? false;
}
