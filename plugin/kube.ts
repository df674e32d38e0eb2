import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { itemsIn } from './items.js';
import { isObject, type Json, type JsonObject } from '../lib/json.js';
import { Failure } from './failure.js';
import type { Place } from './request.js';

/**
 * The Kubernetes API as raw JSON, by the user's kubeconfig: templates are compared and given back by value, and a typed client
 * would drop the fields that it is too old to know.
 */
export interface Kube {
  /** The namespace that was asked for, else the context's, else `default`. */
  namespace: string;
  /** @throws KubeError */
  get(path: string): Promise<JsonObject>;
  /** Every item of a list, read in one call. */
  list(path: string, labelSelector?: string): Promise<JsonObject[]>;
  /** @param patch a merge patch, or the operations of a JSON patch */
  patch(path: string, patch: JsonObject | Json[]): Promise<JsonObject>;
}

/** The API server's refusal; `status` 0 when no answer came. */
export class KubeError extends Error {
  override readonly name = 'KubeError';

  constructor(
    message: string,
    readonly status: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Name that our writes have in `metadata.managedFields`. */
const FIELD_MANAGER = 'kubectl-sluice';
/** The API server's own limit for a write with webhooks is 30 s. */
const ANSWER_MS = 35_000;

/**
 * A connection to the cluster of a kubeconfig, with all its ways to log in.
 * @param warn told each warning that an answer carries: the webhook says there where an edit went
 * @throws Failure when the kubeconfig does not say which cluster
 */
export async function connect(
  { namespace, context, kubeconfig }: Place,
  warn: (text: string) => void,
): Promise<Kube> {
  // Half a second of start: not for --help and lint.
  const { KubeConfig } = await import('./kubeconfig.js');
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (cause) {
    const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new Failure(`the kubeconfig cannot be read: ${reason}; check --kubeconfig or $KUBECONFIG`);
  }
  if (context !== undefined) {
    if (!config.getContextObject(context)) {
      const known = config.getContexts().map(({ name }) => name);
      throw new Failure(`no context ${context} in the kubeconfig: one of ${known.join(', ') || '(none)'}`);
    }
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Failure('the kubeconfig names no current cluster: give --context or --kubeconfig');
  const origin = new URL(cluster.server);

  async function call(
    method: string,
    path: string,
    payload?: { body: Json; type: string },
  ): Promise<JsonObject> {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Failure(`cannot log in to ${cluster?.server ?? ''}: ${reason}`);
    });
    const answer = await exchange(origin, { ...options, method, path }, payload);
    for (const text of answer.warnings) warn(text);
    if (answer.status < 200 || answer.status > 299) throw refusalOf(answer);
    return JSON.parse(answer.text) as JsonObject;
  }

  return {
    namespace: namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    get: (path) => call('GET', path),
    list: async (path, labelSelector) => {
      const query = labelSelector === undefined ? '' : `?labelSelector=${encodeURIComponent(labelSelector)}`;
      return itemsIn(await call('GET', `${path}${query}`));
    },
    patch: (path, body) =>
      call('PATCH', `${path}?fieldManager=${FIELD_MANAGER}`, {
        body,
        type: Array.isArray(body) ? 'application/json-patch+json' : 'application/merge-patch+json',
      }),
  };
}

interface Answer {
  status: number;
  text: string;
  warnings: string[];
}

function exchange(
  origin: URL,
  options: RequestOptions,
  payload: { body: Json; type: string } | undefined,
): Promise<Answer> {
  const send = origin.protocol === 'https:' ? httpsRequest : httpRequest;
  const body = payload && JSON.stringify(payload.body);
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      const words = `cannot reach the API server at ${origin.origin}: ${cause.message}; check --context and --kubeconfig`;
      reject(new KubeError(words, 0, { cause }));
    };
    const sent = send(
      {
        ...options,
        hostname: origin.hostname.replace(/^\[|\]$/g, ''),
        port: origin.port,
        path: `${origin.pathname.replace(/\/$/, '')}${options.path ?? ''}`,
        headers: {
          ...(options.headers as Record<string, string> | undefined),
          accept: 'application/json',
          'user-agent': FIELD_MANAGER,
          ...(payload &&
            body !== undefined && {
              'content-type': payload.type,
              'content-length': Buffer.byteLength(body),
            }),
        },
        timeout: ANSWER_MS,
      },
      (answer) => {
        read(answer).then(resolve, fail);
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    sent.on('error', fail);
    sent.end(body);
  });
}

async function read(answer: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  for await (const part of answer as AsyncIterable<Buffer>) parts.push(part);
  return {
    status: answer.statusCode ?? 0,
    text: Buffer.concat(parts).toString('utf8'),
    warnings: warningsIn(answer.headers['warning']),
  };
}

/** The texts of `Warning: 299 - "text"` headers, which Node joins by commas. */
export function warningsIn(header: string | undefined): string[] {
  return [...(header ?? '').matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
    text.replace(/\\(.)/g, '$1'),
  );
}

function refusalOf({ status, text }: Answer): KubeError {
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body) && typeof body['message'] === 'string') return new KubeError(body['message'], status);
  } catch {
    // not from the API server itself: a proxy's own words follow
  }
  return new KubeError(`the API server answered ${status}: ${text.slice(0, 200).trim()}`, status);
}
