import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { ledgerFile } from '../../src/steering/drills/ledger-file.ts';
import { scratch } from '../support/scratch.ts';

interface State {
  readonly runs: readonly string[];
}

test('what was kept is there again, and what cannot be understood counts as nothing', async (t) => {
  const folder = scratch(t);
  const path = join(folder, 'plans.json');
  const warnings: unknown[] = [];
  const ledger = ledgerFile<State>(path, ['runs'], { warn: (fields) => void warnings.push(fields) });
  t.equal(await ledger.load(), undefined, 'a first start');
  t.strictSame(warnings, []);
  await ledger.save({ runs: ['a'] });
  t.strictSame(await ledger.load(), { runs: ['a'] });
  const whole = readFileSync(path, 'utf8');
  const cases: readonly (readonly [about: string, text: string])[] = [
    ['a torn file', whole.slice(0, -5)],
    ['one of a later version', whole.replace('"version": 1', '"version": 2')],
    ['one without its list', '{"version":1}'],
    ['no object', 'null'],
    ['an empty one', ''],
  ];
  for (const [about, text] of cases) {
    writeFileSync(path, text);
    warnings.length = 0;
    t.equal(await ledger.load(), undefined, about);
    t.match(warnings, [{ code: 'LEDGER_UNREAD', path }], `${about}: it is told`);
    await ledger.save({ runs: ['b'] });
    t.strictSame(await ledger.load(), { runs: ['b'] }, `${about}: it is written anew`);
  }
});

test('without a state folder nothing is kept, and where it cannot be written that is told', async (t) => {
  const warnings: unknown[] = [];
  const log = { warn: (fields: object): void => void warnings.push(fields) };
  const forgetful = ledgerFile<State>(undefined, ['runs'], log);
  await forgetful.save({ runs: ['a'] });
  t.equal(await forgetful.load(), undefined);
  t.strictSame(warnings, []);
  await ledgerFile<State>(join(scratch(t), 'gone', 'plans.json'), ['runs'], log).save({ runs: ['a'] });
  t.match(warnings, [{ code: 'LEDGER_UNKEPT' }]);
});
