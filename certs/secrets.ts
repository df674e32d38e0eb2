import { isObject, type JsonObject } from '../lib/json.js';

/** A Secret's values as text, and the version that they were read at. */
export interface StoredSecret {
  data: Record<string, string>;
  resourceVersion: string;
}

/** Secrets of one namespace. */
export interface SecretStore {
  /** Resolves with undefined when there is none of that name. */
  read(name: string, signal: AbortSignal): Promise<StoredSecret | undefined>;
  /**
   * Creates the Secret when `seen` is undefined, else replaces that version of it.
   * @returns false when somebody else was faster: read it again
   */
  write(
    name: string,
    data: Record<string, string>,
    seen: StoredSecret | undefined,
    signal: AbortSignal,
  ): Promise<boolean>;
}

/** What of the Kubernetes API is needed here. Refusals are errors with the HTTP status as `status`. */
export interface CertificateKube {
  get(path: string, signal: AbortSignal): Promise<JsonObject>;
  create(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  update(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
}

/** The Secrets of `namespace`, over the API. */
export function makeSecretStore(kube: CertificateKube, namespace: string): SecretStore {
  const collection = `/api/v1/namespaces/${namespace}/secrets`;
  return {
    async read(name, signal) {
      const secret = await unlessStatus(404, kube.get(`${collection}/${name}`, signal));
      return secret && parseSecret(secret);
    },
    async write(name, data, seen, signal) {
      const body: JsonObject = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name,
          namespace,
          labels: { 'app.kubernetes.io/name': 'sluice', 'app.kubernetes.io/managed-by': 'sluice-controller' },
          ...(seen ? { resourceVersion: seen.resourceVersion } : {}),
        },
        data: Object.fromEntries(
          Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
        ),
      };
      const written = seen
        ? kube.update(`${collection}/${name}`, body, signal)
        : kube.create(collection, body, signal);
      return (await unlessStatus(409, written)) !== undefined;
    },
  };
}

/** Turns the one refusal that is no failure into undefined. */
async function unlessStatus<T>(expected: number, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isObject(error) && error['status'] === expected) return undefined;
    throw error;
  }
}

function parseSecret({ metadata, data }: JsonObject): StoredSecret {
  const version = isObject(metadata) ? metadata['resourceVersion'] : undefined;
  const entries = isObject(data) ? Object.entries(data) : [];
  return {
    resourceVersion: typeof version === 'string' ? version : '',
    data: Object.fromEntries(
      entries.flatMap(([key, value]) =>
        typeof value === 'string' ? [[key, Buffer.from(value, 'base64').toString('utf8')]] : [],
      ),
    ),
  };
}
