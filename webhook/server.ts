import http, { type RequestListener } from 'node:http';
import https from 'node:https';
import type { Server } from 'node:net';
import type { Certificate } from './certificate.js';

/**
 * Above the 90 s after which the API server (Go's transport) closes an idle connection itself: were we first, a
 * review sent at that moment would fail.
 */
const KEEP_ALIVE_MS = 120_000;

/** A TLS server whose certificate can be replaced while it runs; established connections go on. */
export function makeTlsServer(app: RequestListener): https.Server {
  const server = https.createServer({ minVersion: 'TLSv1.2' }, app);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

/** Shows `certificate` to whoever connects from now on. */
export function showCertificate(
  server: https.Server,
  { cert, key }: Pick<Certificate, 'cert' | 'key'>,
): void {
  server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' });
}

export function makeHealthServer(routes: RequestListener): http.Server {
  return http.createServer(routes);
}

/** Resolves with the port once the server listens on it (0: any free one), on every address. */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** Takes no more connections and resolves when the last answer is out. */
export function close(server: http.Server | https.Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
