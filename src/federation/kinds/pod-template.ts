/**
 * What a member's workload has in its Pod template that the federated object has not: containers and volumes of an object
 * that was there before it was adopted, or that somebody added. An apply leaves them, and they would run.
 */

import type { JsonPatch } from '../api/object-client.ts';
import type { Fields, KubeObject } from '../sync/kind.ts';

type Step = JsonPatch[number];

/** Lists in the spec of a Pod of which the federated object has the whole; their entries have names. */
const LISTS = ['containers', 'initContainers', 'volumes'] as const;
/** Such lists in a container, and what tells their entries apart. A mount that stayed would need its volume. */
const CONTAINER_LISTS = { env: 'name', volumeMounts: 'mountPath' } as const;

/** Steps that take out what is foreign, from the end of each list, so that none moves what a later one means. */
export function surplusOfTemplate(memberObject: KubeObject, desired: Fields): JsonPatch {
  const actual = podSpecOf(memberObject.spec);
  const wanted = podSpecOf(desired['spec'] as Fields | undefined);
  return LISTS.flatMap((list) => {
    const path = `/spec/template/spec/${list}`;
    const [there, here] = [listOf(actual, list), listOf(wanted, list)];
    return [...surplusOfContainers(there, here, path), ...surplusOfList(there, here, path, 'name')];
  });
}

function surplusOfContainers(there: readonly Fields[], here: readonly Fields[], path: string): Step[] {
  return there.flatMap((container, index) => {
    const wanted = here.find(({ name }) => name === container['name']);
    if (wanted === undefined) return [];
    return Object.entries(CONTAINER_LISTS).flatMap(([list, key]) =>
      surplusOfList(listOf(container, list), listOf(wanted, list), `${path}/${index}/${list}`, key),
    );
  });
}

function surplusOfList(there: readonly Fields[], here: readonly Fields[], path: string, key: string): Step[] {
  const known = new Set(here.map((item) => item[key]));
  const steps = there.map((item, index): Step[] => {
    if (known.has(item[key])) return [];
    const at = `${path}/${index}`;
    return [
      { op: 'test', path: `${at}/${key}`, value: item[key] },
      { op: 'remove', path: at },
    ];
  });
  return steps.toReversed().flat();
}

function podSpecOf(spec: Fields | undefined): Fields {
  const template = spec?.['template'] as Fields | undefined;
  return (template?.['spec'] as Fields | undefined) ?? {};
}

function listOf(fields: Fields, name: string): readonly Fields[] {
  const list = fields[name];
  return Array.isArray(list) ? (list as Fields[]) : [];
}
