import { readFileSync } from 'node:fs';
import https from 'node:https';

/** One answer of the API server, its body not yet read as JSON. */
export interface ApiAnswer {
  status: number;
  body: string;
}

/** Sends one request to the API server; any status is an answer. */
export type AskApiServer = (
  method: string,
  path: string,
  options: { signal: AbortSignal; body?: string; contentType?: string },
) => Promise<ApiAnswer>;

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Asks with the pod's service account. Two small requests are all that the webhook ever sends, so it does without
 * `@kubernetes/client-node`, which would double its memory. Outside a pod every question is rejected.
 */
export function makeAskApiServer(environment: NodeJS.ProcessEnv): AskApiServer {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  if (!host) return () => Promise.reject(new Error('KUBERNETES_SERVICE_HOST is missing: not in a pod'));
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  const agent = new https.Agent({ keepAlive: true, ca: readFileSync(`${SERVICE_ACCOUNT}/ca.crt`) });
  return (method, path, { signal, body, contentType }) =>
    new Promise((resolve, reject) => {
      const token = readFileSync(`${SERVICE_ACCOUNT}/token`, 'utf8').trim(); // the kubelet renews it in place
      const headers = {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        'user-agent': 'sluice-webhook',
        ...(body === undefined
          ? {}
          : {
              'content-type': contentType ?? 'application/json',
              'content-length': String(Buffer.byteLength(body)),
            }),
      };
      const call = https.request({ host, port, method, path, headers, agent, signal }, (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') });
        });
        answer.on('error', reject);
      });
      call.on('error', reject);
      call.end(body);
    });
}
