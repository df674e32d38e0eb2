import { isObject } from '../json.js';
import { jsonOf, type EmqxAccess } from './ask.js';
import type { EmqxClient } from './client.js';
import { EmqxApiError } from './errors.js';
import { exchange, type HttpAnswer } from './http.js';
import { makeV4Client } from './v4.js';
import { makeV5Client } from './v5.js';

/** EMQX's own ports. On EMQX 4 the first one is the dashboard's alone, which knows no API keys. */
const V5_PORT = 18_083;
const V4_PORT = 8081;
/** Who asks for a key does so at once. */
const PROBE_MS = 5_000;

/**
 * Makes a client that finds out by asking, without a key, which API there is: v5 on the port given, else v4 there, or on 8081
 * if the port given is EMQX's default. While neither is found it asks as v5, so that the failure says why; after a call
 * without an answer it finds out anew, for EMQX may have come back as another.
 */
export function makeEmqxClient(access: EmqxAccess): EmqxClient {
  const v4Port = access.port === V5_PORT ? V4_PORT : access.port;
  const clients = { v5: makeV5Client(access), v4: makeV4Client({ ...access, port: v4Port }) };
  let found: EmqxClient | undefined;
  let isDoubted = true;

  async function find(signal: AbortSignal): Promise<EmqxClient> {
    const isThere = (await answersAs(isV5, { ...access, path: '/api/v5/nodes' }, signal))
      ? clients.v5
      : (await answersAs(isV4, { ...access, port: v4Port, path: '/api/v4/nodes' }, signal))
        ? clients.v4
        : undefined;
    isDoubted = isThere === undefined;
    found = isThere ?? found;
    return found ?? clients.v5;
  }

  async function through<T>(signal: AbortSignal, call: (client: EmqxClient) => Promise<T>): Promise<T> {
    try {
      return await call(found && !isDoubted ? found : await find(signal));
    } catch (error) {
      if (error instanceof EmqxApiError && error.status === 0) isDoubted = true;
      throw error;
    }
  }

  return {
    api: () => found?.api(),
    cluster: (signal) => through(signal, (client) => client.cluster(signal)),
    nodes: (signal) => through(signal, (client) => client.nodes(signal)),
    status: (signal) => through(signal, (client) => client.status(signal)),
    globalStatus: (signal) => through(signal, (client) => client.globalStatus(signal)),
    startEvacuation: (node, body, signal) =>
      through(signal, (client) => client.startEvacuation(node, body, signal)),
    stopEvacuation: (node, signal) => through(signal, (client) => client.stopEvacuation(node, signal)),
    forceLeave: (node, signal) => through(signal, (client) => client.forceLeave(node, signal)),
    allowsCluster: (signal) => through(signal, (client) => client.allowsCluster(signal)),
  };
}

/** Refusals of v5 are JSON with a code in words. */
function isV5({ status, text }: HttpAnswer): boolean {
  const json = jsonOf(text);
  return status === 200 ? Array.isArray(json) : isObject(json) && typeof json['code'] === 'string';
}

/** v4 asks for a key in the name of its own web server. */
function isV4({ status, challenge }: HttpAnswer): boolean {
  return status === 401 && challenge.includes('minirest-server');
}

async function answersAs(
  isIt: (answer: HttpAnswer) => boolean,
  { host, port, path }: { host: string; port: number; path: string },
  signal: AbortSignal,
): Promise<boolean> {
  const headers = { Accept: 'application/json' };
  return exchange({
    host,
    port,
    method: 'GET',
    path,
    headers,
    timeoutMs: PROBE_MS,
    maxBytes: 65_536,
    signal,
  }).then(isIt, () => false);
}
