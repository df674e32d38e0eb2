import type { JsonObject } from '../../lib/json.js';
import { LABEL } from '../../lib/names.js';
import type { BlueGreenSpec } from '../../lib/types.js';
import { NO_REVISION, type ClientService, type Preview } from '../model.js';
import type { Neighbour } from './neighbours.js';
import { annotationOf, at, labelOf, nameOf, objectAt, objectsAt, textAt } from '../../lib/fields.js';

/** What the Services of a namespace are to one declaration. */
export interface ServiceRoles {
  clients: JsonObject[];
  /** Absent when none is named. */
  preview?: Preview;
  /** They carry a key of Sluice's for this declaration: client Services, and those that were once. */
  marked: JsonObject[];
  /** Of those, the ones that Sluice has pinned and by which clients do not come any more. */
  former: JsonObject[];
  /** Of the clients, those that cannot be switched to what is asked for: they do not select it. */
  estranged: JsonObject[];
  /** Why a Service that was to be one of these is left alone, in words that name it. */
  leftAlone: string[];
}

export interface RoleContext {
  /** Labels of the declaration's pods. */
  podLabels: JsonObject;
  spec: BlueGreenSpec;
  /** Revisions of this declaration. */
  revisions: string[];
  neighbours: Neighbour[];
  /** Pods of more than one revision are there. */
  isMixed: boolean;
  /** Names of those by which clients came when the status was last written. */
  hadClients: string[];
  /** Labels of its pods that are there. */
  pods: JsonObject[];
}

/** What tells a Service's selector and name apart. */
type Lookup = Pick<RoleContext, 'podLabels' | 'spec' | 'revisions'>;

/**
 * Tells all Services of a namespace apart. Client Services are those that the spec names, else every one that is not headless, of those
 * that select the declaration's pods, their revision key aside. The preview Service is none of them, unless nobody else is, or it was one
 * when this upgrade began.
 *
 * While pods of two revisions are there, a Service without its key would select both: so one that the spec or its own selector has left
 * meanwhile keeps it, and is switched with the others where the new pods have the labels for that. One that reaches pods, and would reach
 * none of what is asked for, is estranged: a client Service still, and nothing is switched while there is one.
 */
export function rolesOf(all: JsonObject[], context: RoleContext): ServiceRoles {
  const { podLabels, spec, isMixed } = context;
  const candidates = candidatesOf(all, podLabels, spec);
  const held = candidates.flatMap((service) => {
    const holder = holderOf(service, context);
    return holder ? [{ service, holder }] : [];
  });
  const free = candidates.filter((service) => held.every((each) => each.service !== service));
  const others = free.filter(
    (service) => nameOf(service) !== spec.promotion.previewService || isStaying(service, context),
  );
  const isNamed = spec.services.includes(spec.promotion.previewService);
  const named = isNamed || others.length === 0 ? free : others;
  const preview = previewOf(all, context, named);
  const marked = all.filter(
    (service) => isMarked(service) && isOfInterest(service, context) && !holderOf(service, context),
  );
  const isKept = (service: JsonObject): boolean =>
    named.includes(service) || (preview?.kind === 'found' && preview.name === nameOf(service));
  // One that has a key alone has it from its user.
  const left = marked.filter((service) => isManaged(service) && !isKept(service));
  const estranged = left.filter((service) => isEstranged(service, context));
  const pinned = isMixed ? left.filter((service) => !estranged.includes(service)) : [];
  return {
    clients: [...named, ...pinned.filter((service) => selects(service, podLabels)), ...estranged],
    ...(preview && { preview }),
    marked,
    former: isMixed ? [] : left.filter((service) => !estranged.includes(service)),
    estranged,
    leftAlone: [
      ...missing(all, context),
      ...pinned.map((service) => whyPinned(service, context)),
      ...held.map(
        ({ service, holder }) =>
          `Service ${nameOf(service)} is left alone: it selects pods of StatefulSet ${holder}, too, which is under Sluice; give it a selector for one of them, or name it in spec.services of one BlueGreen`,
      ),
    ],
  };
}

/** The Services that may be client Services or the preview, whoever has them now. */
function candidatesOf(all: JsonObject[], podLabels: JsonObject, spec: BlueGreenSpec): JsonObject[] {
  return all.filter(
    (service) =>
      selects(service, podLabels) &&
      (spec.services.length > 0 ? spec.services.includes(nameOf(service)) : !isHeadless(service)),
  );
}

/** Names of the Services whose EndpointSlices are looked at. */
export function lookedAt(
  all: JsonObject[],
  { podLabels, spec, hadClients }: Pick<RoleContext, 'podLabels' | 'spec' | 'hadClients'>,
): string[] {
  const candidates = candidatesOf(all, podLabels, spec);
  const isOfUse = (service: JsonObject): boolean =>
    isManaged(service) && (selects(service, podLabels) || hadClients.includes(nameOf(service)));
  return all.filter((service) => candidates.includes(service) || isOfUse(service)).map(nameOf);
}

/** Why a Service that is no client Service any more is not given back yet, in words. */
function whyPinned(service: JsonObject, { podLabels, spec }: RoleContext): string {
  const name = nameOf(service);
  if (!selects(service, podLabels))
    return `Service ${name} does not select the pods of the template that is asked for, and stays at revision ${pinnedTo(service)} until this upgrade has ended; correct its selector, or the template's labels`;
  const asked =
    spec.services.length > 0
      ? 'spec.services does not name it, which holds'
      : 'what else the spec asks of it holds';
  return `Service ${name} stays pinned and is switched with this upgrade, for without its revision key it would select both revisions: ${asked} from the end of this upgrade on`;
}

