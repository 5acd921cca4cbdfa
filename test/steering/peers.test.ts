/** What is known of other replicas, as they answer one round after the other. */

import t from 'tap';
import type { Test } from 'tap';
import type { RolloutStatus } from '../../src/steering/drains/rollout.ts';
import { Peers } from '../../src/steering/shared/peers.ts';
import { ManualTime } from './manual-time.ts';

interface World {
  readonly peers: Peers;
  readonly told: string[];
  /** Of each replica, what it answers; an Error: it does not. */
  readonly answers: Map<string, RolloutStatus | Error>;
  readonly names: Map<string, readonly string[]>;
  own: RolloutStatus;
  /** Runs the rounds that are due. */
  readonly rounds: (ms: number) => Promise<void>;
}

const at = (digest: string, more: Partial<RolloutStatus> = {}): RolloutStatus => ({
  digest,
  sinceMs: 1,
  isServed: true,
  oldAnswersSeconds: 0,
  ...more,
});

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function world(test: Test, hosts: readonly string[]): World {
  const time = new ManualTime();
  const told: string[] = [];
  const answers = new Map<string, RolloutStatus | Error>();
  const names = new Map<string, readonly string[]>();
  const state: { own: RolloutStatus } = { own: at('a') };
  const peers = new Peers({
    peers: hosts.map((host) => ({ host, port: 9153 })),
    own: () => state.own,
    timers: time,
    resolve: async (host) => {
      const found = names.get(host);
      if (found === undefined) throw new Error(`${host} is not known`);
      return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
    ask: async (address) => {
      const answer = answers.get(address) ?? new Error('refused');
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  test.teardown(() => peers.stop());
  return {
    peers,
    told,
    answers,
    names,
    get own() {
      return state.own;
    },
    set own(status: RolloutStatus) {
      state.own = status;
    },
    rounds: async (ms) => {
      time.advance(ms);
      await settle();
    },
  };
}

t.test(
  'an order is done once every replica has it, serves it, and its old answers have run out',
  async (t) => {
    const w = world(t, ['10.0.0.2', 'fd00::3']);
    const [two, three] = ['10.0.0.2:9153', '[fd00::3]:9153'];
    w.answers.set(two, at('a')).set(three, at('a'));
    w.peers.start((what) => w.told.push(what));
    await w.rounds(0);
    t.ok(w.peers.isServedByAll && w.peers.isSettled);
    t.strictSame(w.told, [], 'what is so from the start is no news');

    w.own = at('b', { isServed: false, oldAnswersSeconds: 180 });
    w.peers.touch();
    t.notOk(w.peers.isServedByAll, 'nothing is known of the others before they are asked');
    const steps: readonly (readonly [string, () => void, string, boolean, boolean])[] = [
      [
        'only this server has it',
        () => (w.own = at('b', { oldAnswersSeconds: 180 })),
        'behind behind',
        false,
        false,
      ],
      [
        'one has it, and not all of its workers',
        () => w.answers.set(two, at('b', { isServed: false, oldAnswersSeconds: 180 })),
        'behind behind',
        false,
        false,
      ],
      [
        'one serves it',
        () => w.answers.set(two, at('b', { oldAnswersSeconds: 170 })),
        'served behind',
        false,
        false,
      ],
      ['one is away', () => w.answers.set(three, new Error('refused')), 'served unreachable', false, false],
      [
        'both serve it',
        () => w.answers.set(three, at('b', { oldAnswersSeconds: 90 })),
        'served served',
        true,
        false,
      ],
      ['this server’s old answers have run out', () => (w.own = at('b')), 'served served', true, false],
      ['one’s have', () => w.answers.set(two, at('b')), 'served served', true, false],
      ['all have', () => w.answers.set(three, at('b')), 'served served', true, true],
    ];
    for (const [title, change, states, isServed, isSettled] of steps) {
      change();
      await w.rounds(1000);
      t.equal(
        w.peers
          .list()
          .map(({ state }) => state)
          .join(' '),
        states,
        title,
      );
      t.equal(w.peers.isServedByAll, isServed, title);
      t.equal(w.peers.isSettled, isSettled, title);
    }
    t.strictSame(w.told, ['served', 'settled'], 'each is told once');
    await w.rounds(60_000);
    t.strictSame(w.told, ['served', 'settled']);
  },
);

t.test('a name stands for all of its addresses, which come and go', async (t) => {
  const w = world(t, ['replicas.example', '10.0.0.2']);
  const addresses = (): string[] => w.peers.list().map(({ address, state }) => `${address} ${state}`);
  w.peers.start((what) => w.told.push(what));
  await w.rounds(0);
  t.strictSame(addresses(), ['replicas.example:9153 unreachable', '10.0.0.2:9153 unreachable']);
  t.match(w.peers.list()[0]?.error, /is not known/);
  w.names.set('replicas.example', ['10.0.0.2', '10.0.0.3']);
  w.answers.set('10.0.0.2:9153', at('a')).set('10.0.0.3:9153', at('b'));
  await w.rounds(1000);
  t.strictSame(addresses(), ['10.0.0.2:9153 served', '10.0.0.3:9153 behind'], 'each once');
  w.names.set('replicas.example', ['10.0.0.2']);
  await w.rounds(1000);
  t.strictSame(addresses(), ['10.0.0.2:9153 served']);
  t.ok(w.peers.isSettled);
});
