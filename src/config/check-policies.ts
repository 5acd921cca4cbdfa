/** Checks of the federations' policies: that what they need is said, and that what they name is there. */
import type { Report } from './fault.ts';
import type { ConfigDraft, FederationEntry } from './schema.ts';

/** Checks policies, their weights and lists of regions. */
export function checkPolicies(
  { federations = [], clusters = [], federate }: ConfigDraft,
  report: Report,
): void {
  checkFederated(federate?.federation, federations, report);
  const regions = new Set(clusters.flatMap(({ region }) => region ?? []));
  // A cluster whose region its nodes tell may be in any.
  const isOpen = clusters.some(({ region }) => region === undefined);
  const names = new Set([...regions, ...clusters.map(({ name }) => name)]);
  federations.forEach((federation, i) => {
    checkUse(federation, i, report);
    const check = (known: ReadonlySet<string>, path: readonly (string | number)[], name: string): void => {
      if (isOpen || known.has(name)) return;
      const what =
        known === regions ? 'no cluster is configured in the region' : 'no region or cluster is called';
      report('POLICY_PLACE_UNKNOWN', ['federations', i, ...path], `${what} ${name}`);
    };
    const { weights = {}, failover = [] } = federation;
    for (const name of Object.keys(weights)) check(names, ['weights', name], name);
    failover.forEach((region, j) => {
      check(regions, ['failover', j], region);
      if (failover.indexOf(region) === j) return;
      report('FAILOVER_REPEATED', ['federations', i, 'failover', j], `the region ${region} is listed twice`);
    });
  });
}

function checkFederated(
  name: string | undefined,
  federations: readonly FederationEntry[],
  report: Report,
): void {
  if (name === undefined || federations.some((federation) => federation.name === name)) return;
  report('UNKNOWN_FEDERATION', ['federate', 'federation'], `there is no federation ${name}`);
}

/** Weights and lists may stand ready for annotations of Services, but a setting that is at odds with the policy is a slip. */
function checkUse({ policy, failover = [], failback }: FederationEntry, i: number, report: Report): void {
  if (policy === 'failover' && failover.length === 0) {
    const message = 'policy failover needs regions in their order';
    report('POLICY_NEEDS_LIST', ['federations', i, 'policy'], message, 'add failover: [REGION, REGION]');
  }
  if (failback === 'manual' && failover.length === 0) {
    const message = 'failback means something only with a list of regions in failover';
    report('POLICY_UNUSED', ['federations', i, 'failback'], message);
  }
}
