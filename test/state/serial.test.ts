import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { SERIAL_BLOCK, Serial, addSerial, isSerialAfter } from '../../src/state/serial.ts';
import { scratch } from '../support/scratch.ts';

const SECOND_2026 = 1_790_000_000;
const atSecond = (second: number) => () => second * 1000;

function recorder(): {
  readonly lines: string[];
  warn(f: object, m: string): void;
  error(f: object, m: string): void;
} {
  const lines: string[] = [];
  const take = (_fields: object, message: string): void => void lines.push(message);
  return { lines, warn: take, error: take };
}

t.test('RFC 1982: serials compare on a circle', async (t) => {
  const cases: readonly (readonly [number, number, boolean, string])[] = [
    [2, 1, true, 'one more is after'],
    [1, 2, false, 'one less is not after'],
    [7, 7, false, 'the same is not after'],
    [0, 4_294_967_295, true, 'zero is after the greatest'],
    [4_294_967_295, 0, false, 'the greatest is not after zero'],
    [2 ** 31 - 1, 0, true, 'just below half the circle is after'],
    [2 ** 31, 0, false, 'half the circle has no order and counts as not after'],
    [2 ** 31 + 1, 0, false, 'beyond half the circle is before'],
  ];
  for (const [a, b, after, title] of cases) t.equal(isSerialAfter(a, b), after, title);
});

t.test('RFC 1982 section 3.1: addition wraps and never yields zero', async (t) => {
  t.equal(addSerial(1, 1), 2);
  t.equal(addSerial(4_294_967_295, 1), 1, 'zero is skipped');
  t.equal(addSerial(4_294_967_290, 10), 5, 'the skipped zero counts');
  t.equal(addSerial(4_294_967_294, 1), 4_294_967_295);
});

t.test('a first start begins with the time', async (t) => {
  const path = join(scratch(t), 'serial.json');
  const serial = new Serial({ path, clock: atSecond(SECOND_2026), log: recorder() });
  await serial.start();
  t.equal(serial.current, SECOND_2026);
  t.equal(serial.next(), SECOND_2026 + 1);
  await serial.stop();
});

t.test('without a state folder a start begins with the time and nothing is written', async (t) => {
  const serial = new Serial({ clock: atSecond(SECOND_2026), log: recorder() });
  await serial.start();
  t.equal(serial.next(), SECOND_2026 + 1);
  await serial.stop();
});

t.test('after a clean stop the serial goes on, also when the clock went back', async (t) => {
  const path = join(scratch(t), 'serial.json');
  const first = new Serial({ path, clock: atSecond(SECOND_2026), log: recorder() });
  await first.start();
  const served = first.next();
  await first.stop();
  const second = new Serial({ path, clock: atSecond(SECOND_2026 - 86_400), log: recorder() });
  await second.start();
  t.equal(second.current, served + 1);
  await second.stop();
});

t.test('after a crash the serial is after every one that was served', async (t) => {
  const path = join(scratch(t), 'serial.json');
  const crashed = new Serial({ path, clock: atSecond(SECOND_2026), log: recorder() });
  await crashed.start();
  let served = 0;
  for (let i = 0; i < 1000; i++) served = crashed.next();
  const next = new Serial({ path, clock: atSecond(SECOND_2026), log: recorder() });
  await next.start();
  t.ok(isSerialAfter(next.current, served));
  await next.stop();
});

t.test('a block is reserved ahead of need while serials are handed out', async (t) => {
  const path = join(scratch(t), 'serial.json');
  const serial = new Serial({ path, clock: atSecond(SECOND_2026), log: recorder() });
  await serial.start();
  const before = await ceilingIn(path);
  for (let i = 0; i < SERIAL_BLOCK * 0.6; i++) serial.next();
  await serial.settled();
  t.ok(isSerialAfter(await ceilingIn(path), before), 'the ceiling moved before it was reached');
  await serial.stop();
  t.equal(await ceilingIn(path), serial.current, 'a clean stop keeps the exact value');
});

t.test('RFC 1982: the serial wraps and still grows across a restart', async (t) => {
  const path = join(scratch(t, { 'serial.json': kept(4_294_967_295) }), 'serial.json');
  const serial = new Serial({ path, clock: atSecond(4_294_967_290), log: recorder() });
  await serial.start();
  t.equal(serial.current, 1);
  await serial.stop();
});

t.test(
  'a damaged serial file is reported, and the serial goes on from the time or a later witness',
  async (t) => {
    for (const text of ['', 'x', '{}', '[]', 'null', kept(-1), kept(2 ** 32), kept(1.5)]) {
      const log = recorder();
      const path = join(scratch(t, { 'serial.json': text }), 'serial.json');
      const serial = new Serial({ path, clock: atSecond(SECOND_2026), log, witnesses: [SECOND_2026 + 500] });
      await serial.start();
      t.equal(serial.current, SECOND_2026 + 501, `goes on after the witness: ${text}`);
      t.match(log.lines, [/cannot be read/]);
      await serial.stop();
    }
    const path = join(scratch(t, { 'serial.json': 'x' }), 'serial.json');
    const serial = new Serial({ path, clock: atSecond(SECOND_2026), log: recorder(), witnesses: [17] });
    await serial.start();
    t.equal(serial.current, SECOND_2026, 'an old witness does not hold it back');
    await serial.stop();
  },
);

t.test('serials go on when the disk refuses, and that is reported once', async (t) => {
  const directory = join(scratch(t), 'state');
  await mkdir(directory);
  const log = recorder();
  const serial = new Serial({ path: join(directory, 'serial.json'), clock: atSecond(SECOND_2026), log });
  await serial.start();
  await rm(directory, { recursive: true });
  let last = serial.current;
  for (let i = 0; i < SERIAL_BLOCK * 2; i++) {
    const next = serial.next();
    if (!isSerialAfter(next, last)) t.fail('a serial did not grow');
    last = next;
  }
  await serial.settled();
  t.equal(log.lines.filter((line) => /run ahead/.test(line)).length, 1);
  t.ok(log.lines.some((line) => /not reserved/.test(line)));
});

t.test('a start whose first block cannot be reserved fails', async (t) => {
  const path = join(scratch(t), 'none', 'serial.json');
  await t.rejects(new Serial({ path, clock: atSecond(SECOND_2026), log: recorder() }).start());
});

function kept(ceiling: number): string {
  return JSON.stringify({ format: 'fedns-serial', version: 1, ceiling });
}

async function ceilingIn(path: string): Promise<number> {
  return (JSON.parse(await readFile(path, 'utf8')) as { ceiling: number }).ceiling;
}
