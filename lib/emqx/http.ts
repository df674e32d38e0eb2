import http from 'node:http';

export interface HttpRequest {
  host: string;
  port: number;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query, encoded. */
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds for the whole exchange. */
  timeoutMs: number;
  /** An answer longer than this many bytes is an error. */
  maxBytes: number;
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  text: string;
  /** Header `WWW-Authenticate`, '' without. */
  challenge: string;
}

/**
 * One exchange on a connection of its own: a kept-alive one can be closed by the other side just as it is used again.
 * @throws Error when no whole answer came: refused, reset, too long, timed out or aborted
 */
export function exchange(request: HttpRequest): Promise<HttpAnswer> {
  const { host, port, method, path, headers = {}, body, timeoutMs, maxBytes } = request;
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const sent = http.request({
      host,
      port,
      method,
      path,
      agent: false,
      signal,
      headers: { ...headers, ...length, Connection: 'close' },
    });
    // Why it was given up says more than that it was.
    sent.on('error', (error) => reject(signal.reason instanceof Error ? signal.reason : error));
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes)
          sent.destroy(new Error(`answer of ${host}:${port}${path} exceeds ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        if (!response.complete) reject(new Error(`answer of ${host}:${port}${path} was cut short`));
        else
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
            challenge: response.headers['www-authenticate'] ?? '',
          });
      });
    });
    sent.end(body);
  });
}
