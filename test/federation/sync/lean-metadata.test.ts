/** What is kept of who manages which field of an object. */

import { test } from 'tap';
import { leanMetadata } from '../../../src/federation/sync/resource.ts';

const entry = (manager: string, subresource: string | undefined, status: object): object => ({
  manager,
  operation: 'Update',
  apiVersion: 'apps/v1',
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:status': status },
  ...(subresource !== undefined && { subresource }),
});

test('who else writes the status of an object as its controller is kept, and nothing else', async (t) => {
  const observed = { 'f:observedGeneration': {}, 'f:replicas': {} };
  const cases: [title: string, managedFields: unknown, writers: string[] | undefined][] = [
    ['nobody', undefined, undefined],
    ['none', [], undefined],
    ['fedns', [entry('fedns', 'status', observed)], undefined],
    [
      'a controller beside fedns',
      [entry('fedns', 'status', observed), entry('kube-controller-manager', 'status', observed)],
      ['kube-controller-manager'],
    ],
    [
      'somebody who has put an address there',
      [entry('cloud', 'status', { 'f:loadBalancer': {} })],
      undefined,
    ],
    ['not by way of the status', [entry('kubectl', undefined, observed)], undefined],
    ['an entry that is none', [{}, { subresource: 'status', manager: 'x' }], undefined],
  ];
  for (const [title, managedFields, statusWriters] of cases) {
    const lean = leanMetadata({ name: 'web', ...(managedFields !== undefined && { managedFields }) });
    t.same(lean, { name: 'web', ...(statusWriters && { statusWriters }) }, title);
  }
});
