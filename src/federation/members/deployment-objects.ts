/** fedns in the host itself: the DNS server and the process that federates, by one configuration, each with two replicas. */

import type { KubeObject } from '../api/object.ts';
import { HOST_NAME, MADE_BY, NAMESPACE } from './types.ts';

const CONFIG_MAP = 'fedns-config';

/** @param image - made of the npm package, with `fedns` as its entry point */
export function deploymentObjects(image: string, configuration: string): KubeObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: CONFIG_MAP, namespace: NAMESPACE, labels: MADE_BY },
      data: { 'fedns.yaml': configuration },
    },
    deployment('fedns-serve', image, SERVE),
    deployment('fedns-federate', image, FEDERATE),
    service(),
  ];
}

interface Process {
  readonly command: string;
  readonly ports: readonly {
    readonly name: string;
    readonly containerPort: number;
    readonly protocol: string;
  }[];
  readonly strategy?: object;
}

const SERVE: Process = {
  command: 'serve',
  ports: [
    { name: 'dns', containerPort: 1053, protocol: 'UDP' },
    { name: 'dns-tcp', containerPort: 1053, protocol: 'TCP' },
    { name: 'admin', containerPort: 9153, protocol: 'TCP' },
  ],
  // A new Pod is ready before an old one is asked to end.
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
};

const FEDERATE: Process = {
  command: 'federate',
  ports: [{ name: 'admin', containerPort: 9154, protocol: 'TCP' }],
};

function deployment(name: string, image: string, { command, ports, strategy }: Process): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE, labels: MADE_BY },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      ...(strategy !== undefined && { strategy }),
      template: { metadata: { labels }, spec: podSpec(image, command, ports) },
    },
  };
}

function podSpec(image: string, command: string, ports: Process['ports']): object {
  return {
    serviceAccountName: HOST_NAME,
    // drainSeconds and 15 s more.
    terminationGracePeriodSeconds: 35,
    containers: [
      {
        name: command,
        image,
        args: [command, '--config', '/etc/fedns/fedns.yaml'],
        ports,
        readinessProbe: {
          httpGet: { path: '/readyz', port: 'admin' },
          periodSeconds: 2,
          failureThreshold: 1,
        },
        livenessProbe: { httpGet: { path: '/healthz', port: 'admin' }, periodSeconds: 10 },
        securityContext: {
          runAsNonRoot: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'config', mountPath: '/etc/fedns' },
          { name: 'state', mountPath: '/var/lib/fedns' },
        ],
      },
    ],
    volumes: [
      { name: 'config', configMap: { name: CONFIG_MAP } },
      { name: 'state', emptyDir: {} },
    ],
  };
}

function service(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'fedns', namespace: NAMESPACE, labels: MADE_BY },
    spec: {
      type: 'LoadBalancer',
      selector: { app: 'fedns-serve' },
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 'dns' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 'dns-tcp' },
      ],
    },
  };
}
