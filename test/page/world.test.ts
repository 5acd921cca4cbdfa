import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import t from 'tap';
import { knownRegion, PROVIDERS } from '../../src/geo/regions-table.ts';
import { placeLabels, type Spot } from '../../src/admin/page/map-labels.ts';
import { project } from '../../src/admin/page/projection.ts';
import { WORLD } from '../../src/admin/page/world-map.ts';
import { MAP_FILE, projection, worldMap } from './write-world.ts';

t.test('the outline is as its data, and the marks lie where the outline was drawn', async (t) => {
  const options = { parser: 'typescript', printWidth: 110, singleQuote: true } as const;
  t.ok((await format(worldMap(), options)) === readFileSync(MAP_FILE, 'utf8'), 'npm run world writes it');
  const points = [
    [0, 0],
    [52.37, 4.9],
    [-33.87, 151.21],
    [37.57, 126.98],
    [64.14, -21.94],
    [-54.8, -68.3],
    [71, -156.8],
    [-16.5, 179.9],
  ] as const;
  for (const [latitude, longitude] of points) {
    const { left, top } = project([latitude, longitude]);
    const [x, y] = projection([longitude, latitude])!;
    t.ok(Math.abs((left / 100) * WORLD.width - x) < 0.05, `${latitude} ${longitude}: x`);
    t.ok(Math.abs((top / 100) * WORLD.height - y) < 0.05, `${latitude} ${longitude}: y`);
  }
});

t.test('every region of every provider is on the map', async (t) => {
  for (const { name, regions } of PROVIDERS) {
    const outside = Object.keys(regions).filter((region) => {
      const known = knownRegion(region);
      if (known === undefined) return false;
      const { left, top } = project([known.point.latitude, known.point.longitude]);
      return !(left > 0 && left < 100 && top > 0 && top < 100);
    });
    t.strictSame(outside, [], name);
  }
});

function spot(name: string, left: number, top: number): Spot {
  return { name, left, top };
}

t.test('labels of regions that lie close stand apart, and those without room are left out', async (t) => {
  t.strictSame(placeLabels([spot('alone', 50, 50)]), ['right']);
  t.strictSame(placeLabels([spot('at-the-edge', 99, 50)]), ['left']);
  t.strictSame(placeLabels([spot('one', 50, 50), spot('two', 53, 50)]), ['left', 'right']);
  const crowd = Array.from({ length: 12 }, (_, i) => spot(`region-${i}`, 50, 50 + i / 10));
  const labels = placeLabels(crowd);
  t.ok(labels.includes('none'));
  t.ok(labels.filter((label) => label !== 'none').length <= 4, 'no two on one side');
});
