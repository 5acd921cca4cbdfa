/**
 * The configuration with which `serve` and `federate` run, as `fedns init` writes it: few keys, each with what it is for, to be
 * added to by people. The keys themselves are src/config's, those below `federate` the sync engine's.
 */

import { basename } from 'node:path';
import { stringify } from 'yaml';
import { NAMESPACE } from './types.ts';

export interface Nameserver {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface ConfigurationChoice {
  readonly federation: string;
  readonly domain: string;
  readonly select: 'label' | 'all';
  readonly nameservers: readonly Nameserver[];
  /** Absent: fedns runs as Pods of the host. */
  readonly host?: { readonly kubeconfigFile: string; readonly context: string };
}

export function configurationText(choice: ConfigurationChoice): string {
  return choice.host === undefined ? inHost(choice) : outside(choice, choice.host);
}

function outside(choice: ConfigurationChoice, host: NonNullable<ConfigurationChoice['host']>): string {
  const { kubeconfigFile, context } = host;
  return [
    `# Written by fedns init. Everything else that can be said here: docs/configuration.md.\n`,
    common(choice),
    `# Port 53 of all addresses takes root, or the capability CAP_NET_BIND_SERVICE.\n`,
    yaml({ listen: ['0.0.0.0:53', '[::]:53'], admin: '127.0.0.1:9153' }),
    `# The members: Secrets of the host that fedns join makes.\n`,
    yaml({
      clusters: [],
      clusterSecrets: {
        namespace: NAMESPACE,
        kubeconfig: { path: `./${basename(kubeconfigFile)}`, context },
      },
    }),
    federated(choice),
  ].join('');
}

function inHost(choice: ConfigurationChoice): string {
  return [
    common(choice),
    yaml({
      listen: ['0.0.0.0:1053'],
      admin: '0.0.0.0:9153',
      stateDir: '/var/lib/fedns',
      drainSeconds: 20,
      clusters: [],
      clusterSecrets: { namespace: NAMESPACE },
    }),
    federated(choice, '0.0.0.0:9154'),
  ].join('');
}

function common({ domain, nameservers, federation }: ConfigurationChoice): string {
  return (
    yaml({ domain }) +
    `# As in the delegation at the registrar.\n` +
    yaml({ nameservers }) +
    `# Which Services of the members are served: those with the label fedns.io/federation, which fedns federate sets.\n` +
    yaml({ federations: [{ name: federation, select: 'label' }] })
  );
}

function federated({ federation, select }: ConfigurationChoice, admin?: string): string {
  const which =
    select === 'all'
      ? 'every object of the federated kinds'
      : `objects with the label fedns.io/federation: ${federation}`;
  return (
    `# What fedns federate brings into the members: ${which} of the host.\n` +
    yaml({ federate: { federation, select, ...(admin !== undefined && { admin }) } })
  );
}

function yaml(value: object): string {
  return stringify(value, { lineWidth: 0 });
}
