/**
 * Hosts that Ingresses and Gateways name. Each is a Service of a namespace that no cluster can have, so that shards, levels,
 * policies, drains and explanations are those of any Service; the host itself has the addresses of its global name.
 */

/** Kubernetes allows no underscore in the name of a namespace. */
export const HOSTS_NAMESPACE = '_hosts';

/** Octets of a label (RFC 1035 section 2.3.4). */
const LABEL_OCTETS_MAX = 63;
/** Stands for the dot between labels, and in front for the label of a wildcard: no host has it. */
const JOINT = '_';

/**
 * The label that a host has as a Service: `shop_eu` for `shop.eu.DOMAIN`, `_shop` for `*.shop.DOMAIN`.
 *
 * @param host - below the domain, lower case, without trailing dot
 * @returns undefined where it is too long
 */
export function hostLabel(host: string, domain: string): string | undefined {
  const labels = host.slice(0, -domain.length - 1).split('.');
  const isWildcard = labels[0] === '*';
  const text = `${isWildcard ? JOINT : ''}${labels.slice(isWildcard ? 1 : 0).join(JOINT)}`;
  return text.length > LABEL_OCTETS_MAX ? undefined : text;
}

/** The host of a label. */
export function hostOfLabel(label: string, domain: string): string {
  const isWildcard = label.startsWith(JOINT);
  const rest = (isWildcard ? label.slice(JOINT.length) : label).replaceAll(JOINT, '.');
  return [...(isWildcard ? ['*'] : []), ...(rest === '' ? [] : [rest]), domain].join('.');
}
