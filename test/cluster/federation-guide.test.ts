/** The guide of Kubernetes Cluster Federation v1, from its first command to its last, with real API servers and the real kubectl. */

import t from 'tap';
import { ACTS, play, PLACES } from './federation-play.ts';
import { Stage } from './federation-stage.ts';

// Four control planes start beside the other tests.
t.setTimeout(600_000);

const stage = new Stage(PLACES);
t.teardown(() => stage.stop());

t.test('the guide of the federation does what it says', async (tt) => {
  await stage.start();
  for (const act of ACTS) {
    const { said, faults } = await play(stage, act);
    if (act.types === undefined) continue;
    tt.strictSame(faults, [], act.types);
    if (faults.length === 0) continue;
    // What follows would fail for the same reason.
    tt.comment(said.text, stage.log('federate'), stage.log('serve'));
    return;
  }
});
