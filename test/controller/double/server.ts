import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isObject, type Json, type JsonObject } from '../../../lib/json.js';
import { jsonPatched, merged, metaOf, Refusal, selects, type Place, type Store } from './store.js';

/** Called before each write that comes over HTTP; throws to refuse it. */
export type Gatekeeper = (method: string, place: Place) => void;

/** The store as an API server on loopback. */
export async function serve(
  store: Store,
  gatekeeper: Gatekeeper = () => undefined,
): Promise<{ url: string; close: () => void; server: Server }> {
  const server = createServer((request, response) => {
    handle(store, gatekeeper, request, response).catch((error: unknown) => {
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'InternalError', String(error));
      const { status, reason, message } = refusal;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', status: 'Failure', reason, message, code: status }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const PATH =
  /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]*))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

async function handle(
  store: Store,
  gatekeeper: Gatekeeper,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '', 'http://x');
  const path = url.pathname.replace(
    /^(\/api\/v1)\/namespaces\/([^/]+)(\/status)?$/,
    '$1/namespaces//namespaces/$2$3',
  );
  const [, prefix = '', namespace = '', plural = '', name = '', subresource] = PATH.exec(path) ?? [];
  const collection = `${prefix}|${plural}`;
  const query = (key: string): string => url.searchParams.get(key) ?? '';
  const isMetadata = request.headers.accept?.includes('as=PartialObjectMetadata') === true;
  const view = (object: JsonObject): JsonObject => (isMetadata ? { metadata: metaOf(object) } : object);
  const answer = (body: JsonObject, status = 200): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  const method = request.method ?? '';
  if (method === 'GET' && query('watch') === '1')
    return stream(
      store,
      { collection, namespace, selector: query('labelSelector'), since: query('resourceVersion'), view },
      response,
    );
  if (method === 'GET' && name === '') {
    const [, named] = /^metadata\.name=(.*)$/.exec(query('fieldSelector')) ?? [];
    const items = store
      .list(collection, namespace, query('labelSelector'))
      .filter((object) => named === undefined || metaOf(object)['name'] === named);
    return answer({ kind: 'List', metadata: { resourceVersion: store.version() }, items: items.map(view) });
  }
  const place: Place = { collection, namespace, name, subresource };
  if (method === 'GET') {
    const object = store.get(collection, namespace, name);
    if (!object) throw new Refusal(404, 'NotFound', `${url.pathname} not found`);
    return answer(view(object));
  }
  const body = await read(request);
  gatekeeper(method, method === 'POST' ? { ...place, name: nameIn(body) } : place);
  const writer = query('fieldManager') || 'test';
  switch (method) {
    case 'POST':
      return answer(store.create(collection, namespace, body as JsonObject, writer), 201);
    case 'PUT':
      return answer(store.edit(place, () => body as JsonObject, writer));
    case 'PATCH': {
      const isJsonPatch = request.headers['content-type'] === 'application/json-patch+json';
      const edit = (object: JsonObject): JsonObject =>
        isJsonPatch ? jsonPatched(object, body) : (merged(object, body) as JsonObject);
      return answer(store.edit(place, edit, writer));
    }
    case 'DELETE': {
      const there = store.get(collection, namespace, name);
      if (!there) throw new Refusal(404, 'NotFound', 'not found');
      const conditions = isObject(body) && isObject(body['preconditions']) ? body['preconditions'] : {};
      for (const key of ['uid', 'resourceVersion']) {
        if (conditions[key] !== undefined && conditions[key] !== metaOf(there)[key]) {
          throw new Refusal(409, 'Conflict', `precondition ${key} failed`);
        }
      }
      store.remove(collection, namespace, name);
      return answer({ kind: 'Status', status: 'Success' });
    }
    default:
      throw new Refusal(405, 'MethodNotAllowed', method);
  }
}

function nameIn(body: Json): string {
  const metadata = isObject(body) && isObject(body['metadata']) ? body['metadata'] : {};
  return typeof metadata['name'] === 'string' ? metadata['name'] : '';
}

interface Watching {
  collection: string;
  namespace: string;
  selector: string;
  since: string;
  view: (object: JsonObject) => JsonObject;
}

function stream(
  store: Store,
  { collection, namespace, selector, since, view }: Watching,
  response: ServerResponse,
): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  const tell = (type: string, object: JsonObject): void => {
    if (namespace && metaOf(object)['namespace'] !== namespace) return;
    if (!selects(selector, (metaOf(object)['labels'] ?? {}) as JsonObject)) return;
    response.write(`${JSON.stringify({ type, object: view(object) })}\n`);
  };
  const stop = store.watch(collection, tell, since);
  response.on('close', stop);
}

async function read(request: IncomingMessage): Promise<Json> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  return text ? (JSON.parse(text) as Json) : null;
}
