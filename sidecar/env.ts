import { SIDECAR_ENV, SIDECAR_PATHS } from '../lib/sidecar-env.js';

export interface SidecarEnv {
  pod: string;
  apiPort: number;
  /** Of the metrics, plain HTTP; 0: none are served. */
  metricsPort: number;
  headlessService: string;
  controlCa: string;
  /** Name of the Secret with the API key. */
  keySecret: string;
  /** Of the pod, where the sidecar sends spans. */
  namespace: string;
  podUid: string;
  /** Where things are mounted; others in tests. */
  share: string;
  keyFolder: string;
}

/** Reads what the injection has set. */
export function readEnv(env: NodeJS.ProcessEnv): SidecarEnv {
  return {
    pod: env[SIDECAR_ENV.pod] ?? '',
    apiPort: portOf(env, SIDECAR_ENV.apiPort, { otherwise: 18083, least: 1 }),
    metricsPort: portOf(env, SIDECAR_ENV.metricsPort, { otherwise: 0, least: 0 }),
    headlessService: env[SIDECAR_ENV.headlessService] ?? '',
    controlCa: env[SIDECAR_ENV.controlCa] ?? '',
    keySecret: env[SIDECAR_ENV.keySecret] ?? '',
    namespace: env[SIDECAR_ENV.namespace] ?? '',
    podUid: env[SIDECAR_ENV.podUid] ?? '',
    share: env['SLUICE_SHARE'] ?? SIDECAR_PATHS.share,
    keyFolder: env['SLUICE_KEY_DIR'] ?? SIDECAR_PATHS.apiKey,
  };
}

function portOf(
  env: NodeJS.ProcessEnv,
  name: string,
  { otherwise, least }: { otherwise: number; least: number },
): number {
  const port = Number(env[name] ?? otherwise);
  if (!Number.isInteger(port) || port < least || port > 65_535) {
    throw new Error(`${name} must be a port, not ${env[name]}`);
  }
  return port;
}
