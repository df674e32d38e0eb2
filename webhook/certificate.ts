import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Logger } from '../lib/log.js';
import { isScaleToken, PREVIOUS_SCALE_TOKEN_KEY, SCALE_TOKEN_KEY } from '../lib/scale-path.js';
import { sleep } from '../lib/sleep.js';
import type { AskApiServer } from '../lib/api-server.js';

/** What TLS servers show: PEM certificate (chain) and its PEM key. */
export interface Certificate {
  cert: string;
  key: string;
  /** By any of which API servers that ask about Scales are known; without one nobody is. */
  scaleTokens: string[];
}

/** Reads the certificate as it is now; undefined while there is none. */
export type ReadCertificate = (signal: AbortSignal) => Promise<Certificate | undefined>;

/** Until there is one, nothing works; afterwards a change has weeks (the old one stays valid, see certs/). */
const EVERY_MS = { first: 1_000, later: 30_000 };
const READ_TIMEOUT_MS = 5_000;
const KEYS = ['tls.crt', 'tls.key', SCALE_TOKEN_KEY, PREVIOUS_SCALE_TOKEN_KEY];

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
      if (found && !isSame(found, current)) {
        createSecureContext({ cert: found.cert, key: found.key }); // throws unless the key is the certificate's
        use(found);
        log.info('certificate loaded');
        current = found;
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'certificate not read');
    }
    await sleep(current ? everyMs.later : everyMs.first, signal);
  }
}

/** From files `tls.crt`, `tls.key` and, where Scales are recorded, `scale.token` (and `scale.token.previous`). */
export function readFromDirectory(path: string): ReadCertificate {
  return async (signal) => {
    const [cert, key, ...tokens] = await Promise.all(
      KEYS.map((name) => readIfThere(`${path}/${name}`, signal)),
    );
    return certificateOf(cert, key, tokens);
  };
}

async function readIfThere(path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await readFile(path, { encoding: 'utf8', signal });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** From a Secret with the same keys. @throws Error on an answer other than 200 and 404 */
export function readFromSecret(ask: AskApiServer, namespace: string, name: string): ReadCertificate {
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  return async (signal) => {
    const { status, body } = await ask('GET', path, { signal });
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`get of secret/${name} refused: HTTP ${status}`);
    const { data } = JSON.parse(body) as { data?: Record<string, string> };
    const [cert, key, ...tokens] = KEYS.map((name) => {
      const text = data?.[name];
      return text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8');
    });
    return certificateOf(cert, key, tokens);
  };
}

function certificateOf(
  cert: string | undefined,
  key: string | undefined,
  tokens: (string | undefined)[],
): Certificate | undefined {
  if (!cert || !key) return undefined;
  const scaleTokens = tokens.map((token) => token?.trim()).filter((token) => isScaleToken(token));
  return { cert, key, scaleTokens };
}

function isSame(one: Certificate, other: Certificate | undefined): boolean {
  return (
    one.cert === other?.cert && one.key === other.key && one.scaleTokens.join() === other.scaleTokens.join()
  );
}
