import { setTimeout } from 'node:timers/promises';
import { test, type Test } from 'tap';
import { makeRandom } from '../support/random.ts';
import { scratch } from '../support/scratch.ts';
import { answerAt, CLUSTERS, DOMAIN, type Primary, serialAt, startPrimary } from './primary.ts';
import { KINDS, type Secondary, secondaryPort, startSecondary } from './secondary.ts';

const SERVICES = ['shop.f', 'blog.f'].flatMap((namespace) =>
  ['web', 'db', 'api', 'auth'].map((name) => `${name}.${namespace}`),
);
/** More of them, for whoever looks closer: `FLIPS=1000`. */
const FLIPS = Number(process.env['FLIPS'] ?? 30);
const TYPES = ['A', 'AAAA', 'SRV', 'CNAME', 'TXT', 'MX'];

/** Waits until something holds; a secondary takes as long as it takes. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(50);
}

/** Whether the zone is handed out: before that, a secondary would be told to come again later. */
function isReady({ keeper }: Primary): boolean {
  return keeper.status!.isReady;
}

/** Every name that there is, and names beside them. */
function namesOf({ domain }: Primary): string[] {
  const names = new Set([
    `nope.${DOMAIN}`,
    `nope.shop.f.svc.${DOMAIN}`,
    `shop.f.svc.${DOMAIN}`,
    `svc.us.${DOMAIN}`,
  ]);
  for (const set of domain.records({})) if (set !== undefined) names.add(set.name.slice(0, -1));
  return [...names];
}

async function compare(t: Test, primary: Primary, secondary: Secondary, when: string): Promise<void> {
  const differences: string[] = [];
  for (const name of namesOf(primary)) {
    for (const type of TYPES) {
      const ours = await answerAt(primary.port, name, type);
      const theirs = await answerAt(secondary.port, name, type);
      if (ours !== theirs) differences.push(`${name} ${type}: ${ours} | ${theirs}`);
    }
  }
  t.strictSame(differences, [], `${secondary.kind} answers every name as fedns does, ${when}`);
}

test('NSD, Knot and BIND carry the zone: by AXFR, then by NOTIFY and IXFR through random flips', async (t) => {
  const folder = scratch(t);
  const ports = [await secondaryPort(), await secondaryPort(), await secondaryPort()];
  const notify = ports.map((port) => `"127.0.0.1:${port}"`).join(', ');
  const primary = await startPrimary(t, folder, { transfer: `notify: [${notify}]\n  notifyDelayMs: 50` });
  const random = makeRandom(7);
  const flip = (): void => {
    const { name } = random.pick(CLUSTERS);
    const address = `192.0.2.${1 + random.below(200)}`;
    primary.shard(name, random.pick(SERVICES), {
      addresses: random.oneIn(3) ? [address, '2001:db8::1'] : [address],
      ready: !random.oneIn(3),
      ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    });
  };
  for (let i = 0; i < 30; i++) flip();
  await until(async () => isReady(primary));
  const secondaries = KINDS.map((kind, i) =>
    startSecondary(t, kind, { port: ports[i]!, primaries: [primary.port] }),
  );
  const haveAll = async (): Promise<boolean> => {
    const serials = await Promise.all(secondaries.map(({ port }) => serialAt(port)));
    return serials.every((serial) => serial === primary.serial());
  };
  await until(haveAll);
  for (let i = 1; i <= FLIPS; i++) {
    flip();
    if (i % 5 === 0) await until(haveAll);
  }
  await until(haveAll);
  for (const secondary of secondaries) await compare(t, primary, secondary, 'kept by differences');
  await until(async () =>
    primary.keeper.status!.secondaries.every(({ answeredSerial }) => answeredSerial === primary.serial()),
  );
  const { transfers, secondaries: told } = primary.keeper.status!;
  t.ok(transfers.ixfr >= 3, `differences were sent (${JSON.stringify(transfers)})`);
  t.strictSame(
    told.map(({ trouble }) => trouble),
    [undefined, undefined, undefined],
    'each NOTIFY was answered',
  );
  const before = await Promise.all(
    secondaries.map(({ port }) => answerAt(port, `web.shop.f.svc.${DOMAIN}`, 'A')),
  );
  await primary.stop();
  const after = await Promise.all(
    secondaries.map(({ port }) => answerAt(port, `web.shop.f.svc.${DOMAIN}`, 'A')),
  );
  t.strictSame(after, before, 'fedns is down, and they go on');
});

test('of two replicas one is on standby; when the other is killed it goes on behind the serial that the secondary has', async (t) => {
  const folder = scratch(t);
  const ports = [await secondaryPort(), await secondaryPort()];
  const secondary = await secondaryPort();
  const options = (i: number, standby: boolean): Parameters<typeof startPrimary>[2] => ({
    port: ports[i]!,
    // They number changes apart: what the second counts is far behind.
    firstSerial: i === 0 ? 5000 : 100,
    transfer: `notify: ["127.0.0.1:${secondary}"]\n  notifyDelayMs: 50\n  standby: ${standby}`,
  });
  const first = await startPrimary(t, folder, options(0, false));
  const second = await startPrimary(t, folder, options(1, true));
  const flip = (octet: number): void => {
    for (const replica of [first, second])
      replica.shard('c0', 'web.shop.f', { addresses: [`192.0.2.${octet}`] });
  };
  flip(1);
  await until(async () => isReady(first));
  startSecondary(t, 'knotd', { port: secondary, primaries: ports });
  const serials: number[] = [];
  const shows = async (octet: number): Promise<boolean> => {
    const serial = await serialAt(secondary);
    if (serial !== undefined) serials.push(serial);
    return (await answerAt(secondary, `web.shop.f.svc.${DOMAIN}`, 'A')).endsWith(` 192.0.2.${octet}`);
  };
  for (let octet = 1; octet <= 8; octet++) {
    flip(octet);
    await until(() => shows(octet));
  }
  t.equal(
    second.keeper.status!.transfers.axfr + second.keeper.status!.transfers.ixfr,
    0,
    'the standby hands out nothing',
  );
  await first.stop();
  const { transfer } = second.settings;
  await second.keeper.adopt({ ...second.settings, transfer: { ...transfer!, standby: false } });
  for (let octet = 9; octet <= 12; octet++) {
    second.shard('c0', 'web.shop.f', { addresses: [`192.0.2.${octet}`] });
    await until(() => shows(octet));
  }
  t.strictSame(
    serials,
    serials.toSorted((a, b) => a - b),
    'the secondary never goes back',
  );
  t.ok(second.serial() > 5000, 'the second goes on behind what the first had numbered');
});
