/**
 * Tells all secondaries of new versions: waits for changes that come together, cuts a version, has each told of it. What is said to one is
 * notifier.ts; here are the sockets, one for each family.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { canonicalAddress } from '../zonebuilder/ip-text.ts';
import type { OpenKey } from '../tsig/keys.ts';
import type { Timer, Timers } from '../timers.ts';
import { mayTransfer, type TransferAccess } from '../server/policy/transfer-access.ts';
import { addressOctets } from '../server/socket-address.ts';
import { Notifier, type Secondary } from './notifier.ts';
import type { SecondaryStatus, ThreadSettings } from './protocol.ts';
import type { Zone } from './zone.ts';

export interface HeraldOptions {
  readonly zone: Zone;
  readonly timers: Timers;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly randomId: () => number;
  readonly onTrouble: (fields: object, message: string) => void;
}

export class Herald {
  readonly #options: HeraldOptions;
  readonly #sockets = new Map<'udp4' | 'udp6', Socket>();
  #notifiers: { readonly secondary: Secondary; readonly notifier: Notifier }[] = [];
  #delayMs = 0;
  #timer: Timer | undefined;
  /** What secondaries were told of last. */
  #toldSerial = 0;
  #isHeld = true;

  constructor(options: HeraldOptions) {
    this.#options = options;
  }

  get status(): SecondaryStatus[] {
    return this.#notifiers.map(({ notifier }) => notifier.status);
  }

  /** Takes on the secondaries of the settings; those that were told already are told again, which costs them one question. */
  adopt({ notify, notifyDelayMs }: ThreadSettings, access: TransferAccess): void {
    this.#delayMs = notifyDelayMs;
    for (const { notifier } of this.#notifiers) notifier.stop();
    this.#notifiers = notify.map(({ address, port, key }) => {
      const secondary = {
        address,
        port,
        key: keyFor({ address, ...(key !== undefined && { key }) }, access),
      };
      return { secondary, notifier: this.#makeNotifier(secondary) };
    });
    this.#toldSerial = 0;
    this.look();
  }

  /** Whether nobody is to be told, since nobody gets anything. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (isHeld) this.#timer?.cancel();
    if (isHeld) this.#timer = undefined;
    else this.look();
  }

  /** Looks whether there is something to tell. */
  look(): void {
    const { zone, timers } = this.#options;
    if (this.#isHeld || this.#timer !== undefined || this.#notifiers.length === 0 || !zone.isKnown) return;
    if (!zone.isBehind && zone.versionSerial === this.#toldSerial) return;
    this.#timer = timers.after(this.#delayMs, () => this.#tell());
  }

  stop(): void {
    this.#timer?.cancel();
    for (const { notifier } of this.#notifiers) notifier.stop();
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #tell(): void {
    this.#timer = undefined;
    this.#toldSerial = this.#options.zone.cut().serial;
    for (const { notifier } of this.#notifiers) notifier.tell();
  }

  #makeNotifier(secondary: Secondary): Notifier {
    const { zone, timers, clock, randomId, onTrouble } = this.#options;
    return new Notifier({
      secondary,
      domain: () => zone.domain,
      soa: () => {
        const { serial, soaAt } = zone.cut();
        return { ...soaAt(serial), serial };
      },
      send: (message) => this.#send(message, secondary),
      timers,
      clock,
      randomId,
      onTrouble,
    });
  }

  #send(message: Buffer, { address, port }: Secondary): void {
    const socket = this.#socket(isIPv6(address) ? 'udp6' : 'udp4');
    // A secondary that cannot be reached is one that does not answer.
    socket.send(message, port, address, () => {});
  }

  #socket(family: 'udp4' | 'udp6'): Socket {
    const known = this.#sockets.get(family);
    if (known !== undefined) return known;
    const socket = createSocket(family);
    socket.on('error', () => {});
    socket.on('message', (message, from) => {
      const address = canonicalAddress(from.address.replace(/%.*$/, ''));
      for (const { secondary, notifier } of this.#notifiers)
        if (secondary.address === address && secondary.port === from.port && notifier.hear(message)) return;
    });
    this.#sockets.set(family, socket);
    return socket;
  }
}

/** The key that is named, or that of the first rule by which the secondary may have the zone with one. */
function keyFor(
  { address, key }: { readonly address: string; readonly key?: string },
  access: TransferAccess,
): OpenKey | undefined {
  const octets = addressOctets(address);
  const name =
    key ??
    access.rules.find(
      (rule) =>
        rule.key !== undefined &&
        mayTransfer({ ...access, rules: [rule] }, octets, 0, octets.length, rule.key),
    )?.key;
  return access.keys.find((open) => open.key.name === name);
}
