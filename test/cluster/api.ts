import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { apiPort, type Settings } from './settings.js';
import { identityFiles } from './identities.js';

/**
 * One GET of the API server, with the API server's own client certificate. For waiting only: it has no retries.
 * @returns status and body; an answer of any status counts
 * @throws Error when there is no answer within 2 s
 */
export function getFromApi(settings: Settings, path: string): Promise<{ status: number; body: string }> {
  const files = identityFiles(settings);
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const call = request(
    {
      host: settings.nodeAddress,
      port: apiPort,
      path,
      ca: readFileSync(files.ca),
      cert: readFileSync(files.kubeletClient.certificate),
      key: readFileSync(files.kubeletClient.key),
      agent: false,
      timeout: 2_000,
    },
    (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') });
      });
      answer.on('error', reject);
    },
  );
  call.on('timeout', () => call.destroy(new Error(`no answer to ${path}`)));
  call.on('error', reject);
  call.end();
  return promise;
}

export async function isApiReady(settings: Settings): Promise<boolean> {
  return (await getFromApi(settings, '/readyz')).status === 200;
}

export async function isNodeReady(settings: Settings): Promise<boolean> {
  const { status, body } = await getFromApi(settings, `/api/v1/nodes/${settings.nodeName}`);
  if (status !== 200) return false;
  const node = JSON.parse(body) as { status?: { conditions?: { type: string; status: string }[] } };
  return node.status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}
