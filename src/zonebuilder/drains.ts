/**
 * What operators have taken out of the answers, as plain data, and how it is looked up. Who orders a drain, for how long and why is
 * src/steering; what a drain comes to for a shard is verdict.ts.
 */

/** What can be drained. */
export const DRAIN_KINDS = ['cluster', 'region', 'zone', 'service'] as const;
export type DrainKind = (typeof DRAIN_KINDS)[number];

/** What is drained; there is one rule for each at most. */
export interface DrainTarget {
  readonly kind: DrainKind;
  /** `CLUSTER`, `REGION`, `ZONE.REGION` or `SERVICE.NAMESPACE.FEDERATION`, lower case but for clusters. */
  readonly name: string;
  /** Of a Service only its shard in this cluster. Default: all of its shards. */
  readonly cluster?: string;
}

/** A target and how far it is drained. */
export interface DrainRule extends DrainTarget {
  /** How much of its weight is left, 0 to 99. 0: it counts as unhealthy; otherwise it has an effect on weighted answers only. */
  readonly percent: number;
}

/** Rules by {@link drainKey}. */
export type DrainIndex = ReadonlyMap<string, DrainRule>;

export const NO_DRAINS: DrainIndex = new Map();

/** What tells one target from another, and what people call it: `zone us-a.us`, `service web.shop.f in gce-1`. */
export function drainKey({ kind, name, cluster }: DrainTarget): string {
  return cluster === undefined ? `${kind} ${name}` : `${kind} ${name} in ${cluster}`;
}

/** The rule, in the words of an operator. */
export function drainText(rule: DrainRule): string {
  return rule.percent === 0 ? drainKey(rule) : `${drainKey(rule)} to ${rule.percent} %`;
}

/** Of several rules for one target the last counts. */
export function indexDrains(rules: Iterable<DrainRule>): DrainIndex {
  return new Map(Array.from(rules, (rule) => [drainKey(rule), rule]));
}

/** What differs between two sets of rules: the targets of which something else is said. */
export function changedTargets(before: DrainIndex, after: DrainIndex): DrainTarget[] {
  const isOther = ([key, { percent }]: [string, DrainRule], others: DrainIndex): boolean =>
    others.get(key)?.percent !== percent;
  const gone = [...before].filter((entry) => isOther(entry, after));
  const come = [...after].filter((entry) => isOther(entry, before));
  return [...indexDrains([...gone, ...come].map(([, rule]) => rule)).values()];
}
