import { isObject, sameJson, type Json, type JsonObject } from '../../../lib/json.js';
import { metaOf, nameOf, selects, type Store } from './store.js';

export const SETS = '/apis/apps/v1|statefulsets';
export const PODS = '/api/v1|pods';
export const NAMESPACES = '/api/v1|namespaces';
export const SERVICES = '/api/v1|services';
export const SLICES = '/apis/discovery.k8s.io/v1|endpointslices';
export const REVISIONS = '/apis/apps/v1|controllerrevisions';
export const SECRETS = '/api/v1|secrets';
export const CLAIMS = '/api/v1|persistentvolumeclaims';
export const BLUEGREENS = '/apis/sluice.dev/v1alpha1|bluegreens';

export interface WorkloadOptions {
  namespace: string;
  /** From a pod's creation to Ready, and from its deletion to its end. */
  startMs: number;
  /** How long a pod with clients takes to end; it is asked when the pod is deleted. */
  drainMs: (pod: JsonObject) => number;
  /** A pod of a template with this image never becomes ready. */
  brokenImage: string;
}

/** How soon a controller tries again what was refused. */
const RETRY_MS = 5;

/**
 * Does what the cluster's own controllers and kubelets do, as simply as possible: StatefulSets make and delete their pods (all at
 * once), pods become Ready and end, ControllerRevisions are recorded, EndpointSlices follow a little later.
 */
export function runWorkloads(store: Store, options: WorkloadOptions): () => void {
  const { namespace, startMs, drainMs, brokenImage } = options;
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, work: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, ms);
    timers.add(timer);
  };
  const specOf = (object: JsonObject): JsonObject => object['spec'] as JsonObject;
  const imageOf = (pod: JsonObject): Json | undefined =>
    (specOf(pod)['containers'] as JsonObject[])[0]?.['image'];
  let address = 0;

  function reconcile(set: JsonObject): void {
    const size = specOf(set)['replicas'] as number;
    adopt(set);
    const pods = store.list(PODS, namespace).filter((pod) => isControlledBy(pod, set));
    record(set);
    for (let ordinal = 0; ordinal < size; ordinal += 1) {
      const name = `${nameOf(set)}-${ordinal}`;
      if (pods.some((pod) => nameOf(pod) === name)) continue;
      // A pod of somebody else's bears the name: Kubernetes' controller is refused, and tries again.
      if (store.get(PODS, namespace, name)) again(set);
      else start(set, name);
    }
    for (const pod of pods) if (Number(nameOf(pod).split('-').at(-1)) >= size) end(pod);
  }

  function again(set: JsonObject): void {
    later(RETRY_MS, () => {
      const present = store.get(SETS, namespace, nameOf(set));
      if (present && metaOf(present)['uid'] === metaOf(set)['uid']) reconcile(present);
    });
  }

  /** Pods of its name with all the labels that it selects by, and which nobody controls, are its own. */
  function adopt(set: JsonObject): void {
    const { matchLabels } = specOf(set)['selector'] as { matchLabels: JsonObject };
    for (const pod of store.list(PODS, namespace)) {
      const { labels = {}, ownerReferences } = metaOf(pod) as { labels?: JsonObject; ownerReferences?: Json };
      const isMatch = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
      if (ownerReferences || !isMatch || !nameOf(pod).startsWith(`${nameOf(set)}-`)) continue;
      edit(PODS, nameOf(pod), (object) => ({
        ...object,
        metadata: { ...metaOf(object), ownerReferences: [ownerOf(set)] },
      }));
    }
  }

  /** `currentRevision` stays while there are pods (the partition is frozen), and follows at 0, or when all are of the present template. */
  function record(set: JsonObject): void {
    const template = specOf(set)['template'];
    const name = `${nameOf(set)}-${store.list(REVISIONS, namespace).length}`;
    const known = store
      .list(REVISIONS, namespace)
      .find((revision) => isControlledBy(revision, set) && sameJson(templateIn(revision), template));
    const revision =
      known ??
      store.create(REVISIONS, namespace, {
        metadata: { name, labels: labelsIn(template), ownerReferences: [ownerOf(set)] },
        data: { spec: { template: { $patch: 'replace', ...(template as JsonObject) } } },
      });
    const runs = store.list(PODS, namespace).some((pod) => isControlledBy(pod, set));
    const before = currentRevisionOf(set);
    const current = runs && before !== undefined ? before : nameOf(revision);
    edit(SETS, nameOf(set), (object) => ({
      ...object,
      status: {
        observedGeneration: metaOf(set)['generation'] as number,
        currentRevision: current,
        updateRevision: nameOf(revision),
      },
    }));
  }

  function start(set: JsonObject, name: string): void {
    // The API server lets nobody make anything there.
    const isGoing = metaOf(store.get(NAMESPACES, '', namespace) ?? { metadata: {} })['deletionTimestamp'];
    if (isGoing !== undefined) return;
    const current = currentRevisionOf(store.get(SETS, namespace, nameOf(set)) ?? set) ?? '';
    const revision = store.get(REVISIONS, namespace, current);
    const template = (templateIn(revision ?? {}) ?? specOf(set)['template']) as JsonObject;
    const metadata = template['metadata'] as JsonObject;
    const labels = { ...(metadata['labels'] as JsonObject), 'controller-revision-hash': current };
    const pod = store.create(PODS, namespace, {
      metadata: { ...metadata, name, labels, ownerReferences: [ownerOf(set)] },
      spec: template['spec'],
      status: { phase: 'Pending' },
    });
    if (imageOf(pod) === brokenImage) {
      edit(PODS, name, (object) => ({
        ...object,
        status: {
          phase: 'Pending',
          containerStatuses: [
            {
              name: 'emqx',
              image: brokenImage,
              ready: false,
              restartCount: 0,
              state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } },
            },
          ],
        },
      }));
      return;
    }
    address += 1;
    const podIP = `10.1.${Math.floor(address / 250)}.${(address % 250) + 1}`;
    const uid = metaOf(pod)['uid'];
    later(startMs, () => {
      if (metaOf(store.get(PODS, namespace, name) ?? { metadata: {} })['uid'] !== uid) return;
      const hasSidecar = Array.isArray(specOf(pod)['initContainers']);
      edit(PODS, name, (object) => ({
        ...object,
        status: {
          phase: 'Running',
          podIP,
          conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }],
          ...(hasSidecar && {
            initContainerStatuses: [{ name: 'sluice', started: true, ready: true, state: { running: {} } }],
          }),
          containerStatuses: [{ name: 'emqx', ready: true, restartCount: 0, state: { running: {} } }],
        },
      }));
    });
  }

  function end(pod: JsonObject): void {
    if (metaOf(pod)['deletionTimestamp'] !== undefined) return;
    edit(PODS, nameOf(pod), (object) => ({
      ...object,
      metadata: { ...metaOf(object), deletionTimestamp: new Date().toISOString() },
    }));
    later(drainMs(pod), () => {
      store.remove(PODS, namespace, nameOf(pod));
      for (const set of store.list(SETS, namespace)) reconcile(set);
    });
  }

  function edit(collection: string, name: string, change: (object: JsonObject) => JsonObject): void {
    if (store.get(collection, namespace, name)) store.edit({ collection, namespace, name }, change);
  }

  function publish(): void {
    for (const service of store.list(SERVICES, namespace)) {
      const selector = (specOf(service)['selector'] ?? {}) as JsonObject;
      const endpoints = store
        .list(PODS, namespace)
        .filter((pod) =>
          Object.entries(selector).every(
            ([key, value]) => ((metaOf(pod)['labels'] ?? {}) as JsonObject)[key] === value,
          ),
        )
        .map((pod) => ({
          conditions: { ready: isReady(pod) },
          targetRef: { kind: 'Pod', name: nameOf(pod) },
        }));
      const name = `${nameOf(service)}-slice`;
      const labels = {
        ...((metaOf(service)['labels'] ?? {}) as JsonObject),
        'kubernetes.io/service-name': nameOf(service),
      };
      if (!store.get(SLICES, namespace, name))
        store.create(SLICES, namespace, { metadata: { name, labels }, endpoints });
      else
        edit(SLICES, name, (object) => ({ ...object, metadata: { ...metaOf(object), labels }, endpoints }));
    }
  }

  const stops = [
    store.watch(SETS, (type, set) => {
      if (type !== 'DELETED') later(0, () => withObject(store.get(SETS, namespace, nameOf(set)), reconcile));
      else
        for (const pod of store.list(PODS, namespace).filter((one) => isControlledBy(one, set)))
          later(0, () => end(pod));
    }),
    ...[PODS, SERVICES].map((collection) => store.watch(collection, () => later(2, publish))),
  ];
  for (const set of store.list(SETS, namespace)) reconcile(set);
  return () => {
    for (const stop of stops) stop();
    for (const timer of timers) clearTimeout(timer);
  };
}

