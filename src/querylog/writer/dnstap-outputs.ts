/** Owns which way out dnstap messages take at the moment, through reloads of the configuration. */

import { isDeepStrictEqual } from 'node:util';
import type { DnstapSettings } from '../../config/settings.ts';
import { systemTimers } from '../../timers.ts';
import { FileOutput } from '../dnstap/file-output.ts';
import type { FrameOutput, OutputObserver } from '../dnstap/output.ts';
import { SocketOutput } from '../dnstap/socket-output.ts';

/** The output in use, which a reload leaves as it is unless frames are to go elsewhere. */
export class DnstapOutputs {
  readonly #observer: OutputObserver;
  #to: DnstapSettings['to'] | undefined;
  #output: FrameOutput | undefined;

  constructor(observer: OutputObserver) {
    this.#observer = observer;
  }

  adopt(dnstap: DnstapSettings | undefined): FrameOutput | undefined {
    if (isDeepStrictEqual(this.#to, dnstap?.to)) {
      this.#output?.look();
      return this.#output;
    }
    void this.#output?.stop();
    this.#to = dnstap?.to;
    this.#output = dnstap && openOutput(dnstap.to, this.#observer);
    this.#output?.start();
    return this.#output;
  }

  async stop(): Promise<void> {
    await this.#output?.stop();
  }
}

function openOutput(to: DnstapSettings['to'], observer: OutputObserver): FrameOutput {
  switch (to.kind) {
    case 'file': {
      const { path, octetsMax, keep } = to;
      return new FileOutput({ path, octetsMax, keep, timers: systemTimers }, observer);
    }
    case 'socket':
      return new SocketOutput({ to: { path: to.path }, timers: systemTimers, random: Math.random }, observer);
    case 'tcp': {
      const { address: host, port } = to.listen;
      return new SocketOutput({ to: { host, port }, timers: systemTimers, random: Math.random }, observer);
    }
  }
}
