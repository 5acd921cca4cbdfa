/** The messages of one reply, made as they are asked for: the whole zone, differences, the SOA alone, or a refusal. */
import { SOA_EXPIRE_SECONDS } from '../zonebuilder/apex.ts';
import { Type } from '../zonebuilder/dns.ts';
import type { ReplySigner } from '../tsig/verify.ts';
import type { Step } from './journal.ts';
import { MessageWriter } from './message-writer.ts';
import type { TransferRequest } from './request.ts';
import { unpackRecords, type WireRecord } from './wire-record.ts';

const OPT_OCTETS = 11;
const EXPIRE_OCTETS = 8;
const UDP_PAYLOAD_OCTETS = 1232;

/** Who is answered, and how. */
export interface ReplyOptions {
  readonly request: TransferRequest;
  readonly signer: ReplySigner | undefined;
}

/** A reply without records; what the header has no room for of an RCODE is in OPT (RFC 6891 section 6.1.3). */
export function refusal({ request, signer }: ReplyOptions, rcode: number, tsig?: Buffer): Buffer {
  const writer = new MessageWriter();
  writer.begin({ ...request, reserved: reservedFor(request, signer) }, rcode & 15);
  const opt = request.hasOpt ? optOf(false) : EMPTY;
  if (request.hasOpt) opt[5] = rcode >> 4;
  const octets = tsig === undefined ? opt : Buffer.concat([opt, tsig]);
  const count = Number(request.hasOpt) + Number(tsig !== undefined);
  return writer.end({ octets, count }, signerOf(signer));
}

/**
 * Packs records into as few messages as they need. The first has the question and, where the query had one, OPT; all are signed.
 */
export function* reply(
  { request, signer }: ReplyOptions,
  records: Iterable<readonly WireRecord[]>,
): Generator<Buffer> {
  const writer = new MessageWriter();
  const reserved = reservedFor(request, signer);
  writer.begin({ ...request, reserved });
  const opt = { octets: request.hasOpt ? optOf(request.wantsExpire) : EMPTY, count: Number(request.hasOpt) };
  let additional: typeof opt | undefined = opt;
  for (const group of records) {
    for (const record of group) {
      if (writer.add(record)) continue;
      yield writer.end(additional, signerOf(signer));
      additional = undefined;
      // RFC 5936 section 2.2.1: behind the first message the question may be left out.
      writer.begin({ ...request, question: EMPTY, reserved });
      // A record has at most 65,535 octets of rdata by its form, and less by what the configuration takes.
      if (!writer.add(record)) throw new RangeError(`a record of type ${record.type} fits no message`);
    }
  }
  yield writer.end(additional, signerOf(signer));
}

/** The whole zone (RFC 5936 section 2.2). */
export function* wholeZone(
  soa: WireRecord,
  records: Iterable<readonly WireRecord[]>,
): Generator<readonly WireRecord[]> {
  yield [soa];
  yield* records;
  yield [soa];
}

/** Differences (RFC 1995 section 4). */
export function* differences(
  soaAt: (serial: number) => WireRecord,
  steps: readonly Step[],
): Generator<readonly WireRecord[]> {
  const newest = soaAt(steps.at(-1)!.to);
  yield [newest];
  for (const { from, to, removed, added } of steps) {
    yield [soaAt(from)];
    for (const record of unpackRecords(removed)) yield [record];
    yield [soaAt(to)];
    for (const record of unpackRecords(added)) yield [record];
  }
  yield [newest];
}

function reservedFor({ hasOpt }: TransferRequest, signer: ReplySigner | undefined): number {
  return (hasOpt ? OPT_OCTETS + EXPIRE_OCTETS : 0) + (signer?.octets ?? TSIG_ERROR_OCTETS);
}

/** Room for the record of a refusal: two names and numbers. */
const TSIG_ERROR_OCTETS = 600;

function signerOf(
  signer: ReplySigner | undefined,
): ((m: Buffer, s: number, e: number) => number) | undefined {
  return signer && ((message, start, end) => signer.sign(message, start, end));
}

const EMPTY = Buffer.alloc(0);

/** OPT (RFC 6891), with EXPIRE where it was asked for (RFC 7314 section 3.2). */
function optOf(withExpire: boolean): Buffer {
  const opt = Buffer.alloc(OPT_OCTETS + (withExpire ? EXPIRE_OCTETS : 0));
  opt.writeUInt16BE(Type.OPT, 1);
  opt.writeUInt16BE(UDP_PAYLOAD_OCTETS, 3);
  if (!withExpire) return opt;
  opt.writeUInt16BE(EXPIRE_OCTETS, 9);
  opt.writeUInt16BE(9, 11);
  opt.writeUInt16BE(4, 13);
  opt.writeUInt32BE(SOA_EXPIRE_SECONDS, 15);
  return opt;
}
