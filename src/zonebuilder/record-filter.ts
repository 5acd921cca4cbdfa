/** Which part of the records somebody wants to see. Owns what a filter means; the walk itself is records.ts. */

/** Conditions that all must hold; an absent one holds for everything. */
export interface RecordFilter {
  readonly federation?: string;
  readonly namespace?: string;
  readonly service?: string;
  /** Absolute, lower case, no trailing dot. One that begins with `*.` stands for all names below the rest, too. */
  readonly name?: string;
  /** Mnemonics or `TYPEnnn`. */
  readonly types?: readonly string[];
}

/** `S.N.F` that a name is of, whatever its location and port. */
const SERVICE_OF_NAME = /(?:^|\.)([^.]+\.[^.]+\.[^.]+)\.svc\./;

/** Whether records that belong to no Service are left out. */
export function isOfServices({ federation, namespace, service }: RecordFilter): boolean {
  return (federation ?? namespace ?? service) !== undefined;
}

/** The test for a Service by its `S.N.F`: cheap, so that Services that are not wanted are not worked out. */
export function serviceTest(filter: RecordFilter): (serviceText: string) => boolean {
  const named = filter.name === undefined || filter.name.startsWith('*.') ? undefined : filter.name;
  const only = named === undefined ? undefined : SERVICE_OF_NAME.exec(named)?.[1];
  const wanted = [filter.service, filter.namespace, filter.federation];
  return (serviceText) => {
    if (only !== undefined && serviceText !== only) return false;
    const labels = serviceText.split('.');
    return wanted.every((label, i) => label === undefined || label === labels[i]);
  };
}

/** The test for an RRset: its name and its type. */
export function recordTest({
  name,
  types,
}: RecordFilter): (set: { readonly name: string; readonly type: string }) => boolean {
  const below = name?.startsWith('*.') === true ? `${name.slice(1)}.` : undefined;
  return (set) => {
    if (types !== undefined && !types.includes(set.type)) return false;
    if (name === undefined || set.name === `${name}.`) return true;
    return below !== undefined && set.name.endsWith(below);
  };
}
