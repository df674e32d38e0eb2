import { SIDECAR_ENV } from '../lib/sidecar-env.js';

export interface SidecarEnv {
  pod: string;
  apiPort: number;
  /** Of the metrics, plain HTTP; 0: none are served. */
  metricsPort: number;
  headlessService: string;
  controlCa: string;
  /** Name of the Secret with the API key. */
  keySecret: string;
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
