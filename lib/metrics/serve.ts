import { createServer, type Server } from 'node:http';

/** What a scrape is answered with. */
export interface Scraped {
  text: string;
  contentType: string;
}

/** A Prometheus or two and somebody who looks; whoever wants more waits. */
const MAX_CONNECTIONS = 16;

/**
 * Makes the server of a program's metrics: `GET /metrics`, plain HTTP, and nothing else. It changes nothing, and a
 * scrape that fails is answered 500 with the reason.
 */
export function makeMetricsServer(scrape: () => Promise<Scraped>): Server {
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== '/metrics') return void response.writeHead(404).end();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
    }
    scrape().then(
      ({ text, contentType }) => {
        response.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
        response.end(request.method === 'HEAD' ? undefined : text);
      },
      (error: unknown) => {
        response.writeHead(500, { 'content-type': 'text/plain' });
        response.end(`${error instanceof Error ? error.message : String(error)}\n`);
      },
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}
