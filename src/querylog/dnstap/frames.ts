/**
 * Frame Streams, which dnstap messages travel in: data frames between control frames. Octets only; who says what when is
 * socket-output.ts (both ways) and file-output.ts (one way).
 *
 *   data frame      length (32 bits, not 0) │ payload
 *   control frame   0 (32 bits) │ length (32 bits) │ type (32 bits) │ fields: kind (32 bits) │ length (32 bits) │ value
 */

/** What the payloads are. */
export const CONTENT_TYPE = 'protobuf:dnstap.Dnstap';

export const Control = { accept: 1, start: 2, stop: 3, ready: 4, finish: 5 } as const;
export type Control = (typeof Control)[keyof typeof Control];

/** The only kind of field. */
const FIELD_CONTENT_TYPE = 1;
const LENGTH_OCTETS = 4;
/** Octets of the longest control frame that readers take (fstrm has the same limit). */
export const CONTROL_OCTETS_MAX = 512;

/** Octets in front of a payload. */
export const FRAME_HEAD_OCTETS = LENGTH_OCTETS;

/** A control frame; those that begin something name the content type. */
export function controlFrame(type: Control): Buffer {
  const isBare = type === Control.stop || type === Control.finish;
  const field = isBare ? Buffer.alloc(0) : Buffer.alloc(2 * LENGTH_OCTETS + CONTENT_TYPE.length);
  if (!isBare) {
    field.writeUInt32BE(FIELD_CONTENT_TYPE, 0);
    field.writeUInt32BE(CONTENT_TYPE.length, LENGTH_OCTETS);
    field.write(CONTENT_TYPE, 2 * LENGTH_OCTETS, 'latin1');
  }
  const head = Buffer.alloc(3 * LENGTH_OCTETS);
  head.writeUInt32BE(LENGTH_OCTETS + field.length, LENGTH_OCTETS);
  head.writeUInt32BE(type, 2 * LENGTH_OCTETS);
  return Buffer.concat([head, field]);
}

/** A control frame that has been read. */
export interface ReadControl {
  readonly type: number;
  readonly contentTypes: readonly string[];
  /** Octets that it took. */
  readonly octets: number;
}

/** A reader that does not speak Frame Streams. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FrameError';
  }
}

/**
 * The control frame at the start of `input`; undefined: it is not complete.
 *
 * @throws FrameError when there is something else
 */
export function readControl(input: Buffer): ReadControl | undefined {
  if (input.length < 2 * LENGTH_OCTETS) return undefined;
  const length = input.readUInt32BE(LENGTH_OCTETS);
  if (input.readUInt32BE(0) !== 0 || length < LENGTH_OCTETS || length > CONTROL_OCTETS_MAX)
    throw new FrameError('what answers does not speak Frame Streams');
  const end = 2 * LENGTH_OCTETS + length;
  if (input.length < end) return undefined;
  const contentTypes = readFields(input.subarray(3 * LENGTH_OCTETS, end));
  return { type: input.readUInt32BE(2 * LENGTH_OCTETS), contentTypes, octets: end };
}

function readFields(fields: Buffer): string[] {
  const contentTypes: string[] = [];
  for (let at = 0; at + 2 * LENGTH_OCTETS <= fields.length;) {
    const value = at + 2 * LENGTH_OCTETS;
    const end = value + fields.readUInt32BE(at + LENGTH_OCTETS);
    if (end > fields.length) throw new FrameError('a field goes beyond its control frame');
    if (fields.readUInt32BE(at) === FIELD_CONTENT_TYPE)
      contentTypes.push(fields.toString('latin1', value, end));
    at = end;
  }
  return contentTypes;
}
