/** Owns folders for single tests. */

import type { Test } from 'tap';

/**
 * A folder that is removed when its test is over. By itself tap removes it before the test's teardowns run, if the folder came
 * first: then it vanishes under a server that still writes into it.
 *
 * @returns the path
 */
export function scratch(test: Test, content?: Parameters<Test['testdir']>[0]): string {
  // What is registered first ends last.
  test.teardown(() => {});
  return test.testdir(content);
}
