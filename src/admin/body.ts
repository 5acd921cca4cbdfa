/** Owns how the JSON body of a request is read: its limits, and what is said of one that cannot be taken. */

import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';

/** Octets of a body: an order of ours has a few hundred; a plan with a reason for each step has some thousand. */
export const BODY_OCTETS_MAX = 64 * 1024;
/** Faults of one body that are told; whoever sends more has one cause. */
const FAULTS_TOLD_MAX = 8;

/** A body, or the status and message of its refusal. */
export type ReadBody =
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly status: 400 | 413 | 415 | 422; readonly message: string }
  /** The client has gone; there is nobody to tell. */
  | { readonly kind: 'gone' };

/** Whether octets follow the header (RFC 9112 section 6.3). */
export function hasBody(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

/** Reads a body of JSON and checks it. Where it is refused, octets of it may be unread. */
export async function readBody(request: IncomingMessage, schema: z.ZodType): Promise<ReadBody> {
  const { 'content-type': type = '', 'content-encoding': coding = 'identity' } = request.headers;
  if (coding.toLowerCase() !== 'identity') return refused(415, `a body in ${coding} is not taken`);
  if (!hasBody(request)) return refused(400, 'a body of JSON is needed');
  if (!/^application\/json *(;|$)/i.test(type))
    return refused(415, 'content-type: application/json is needed');
  const octets = await readOctets(request);
  return 'kind' in octets ? octets : parse(octets, schema);
}

async function readOctets(request: IncomingMessage): Promise<Buffer | ReadBody> {
  const tooLong = refused(413, `a body has at most ${BODY_OCTETS_MAX} octets`);
  if (Number(request.headers['content-length'] ?? 0) > BODY_OCTETS_MAX) return tooLong;
  const pieces: Buffer[] = [];
  let octets = 0;
  try {
    // Left early, the stream would take the connection with it, and the refusal could not be sent.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      octets += (piece as Buffer).length;
      if (octets > BODY_OCTETS_MAX) return tooLong;
      pieces.push(piece as Buffer);
    }
  } catch {
    return { kind: 'gone' };
  }
  return Buffer.concat(pieces);
}

function parse(octets: Buffer, schema: z.ZodType): ReadBody {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets));
  } catch {
    return refused(400, 'the body is not JSON in UTF-8');
  }
  const checked = schema.safeParse(value);
  if (checked.success) return { kind: 'read', value: checked.data };
  const faults = checked.error.issues.slice(0, FAULTS_TOLD_MAX);
  return refused(422, faults.map(({ path, message }) => [...path, message].join(': ')).join('; '));
}

function refused(status: 400 | 413 | 415 | 422, message: string): ReadBody {
  return { kind: 'refused', status, message };
}
