import { test } from 'tap';
import {
  createRateLimitMemory,
  limitReply,
  openRateLimiter,
  RateVerdict,
  ReplyClass,
  type RateLimiter,
} from '../../../src/server/policy/rate-limit.ts';
import type { RateLimitSettings } from '../../../src/config/settings.ts';
import { parseAddress } from '../../../src/zonebuilder/ip-text.ts';

const SETTINGS: RateLimitSettings = { perSecond: 10, windowSeconds: 5, slip: 2, exempt: [] };

function limiterOf(settings: Partial<RateLimitSettings> = {}): RateLimiter {
  return openRateLimiter(createRateLimitMemory(), { ...SETTINGS, ...settings });
}

interface Reply {
  readonly client?: string;
  readonly kind?: ReplyClass;
  readonly name?: number;
  readonly nowMs?: number;
}

function limit(limiter: RateLimiter, reply: Reply = {}): RateVerdict {
  const octets = parseAddress(reply.client ?? '192.0.2.1')!;
  const client = Buffer.concat([Buffer.of(7), octets]);
  const { kind = ReplyClass.answer, name = 1, nowMs = 0 } = reply;
  return limitReply(limiter, kind, name, client, 1, octets.length, nowMs);
}

/** How many of `count` replies were sent, dropped and slipped. */
function tally(limiter: RateLimiter, count: number, reply: (i: number) => Reply): [number, number, number] {
  const verdicts: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < count; i++) verdicts[limit(limiter, reply(i))]++;
  return verdicts;
}

test('a flood of one query from one network gets the rate, and of the rest every second reply truncated', async (t) => {
  t.same(
    tally(limiterOf(), 200, () => ({})),
    [10, 95, 95],
  );
  t.same(
    tally(limiterOf({ slip: 0 }), 200, () => ({})),
    [10, 190, 0],
  );
  t.same(
    tally(limiterOf({ slip: 1 }), 200, () => ({})),
    [10, 0, 190],
  );
  t.same(
    tally(limiterOf({ slip: 5 }), 200, () => ({})),
    [10, 152, 38],
  );
});

test('a client below the rate is never limited', async (t) => {
  t.same(
    tally(limiterOf(), 1000, (i) => ({ nowMs: i * 100 })),
    [1000, 0, 0],
  );
});

test('a client at twice the rate gets half of its replies at first, then none while it keeps on', async (t) => {
  const limiter = limiterOf({ slip: 0 });
  const early = tally(limiter, 20, (i) => ({ nowMs: i * 50 }));
  t.ok(early[RateVerdict.send] >= 10, 'the first second has credit');
  tally(limiter, 400, (i) => ({ nowMs: 1000 + i * 50 }));
  t.equal(limit(limiter, { nowMs: 21_000 }), RateVerdict.drop);
});

test('what was in excess is forgiven within the window', async (t) => {
  const limiter = limiterOf({ slip: 0 });
  tally(limiter, 10_000, () => ({}));
  t.equal(limit(limiter, { nowMs: 4_800 }), RateVerdict.drop);
  t.equal(limit(limiter, { nowMs: 5_300 }), RateVerdict.send);
  t.same(
    tally(limiter, 20, () => ({ nowMs: 60_000 })),
    [10, 10, 0],
    'credit is for one second, however long the quiet',
  );
});

test('IPv4 clients are counted per /24, IPv6 clients per /56', async (t) => {
  const shared: readonly [string, string, boolean][] = [
    ['192.0.2.1', '192.0.2.254', true],
    ['192.0.2.1', '192.0.3.1', false],
    ['192.0.2.1', '192.1.2.1', false],
    ['2001:db8:0:11::1', '2001:db8:0:ff:1:2:3:4', true],
    ['2001:db8:0:11::1', '2001:db8:0:111::1', false],
    ['2001:db8:0:11::1', '2001:db9:0:11::1', false],
    ['192.0.2.1', 'c000:200:400::', false],
  ];
  for (const [flooding, other, limited] of shared) {
    const limiter = limiterOf({ slip: 0 });
    tally(limiter, 100, () => ({ client: flooding }));
    t.equal(
      limit(limiter, { client: other }),
      limited ? RateVerdict.drop : RateVerdict.send,
      `${flooding}, ${other}`,
    );
  }
});

