/** Names of the environment variables that the injection sets and the sidecar's script and program read. */
export const SIDECAR_ENV = {
  /** Name of the pod (downward API). */
  pod: 'SLUICE_POD',
  /** Port of EMQX's management API on 127.0.0.1. */
  apiPort: 'SLUICE_API_PORT',
  /** Port of the sidecar's metrics; absent: none are served. */
  metricsPort: 'SLUICE_METRICS_PORT',
  /** Name of the headless Service, to find peers by DNS. */
  headlessService: 'SLUICE_HEADLESS_SERVICE',
  /** Name of the Secret with the API key, to be told of. */
  keySecret: 'SLUICE_API_KEY_SECRET',
  /** PEM of the control CA's public certificate. */
  controlCa: 'SLUICE_CONTROL_CA',
  /** First drain settings, until the controller tells others; see DrainSettings. */
  connEvictRate: 'SLUICE_CONN_EVICT_RATE',
  sessEvictRate: 'SLUICE_SESS_EVICT_RATE',
  waitTakeover: 'SLUICE_WAIT_TAKEOVER',
  waitHealthCheck: 'SLUICE_WAIT_HEALTH_CHECK',
  noRecipientSeconds: 'SLUICE_NO_RECIPIENT_SECONDS',
  withoutEvacuation: 'SLUICE_WITHOUT_EVACUATION',
  /** Namespace and uid of the pod (downward API), where it sends spans; where to, the standard `OTEL_*` variables say. */
  namespace: 'SLUICE_NAMESPACE',
  podUid: 'SLUICE_POD_UID',
} as const;

/** Where things are mounted in the sidecar's container and, the share, in EMQX's too. */
export const SIDECAR_PATHS = {
  /** The emptyDir shared with EMQX's container. */
  share: '/sluice',
  /** The API key Secret: files `key` and `secret` (and `bootstrap` when Sluice made it). */
  apiKey: '/etc/sluice/api-key',
} as const;

/** User and group of the sidecar; the group is also a supplemental group of the pod, so that EMQX may read the share. */
export const SIDECAR_GROUP = 65532;

/** Names that Sluice's parts have in a pod. */
export const SIDECAR = { container: 'sluice', share: 'sluice', apiKey: 'sluice-api-key' } as const;
