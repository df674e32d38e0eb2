import { createServer, type Server } from 'node:http';

/** Makes the server of `/healthz` and `/readyz`, read-only. A follower is ready too: it is ready to take over. */
export function makeHealthServer(): Server {
  return createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (path === '/healthz' || path === '/readyz') return void response.end('ok\n');
    response.writeHead(404).end();
  });
}

/** Resolves once the server listens on that port, on every address. */
export function listen(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => resolve(server));
  });
}
