import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** How a program in a pod reaches the API server and shows who it is. */
export interface ServiceAccount {
  /** `https://10.96.0.1:443` */
  origin: URL;
  /** PEM. */
  ca: string;
  /** The token for the next request; asked again each time, because it is renewed. */
  token: () => Promise<string>;
}

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet renews a token at 80 % of its life (at least 10 minutes); a minute keeps us well within. */
const REREAD_MS = 60_000;

/**
 * Reads the pod's mounted service account; undefined outside a pod. Done here, not by `@kubernetes/client-node`: loading that
 * library costs 40–90 MB of memory, and in a pod nothing of it is needed.
 */
export async function readServiceAccount(
  environment: NodeJS.ProcessEnv,
  folder = FOLDER,
): Promise<ServiceAccount | undefined> {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  if (!host || !existsSync(`${folder}/token`)) return undefined;
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  const ca = await readFile(`${folder}/ca.crt`, 'utf8');
  let last = { token: '', readAtMs: Number.NEGATIVE_INFINITY };
  return {
    origin: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    ca,
    token: async () => {
      if (performance.now() - last.readAtMs > REREAD_MS) {
        const token = (await readFile(`${folder}/token`, 'utf8')).trim();
        last = { token, readAtMs: performance.now() };
      }
      return last.token;
    },
  };
}
