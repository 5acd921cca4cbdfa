/**
 * What a responder signs replies with: keys, and the memories that all threads share, as this one looks at them. A worker finds
 * signatures; a signer also makes them.
 */
import type { Apex, ApexName } from '../../zonebuilder/apex.ts';
import { Type } from '../../zonebuilder/dns.ts';
import { chooseKeys, type KeyChoice } from '../signing/keys.ts';
import { openSignatures, type Signatures } from '../signing/signatures.ts';
import type { SigningSettings } from '../signing/settings.ts';
import { openWaitingRoom, type WaitingRoom } from '../signing/waiting.ts';

export class Sealing {
  readonly settings: SigningSettings;
  /** Of what exists; and of denials of names that do not, which anybody can make up without end. */
  readonly signatures: Signatures;
  readonly denials: Signatures;
  readonly waiting: WaitingRoom;
  /** The SOA's names, without compression. */
  readonly soaNames: DataView;
  readonly zoneKeys: readonly KeyChoice[];
  readonly keyKeys: readonly KeyChoice[];
  /** Whether signatures are made here. */
  readonly isSigner: boolean;
  /** Whether signatures that are due to be made anew are. */
  isRefreshing = false;
  /** Signatures made here since it was last asked. */
  made = 0;

  constructor(settings: SigningSettings, apex: Apex) {
    this.settings = settings;
    this.signatures = openSignatures(settings.signatures);
    this.denials = openSignatures(settings.denials);
    this.waiting = openWaitingRoom(settings.waiting);
    this.soaNames = dataOf(Buffer.concat([wireName(apex.primary, apex), wireName(apex.hostmaster, apex)]));
    this.zoneKeys = chooseKeys(settings.keys, 'zone');
    this.keyKeys = chooseKeys(settings.keys, 'keys');
    this.isSigner = settings.keys.some((key) => key.privateKey !== undefined);
  }

  /** The keys for an RRset of a type: RFC 7344 section 4.1 has CDS and CDNSKEY signed as DNSKEY is. */
  keysFor(type: number): readonly KeyChoice[] {
    return type === Type.DNSKEY || type === Type.CDS || type === Type.CDNSKEY ? this.keyKeys : this.zoneKeys;
  }
}

function wireName({ labels, inDomain }: ApexName, { domain }: Apex): Uint8Array {
  return inDomain ? Buffer.concat([labels, domain]) : labels;
}

function dataOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}
