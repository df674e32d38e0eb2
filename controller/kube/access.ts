import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { AgentOptions } from 'node:https';

/** Where the API server is, and how to show who we are. */
export interface Access {
  /** `https://10.96.0.1:443` */
  origin: URL;
  /** CA, client certificate, server name; what `https.Agent` takes. */
  tls: AgentOptions;
  /** Headers for the next request; asked again each time, because tokens are renewed. */
  headers: () => Promise<Record<string, string>>;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet renews a token at 80 % of its life (at least 10 minutes); a minute keeps us well within. */
const TOKEN_REREAD_MS = 60_000;

/**
 * The pod's own service account, if there is one, else the kubeconfig (`KUBECONFIG`, `~/.kube/config`).
 * @throws Error when neither can be read
 */
export async function findAccess(environment: NodeJS.ProcessEnv): Promise<Access> {
  const inCluster = environment['KUBERNETES_SERVICE_HOST'] && existsSync(`${SERVICE_ACCOUNT}/token`);
  return inCluster ? serviceAccountAccess(environment) : kubeConfigAccess();
}

/**
 * Reads the mounted service account. Done here, not by `@kubernetes/client-node`: loading that library costs
 * 40–90 MB of memory, and in a pod nothing of it is needed.
 */
async function serviceAccountAccess(environment: NodeJS.ProcessEnv): Promise<Access> {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  const ca = await readFile(`${SERVICE_ACCOUNT}/ca.crt`, 'utf8');
  let token = { text: '', readAtMs: Number.NEGATIVE_INFINITY };
  return {
    origin: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    tls: { ca },
    headers: async () => {
      if (performance.now() - token.readAtMs > TOKEN_REREAD_MS) {
        const text = (await readFile(`${SERVICE_ACCOUNT}/token`, 'utf8')).trim();
        token = { text, readAtMs: performance.now() };
      }
      return { authorization: `Bearer ${token.text}` };
    },
  };
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
