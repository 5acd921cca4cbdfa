/**
 * Whether a CNAME stands where a Service may have a name. It would take that name for itself (RFC 1034 section 3.6.2), which
 * may be meant so, but is not to happen unseen: which Services there are is for the clusters to say, at any later time.
 */
import { splitServiceName, type ServiceName } from '../zonebuilder/service-statics.ts';
import type { Path, Report } from './fault.ts';
import type { ConfigDraft } from './schema.ts';

/** What a Service and a namespace may be called (RFC 1123 section 2.1), which leaves out wildcards and ports. */
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const PORT = /^_[^.]+\._[^.]+$/;

/** Warns of a CNAME record whose owner has the form of a name of a Service in a configured federation. */
export function checkCname(
  { name, path }: { readonly name: string; readonly path: Path },
  config: ConfigDraft,
  report: Report,
): void {
  const parts = splitServiceName(name, config.domain ?? '');
  const what = parts && hiddenPart(parts, config);
  if (parts === undefined || what === undefined) return;
  const [service, namespace] = parts.service.split('.');
  const message = `a CNAME hides ${what} of a Service ${namespace}/${service}, should there be one`;
  report('CNAME_HIDES_SERVICE', [...path, 'name'], message, 'choose a name that no Service can have');
}

/** What of a Service would have been at the name; undefined: nothing. */
function hiddenPart({ service, prefix }: ServiceName, config: ConfigDraft): string | undefined {
  const [name = '', namespace = '', federation] = service.split('.');
  const { federations = [], clusters = [], clusterSecrets } = config;
  if (!LABEL.test(name) || !LABEL.test(namespace)) return undefined;
  if (!federations.some((each) => each.name === federation)) return undefined;
  if (prefix === '') return 'the addresses';
  if (PORT.test(prefix)) return 'the SRV records';
  const isCluster = clusters.some((cluster) => cluster.name === prefix);
  // Clusters that join by themselves may have any name.
  return isCluster || (clusterSecrets !== undefined && LABEL.test(prefix))
    ? `the addresses in cluster ${prefix}`
    : undefined;
}
