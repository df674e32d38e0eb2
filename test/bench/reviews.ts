import type { JsonObject } from '../../lib/json.js';
import { ANNOTATION, BLUE_GREEN, LABEL } from '../../lib/names.js';
import { revisionOf } from '../../lib/revision.js';
import type { AdmissionRequest } from '../../webhook/review.js';
import {
  edited,
  HELD,
  labelledSet,
  OLD_TIME,
  OLD_TRACE,
  plainSet,
  request,
  storedDeclaration,
  template,
  USERS_OWN,
} from '../webhook/reviews.js';

/** Where go-load writes the id of each request (`uidMark` there): 36 characters, as ids have. */
const UID_MARK = '@uid-of-the-review-36-characters-ok@';
const USER = 'kubernetes-admin';

/**
 * The review that the benchmark repeats: `kubectl set image` on a declaration, as the API server sends it. The set
 * is one that people have: everything defaulted, `kubectl apply`'s copy in an annotation, managed fields.
 */
export function editReview(): JsonObject {
  const oldObject = grownDeclaration(grownTemplate('emqx/emqx-enterprise:5.8.8'));
  const wanted = grownTemplate('emqx/emqx-enterprise:5.8.9');
  return reviewOf({
    uid: UID_MARK,
    user: USER,
    object: {
      ...oldObject,
      metadata: { ...(oldObject['metadata'] as JsonObject), generation: 8 },
      spec: { ...(oldObject['spec'] as JsonObject), template: wanted },
    },
    oldObject,
  });
}

/**
 * Reviews to which both webhooks must have the same answer: each another way through the rules for an UPDATE of a
 * stored declaration, and one of a set that is none.
 */
export function comparedReviews(): { name: string; review: JsonObject }[] {
  const stored = storedDeclaration();
  const adopted = storedDeclaration({
    annotations: { [ANNOTATION.heldReplicas]: '3', [ANNOTATION.aborted]: '{}' },
    spec: { replicas: 3 },
  });
  const changed = { template: template('emqx/emqx-enterprise:5.8.9') };
  const asked: Record<string, Partial<AdmissionRequest>> = {
    'template changed': { object: edited(stored, { spec: changed }), oldObject: stored },
    'template changed, dry run': {
      object: edited(stored, { spec: changed }),
      oldObject: stored,
      dryRun: true,
    },
    'nothing changed': { object: stored, oldObject: stored },
    'only the order of keys changed': {
      object: edited(stored, { spec: { template: reversed(template()) } }),
      oldObject: stored,
    },
    'another size': { object: edited(stored, { spec: { replicas: 5 } }), oldObject: stored },
    'one node and another template': {
      object: edited(stored, { spec: { ...changed, replicas: 1 } }),
      oldObject: stored,
    },
    'the file applied again': {
      object: edited(stored, { spec: { replicas: 3, updateStrategy: USERS_OWN } }),
      oldObject: stored,
    },
    'replaced by the file': { object: labelledSet({ spec: changed }), oldObject: stored },
    'label removed': {
      object: edited(stored, { labels: { [LABEL.upgrade]: undefined } }),
      oldObject: stored,
    },
    'label put back while handed back': {
      object: stored,
      oldObject: edited(stored, { labels: { [LABEL.upgrade]: undefined } }),
    },
    'template changed while handed back': {
      object: edited(stored, { labels: { [LABEL.upgrade]: undefined }, spec: changed }),
      oldObject: edited(stored, { labels: { [LABEL.upgrade]: undefined } }),
    },
    'replaced by the file while adopted': { object: labelledSet(), oldObject: adopted },
    'adopted set edited': { object: edited(adopted, { spec: changed }), oldObject: adopted },
    'asked again about its own answer': {
      object: edited(stored, {
        annotations: {
          [ANNOTATION.revision]: revisionOf('emqx', changed.template),
          [ANNOTATION.requestedBy]: request().user,
          [ANNOTATION.traceparent]: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`,
          [ANNOTATION.requestedAt]: new Date().toISOString(),
        },
        spec: changed,
      }),
      oldObject: stored,
    },
    'not a declaration': { object: plainSet({ spec: changed }), oldObject: plainSet() },
    'being deleted': {
      object: edited(stored, { metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' }, spec: changed }),
      oldObject: stored,
    },
  };
  return [
    { name: 'the measured one', review: editReview() },
    ...Object.entries(asked).map(([name, parts]) => ({ name, review: reviewOf(parts) })),
  ];
}

/** An AdmissionReview of `admission.k8s.io/v1` for an UPDATE of a StatefulSet. */
function reviewOf(parts: Partial<AdmissionRequest>): JsonObject {
  const { uid, operation, namespace, name, user, dryRun, object, oldObject } = request(parts);
  const kind = { group: 'apps', version: 'v1', kind: 'StatefulSet' };
  const resource = { group: 'apps', version: 'v1', resource: 'statefulsets' };
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name,
      namespace,
      operation,
      userInfo: {
        username: user,
        groups: ['kubeadm:cluster-admins', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=' + '3f'.repeat(32)] },
      },
      object,
      oldObject,
      dryRun,
      options: {
        kind: 'UpdateOptions',
        apiVersion: 'meta.k8s.io/v1',
        fieldManager: 'kubectl-set',
        fieldValidation: 'Strict',
      },
    },
  };
}

function grownDeclaration(own: JsonObject): JsonObject {
  const written: JsonObject = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { labels: { app: 'emqx', [LABEL.upgrade]: BLUE_GREEN }, name: 'emqx', namespace: 'mqtt' },
    spec: { replicas: 3, serviceName: 'emqx-headless', selector: { matchLabels: { app: 'emqx' } } },
  };
  return {
    kind: 'StatefulSet',
    apiVersion: 'apps/v1',
    metadata: {
      name: 'emqx',
      namespace: 'mqtt',
      uid: '0c1a3c52-5b2e-4a0c-9f2a-6a5b8d1c7e11',
      resourceVersion: '184467',
      generation: 7,
      creationTimestamp: '2030-01-01T08:00:00Z',
      labels: { app: 'emqx', [LABEL.managed]: 'true', [LABEL.upgrade]: BLUE_GREEN },
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(written)}\n`,
        [ANNOTATION.replicas]: '3',
        [ANNOTATION.requestedBy]: USER,
        [ANNOTATION.revision]: revisionOf('emqx', own),
        [ANNOTATION.traceparent]: OLD_TRACE,
        [ANNOTATION.requestedAt]: OLD_TIME,
        [ANNOTATION.updateStrategy]: '{"rollingUpdate":{"partition":0},"type":"RollingUpdate"}',
      },
      managedFields: [
        {
          manager: 'kubectl-client-side-apply',
          operation: 'Update',
          apiVersion: 'apps/v1',
          time: '2030-01-01T08:00:00Z',
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:metadata': { 'f:labels': fieldsOf(written) }, 'f:spec': fieldsOf(own) },
        },
      ],
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'emqx' } },
      template: own,
      serviceName: 'emqx-headless',
      podManagementPolicy: 'Parallel',
      updateStrategy: HELD,
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    },
    status: {
      observedGeneration: 7,
      replicas: 0,
      availableReplicas: 0,
      currentRevision: 'emqx-6c9d5f8b67',
      updateRevision: 'emqx-6c9d5f8b67',
      collisionCount: 0,
    },
  };
}

