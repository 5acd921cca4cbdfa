/** Credentials that many requests share. */

import { test } from 'tap';
import { keepCredentials } from '../../../src/federation/api/kept-credentials.ts';
import type { ApiAccess } from '../../../src/watchers/credentials/credentials.ts';

test('credentials are looked up once a second, and anew once they are refused', async (t) => {
  let nowMs = 0;
  let looks = 0;
  let fault: Error | undefined;
  const refusals: (string | undefined)[] = [];
  const source = {
    current: async (): Promise<ApiAccess> => {
      looks++;
      if (fault !== undefined) throw fault;
      return { authorization: `Bearer ${looks}` } as ApiAccess;
    },
    refused: (authorization: string | undefined): void => void refusals.push(authorization),
  };
  const kept = keepCredentials(source, { now: () => nowMs });
  const [a, b] = await Promise.all([kept.current(), kept.current()]);
  t.equal(a, b);
  t.equal(looks, 1);
  nowMs = 999;
  t.equal((await kept.current()).authorization, 'Bearer 1');
  nowMs = 1000;
  t.equal((await kept.current()).authorization, 'Bearer 2');
  kept.refused('Bearer 2');
  t.same(refusals, ['Bearer 2']);
  t.equal((await kept.current()).authorization, 'Bearer 3');
  nowMs = 2000;
  fault = new Error('no file');
  await t.rejects(kept.current(), /no file/);
  fault = undefined;
  t.equal((await kept.current()).authorization, 'Bearer 5', 'a failure is not kept');
});
