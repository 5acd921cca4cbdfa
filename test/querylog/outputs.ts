/** What tests of the ways out for dnstap frames share: what an output tells of itself, and streams taken apart. */

import { readControl } from '../../src/querylog/dnstap/frames.ts';
import type { OutputObserver } from '../../src/querylog/dnstap/output.ts';
import { createTally } from '../../src/querylog/tally.ts';
import type { Timer, Timers } from '../../src/timers.ts';

export interface KeptObserver extends OutputObserver {
  /** `level message`, and the reason where there is one. */
  readonly lines: string[];
}

export function keepObserver(): KeptObserver {
  const lines: string[] = [];
  return {
    lines,
    tally: new Float64Array(createTally()),
    say: (level, fields, message) => {
      const { reason } = fields as { reason?: string };
      lines.push(`${level} ${message}${reason === undefined ? '' : `: ${reason}`}`);
    },
  };
}

/** A data frame of a text. */
export function frame(text: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([head, Buffer.from(text)]);
}

/** A stream as its frames: texts, and control frames as `<type>`, with the content types that they name. */
export function framesOf(stream: Buffer): string[] {
  const frames: string[] = [];
  for (let at = 0; at + 4 <= stream.length;) {
    const length = stream.readUInt32BE(at);
    if (length === 0) {
      const control = readControl(stream.subarray(at));
      if (control === undefined) break;
      frames.push(['', control.type, ...control.contentTypes].join(' ').trim().replace(/^/, '<') + '>');
      at += control.octets;
    } else {
      if (at + 4 + length > stream.length) break;
      frames.push(stream.toString('latin1', at + 4, at + 4 + length));
      at += 4 + length;
    }
  }
  return frames;
}

export const START = '<2 protobuf:dnstap.Dnstap>';
export const STOP = '<3>';
export const READY = '<4 protobuf:dnstap.Dnstap>';

/** Timers that go off when a test says so. */
export class ManualTimers implements Timers {
  readonly pending: { readonly ms: number; readonly run: () => void }[] = [];

  now(): number {
    return 0;
  }

  after(ms: number, run: () => void): Timer {
    const entry = { ms, run };
    this.pending.push(entry);
    return { cancel: () => this.#remove(entry) };
  }

  /** Has the first timer of `ms` go off. */
  fire(ms: number): void {
    const entry = this.pending.find((each) => each.ms === ms);
    if (entry === undefined) throw new Error(`no timer of ${ms} ms`);
    this.#remove(entry);
    entry.run();
  }

  #remove(entry: { readonly ms: number; readonly run: () => void }): void {
    const at = this.pending.indexOf(entry);
    if (at >= 0) this.pending.splice(at, 1);
  }
}
