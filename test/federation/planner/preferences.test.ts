/** The annotation with preferences: what is read, and where it is faulty. */

import { test } from 'tap';
import { preferencesFaultText, readPreferences } from '../../../src/federation/planner/read-preferences.ts';

function read(text: string): unknown {
  const reading = readPreferences(text);
  if (reading.kind === 'fault') return preferencesFaultText(reading.fault);
  const { rebalance, clusters } = reading.preferences;
  return { rebalance, clusters: Object.fromEntries(clusters) };
}

test('preferences that can be taken', async (t) => {
  const cases: [text: string, rebalance: boolean, clusters: Record<string, unknown>][] = [
    ['{}', false, {}],
    [' {\n"rebalance" : true }\t', true, {}],
    ['{"clusters":{}}', false, {}],
    ['{"clusters":null}', false, {}],
    ['{"clusters":{"us":{}}}', false, { us: { minReplicas: 0, weight: 0 } }],
    ['{"clusters":{"us":null}}', false, { us: { minReplicas: 0, weight: 0 } }],
    [
      '{"rebalance":true,"clusters":{"*":{"weight":1},"us":{"minReplicas":2,"maxReplicas":5,"weight":3}}}',
      true,
      { '*': { minReplicas: 0, weight: 1 }, us: { minReplicas: 2, maxReplicas: 5, weight: 3 } },
    ],
    ['{"clusters":{"us":{"maxReplicas":null,"weight":1}}}', false, { us: { minReplicas: 0, weight: 1 } }],
    ['{"clusters":{"us":{"maxReplicas":0}}}', false, { us: { minReplicas: 0, weight: 0, maxReplicas: 0 } }],
    ['{"Rebalance":true,"CLUSTERS":{"us":{"minreplicas":1}}}', true, { us: { minReplicas: 1, weight: 0 } }],
    ['{"clusters":{"\\u0075s":{"weight":1}}}', false, { us: { minReplicas: 0, weight: 1 } }],
  ];
  for (const [text, rebalance, clusters] of cases) t.same(read(text), { rebalance, clusters }, text);
});

test('a cluster may have any name, also that of a property of objects', async (t) => {
  const reading = readPreferences('{"clusters":{"__proto__":{"weight":1},"constructor":{"weight":2}}}');
  t.same(reading.kind === 'preferences' && [...reading.preferences.clusters.keys()], [
    '__proto__',
    'constructor',
  ]);
});

test('a fault is told with its line, its column, and its key', async (t) => {
  const cases: [text: string, fault: string][] = [
    ['', 'line 1, column 1: a value is missing at the end'],
    ['even', 'line 1, column 1: a value is missing before "even"'],
    ['null', 'line 1, column 1: an object is wanted, not null'],
    ['[]', 'line 1, column 1: an object is wanted, not an array'],
    ['"{}"', 'line 1, column 1: an object is wanted, not a string'],
    ['{', 'line 1, column 2: a key in quotes is missing at the end'],
    ['{"rebalance":true', "line 1, column 18: ',' or '}' is missing at the end"],
    ['{"rebalance" true}', 'line 1, column 14: \':\' is missing before "true}"'],
    ['{"rebalance":true,}', 'line 1, column 19: a key in quotes is missing before "}"'],
    ["{'rebalance':true}", 'line 1, column 2: a key in quotes is missing before "\'rebalance\':true}"'],
    ['{} {}', 'line 1, column 4: the end is missing before "{}"'],
    ['{"rebalance":1}', 'line 1, column 14, rebalance: true or false is wanted, not a number'],
    ['{"rebalance":"true"}', 'line 1, column 14, rebalance: true or false is wanted, not a string'],
    ['{"rebalance":tru}', 'line 1, column 14, rebalance: a value is missing before "tru}"'],
    ['{"clusters":[]}', 'line 1, column 13, clusters: an object is wanted, not an array'],
    ['{"clusters":{"us":3}}', 'line 1, column 19, clusters.us: an object is wanted, not a number'],
    [
      '{\n  "clusters": {\n    "us": { "weight": "3" }\n  }\n}',
      'line 3, column 23, clusters.us.weight: a whole number is wanted, not a string',
    ],
    [
      '{"clusters":{"us":{"weight":1.5}}}',
      'line 1, column 29, clusters.us.weight: a whole number of 0 or more is wanted, not 1.5',
    ],
    [
      '{"clusters":{"us":{"weight":1e3}}}',
      'line 1, column 29, clusters.us.weight: a whole number of 0 or more is wanted, not 1e3',
    ],
    [
      '{"clusters":{"us":{"minReplicas":-1}}}',
      'line 1, column 34, clusters.us.minReplicas: a whole number of 0 or more is wanted, not -1',
    ],
    [
      '{"clusters":{"us":{"weight":9007199254740993}}}',
      'line 1, column 29, clusters.us.weight: 9007199254740993 is too large',
    ],
    ['{"cluster":{}}', 'line 1, column 2, cluster: no such key; clusters?'],
    ['{"clusters":{"us":{"wieght":1}}}', 'line 1, column 20, clusters.us.wieght: no such key; weight?'],
    ['{"spread":{}}', 'line 1, column 2, spread: no such key; there are rebalance, clusters'],
    ['{"clusters":{"us":{},"us":{}}}', 'line 1, column 22, clusters.us: stands twice'],
    ['{"rebalance":true,"Rebalance":false}', 'line 1, column 19, Rebalance: stands twice'],
    ['{"clusters":{"ü😀":{}, 1}}', 'line 1, column 23, clusters: a key in quotes is missing before "1}}"'],
    ['{"clusters":{"\\x":{}}}', 'line 1, column 14, clusters: "\\"\\\\x\\"" is no string of JSON'],
    ['{"clusters":{"a\nb":{}}}', 'line 1, column 14, clusters: "\\"a\\nb\\"" is no string of JSON'],
  ];
  for (const [text, fault] of cases) t.equal(read(text), fault, text);
});

test('the longest annotation that an API server takes is read, and a string without end is a fault', async (t) => {
  const long = 'x'.repeat(262_000);
  t.same(read(`{"clusters":{"${long}":{"weight":1}}}`), {
    rebalance: false,
    clusters: { [long]: { minReplicas: 0, weight: 1 } },
  });
  t.match(read(`{"clusters":{"${long}`), /^line 1, column 14, clusters: a key in quotes is missing/);
});

test('texts that are no preferences are faults where JSON.parse refuses them', async (t) => {
  const good = '{"rebalance":true,"clusters":{"*":{"weight":1,"maxReplicas":2}}}';
  for (let at = 0; at < good.length; at++) {
    t.equal(readPreferences(good.slice(0, at)).kind, 'fault', `cut after ${at}`);
    const changed = `${good.slice(0, at)}#${good.slice(at + 1)}`;
    if (!isJson(changed)) t.equal(readPreferences(changed).kind, 'fault', changed);
  }
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
