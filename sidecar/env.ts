import { SIDECAR_ENV } from '../lib/sidecar-env.js';

export interface SidecarEnv {
  pod: string;
  apiPort: number;
  headlessService: string;
  controlCa: string;
  /** Name of the Secret with the API key. */
  keySecret: string;
}

/** Reads what the injection has set. */
export function readEnv(env: NodeJS.ProcessEnv): SidecarEnv {
  const apiPort = Number(env[SIDECAR_ENV.apiPort] ?? 18083);
  if (!Number.isInteger(apiPort) || apiPort < 1 || apiPort > 65_535) {
    throw new Error(`${SIDECAR_ENV.apiPort} must be a port, not ${env[SIDECAR_ENV.apiPort]}`);
  }
  return {
    pod: env[SIDECAR_ENV.pod] ?? '',
    apiPort,
    headlessService: env[SIDECAR_ENV.headlessService] ?? '',
    controlCa: env[SIDECAR_ENV.controlCa] ?? '',
    keySecret: env[SIDECAR_ENV.keySecret] ?? '',
  };
}
