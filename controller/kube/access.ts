import type { AgentOptions } from 'node:https';
import { readServiceAccount } from '../../lib/service-account.js';

/** Where the API server is, and how to show who we are. */
export interface Access {
  /** `https://10.96.0.1:443` */
  origin: URL;
  /** CA, client certificate, server name; what `https.Agent` takes. */
  tls: AgentOptions;
  /** Headers for the next request; asked again each time, because tokens are renewed. */
  headers: () => Promise<Record<string, string>>;
}

/**
 * The pod's own service account, if there is one, else the kubeconfig (`KUBECONFIG`, `~/.kube/config`).
 * @throws Error when neither can be read
 */
export async function findAccess(environment: NodeJS.ProcessEnv): Promise<Access> {
  const account = await readServiceAccount(environment);
  if (!account) return kubeConfigAccess();
  const { origin, ca, token } = account;
  return { origin, tls: { ca }, headers: async () => ({ authorization: `Bearer ${await token()}` }) };
}

/** A kubeconfig with all its ways to log in (certificates, tokens, exec plugins): the library's work. */
async function kubeConfigAccess(): Promise<Access> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromDefault();
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('no service account is mounted and the kubeconfig has no current cluster');
  const options: { headers?: Record<string, string> } & AgentOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  return {
    origin: new URL(cluster.server),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      ...(servername === undefined ? {} : { servername }),
    },
    headers: async () => {
      const fresh: { headers?: Record<string, string> } = {};
      await config.applyToHTTPSOptions(fresh);
      return fresh.headers ?? {};
    },
  };
}
