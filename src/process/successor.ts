/** Owns the successor's side of a handover: what it hears from its predecessor, and what becomes of it when that one dies. */

import { becomeNice, canLowerNiceness, listThreads, niceness } from '../server/linux/thread-priority.ts';
import { SuccessionError, type Predecessor } from '../serve/succession.ts';
import { isSuccessor, PREDECESSOR_VARIABLE, type ToPredecessor, type ToSuccessor } from './handover.ts';

/** Time that the predecessor gets to stop answering datagrams, in milliseconds; its threads may take half of it. */
const LEAVE_MS_MAX = 10_000;

/**
 * The process that this one was started to follow, or undefined. `nice` is the niceness that threads have here that answer.
 *
 * @throws SuccessionError when it says nothing, because it is gone
 */
export async function meetPredecessor(): Promise<(Predecessor & { readonly nice: number }) | undefined> {
  if (!isSuccessor()) return undefined;
  // Programs that are started from here follow nobody.
  delete process.env[PREDECESSOR_VARIABLE];
  const channel = new Channel();
  const { estate, nice } = await channel.ask({ kind: 'hello' }, 'estate');
  return {
    estate,
    nice: canLowerNiceness() ? nice : niceness(),
    cede: async (serial) => {
      await channel.ask({ kind: 'ready', serial }, 'ceded');
      // Up to here this process has let the other one go first; now it is to answer itself.
      if (canLowerNiceness()) becomeNice(listThreads(), nice);
    },
    leave: () => leave(channel),
  };
}

/** From here on the predecessor is not needed any more, whatever becomes of it. */
async function leave(channel: Channel): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, LEAVE_MS_MAX)));
  await Promise.race([channel.ask({ kind: 'serving' }, 'left').catch(() => {}), enough]);
  clearTimeout(timer);
  channel.close();
}

/** The messages of the parent process, one after the other. */
class Channel {
  #expected: { readonly kind: string; readonly resolve: (message: ToSuccessor) => void } | undefined;
  readonly #gone = Promise.withResolvers<never>();

  constructor() {
    this.#gone.promise.catch(() => {});
    process.on('message', (message: ToSuccessor) => {
      if (message.kind === this.#expected?.kind) this.#expected.resolve(message);
    });
    process.once('disconnect', () =>
      this.#gone.reject(new SuccessionError('the process to follow has gone before its time')),
    );
  }

  ask<K extends ToSuccessor['kind']>(
    message: ToPredecessor,
    kind: K,
  ): Promise<Extract<ToSuccessor, { kind: K }>> {
    const { promise, resolve } = Promise.withResolvers<ToSuccessor>();
    this.#expected = { kind, resolve };
    process.send?.(message);
    return Promise.race([promise, this.#gone.promise]) as Promise<Extract<ToSuccessor, { kind: K }>>;
  }

  close(): void {
    process.removeAllListeners('message');
    if (process.connected) process.disconnect?.();
  }
}
