/** Owns how the page asks the server. Addresses are relative to the page, which may lie behind a proxy. */

/** A request that the server refused or did not answer. */
export class ApiError extends Error {
  /** Of the reply; 0: there was none. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** What a request is made of. */
export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** For what changes something. */
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** @throws ApiError; an abort is thrown as it is */
export async function ask<Reply>(path: string, call: ApiCall = {}): Promise<Reply> {
  const { method = 'GET', query = {}, body, token, signal } = call;
  const search = new URLSearchParams(query).toString();
  const response = await reach(`api/v1/${path}${search === '' ? '' : `?${search}`}`, {
    method,
    headers: {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  });
  if (response.ok) return (await response.json()) as Reply;
  throw new ApiError(response.status, await reasonOf(response));
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(0, 'fedns does not answer');
  }
}

async function reasonOf(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // Not our JSON: something stands between.
  }
  return `the reply was ${response.status}`;
}

/** What to tell of an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