export function isReady(pod: JsonObject): boolean {
  const conditions = (pod['status'] as JsonObject)['conditions'];
  const isDeleting = metaOf(pod)['deletionTimestamp'] !== undefined;
  return (
    !isDeleting &&
    Array.isArray(conditions) &&
    conditions.filter(isObject).some(({ type, status }) => type === 'Ready' && status === 'True')
  );
}

function currentRevisionOf(set: JsonObject): string | undefined {
  const status = isObject(set['status']) ? set['status'] : {};
  return typeof status['currentRevision'] === 'string' ? status['currentRevision'] : undefined;
}

function templateIn(revision: JsonObject): Json | undefined {
  const data = revision['data'] as { spec: { template: JsonObject } } | undefined;
  if (!data) return undefined;
  const template = structuredClone(data.spec.template);
  delete template['$patch'];
  return template;
}

function labelsIn(template: Json | undefined): JsonObject {
  return ((template as JsonObject)['metadata'] as JsonObject)['labels'] as JsonObject;
}

function withObject(object: JsonObject | undefined, work: (object: JsonObject) => void): void {
  if (object) work(object);
}

function ownerOf(set: JsonObject): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    name: nameOf(set),
    uid: metaOf(set)['uid'] ?? '',
    controller: true,
  };
}

function isControlledBy(object: JsonObject, set: JsonObject): boolean {
  const owners = metaOf(object)['ownerReferences'];
  const { uid } = metaOf(set);
  return (
    Array.isArray(owners) &&
    owners.filter(isObject).some((owner) => owner['uid'] === uid && owner['controller'] === true)
  );
}

export { selects };
