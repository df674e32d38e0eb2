import { CONTROL_PORT } from '../../lib/control.js';
import type { JsonObject } from '../../lib/json.js';
import { SIDECAR, SIDECAR_ENV, SIDECAR_GROUP, SIDECAR_PATHS } from '../../lib/sidecar-env.js';
import type { BlueGreenSpec } from '../../lib/types.js';

const BUSYBOX = '/usr/local/bin/busybox';

/** What the sidecar container is made from, beyond the BlueGreen. */
export interface SidecarSettings {
  image: string;
  imagePullPolicy: string;
  /** Kubernetes ResourceRequirements. */
  resources: JsonObject;
  /** PEM of the control CA's certificate. */
  controlCa: string;
  /** Port of the sidecars' metrics; 0: none are served. */
  metricsPort: number;
  /** `OTEL_*` entries of its environment, with which it sends a span of its drain; absent or empty: it sends none. */
  otel?: JsonObject[];
}

/** What the sidecar is to do, and for whom. */
export interface SidecarTask {
  spec: BlueGreenSpec;
  /** `spec.serviceName` of the declaration. */
  headlessService: string;
  /** The API key's Secret. */
  secretName: string;
}

/** The sidecar's container: a native sidecar (init container that stays), first of the list. */
export function sidecarContainer(
  { image, imagePullPolicy, resources, controlCa, metricsPort, otel = [] }: SidecarSettings,
  { spec, headlessService, secretName }: SidecarTask,
): JsonObject {
  const { evacuationStrategy, initialDelaySeconds } = spec.updateStrategy;
  const env = (name: string, value: string | number): JsonObject => ({ name, value: String(value) });
  const fromPod = (name: string, field: string): JsonObject => ({
    name,
    valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.${field}` } },
  });
  return {
    name: SIDECAR.container,
    image,
    imagePullPolicy,
    restartPolicy: 'Always',
    command: [BUSYBOX, 'sh', '/app/sidecar/run.sh'],
    env: [
      fromPod(SIDECAR_ENV.pod, 'name'),
      env(SIDECAR_ENV.apiPort, spec.emqx.apiPort),
      ...(metricsPort > 0 ? [env(SIDECAR_ENV.metricsPort, metricsPort)] : []),
      env(SIDECAR_ENV.headlessService, headlessService),
      env(SIDECAR_ENV.keySecret, secretName),
      env(SIDECAR_ENV.controlCa, controlCa),
      env(SIDECAR_ENV.connEvictRate, evacuationStrategy.connEvictRate),
      env(SIDECAR_ENV.sessEvictRate, evacuationStrategy.sessEvictRate),
      env(SIDECAR_ENV.waitTakeover, evacuationStrategy.waitTakeover),
      // for a pod that a Service selected until its deletion; in an upgrade the controller tells 0 first
      env(SIDECAR_ENV.waitHealthCheck, initialDelaySeconds),
      env(SIDECAR_ENV.noRecipientSeconds, spec.noRecipientSeconds),
      env(SIDECAR_ENV.withoutEvacuation, spec.withoutEvacuation),
      ...(otel.length > 0
        ? [fromPod(SIDECAR_ENV.namespace, 'namespace'), fromPod(SIDECAR_ENV.podUid, 'uid'), ...otel]
        : []),
    ],
    ports: [
      { name: 'sluice-control', containerPort: CONTROL_PORT, protocol: 'TCP' },
      ...(metricsPort > 0 ? [{ name: 'sluice-metrics', containerPort: metricsPort, protocol: 'TCP' }] : []),
    ],
    // EMQX starts only when the gate that will hold its end is installed
    startupProbe: {
      exec: { command: [BUSYBOX, 'test', '-f', `${SIDECAR_PATHS.share}/bin/ready-to-gate`] },
      periodSeconds: 1,
      timeoutSeconds: 10,
      failureThreshold: 120,
    },
    // the latch names the start of EMQX that it belongs to
    readinessProbe: {
      exec: {
        command: [BUSYBOX, 'cmp', '-s', `${SIDECAR_PATHS.share}/joined`, `${SIDECAR_PATHS.share}/boot`],
      },
      periodSeconds: 2,
      timeoutSeconds: 10,
      failureThreshold: 1,
    },
    resources,
    securityContext: {
      runAsUser: SIDECAR_GROUP,
      runAsGroup: SIDECAR_GROUP,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumeMounts: [
      { name: SIDECAR.share, mountPath: SIDECAR_PATHS.share },
      { name: SIDECAR.apiKey, mountPath: SIDECAR_PATHS.apiKey, readOnly: true },
    ],
  };
}

/**
 * The volumes that the sidecar's mounts name: the share (in memory, for it holds the key), and the API key's Secret.
 * Each of its keys is named: when one is missing, the kubelet says so and does not start the pod.
 */
export function sidecarVolumes(secretName: string, isOwnSecret: boolean): JsonObject[] {
  const items = ['key', 'secret', ...(isOwnSecret ? ['bootstrap'] : [])].map((key) => ({ key, path: key }));
  return [
    { name: SIDECAR.share, emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } },
    // 0644: no fsGroup may be set, and nobody but the sidecar and EMQX mounts it
    { name: SIDECAR.apiKey, secret: { secretName, items, defaultMode: 0o644 } },
  ];
}
