/**
 * What the transfer thread does, without the thread: judges requests, and answers them message by message as fast as clients take them.
 * Where records come from is zone.ts, whom changes are told bell.ts.
 */
import type { FromServer, ToServer } from '../server/transfer-seam.ts';
import { type AccessTable, compileAccess, isAllowed as isAllowedClient } from '../server/policy/access.ts';
import { mayTransfer, openTransferAccess, type TransferAccess } from '../server/policy/transfer-access.ts';
import { isSerialAfter } from '../state/serial.ts';
import { type TsigRecord, tsigOctets, writeTsig } from '../tsig/record.ts';
import { ReplySigner, TsigError, verify } from '../tsig/verify.ts';
import { Rcode, Type } from '../zonebuilder/dns.ts';
import { encodeNameLower } from '../zonebuilder/names.ts';
import { type Catalog, openCatalog } from './catalog.ts';
import { sumOf } from './journal.ts';
import { walkWire } from './listing.ts';
import { OUTCOMES, type Refusal, type ThreadSettings, type TransferOutcome } from './protocol.ts';
import { differences, refusal, reply, type ReplyOptions, wholeZone } from './reply.ts';
import { readRequest, type TransferRequest } from './request.ts';
import type { WireRecord } from './wire-record.ts';
import type { Version, Zone } from './zone.ts';

/** Requests that wait for their turn; beyond, they are answered SERVFAIL. */
const WAITING_MAX = 1000;

export interface DeskOptions {
  readonly zone: Zone;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Resolves once all that is published by now is in the zone. */
  readonly flush: () => Promise<void>;
  readonly onLog: (level: 'info' | 'warn', fields: object, message: string) => void;
}

/** One who asks: a connection of a thread of TCP. */
interface Session {
  readonly send: (octets: Uint8Array, isLast: boolean, isBroken?: boolean) => void;
  /** Messages that are still to come; undefined: it waits for its turn. */
  messages: Iterator<Buffer> | undefined;
  outcome: TransferOutcome;
  isOver: boolean;
}

/** How a request was judged. */
type Judged =
  | { readonly kind: 'refuse'; readonly reply: Buffer }
  | { readonly kind: 'grant'; readonly options: ReplyOptions; readonly key: string | undefined };

