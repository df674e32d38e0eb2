/** Where the serving certificate comes from. */
export type CertificateOrigin =
  /** Files `tls.crt` and `tls.key` of this directory, such as a mounted Secret. */
  | { kind: 'directory'; path: string }
  /** This Secret (`namespace/name`), read through the API: the leading controller makes it, so it may come late. */
  | { kind: 'secret'; namespace: string; name: string };

export interface Settings {
  /** Who we are among the replicas; empty where nobody says so. */
  identity: string;
  /** Port of the admission reviews, TLS. */
  port: number;
  /** Port of the kubelet's probes, plain HTTP. */
  healthPort: number;
  /** Port of the metrics, plain HTTP; 0: none are served. */
  metricsPort: number;
  certificate: CertificateOrigin;
  ownUsers: ReadonlySet<string>;
  /** How long a webhook that is asked to end goes on answering, until every API server has noticed. Milliseconds. */
  leaveMs: number;
}

/**
 * Reads the webhook's environment (the chart sets it).
 * @throws Error that names every variable that is missing or no number
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const wrong: string[] = [];
  const text = (name: string): string => {
    const value = environment[name] ?? '';
    if (value === '') wrong.push(`${name} is missing`);
    return value;
  };
  const number = (name: string, otherwise: number): number => {
    const value = Number(environment[name] || otherwise);
    if (!Number.isInteger(value) || value < 0) wrong.push(`${name} is no whole number`);
    return value;
  };
  const directory = environment['SLUICE_TLS_DIR'] ?? '';
  const settings: Settings = {
    identity: environment['SLUICE_POD'] ?? '',
    port: number('SLUICE_PORT', 9443),
    healthPort: number('SLUICE_HEALTH_PORT', 8081),
    metricsPort: number('SLUICE_METRICS_PORT', 0),
    certificate:
      directory === ''
        ? { kind: 'secret', namespace: text('SLUICE_NAMESPACE'), name: text('SLUICE_WEBHOOK_TLS_SECRET') }
        : { kind: 'directory', path: directory },
    ownUsers: new Set(text('SLUICE_OWN_USERS').split(',')),
    leaveMs: number('SLUICE_LEAVE_SECONDS', 10) * 1000,
  };
  if (wrong.length > 0) throw new Error(`environment: ${wrong.join('; ')}`);
  return settings;
}
