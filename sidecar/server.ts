import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import { makeServingIdentity } from './certificate.js';

/** As many connections as a controller and its stand-by could want, and some. */
const MAX_CONNECTIONS = 32;

/**
 * Makes the TLS server of the control port. Without a client certificate of the control CA nobody gets an answer.
 * Its own key is made here and never leaves this process.
 * @param controlCa PEM of the control CA
 * @throws Error when `controlCa` is no certificate
 */
export function makeControlServer(controlCa: string, pod: string, handler: RequestListener): Server {
  const server = createServer(
    {
      ...makeServingIdentity(pod || 'sidecar'),
      ca: controlCa,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      handshakeTimeout: 5_000,
      requestTimeout: 30_000,
      headersTimeout: 10_000,
      keepAliveTimeout: 30_000,
    },
    handler,
  );
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}
