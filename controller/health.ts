import { createServer, type Server } from 'node:http';

/** Figures for `/metrics`. */
export interface Figures {
  isLeading: boolean;
}

/** Serves `/healthz`, `/readyz` and `/metrics`, read-only. A follower is ready too: it is ready to take over. */
export function serveHealth(port: number, figures: () => Figures): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (path === '/healthz' || path === '/readyz') return void response.end('ok\n');
    if (path === '/metrics') {
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      return void response.end(metrics(figures()));
    }
    response.writeHead(404).end();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => resolve(server));
  });
}

function metrics({ isLeading }: Figures): string {
  const { rss } = process.memoryUsage();
  return [
    '# TYPE sluice_controller_leading gauge',
    `sluice_controller_leading ${isLeading ? 1 : 0}`,
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${rss}`,
    '',
  ].join('\n');
}
