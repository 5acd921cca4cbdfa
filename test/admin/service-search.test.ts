import t from 'tap';
import { searchServices, type ServiceSearch } from '../../src/admin/service-search.ts';
import type { ServicesControl } from '../../src/admin/services.ts';

const ALL: ServiceSearch = { search: '', health: 'all', offset: 0, limit: 10 };

/** Services of three shards each, so many of which count. */
function services(healthy: Readonly<Record<string, number>>): ServicesControl {
  return {
    names: () => Object.keys(healthy),
    row: (name) => ({ name, shards: 3, healthyShards: healthy[name]! }),
    report: () => undefined,
  };
}

const FEW = services({ 'web.shop.f': 3, 'api.shop.f': 2, 'web.blog.f': 0, 'db.shop.g': 3 });

t.test('Services are found by all parts of what is typed, page by page', async (t) => {
  const cases: readonly (readonly [Partial<ServiceSearch>, string, number])[] = [
    [{}, 'web.shop.f api.shop.f web.blog.f db.shop.g', 4],
    [{ search: 'shop' }, 'web.shop.f api.shop.f db.shop.g', 3],
    [{ search: '  f   web ' }, 'web.shop.f web.blog.f', 2],
    [{ search: 'nothing' }, '', 0],
    [{ offset: 1, limit: 2 }, 'api.shop.f web.blog.f', 4],
    [{ offset: 9 }, '', 4],
    [{ health: 'degraded' }, 'api.shop.f web.blog.f', 2],
    [{ health: 'down' }, 'web.blog.f', 1],
    [{ health: 'degraded', offset: 1 }, 'web.blog.f', 2],
    [{ health: 'degraded', search: 'shop' }, 'api.shop.f', 1],
  ];
  for (const [asked, names, matched] of cases) {
    const found = await searchServices(FEW, { ...ALL, ...asked });
    t.equal(found.rows.map(({ name }) => name).join(' '), names, JSON.stringify(asked));
    t.strictSame([found.matched, found.total], [matched, 4]);
  }
});

t.test(
  'a search through a hundred thousand Services gives way to others, and ends when nobody waits',
  async (t) => {
    const many = services(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`s${i}.n.f`, 3])));
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const found = await searchServices(many, { ...ALL, search: 's99' });
    isOver = true;
    t.ok(turns > 5, 'others had their turns');
    t.strictSame([found.matched, found.total], [1111, 100_000]);
    const early = await searchServices(many, ALL, () => false);
    t.ok(early.total < 100_000);
  },
);

t.test('a Service that goes while it is looked for is left out', async (t) => {
  const going: ServicesControl = {
    ...FEW,
    row: (name) => (name === 'api.shop.f' ? undefined : FEW.row(name)),
  };
  const found = await searchServices(going, ALL);
  t.equal(found.rows.length, 3);
});