/** A client Service, by what the spec says, for pods that are there, its revision key aside, and not for those of the template that is asked for. */
function isEstranged(service: JsonObject, { podLabels, spec, pods }: RoleContext): boolean {
  const name = nameOf(service);
  const isListed = spec.services.length === 0 || spec.services.includes(name);
  if (!isListed || name === spec.promotion.previewService || selects(service, podLabels)) return false;
  return pods.some((labels) => selects(service, labels));
}

/** It selects the declaration's pods, or is named to, or is pinned to them. */
function isOfInterest(service: JsonObject, { podLabels, spec, revisions }: Lookup): boolean {
  return (
    selects(service, podLabels) ||
    spec.services.includes(nameOf(service)) ||
    revisions.includes(pinnedTo(service))
  );
}

/** Whether some Service could be another declaration's: it has no key yet, or one that is none of ours. */
export function isInDoubt(all: JsonObject[], context: Lookup): boolean {
  const candidates = candidatesOf(all, context.podLabels, context.spec);
  return all.some(
    (service) =>
      (candidates.includes(service) || (isMarked(service) && isOfInterest(service, context))) &&
      !context.revisions.includes(pinnedTo(service)),
  );
}

/**
 * The other declaration that a Service belongs to. It is whose revision it selects; one that selects no revision, and pods of two
 * declarations, is nobody's before the spec of one names it.
 */
function holderOf(service: JsonObject, { spec, revisions, neighbours }: RoleContext): string | undefined {
  const key = pinnedTo(service);
  if (revisions.includes(key)) return undefined;
  const name = nameOf(service);
  const isOurs = [...spec.services, spec.promotion.previewService].includes(name);
  return neighbours.find((other) => {
    if (other.revisions.includes(key)) return true;
    if (!selects(service, other.podLabels)) return false;
    if (key === NO_REVISION || key === '') return !isOurs;
    return other.isAdopted;
  })?.name;
}

/** Names in `spec.services` that are left alone: a slip may have hit somebody else's Service. */
function missing(all: JsonObject[], { podLabels, spec }: RoleContext): string[] {
  return spec.services.flatMap((name) => {
    const service = all.find((each) => nameOf(each) === name);
    if (!service) return [`spec.services names ${name}, which does not exist; correct it, or create one`];
    return selects(service, podLabels)
      ? []
      : [
          `spec.services names ${name}, which does not select the pods of this StatefulSet and is left alone; correct it, or its selector`,
        ];
  });
}

/** The Service that the spec names for trying a new revision out; not one that selects other pods, or that clients come by. */
function previewOf(all: JsonObject[], context: RoleContext, clients: JsonObject[]): Preview | undefined {
  const { podLabels, spec } = context;
  const name = spec.promotion.previewService;
  if (name === '') return undefined;
  const field = `spec.promotion.previewService names ${name}`;
  const raw = all.find((service) => nameOf(service) === name);
  if (!raw) return { kind: 'unusable', why: `${field}, which does not exist` };
  if (isHeadless(raw) || !selects(raw, podLabels)) {
    const why = `${field}, which is headless or does not select the pods of this StatefulSet`;
    return { kind: 'unusable', why };
  }
  if (isStaying(raw, context)) {
    const why = `${field}, by which clients come: it is switched with the others in this upgrade, and is the preview Service when that has ended`;
    return { kind: 'unusable', why };
  }
  if (clients.includes(raw)) {
    const why = `${field}, by which clients come: no other Service is theirs; create one for previews, and name that`;
    return { kind: 'unusable', why };
  }
  const holder = holderOf(raw, context);
  if (holder !== undefined)
    return { kind: 'unusable', why: `${field}, which selects a revision of StatefulSet ${holder}` };
  const revision = pinnedTo(raw);
  return {
    kind: 'found',
    name,
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    ...(revision && { revision }),
    managed: labelOf(raw, LABEL.managed) === 'true',
  };
}

/** A client Service when this upgrade began: as the preview Service it would reach nobody, and then a green that is not promoted. */
function isStaying(service: JsonObject, { isMixed, hadClients }: RoleContext): boolean {
  return isMixed && isManaged(service) && hadClients.includes(nameOf(service));
}

function isHeadless(service: JsonObject): boolean {
  return (
    textAt(service, 'spec', 'clusterIP') === 'None' || textAt(service, 'spec', 'type') === 'ExternalName'
  );
}

function isMarked(service: JsonObject): boolean {
  return isManaged(service) || pinnedTo(service) !== '';
}

function isManaged(service: JsonObject): boolean {
  return labelOf(service, LABEL.managed) !== undefined;
}

/** The revision that it is pinned to; empty without one. */
export function pinnedTo(service: JsonObject): string {
  return textAt(service, 'spec', 'selector', LABEL.revision);
}

/** Whether the selector, its revision key aside, matches pods with these labels. */
export function selects(service: JsonObject, podLabels: JsonObject): boolean {
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

/**
 * Names of the Services without label `managed` whose EndpointSlices have it still. The EndpointSlice controller copies a Service's labels
 * onto them, so they tell what it has seen of the Service.
 */
export function laggingOf(services: JsonObject[], slices: JsonObject[]): string[] {
  return services
    .filter((service) => labelOf(service, LABEL.managed) === undefined)
    .map(nameOf)
    .filter((name) =>
      slices.some(
        (slice) =>
          labelOf(slice, 'kubernetes.io/service-name') === name &&
          labelOf(slice, 'endpointslice.kubernetes.io/managed-by') === 'endpointslice-controller.k8s.io' &&
          labelOf(slice, LABEL.managed) !== undefined,
      ),
    );
}

/** Reads one client Service, with the EndpointSlices of its namespace. */
export function parseService(raw: JsonObject, slices: JsonObject[]): ClientService {
  const name = nameOf(raw);
  const revision = pinnedTo(raw);
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
