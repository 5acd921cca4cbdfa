/**
 * What a cluster can say of one Service when somebody asks why it is not served: worked out anew from the objects
 * that are kept anyway, so that nothing has to be remembered of the Services that nobody asks about.
 */

import type { FederationSettings } from '../../config/settings.ts';
import type { FollowedHostname } from '../hostnames/hostnames.ts';
import type { Finding } from '../refusals.ts';
import type { ServiceAccount } from '../source.ts';
import type { EndpointIndex } from './endpoint-index.ts';
import type { ObjectNames } from './object-key.ts';
import type { SlimService } from './objects.ts';
import { excludes, isNamespaceAllowed, reduceService, type ServiceFacts, type ShardRules } from './shards.ts';

/** Everything around the Service that has a say. */
export interface AccountFacts extends Omit<ServiceFacts, 'resolve'> {
  readonly slices: ReturnType<EndpointIndex['slicesOf']>;
  readonly hostnames: Iterable<readonly [hostname: string, state: Omit<FollowedHostname, 'stop'>]>;
}

/** The account of a Service that the cluster does not have. */
export function accountOfNone({ namespace }: ObjectNames, rules: ShardRules): ServiceAccount {
  const reasons: Finding[] = [];
  if (!isNamespaceAllowed(namespace, rules.namespaces))
    reasons.push({
      code: 'NAMESPACE_FILTERED',
      message: `namespace ${namespace} is excluded by the cluster's namespaces filter`,
    });
  return { exists: false, reasons };
}

/** The account of a Service that the cluster has. */
export function accountOf(service: SlimService, facts: AccountFacts, rules: ShardRules): ServiceAccount {
  const followed = [...facts.hostnames];
  const resolve = (): readonly string[] => followed.flatMap(([, { addresses }]) => addresses);
  const { shards, findings } = reduceService(service, { ...facts, resolve }, rules);
  const reasons = shards.length === 0 ? whyUnpublished(service, facts, rules, findings) : [];
  if (shards.length > 0 && shards[0]!.addresses.length === 0)
    reasons.push(...whyUnaddressed(service, followed));
  if (shards.length > 0 && !shards[0]!.ready) reasons.push(whyUnready(service, facts));
  return { exists: true, reasons: [...reasons, ...findings] };
}

/** How many objects a cluster has of the kinds without which nothing is served. */
export interface ObjectCounts {
  readonly services: number;
  readonly slices: number;
  /** Shards, each a Service that takes part in a federation. */
  readonly shards: number;
}

/** What would have a cluster serve something that serves nothing; undefined where nothing is amiss with it as a whole. */
export function adviceOf(
  { services, slices, shards }: ObjectCounts,
  { federations }: ShardRules,
): string | undefined {
  if (shards > 0 && slices > 0) return undefined;
  if (shards > 0) return NO_SLICES;
  if (services === 0) return 'no Service was found in it';
  const ways = federations.map((federation) => waySelected(federation));
  return `none of its ${services} Services is published: ${ways.join('; or ')}`;
}

const NO_SLICES =
  'it has no EndpointSlice, so none of its Services is healthy: kubectl get services,endpointslices,nodes -A -o yaml has them';

function waySelected({ name, select }: FederationSettings): string {
  switch (select) {
    case 'label':
      return `kubectl -n NAMESPACE label service NAME fedns.io/federation=${name}`;
    case 'export':
      return `federation ${name} wants a ServiceExport of the Service's namespace and name`;
    case 'all':
      return `federation ${name} wants Services of type LoadBalancer`;
  }
}

/** Where a finding says it already, nothing is added. */
function whyUnpublished(
  service: SlimService,
  { exported }: AccountFacts,
  { federations }: ShardRules,
  findings: readonly Finding[],
): Finding[] {
  if (findings.some(({ code }) => DECIDING.has(code))) return [];
  const selected = federations.some((federation) => selects(federation, service, exported));
  if (selected && excludes(service.marks.exclude))
    return [{ code: 'EXCLUDED', message: 'the annotation fedns.io/exclude takes it out' }];
  return federations.map((federation) => ({
    code: 'NOT_SELECTED',
    message: whyUnselected(federation, service),
  }));
}

/** Findings that alone keep a Service from being published. */
const DECIDING: ReadonlySet<string> = new Set([
  'EXTERNAL_NAME',
  'FEDERATION_UNKNOWN',
  'NAME_TOO_LONG',
  'NAMESPACE_FILTERED',
  'TYPE_UNPUBLISHED',
]);

function selects({ name, select }: FederationSettings, service: SlimService, exported: boolean): boolean {
  if (select === 'label') return service.marks.federation?.toLowerCase() === name;
  return select === 'export' ? exported : service.type === 'LoadBalancer';
}

function whyUnselected({ name, select }: FederationSettings, service: SlimService): string {
  const { namespace, name: serviceName, type, marks } = service;
  switch (select) {
    case 'label':
      return marks.federation === undefined
        ? `it has no label fedns.io/federation: kubectl -n ${namespace} label service ${serviceName} fedns.io/federation=${name}`
        : `its label fedns.io/federation is ${JSON.stringify(marks.federation)}, not ${name}`;
    case 'export':
      return `no ServiceExport ${namespace}/${serviceName} exists, and federation ${name} selects by those`;
    case 'all':
      return `it is of type ${type}, and federation ${name} selects Services of type LoadBalancer`;
  }
}

function whyUnaddressed(
  service: SlimService,
  followed: readonly (readonly [string, Omit<FollowedHostname, 'stop'>])[],
): Finding[] {
  const waiting = followed.filter(([, { addresses }]) => addresses.length === 0);
  if (waiting.length > 0)
    return waiting.map(([hostname, { trouble }]) => ({
      code: 'HOSTNAME_UNRESOLVED',
      message: `the load balancer's host name ${hostname} does not resolve: ${trouble?.message ?? 'no answer yet'}`,
    }));
  if (service.type !== 'LoadBalancer' || service.ingress.length > 0) return [];
  return [
    {
      code: 'NO_INGRESS',
      message: 'its load balancer has no address yet: status.loadBalancer.ingress is empty',
    },
    ...unaskedAddresses(service),
  ];
}

/** Addresses that the Service has, and nobody has asked to publish. */
function unaskedAddresses({ externalIPs, marks }: SlimService): Finding[] {
  if (externalIPs.length === 0 || marks.externalIPs !== undefined) return [];
  const message = 'its spec.externalIPs count only with the annotation fedns.io/external-ips: "true"';
  return [{ code: 'EXTERNAL_IPS_UNASKED', message }];
}

function whyUnready({ deleting }: SlimService, { slices }: AccountFacts): Finding {
  if (deleting) return { code: 'DELETING', message: 'the Service is being deleted' };
  if (slices.count > 0) return { code: 'NOT_READY', message: 'none of its endpoints is ready' };
  if (slices.importer !== undefined)
    return {
      code: 'IMPORTED_ONLY',
      message: `all its EndpointSlices were brought from other clusters by ${slices.importer}`,
    };
  return {
    code: 'NO_SLICE',
    message:
      'no EndpointSlice belongs to it: it has no selector, its selector matches no Pod, or manifests lack the EndpointSlices',
  };
}
