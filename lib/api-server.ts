import https from 'node:https';
import type { ServiceAccount } from './service-account.js';

/** One answer of the API server, its body not yet read as JSON. */
export interface ApiAnswer {
  status: number;
  body: string;
}

/** Sends one request to the API server; any status is an answer. */
export type AskApiServer = (
  method: string,
  path: string,
  options: { signal: AbortSignal; body?: string; contentType?: string; accept?: string },
) => Promise<ApiAnswer>;

/** A Secret, a BlueGreen or a page of a list without its objects' specs, and many times that. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/**
 * Asks with the pod's service account: for programs that send few and small requests. Outside a pod every question is rejected.
 * @param userAgent what the API server's logs call us
 */
export function makeAskApiServer(account: ServiceAccount | undefined, userAgent: string): AskApiServer {
  if (!account) return () => Promise.reject(new Error('no service account is mounted: not in a pod'));
  const agent = new https.Agent({ keepAlive: true, ca: account.ca });
  return async (
    method,
    path,
    { signal, body, contentType = 'application/json', accept = 'application/json' },
  ) => {
    const headers = {
      authorization: `Bearer ${await account.token()}`,
      accept,
      'user-agent': userAgent,
      ...(body !== undefined && {
        'content-type': contentType,
        'content-length': String(Buffer.byteLength(body)),
      }),
    };
    return await new Promise((resolve, reject) => {
      const call = https.request(
        new URL(path, account.origin),
        { method, headers, agent, signal },
        (answer) => {
          const pieces: Buffer[] = [];
          let bytes = 0;
          answer.on('data', (piece: Buffer) => {
            bytes += piece.length;
            if (bytes > MAX_BODY_BYTES)
              answer.destroy(new Error(`${method} ${path} answered more than ${MAX_BODY_BYTES} bytes`));
            else pieces.push(piece);
          });
          answer.on('end', () => {
            resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') });
          });
          answer.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  };
}
