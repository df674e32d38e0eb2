import https from 'node:https';
import { CONTROL_PORT, type DrainSettings, type SidecarReport } from '../lib/control.js';
import { isObject, type Json } from '../lib/json.js';
import { parseReport } from './observe/report.js';

/** The sidecars, as the controller needs them; `address` is a pod's IP. */
export interface Sidecars {
  /** @throws SidecarError when there is no answer in time */
  report(address: string, signal: AbortSignal): Promise<SidecarReport>;
  tell(address: string, settings: DrainSettings, signal: AbortSignal): Promise<void>;
  leave(address: string, node: string, signal: AbortSignal): Promise<void>;
  /** @returns `'running'` when one had begun before, which keeps its settings */
  evacuate(
    address: string,
    node: string,
    settings: DrainSettings,
    signal: AbortSignal,
  ): Promise<'started' | 'running'>;
  stopEvacuation(address: string, node: string, signal: AbortSignal): Promise<void>;
}

/** A sidecar refused, or did not answer (`status` 0). */
export class SidecarError extends Error {
  override readonly name = 'SidecarError';
  constructor(
    message: string,
    readonly status: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  /**
   * It took part in the TLS handshake, and then closed the connection without a word: that is how a sidecar turns away a
   * certificate that is not of the control CA it was started with. Once, it may also have died just then.
   */
  isTurnedAway = false;
}

/** The controller's client certificate and key, PEM. */
export interface ClientCertificate {
  cert: string;
  key: string;
}

const REPORT_MS = 3_000;
/** EMQX's own calls between nodes may take 15 s. */
const ACT_MS = 20_000;
const MAX_BODY_BYTES = 1 << 20;
/** How Node tells that the other side has closed the connection, by whether something was being read or written. */
const CLOSED: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE']);

/**
 * Talks to sidecars over TLS. Their certificate is not verified: each makes its own at start, and they hold nothing that a report could
 * betray; it is the client certificate that protects them.
 * @param certificate read on each call, because it is renewed
 */
export function makeSidecars(certificate: () => Promise<ClientCertificate>): Sidecars {
  let current: { cert: string; agent: https.Agent } | undefined;

  async function agent(): Promise<https.Agent> {
    const { cert, key } = await certificate();
    if (current?.cert !== cert) {
      current?.agent.destroy();
      const made = new https.Agent({
        cert,
        key,
        rejectUnauthorized: false,
        keepAlive: true,
        maxFreeSockets: 1,
      });
      current = { cert, agent: made };
    }
    return current.agent;
  }

  async function call(request: Call): Promise<{ status: number; text: string }> {
    const { status, text } = await exchange(await agent(), request);
    if (status < 200 || status > 299) {
      const what = `${request.method} ${request.path} of the sidecar at ${request.address}`;
      throw new SidecarError(`${what}: ${messageOf(text) || `HTTP ${status}`}`, status);
    }
    return { status, text };
  }

  const nodePath = (node: string): string => `/v1/nodes/${encodeURIComponent(node)}`;
  const act = async (request: Omit<Call, 'timeoutMs'>): Promise<void> => {
    await call({ ...request, timeoutMs: ACT_MS });
  };
  return {
    report: async (address, signal) => {
      const request = { method: 'GET', address, path: '/v1/report', timeoutMs: REPORT_MS, signal };
      return parseReport(JSON.parse((await call(request)).text) as unknown);
    },
    tell: (address, settings, signal) =>
      act({ method: 'PUT', address, path: '/v1/drain-settings', body: { ...settings }, signal }),
    leave: (address, node, signal) => act({ method: 'DELETE', address, path: nodePath(node), signal }),
    evacuate: async (address, node, settings, signal) => {
      const path = `${nodePath(node)}/evacuation`;
      const body = { ...settings };
      const { status } = await call({ method: 'POST', address, path, body, timeoutMs: ACT_MS, signal });
      return status === 201 ? 'started' : 'running';
    },
    stopEvacuation: (address, node, signal) =>
      act({ method: 'DELETE', address, path: `${nodePath(node)}/evacuation`, signal }),
  };
}

interface Call {
  method: string;
  address: string;
  path: string;
  body?: Json;
  timeoutMs: number;
  signal: AbortSignal;
}

function exchange(agent: https.Agent, call: Call): Promise<{ status: number; text: string }> {
  const { method, address, path, body, timeoutMs, signal } = call;
  const what = `${method} ${path} of the sidecar at ${address}`;
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const sent = https.request({
      agent,
      host: address,
      port: CONTROL_PORT,
      method,
      path,
      signal,
      headers:
        text === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    });
    // Not of a connection that was kept alive: the other side may close that one at any time.
    let isFresh = false;
    sent.on('socket', (socket) => {
      if (!sent.reusedSocket) socket.once('secureConnect', () => (isFresh = true));
    });
    const late = setTimeout(() => {
      sent.destroy(new SidecarError(`${what}: no answer within ${timeoutMs} ms`, 0));
    }, timeoutMs);
    const fail = (cause: Error): void => {
      clearTimeout(late);
      if (cause instanceof SidecarError) return reject(cause);
      const error = new SidecarError(`${what}: ${cause.message}`, 0, { cause });
      error.isTurnedAway = isFresh && 'code' in cause && CLOSED.has(cause.code);
      reject(error);
    };
    sent.on('error', fail);
    sent.on('response', (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_BODY_BYTES) sent.destroy(new SidecarError(`${what}: the answer is too large`, 0));
        else parts.push(part);
      });
      answer.on('error', fail);
      answer.on('end', () => {
        clearTimeout(late);
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') });
      });
    });
    sent.end(text);
  });
}

function messageOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) && typeof body['message'] === 'string' ? body['message'] : '';
  } catch {
    return '';
  }
}