function distinct(kind: ReplyClass): [number, number, number] {
  return tally(limiterOf({ slip: 0 }), 200, (i) => ({ kind, name: i * 7919 }));
}

test('answers are counted per name; other replies are counted together, whatever their names', async (t) => {
  t.same(distinct(ReplyClass.answer), [200, 0, 0]);
  t.same(distinct(ReplyClass.nodata), [10, 190, 0]);
  t.same(distinct(ReplyClass.nxdomain), [10, 190, 0]);
  t.same(distinct(ReplyClass.referral), [10, 190, 0]);
  t.same(distinct(ReplyClass.error), [10, 190, 0]);
});

test('a flood of one class leaves the others alone', async (t) => {
  const limiter = limiterOf();
  tally(limiter, 1000, (i) => ({ kind: ReplyClass.nxdomain, name: i }));
  for (const kind of [ReplyClass.answer, ReplyClass.nodata, ReplyClass.referral, ReplyClass.error]) {
    t.equal(limit(limiter, { kind }), RateVerdict.send);
  }
});

test('exempt networks are never limited: IPv4, IPv6 and v4-mapped', async (t) => {
  const limiter = limiterOf({ exempt: ['10.0.0.0/8', '2001:db8::/32'] });
  for (const client of ['10.96.0.10', '2001:db8::53', '::ffff:10.96.0.10']) {
    t.same(
      tally(limiter, 500, () => ({ client })),
      [500, 0, 0],
      client,
    );
  }
  t.same(tally(limiter, 500, () => ({ client: '11.0.0.1' }))[RateVerdict.send], 10);
});

test('a million forged networks neither grow the table nor free a network under flood', async (t) => {
  const memory = createRateLimitMemory();
  const limiter = openRateLimiter(memory, { ...SETTINGS, slip: 0 });
  tally(limiter, 100, () => ({}));
  let passed = 0;
  const forged = Buffer.alloc(4);
  const victim = parseAddress('192.0.2.1')!;
  for (let i = 0; i < 1_000_000; i++) {
    forged.writeUInt32BE(Math.imul(i, 2654435761) >>> 0);
    const nowMs = i / 1000;
    limitReply(limiter, ReplyClass.answer, 1, forged, 0, 4, nowMs);
    if (i % 1000 === 0 && limitReply(limiter, ReplyClass.answer, 1, victim, 0, 4, nowMs) === RateVerdict.send)
      passed++;
  }
  t.equal(limiter.table.buffer, memory);
  t.equal(memory.byteLength, 8 + 1024 * 1024);
  t.ok(passed <= 20, `${passed} of 1000`);
});

test('workers share one table', async (t) => {
  const memory = createRateLimitMemory();
  const workers = [openRateLimiter(memory, SETTINGS), openRateLimiter(memory, SETTINGS)];
  t.equal(tally(workers[0]!, 10, () => ({}))[RateVerdict.send], 10);
  t.not(limit(workers[1]!), RateVerdict.send);
});

test('the clock may wrap its 32 bits, and another worker may be a moment ahead', async (t) => {
  const limiter = limiterOf({ slip: 0 });
  tally(limiter, 100, () => ({ nowMs: 2 ** 31 - 1 }));
  t.equal(limit(limiter, { nowMs: 2 ** 31 + 100 }), RateVerdict.drop);
  t.equal(limit(limiter, { nowMs: 2 ** 31 - 50 }), RateVerdict.drop);
  t.equal(limit(limiter, { nowMs: 2 ** 31 + 60_000 }), RateVerdict.send);
});

test('a wall clock that steps neither opens the limit nor closes it for good', (t) => {
  const dayMs = 86_400_000;
  const limiter = limiterOf({ slip: 0 });
  let nowMs = 1_800_000_000_000;
  for (const days of [1, 365, 56 * 365, -1, -365, -56 * 365]) {
    nowMs += days * dayMs;
    const [sent] = tally(limiter, 200, () => ({ nowMs }));
    t.ok(sent <= 10, `${days} days: ${sent} of a flood`);
    nowMs += 7000;
    t.equal(limit(limiter, { nowMs }), RateVerdict.send, `${days} days: whoever paused is answered`);
  }
  t.end();
});