function grownTemplate(image: string): JsonObject {
  const probe = (more: JsonObject): JsonObject => ({
    httpGet: { path: '/status', port: 'dashboard', scheme: 'HTTP' },
    timeoutSeconds: 1,
    successThreshold: 1,
    ...more,
  });
  const port = (name: string, containerPort: number): JsonObject => ({
    name,
    containerPort,
    protocol: 'TCP',
  });
  return {
    metadata: { labels: { app: 'emqx' }, annotations: { 'prometheus.io/scrape': 'true' } },
    spec: {
      volumes: [{ name: 'data', emptyDir: {} }],
      containers: [
        {
          name: 'emqx',
          image,
          ports: [
            port('mqtt', 1883),
            port('mqttssl', 8883),
            port('ws', 8083),
            port('dashboard', 18083),
            port('ekka', 4370),
            port('genrpc-manual', 5369),
          ],
          env: [
            { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
            {
              name: 'POD_NAMESPACE',
              valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
            },
            { name: 'EMQX_NAME', value: 'emqx' },
            { name: 'EMQX_HOST', value: '$(POD_NAME).emqx-headless.$(POD_NAMESPACE).svc.cluster.local' },
            { name: 'EMQX_CLUSTER__DISCOVERY_STRATEGY', value: 'dns' },
            { name: 'EMQX_CLUSTER__DNS__RECORD_TYPE', value: 'srv' },
            {
              name: 'EMQX_CLUSTER__DNS__NAME',
              value: 'emqx-headless.$(POD_NAMESPACE).svc.cluster.local',
            },
          ],
          resources: { limits: { memory: '2Gi' }, requests: { cpu: '500m', memory: '1Gi' } },
          volumeMounts: [{ name: 'data', mountPath: '/opt/emqx/data' }],
          livenessProbe: probe({ initialDelaySeconds: 60, periodSeconds: 30, failureThreshold: 10 }),
          readinessProbe: probe({ periodSeconds: 2, failureThreshold: 30 }),
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
          securityContext: { capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false },
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {
        runAsUser: 1000,
        runAsNonRoot: true,
        fsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 100,
              podAffinityTerm: {
                labelSelector: { matchLabels: { app: 'emqx' } },
                topologyKey: 'kubernetes.io/hostname',
              },
            },
          ],
        },
      },
      schedulerName: 'default-scheduler',
    },
  };
}

/** An object's managed fields, nearly as the API server writes them. */
function fieldsOf(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      `f:${key}`,
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? fieldsOf(value)
        : Array.isArray(value)
          ? Object.fromEntries(
              value.map((item, index) => [
                `k:{"name":"${String(index)}"}`,
                item !== null && typeof item === 'object' && !Array.isArray(item)
                  ? { '.': {}, ...fieldsOf(item) }
                  : {},
              ]),
            )
          : {},
    ]),
  );
}

/** The same value, its keys the other way round, at every level. */
function reversed(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object)
      .reverse()
      .map(([key, value]) => [
        key,
        value !== null && typeof value === 'object' && !Array.isArray(value) ? reversed(value) : value,
      ]),
  );
}
