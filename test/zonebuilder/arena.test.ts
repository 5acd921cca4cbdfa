import t from 'tap';
import { Arena, releaseReader } from '../../src/zonebuilder/arena.ts';
import { Control, CONTROL_OCTETS, HEADER_OCTETS } from '../../src/zonebuilder/layout.ts';
import { makeRandom } from '../support/random.ts';

/** Pieces that are retired before the arena looks for free ones. */
const MANY = 64;

function makeArena(octets = 1 << 16): { arena: Arena; control: Int32Array; shared: SharedArrayBuffer } {
  const shared = new SharedArrayBuffer(CONTROL_OCTETS);
  return { arena: new Arena(new SharedArrayBuffer(octets), shared), control: new Int32Array(shared), shared };
}

function enter(control: Int32Array, reader: number): void {
  control[Control.readers + reader] = control[Control.epoch]!;
}

function leave(control: Int32Array, reader: number): void {
  control[Control.readers + reader] = 0;
}

/** Allocates and retires pieces of one size, more than are let pile up. Returns their positions. */
function churn(arena: Arena, size: number): number[] {
  return Array.from({ length: MANY }, () => {
    const position = arena.allocate(size);
    arena.retire(position, size);
    return position;
  });
}

t.test('pieces lie behind the header, aligned, and do not overlap', (t) => {
  const { arena } = makeArena();
  const random = makeRandom(1);
  let end = HEADER_OCTETS;
  for (let i = 0; i < 200; i++) {
    const size = 1 + random.below(100);
    const position = arena.allocate(size);
    if (position < end || position % 16 !== 0) t.fail(`${size} octets at ${position}, behind ${end}`);
    end = position + size;
  }
  t.end();
});

t.test('a full arena hands out 0, and goes on with what comes back', (t) => {
  const { arena } = makeArena(4096);
  const positions: number[] = [];
  for (let at = arena.allocate(64); at !== 0; at = arena.allocate(64)) positions.push(at);
  t.equal(positions.length, (4096 - HEADER_OCTETS) / 64, 'it was used to the last piece');
  t.equal(arena.used, 4096);
  for (const position of positions) arena.retire(position, 64);
  t.equal(arena.live, HEADER_OCTETS, 'nothing is live');
  t.ok(positions.includes(arena.allocate(64)), 'a piece is used again');
  t.equal(arena.allocate(65), 0, 'a larger one has no room');
  t.end();
});

t.test('a piece is not used again while a reader may look at it', (t) => {
  const { arena, control, shared } = makeArena();
  enter(control, 3);
  const held = new Set(churn(arena, 64));
  t.equal(held.size, MANY, 'each was new memory');
  t.equal(arena.retired, MANY);
  enter(control, 5);
  leave(control, 5);
  t.notOk(held.has(arena.allocate(64)), 'another reader does not matter');
  enter(control, 3);
  t.ok(held.has(arena.allocate(64)), 'once the reader has gone on, it is');
  enter(control, 3);
  churn(arena, 128);
  t.equal(arena.retired, MANY, 'the reader holds on');
  releaseReader(shared, 3);
  arena.allocate(128);
  t.equal(arena.retired, 0, 'until its worker is declared dead');
  t.end();
});

t.test('the oldest of several readers decides', (t) => {
  const { arena, control } = makeArena();
  enter(control, 0);
  const first = churn(arena, 64);
  enter(control, 239);
  const second = churn(arena, 64);
  leave(control, 0);
  const again = Array.from({ length: MANY }, () => arena.allocate(64));
  t.strictSame(
    again.toSorted(byNumber),
    first.toSorted(byNumber),
    'what was retired before the last reader came',
  );
  t.notOk(second.includes(arena.allocate(64)), 'and nothing more');
  t.end();
});

t.test('epochs may wrap', (t) => {
  const { arena, control } = makeArena();
  control[Control.epoch] = 0x7fffffff;
  enter(control, 0);
  const held = churn(arena, 64);
  t.ok(control[Control.epoch]! < 0, 'the epoch went past 2^31');
  t.notOk(held.includes(arena.allocate(64)), 'held by an older epoch');
  enter(control, 0);
  t.ok(held.includes(arena.allocate(64)), 'free in a newer one');
  control[Control.epoch] = -1;
  churn(arena, 64);
  t.ok(control[Control.epoch]! > 0, 'the epoch went past 2^32');
  t.equal(control[Control.epoch]! % 2, 1, 'and was never 0');
  t.end();
});

function byNumber(a: number, b: number): number {
  return a - b;
}
