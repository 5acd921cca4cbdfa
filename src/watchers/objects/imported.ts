/**
 * Which objects a multi-cluster controller has written into a cluster on behalf of another one. Owns the table of
 * their marks. What is imported says nothing of the cluster that it stands in: its endpoints are counted where they run.
 */

import { own, type Fields } from './fields.ts';

/** By what the objects of one controller are known. */
interface Importer {
  readonly tool: string;
  /** Values of the label `endpointslice.kubernetes.io/managed-by`. */
  readonly managers: readonly string[];
  /** Labels that mark a slice, whatever their value. */
  readonly sliceLabels: readonly string[];
  /** Labels that mark a Service. */
  readonly serviceLabels: readonly string[];
  /** How the names of its Services begin. */
  readonly servicePrefix?: string;
}

const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';

/**
 * Kubernetes' own controller. It copies the labels of the Service to each slice, so a slice of its making may carry any
 * of the labels below; but all that it puts there are Pods of its cluster.
 */
const OWN_MANAGER = 'endpointslice-controller.k8s.io';

/**
 * Each row as the controller's own source or documents have it. The first that fits names the tool. Two labels are left
 * out on purpose, since what bears them may well run here: Liqo's for the origin of a Service that it reflects, and
 * Karmada's for all that it propagates.
 */
const IMPORTERS: readonly Importer[] = [
  {
    // cilium/cilium, pkg/clustermesh/endpointslicesync and pkg/k8s/utils
    tool: 'Cilium Cluster Mesh',
    managers: ['endpointslice-mesh-controller.cilium.io'],
    sliceLabels: [],
    serviceLabels: [],
  },
  {
    // karmada-io/karmada, pkg/util/constants.go
    tool: 'Karmada',
    managers: ['endpointslice-dispatch-controller.karmada.io'],
    sliceLabels: [],
    serviceLabels: [],
  },
  {
    // submariner-io/lighthouse, pkg/constants
    tool: 'Submariner',
    managers: ['lighthouse-agent.submariner.io'],
    sliceLabels: ['lighthouse.submariner.io/sourceCluster', 'lighthouse.submariner.io/sourceNamespace'],
    serviceLabels: [],
  },
  {
    // linkerd/linkerd2, multicluster/service-mirror; Kubernetes mirrors its Endpoints with their labels
    tool: 'Linkerd',
    managers: [],
    sliceLabels: ['mirror.linkerd.io/mirrored-service'],
    serviceLabels: ['mirror.linkerd.io/mirrored-service'],
  },
  {
    // liqotech/liqo, pkg/virtualKubelet/forge/endpointslices.go
    tool: 'Liqo',
    managers: ['endpointslice.reflection.liqo.io'],
    sliceLabels: [],
    serviceLabels: [],
  },
  {
    // aws/aws-cloud-map-mcs-controller-for-k8s, pkg/controllers
    tool: 'AWS Cloud Map',
    managers: ['aws-cloud-map-mcs-controller-for-k8s'],
    sliceLabels: [],
    serviceLabels: [],
  },
  {
    // clusternet/clusternet, pkg/known/constants.go
    tool: 'Clusternet',
    managers: [],
    sliceLabels: ['services.clusternet.io/multi-cluster-service-name'],
    serviceLabels: ['services.clusternet.io/multi-cluster-service-name'],
  },
  {
    // Google's documents of multi-cluster Services: the Service that a ServiceImport leads to
    tool: 'GKE multi-cluster Services',
    managers: [],
    sliceLabels: [],
    serviceLabels: [],
    servicePrefix: 'gke-mcs-',
  },
  {
    // KEP-1645, "Importing services"; also OVN-Kubernetes and whoever else follows it
    tool: 'the Multi-Cluster Services API',
    managers: [],
    sliceLabels: ['multicluster.kubernetes.io/source-cluster', 'multicluster.kubernetes.io/service-name'],
    serviceLabels: ['multicluster.kubernetes.io/source-cluster', 'multicluster.kubernetes.io/service-name'],
  },
];

/**
 * The tool that has brought a slice from another cluster; undefined where its endpoints are the cluster's own.
 *
 * @param service - what the label `kubernetes.io/service-name` says
 */
export function sliceImporter(labels: Fields, service: string): string | undefined {
  const manager = own(labels, MANAGED_BY);
  if (manager === OWN_MANAGER) return undefined;
  return IMPORTERS.find(
    ({ managers, sliceLabels, servicePrefix }) =>
      managers.some((value) => value === manager) ||
      sliceLabels.some((label) => own(labels, label) !== undefined) ||
      (servicePrefix !== undefined && service.startsWith(servicePrefix)),
  )?.tool;
}

/** The tool that stands for another cluster's Service with this one; undefined for a Service of the cluster's own. */
export function serviceImporter(metadata: Fields, labels: Fields, name: string): string | undefined {
  const row = IMPORTERS.find(
    ({ serviceLabels, servicePrefix }) =>
      serviceLabels.some((label) => own(labels, label) !== undefined) ||
      (servicePrefix !== undefined && name.startsWith(servicePrefix)),
  );
  return row?.tool ?? (isDerived(metadata) ? 'the Multi-Cluster Services API' : undefined);
}

/** KEP-1645: the Service that is derived from a ServiceImport is owned by it. */
function isDerived(metadata: Fields): boolean {
  const owners = own(metadata, 'ownerReferences');
  if (!Array.isArray(owners)) return false;
  return owners.some((owner: unknown) => {
    if (typeof owner !== 'object' || owner === null) return false;
    return own(owner as Fields, 'kind') === 'ServiceImport';
  });
}
