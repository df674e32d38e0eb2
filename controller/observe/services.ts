import type { JsonObject } from '../../lib/json.js';
import { LABEL } from '../../lib/names.js';
import type { BlueGreenSpec } from '../../lib/types.js';
import type { ClientService, Preview } from '../model.js';
import { annotationOf, at, labelOf, nameOf, objectAt, objectsAt, textAt } from '../../lib/fields.js';

/**
 * The client Services among all of a namespace: those that the spec names, else every one that, its revision key aside, selects
 * pods with these labels; never a headless one, one without a selector, or the preview Service.
 */
export function clientServices(all: JsonObject[], podLabels: JsonObject, spec: BlueGreenSpec): JsonObject[] {
  if (spec.services.length > 0) return all.filter((service) => spec.services.includes(nameOf(service)));
  return all.filter((service) => {
    if (textAt(service, 'spec', 'clusterIP') === 'None' || textAt(service, 'spec', 'type') === 'ExternalName')
      return false;
    if (nameOf(service) === spec.promotion.previewService) return false;
    return selects(service, podLabels);
  });
}

/**
 * The Service that the spec names for trying a new revision out. One that selects other pods than the declaration's is left alone: its
 * name may be a slip.
 */
export function previewOf(
  all: JsonObject[],
  podLabels: JsonObject,
  spec: BlueGreenSpec,
): Preview | undefined {
  const name = spec.promotion.previewService;
  if (name === '') return undefined;
  const raw = all.find((service) => nameOf(service) === name);
  if (!raw)
    return { kind: 'unusable', why: `spec.promotion.previewService names ${name}, which does not exist` };
  if (textAt(raw, 'spec', 'clusterIP') === 'None' || !selects(raw, podLabels)) {
    return {
      kind: 'unusable',
      why: `spec.promotion.previewService names ${name}, which is headless or does not select the pods of this StatefulSet`,
    };
  }
  const revision = textAt(raw, 'spec', 'selector', LABEL.revision);
  return {
    kind: 'found',
    name,
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    ...(revision && { revision }),
    managed: labelOf(raw, LABEL.managed) === 'true',
  };
}

/** All Services that carry a key of Sluice's for a declaration with these pod labels: client Services, and those that were once. */
export function markedServices(all: JsonObject[], podLabels: JsonObject, spec: BlueGreenSpec): JsonObject[] {
  const clients = clientServices(all, podLabels, spec);
  return all.filter(
    (service) =>
      (labelOf(service, LABEL.managed) !== undefined ||
        textAt(service, 'spec', 'selector', LABEL.revision) !== '') &&
      (clients.includes(service) || selects(service, podLabels)),
  );
}

/** Whether the selector, its revision key aside, matches pods with these labels. */
function selects(service: JsonObject, podLabels: JsonObject): boolean {
  const keys = Object.entries(objectAt(service, 'spec', 'selector')).filter(
    ([key]) => key !== LABEL.revision,
  );
  return keys.length > 0 && keys.every(([key, value]) => podLabels[key] === value);
}

/** Annotations and values by which load balancers of the large clouds send clients to pods directly. */
const POD_TARGETS: readonly [string, RegExp][] = [
  ['service.beta.kubernetes.io/aws-load-balancer-nlb-target-type', /^ip$/],
  ['service.beta.kubernetes.io/aws-load-balancer-type', /^nlb-ip$/],
  ['cloud.google.com/neg', /"(ingress|exposed_ports)"\s*:\s*(true|\{)/],
];

/** The setting by which a load balancer targets pods; undefined where it sends clients through the nodes. */
function podTargetsOf(raw: JsonObject): string | undefined {
  if (textAt(raw, 'spec', 'type') !== 'LoadBalancer') return undefined;
  if (at(raw, 'spec', 'allocateLoadBalancerNodePorts') === false)
    return 'spec.allocateLoadBalancerNodePorts: false';
  const found = POD_TARGETS.find(([key, value]) => value.test(annotationOf(raw, key) ?? ''));
  return found && `annotation ${found[0]}`;
}

/** Reads one client Service, with the EndpointSlices of its namespace. */
export function parseService(raw: JsonObject, slices: JsonObject[]): ClientService {
  const name = nameOf(raw);
  const revision = textAt(raw, 'spec', 'selector', LABEL.revision);
  const podTargets = podTargetsOf(raw);
  const own = slices.filter((slice) => labelOf(slice, 'kubernetes.io/service-name') === name);
  const ready = own
    .flatMap((slice) => objectsAt(slice, 'endpoints'))
    .filter((endpoint) => objectAt(endpoint, 'conditions')['ready'] !== false)
    .filter((endpoint) => textAt(endpoint, 'targetRef', 'kind') === 'Pod')
    .map((endpoint) => textAt(endpoint, 'targetRef', 'name'));
  return {
    name,
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    ...(revision && { revision }),
    managed: labelOf(raw, LABEL.managed) === 'true',
    ...(podTargets !== undefined && { podTargets }),
    // dual-stack Services list each pod twice
    readyPods: [...new Set(ready)].sort(),
  };
}
