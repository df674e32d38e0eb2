import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../lib/log.js';
import type { AskApiServer } from './api-server.js';

/** What TLS servers show: PEM certificate (chain) and its PEM key. */
export interface Certificate {
  cert: string;
  key: string;
}

/** Reads the certificate as it is now; undefined while there is none. */
export type ReadCertificate = (signal: AbortSignal) => Promise<Certificate | undefined>;

/** Until there is one, nothing works; afterwards a change has weeks (the old one stays valid, see certs/). */
const EVERY_MS = { first: 1_000, later: 30_000 };
const READ_TIMEOUT_MS = 5_000;

/**
 * Hands each new certificate to `use` until the signal, and keeps to the last good one when reading fails or what
 * was read is no pair (a directory may be read in the middle of a change).
 */
export async function followCertificate(
  read: ReadCertificate,
  use: (certificate: Certificate) => void,
  { log, signal, everyMs = EVERY_MS }: { log: Logger; signal: AbortSignal; everyMs?: typeof EVERY_MS },
): Promise<void> {
  let current: Certificate | undefined;
  while (!signal.aborted) {
    try {
      const found = await read(AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]));
      if (found && (found.cert !== current?.cert || found.key !== current.key)) {
        createSecureContext(found); // throws unless the key is the certificate's
        use(found);
        log.info('certificate loaded');
        current = found;
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'certificate not read');
    }
    await pause(current ? everyMs.later : everyMs.first, undefined, { signal }).catch(() => undefined);
  }
}

/** From files `tls.crt` and `tls.key`. */
export function readFromDirectory(path: string): ReadCertificate {
  return async (signal) => {
    try {
      const [cert, key] = await Promise.all(
        ['tls.crt', 'tls.key'].map((name) => readFile(`${path}/${name}`, { encoding: 'utf8', signal })),
      );
      return cert && key ? { cert, key } : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };
}

/** From a Secret of type `kubernetes.io/tls`. @throws Error on an answer other than 200 and 404 */
export function readFromSecret(ask: AskApiServer, namespace: string, name: string): ReadCertificate {
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  return async (signal) => {
    const { status, body } = await ask('GET', path, { signal });
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`get of secret/${name} refused: HTTP ${status}`);
    const { data } = JSON.parse(body) as { data?: Record<string, string> };
    const [cert, key] = [data?.['tls.crt'], data?.['tls.key']].map((text) =>
      text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8'),
    );
    return cert && key ? { cert, key } : undefined;
  };
}
