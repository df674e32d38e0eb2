import { objectsAt } from '../lib/fields.js';
import { isObject, type JsonObject } from '../lib/json.js';

/** The controller's environment, as the chart sets it. */
export interface Settings {
  namespace: string;
  /** Who we are among the replicas. */
  identity: string;
  healthPort: number;
  /** Plain HTTP; 0: no metrics are served. */
  metricsPort: number;
  /** The page, plain HTTP; port 0: none is served. Not exposed: only the pod's own loopback is listened on. */
  page: { port: number; isExposed: boolean };
  lease: string;
  sidecar: {
    image: string;
    imagePullPolicy: string;
    resources: JsonObject;
    metricsPort: number;
    /** Entries of the sidecars' environment by which they send spans; none: they send none. */
    otel: JsonObject[];
  };
  /** Partial spec of BlueGreens that Sluice makes. */
  defaults: JsonObject;
  certificates: {
    webhookCaSecret: string;
    webhookTlsSecret: string;
    controlSecret: string;
    webhookService: string;
    webhookConfiguration: string;
  };
}

/**
 * Reads the environment.
 * @throws Error that lists everything that is missing or malformed
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const problems: string[] = [];
  const text = (name: string, otherwise?: string): string => {
    const value = environment[name] || otherwise;
    if (value === undefined) problems.push(`${name} is not set`);
    return value ?? '';
  };
  const json = (name: string): JsonObject => {
    try {
      const value: unknown = JSON.parse(environment[name] || '{}');
      if (isObject(value)) return value;
    } catch {
      // said below
    }
    problems.push(`${name} is not a JSON object`);
    return {};
  };
  const port = (name: string, otherwise: string): number => {
    const value = Number(text(name, otherwise));
    if (!Number.isInteger(value) || value < 0 || value > 65535) problems.push(`${name} is not a port`);
    return value;
  };
  const settings: Settings = {
    namespace: text('SLUICE_NAMESPACE'),
    identity: text('SLUICE_POD'),
    healthPort: port('SLUICE_HEALTH_PORT', '8081'),
    metricsPort: port('SLUICE_METRICS_PORT', '0'),
    page: { port: port('SLUICE_PAGE_PORT', '0'), isExposed: environment['SLUICE_PAGE_EXPOSED'] === 'true' },
    lease: text('SLUICE_LEASE'),
    sidecar: {
      image: text('SLUICE_IMAGE'),
      imagePullPolicy: text('SLUICE_IMAGE_PULL_POLICY', 'IfNotPresent'),
      resources: json('SLUICE_SIDECAR_RESOURCES'),
      metricsPort: port('SLUICE_METRICS_PORT', '0'),
      otel: objectsAt(json('SLUICE_SIDECAR_OTEL'), 'env'),
    },
    defaults: json('SLUICE_BLUEGREEN_DEFAULTS'),
    certificates: {
      webhookCaSecret: text('SLUICE_WEBHOOK_CA_SECRET'),
      webhookTlsSecret: text('SLUICE_WEBHOOK_TLS_SECRET'),
      controlSecret: text('SLUICE_CONTROL_SECRET'),
      webhookService: text('SLUICE_WEBHOOK_SERVICE'),
      webhookConfiguration: text('SLUICE_WEBHOOK_CONFIG'),
    },
  };
  if (problems.length > 0) throw new Error(`the environment will not do: ${problems.join('; ')}`);
  return settings;
}