export class TransferDesk {
  readonly #options: DeskOptions;
  readonly #tally = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
    TransferOutcome,
    number
  >;
  #access: TransferAccess = openTransferAccess({ keys: [], allow: [], tls: 'allow' });
  #clients: AccessTable = compileAccess({ allow: [], deny: [] });
  #transfersMax = 1;
  #catalog: Catalog | undefined;
  #refusal: Refusal | undefined = 'incomplete';
  #octets = 0;
  #active = 0;
  readonly #waiting: (() => void)[] = [];
  /** A copy that transfers of the same version share. */
  #frozen: Version | undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  get figures(): {
    readonly transfers: Readonly<Record<TransferOutcome, number>>;
    readonly octets: number;
    readonly active: number;
  } {
    return { transfers: this.#tally, octets: this.#octets, active: this.#active };
  }

  get access(): TransferAccess {
    return this.#access;
  }

  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  get catalog(): Catalog | undefined {
    return this.#catalog;
  }

  adopt({ policy, access, transfers, catalog }: ThreadSettings): void {
    this.#clients = compileAccess(access);
    this.#access = openTransferAccess(policy);
    this.#transfersMax = transfers;
    this.#catalog = catalog && openCatalog(catalog);
  }

  /** Says whether the zone is handed out. */
  withhold(reason: Refusal | undefined): void {
    this.#refusal = reason;
  }

  /** Takes requests from one asking side. @returns hears what it says */
  serve(send: (message: ToServer) => void): (message: FromServer) => void {
    const sessions = new Map<number, Session>();
    return (message) => {
      const { id } = message;
      switch (message.kind) {
        case 'request': {
          const session: Session = {
            send: (octets, isLast, isBroken) => {
              if (isLast) sessions.delete(id);
              send({ id, octets, isLast, ...(isBroken === true && { isBroken }) });
            },
            messages: undefined,
            outcome: 'failed',
            isOver: false,
          };
          sessions.set(id, session);
          return this.#begin(session, message);
        }
        case 'more':
          return this.#goOn(sessions.get(id));
        case 'cancel':
          this.#end(sessions.get(id), 'cut');
          sessions.delete(id);
      }
    };
  }

  #begin(session: Session, { message, client, isTls }: Extract<FromServer, { kind: 'request' }>): void {
    const request = readRequest(Buffer.from(message));
    const judged = this.#judge(request, client, isTls);
    if (judged.kind === 'refuse') {
      this.#tally.refused++;
      session.isOver = true;
      return session.send(judged.reply, true);
    }
    if (this.#waiting.length >= WAITING_MAX) return this.#fail(session, judged.options);
    this.#waiting.push(() => void this.#grant(session, judged, client));
    this.#next();
  }

  /** RFC 5936 section 2.2.1 names the order: the message, its signature, the zone, who asks. */
  #judge(request: TransferRequest, client: Uint8Array, isTls: boolean): Judged {
    const unsigned = { request, signer: undefined };
    if (request.isMalformed) return { kind: 'refuse', reply: refusal(unsigned, Rcode.FORMERR) };
    const { tsig } = request;
    let options: ReplyOptions = unsigned;
    let key: string | undefined;
    if (tsig !== undefined) {
      const clock = (): number => Math.floor(this.#options.clock() / 1000);
      const verdict = verify(tsig.message, tsig.record, this.#access.keys, clock());
      if (verdict.kind === 'malformed') return { kind: 'refuse', reply: refusal(unsigned, Rcode.FORMERR) };
      if (verdict.kind === 'unsigned') {
        const record = errorRecord(tsig.record, request.id, verdict.error);
        return { kind: 'refuse', reply: refusal(unsigned, Rcode.NOTAUTH, record) };
      }
      options = { request, signer: new ReplySigner(verdict.key, tsig.record, verdict.error, clock) };
      if (verdict.error !== TsigError.none) return { kind: 'refuse', reply: refusal(options, Rcode.NOTAUTH) };
      key = verdict.key.key.name;
    }
    const rcode = this.#rcodeFor(request, client, isTls, key);
    return rcode === Rcode.NOERROR
      ? { kind: 'grant', options, key }
      : { kind: 'refuse', reply: refusal(options, rcode) };
  }

  #rcodeFor(
    { name, type, serial, ednsVersion }: TransferRequest,
    client: Uint8Array,
    isTls: boolean,
    key?: string,
  ): number {
    const { zone } = this.#options;
    if (ednsVersion > 0) return Rcode.BADVERS;
    // Who may not have the zone is not told which there are.
    const isAllowed =
      isAllowedClient(this.#clients, client, 0, client.length) &&
      mayTransfer(this.#access, client, 0, client.length, key);
    if (!isAllowed || (this.#access.isTlsRequired && !isTls)) return Rcode.REFUSED;
    if (this.#catalog?.wireName.equals(name) === true) return Rcode.NOERROR;
    if (!zone.isKnown) return Rcode.SERVFAIL;
    if (!encodeNameLower(zone.domain).equals(name)) return Rcode.NOTAUTH;
    if (type === Type.IXFR && serial === undefined) return Rcode.FORMERR;
    // Another replica, or this one later, will: a secondary goes on to its next primary, and keeps what it has.
    if (this.#refusal === 'standby' || this.#refusal === 'signed') return Rcode.REFUSED;
    return this.#refusal === undefined ? Rcode.NOERROR : Rcode.SERVFAIL;
  }

  #next(): void {
    while (this.#active < this.#transfersMax && this.#waiting.length > 0) {
      this.#active++;
      this.#waiting.shift()!();
    }
  }

  async #grant(
    session: Session,
    { options, key }: Extract<Judged, { kind: 'grant' }>,
    client: Uint8Array,
  ): Promise<void> {
    await this.#options.flush();
    if (session.isOver) return this.#leave();
    try {
      const { name, type } = options.request;
      const isCatalog = this.#catalog?.wireName.equals(name) === true;
      const content = isCatalog ? this.#catalogContent(options.request) : this.#content(options.request);
      session.outcome = content.outcome;
      session.messages = reply(options, content.records);
      const fields = {
        client: [...client].join('.'),
        ...(key !== undefined && { key }),
        serial: content.serial,
      };
      if (content.outcome !== 'current')
        this.#options.onLog(
          'info',
          fields,
          `a transfer begins: ${content.outcome} of ${isCatalog ? 'the catalog' : 'the zone'}${type === Type.IXFR && content.outcome === 'axfr' ? ', whole: the way from that version is longer, or not known any more' : ''}`,
        );
      this.#goOn(session);
    } catch (error) {
      this.#options.onLog('warn', { error: String(error) }, 'a transfer failed');
      this.#fail(session, options);
      this.#leave();
    }
  }

  #content(request: TransferRequest): Content {
    const { zone } = this.#options;
    const newest = zone.cut();
    const { serial } = newest;
    const soa = newest.soaAt(serial);
    if (request.type === Type.IXFR) {
      // RFC 1995 section 2: the same version, or a newer one, has the SOA alone.
      const has = request.serial!;
      if (has === serial || isSerialAfter(has, serial))
        return { outcome: 'current', serial, records: [[soa]] };
      const steps = zone.journal.since(has);
      if (steps !== undefined && sumOf(steps) < zone.octets)
        return { outcome: 'ixfr', serial, records: differences(newest.soaAt, steps) };
    }
    if (this.#frozen?.serial !== serial) this.#frozen = zone.freeze();
    return { outcome: 'axfr', serial, records: wholeZone(soa, walkWire(this.#frozen.view)) };
  }

  #catalogContent({ type, serial: has }: TransferRequest): Content {
    const { soa, records, serial } = this.#catalog!.zone(this.#options.zone.domain);
    const isCurrent =
      type === Type.IXFR && has !== undefined && (has === serial || isSerialAfter(has, serial));
    if (isCurrent) return { outcome: 'current', serial, records: [[soa]] };
    return { outcome: 'axfr', serial, records: wholeZone(soa, [records]) };
  }

  /** The next message, which may be the last. */
  #goOn(session: Session | undefined): void {
    const messages = session?.messages;
    if (session === undefined || messages === undefined || session.isOver) return;
    let message: IteratorResult<Buffer>;
    try {
      message = messages.next();
    } catch (error) {
      this.#options.onLog('warn', { error: String(error) }, 'a transfer failed');
      // What is sent already cannot be taken back: the connection ends in its midst.
      session.send(NOTHING, true, true);
      return this.#end(session, 'failed');
    }
    if (message.done !== true) {
      this.#octets += message.value.length;
      return session.send(message.value, false);
    }
    session.send(NOTHING, true);
    this.#end(session, session.outcome);
  }

  #fail(session: Session, options: ReplyOptions): void {
    session.isOver = true;
    this.#tally.failed++;
    session.send(refusal(options, Rcode.SERVFAIL), true);
  }

  #end(session: Session | undefined, outcome: TransferOutcome): void {
    if (session === undefined || session.isOver) return;
    session.isOver = true;
    this.#tally[outcome]++;
    // One that still waits for the zone leaves when it is its turn.
    if (session.messages !== undefined) this.#leave();
    session.messages = undefined;
  }

  #leave(): void {
    this.#active--;
    if (this.#active === 0) this.#frozen = undefined;
    this.#next();
  }
}

/** What a reply consists of. */
interface Content {
  readonly outcome: TransferOutcome;
  readonly serial: number;
  readonly records: Iterable<readonly WireRecord[]>;
}

const NOTHING = new Uint8Array(0);

/** RFC 8945 section 5.3.2: names and time as they came, and no MAC. */
function errorRecord(record: TsigRecord, id: number, error: number): Buffer {
  const { keyName, algorithmName, timeSigned, fudgeSeconds } = record;
  const octets = Buffer.alloc(tsigOctets(keyName.length + algorithmName.length, 0));
  writeTsig(octets, 0, {
    wireName: keyName,
    wireAlgorithm: algorithmName,
    timeSigned,
    fudgeSeconds,
    mac: NOTHING,
    originalId: id,
    error,
    other: NOTHING,
  });
  return octets;
}
