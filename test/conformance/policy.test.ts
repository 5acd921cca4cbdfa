import { test } from 'tap';
import { Counter } from '../../src/server/counters.ts';
import { PolicyKeeper } from '../../src/server/policy/policy-keeper.ts';
import { Transport } from '../../src/server/responder.ts';
import { parseAddress } from '../../src/zonebuilder/ip-text.ts';
import { makeQuery, readMessage } from '../support/message.ts';
import { tryCases, type Case } from './case.ts';
import { DEFAULT_POLICY, makeDomain, SERVICE, waysTo } from './fixture.ts';

const CHAOS = 3;
const chaos = (name: string, type = 'TXT') => makeQuery(name, type, { class: CHAOS });
const REFUSED = { rcode: 'REFUSED', flags: [] } as const;

test('RFC 4892: what the server is called and which version it is, is not told by default', async (t) => {
  const names = [
    'version.bind',
    'version.server',
    'hostname.bind',
    'id.server',
    'authors.bind',
    'example.com',
  ];
  const cases = names.map((name) => ({ title: name, query: chaos(name), expect: REFUSED }));
  await tryCases(t, await waysTo(t, makeDomain()), cases);
});

test('RFC 4892: texts that the operator gives are told, in class CHAOS only', async (t) => {
  const policy = { ...DEFAULT_POLICY, chaos: { version: 'none of your business', id: 'ns1' } };
  const told = (title: string, name: string, text: string): Case => ({
    title,
    query: chaos(name),
    expect: {
      rcode: 'NOERROR',
      answer: ['TXT'],
      check: (reply, tt) => tt.match(reply.answer[0], { class: CHAOS, ttl: 0, data: `"${text}"` }),
    },
  });
  await tryCases(t, await waysTo(t, makeDomain({ policy })), [
    told('version.bind', 'version.bind', policy.chaos.version),
    told('version.server', 'VERSION.Server', policy.chaos.version),
    told('hostname.bind', 'hostname.bind', 'ns1'),
    told('id.server', 'id.server', 'ns1'),
    { title: 'another type', query: chaos('id.server', 'A'), expect: { rcode: 'NOERROR' } },
    { title: 'authors.bind', query: chaos('authors.bind'), expect: REFUSED },
    { title: 'class IN', query: makeQuery('version.bind', 'TXT'), expect: REFUSED },
  ]);
});

test('clients outside of the access lists are refused, whatever they ask, and are told so', async (t) => {
  const policy = {
    ...DEFAULT_POLICY,
    access: { allow: ['192.0.2.0/24', '2001:db8::/32'], deny: ['192.0.2.66'] },
  };
  const federation = makeDomain({ policy });
  const clients: readonly [string, boolean][] = [
    ['192.0.2.1', true],
    ['192.0.2.66', false],
    ['198.51.100.1', false],
    ['::ffff:192.0.2.1', true],
    ['::ffff:192.0.2.66', false],
    ['2001:db8::1', true],
    ['2001:db9::1', false],
  ];
  for (const [client, allowed] of clients) {
    const reply = readMessage(
      federation.askRaw(makeQuery(SERVICE, 'A'), Transport.udp, parseAddress(client)!)!,
    );
    t.match(reply, allowed ? { rcode: 'NOERROR' } : { rcode: 'REFUSED', answer: [], flags: ['QR'] }, client);
  }
  t.equal(federation.counters[Counter.refusedAccess], 4);
  const stranger = parseAddress('198.51.100.1')!;
  const edns = makeQuery(SERVICE, 'A', { options: [[10, Buffer.alloc(8)]] });
  const reply = readMessage(federation.askRaw(edns, Transport.udp, stranger)!);
  t.same(reply.opt!.options, [[15, Buffer.of(0, 18)]], 'RFC 8914: Prohibited, and no cookie');
  t.equal(federation.askRaw(makeQuery(SERVICE, 'A', { flags: 0x8000 }), Transport.udp, stranger), undefined);
});

test('RFC 8467 section 4.1: over TLS a padded query gets a reply padded to a multiple of 468 octets', async (t) => {
  const federation = makeDomain();
  for (const [name, type] of [
    [SERVICE, 'A'],
    ['big.example.com', 'TXT'],
  ] as const) {
    const padded = makeQuery(name, type, { options: [[12, Buffer.alloc(20)]] });
    t.equal(federation.askRaw(padded, Transport.tls)!.length % 468, 0, name);
    t.not(federation.askRaw(padded, Transport.tcp)!.length % 468, 0, 'not in clear text');
    t.not(
      federation.askRaw(makeQuery(name, type, { payloadMax: 1232 }), Transport.tls)!.length % 468,
      0,
      'not unasked',
    );
  }
});

test('NSID stands for the host name without telling it, or is what the operator says, or nothing', async (t) => {
  const keeper = new PolicyKeeper({ hostName: 'secret-host', onFault: (error) => t.fail(error.message) });
  t.teardown(() => keeper.stop());
  const settings = {
    access: { allow: [], deny: [] },
    cookies: { policy: 'offer' },
    identity: { version: '', hostname: '' },
  } as const;
  const nsidOf = async (nsid?: string) => {
    const policy = await keeper.adopt({
      ...settings,
      identity: { ...settings.identity, ...(nsid !== undefined && { nsid }) },
    });
    const reply = makeDomain({ policy }).ask(SERVICE, 'A', { options: [[3, Buffer.alloc(0)]] });
    return reply.opt!.options.map(([, data]) => String(data));
  };
  const [auto] = await nsidOf();
  t.match(auto, /^[0-9a-f]{8}$/);
  t.same(await nsidOf(), [auto]);
  t.same(await nsidOf('ns1'), ['ns1']);
  t.same(await nsidOf(''), []);
});

test('the policy of the settings: cookies off, offered or required; limits shared over reloads', async (t) => {
  const keeper = new PolicyKeeper({ hostName: 'host', onFault: (error) => t.fail(error.message) });
  t.teardown(() => keeper.stop());
  const settings = {
    access: { allow: [], deny: [] },
    cookies: { policy: 'offer' },
    identity: { version: '', hostname: '' },
  } as const;
  const offered = await keeper.adopt(settings);
  t.equal(offered.cookies!.required, false);
  t.equal(offered.rateLimit, undefined);
  t.equal((await keeper.adopt({ ...settings, cookies: { policy: 'off' } })).cookies, undefined);
  const required = await keeper.adopt({ ...settings, cookies: { policy: 'require' } });
  t.equal(required.cookies!.required, true);
  t.equal(required.cookies!.memory, offered.cookies!.memory, 'cookies given out before stay good');
  const rateLimit = { perSecond: 10, windowSeconds: 5, slip: 2, exempt: [] };
  const limited = await keeper.adopt({ ...settings, rateLimit });
  t.equal((await keeper.adopt({ ...settings, rateLimit })).rateLimit!.memory, limited.rateLimit!.memory);
  await t.rejects(keeper.adopt({ ...settings, cookies: { policy: 'offer', secretFile: '/nowhere' } }), {
    code: 'BAD_COOKIE_SECRET',
  });
});
