import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { decodeTraces, type ReceivedSpan } from './decode.js';

/** An OTLP receiver: `POST /v1/traces` takes http/protobuf, `GET /spans` gives all that was taken, as JSON. */
export interface Receiver {
  /** Base of OTLP: `http://127.0.0.1:4318`. */
  url: string;
  /** In the order of their arrival, repeats included. */
  spans(): ReceivedSpan[];
  /** Headers of the last request. */
  headers(): http.IncomingHttpHeaders;
  /** What is answered from now on: a status, or nothing at all. */
  answer(status: number | 'nothing'): void;
  close(): void;
}

/** @param port 0: any free one */
export async function startReceiver({ host = '127.0.0.1', port = 0 } = {}): Promise<Receiver> {
  const taken: ReceivedSpan[] = [];
  let headers: http.IncomingHttpHeaders = {};
  let status: number | 'nothing' = 200;
  const server = http.createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/spans') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(taken));
      return;
    }
    bodyOf(request).then(
      (body) => {
        headers = request.headers;
        if (status === 'nothing') return;
        if (request.method !== 'POST' || request.url !== '/v1/traces') return response.writeHead(404).end();
        if (request.headers['content-type'] !== 'application/x-protobuf')
          return response.writeHead(415).end();
        if (status === 200) taken.push(...decodeTraces(body));
        // An empty ExportTraceServiceResponse: everything was taken.
        return response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
      },
      () => response.writeHead(400).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host}:${bound}`,
    spans: () => [...taken],
    headers: () => headers,
    answer: (next) => (status = next),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}
