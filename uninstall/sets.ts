import type { AskApiServer } from '../lib/api-server.js';
import { objectsAt, textAt } from '../lib/fields.js';
import { isObject, type JsonObject } from '../lib/json.js';
import { BLUE_GREEN, LABEL } from '../lib/names.js';

/** Each means that Sluice is still needed; one is enough. */
const SELECTORS = [`${LABEL.upgrade}=${BLUE_GREEN}`, LABEL.managed, LABEL.declaration];
const PATH = '/apis/apps/v1/statefulsets';
/** Labels are all that is looked at. */
const METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** Metadata with its managedFields is 10 KiB or so. */
const PAGE = 200;

/**
 * Metadata of every StatefulSet of the cluster that has to do with Sluice; one with two labels may be there twice.
 * @throws Error with what the API server answered
 */
export async function readSets(ask: AskApiServer, signal: AbortSignal): Promise<JsonObject[]> {
  const lists = await Promise.all(SELECTORS.map((selector) => list(ask, selector, signal)));
  return lists.flat();
}

async function list(ask: AskApiServer, labelSelector: string, signal: AbortSignal): Promise<JsonObject[]> {
  const items: JsonObject[] = [];
  let next = '';
  do {
    const query = new URLSearchParams({
      labelSelector,
      limit: String(PAGE),
      ...(next && { continue: next }),
    });
    const { status, body } = await ask('GET', `${PATH}?${query.toString()}`, { signal, accept: METADATA });
    if (status !== 200) throw new Error(`GET ${PATH}: HTTP ${status} ${body.slice(0, 300)}`);
    const page: unknown = JSON.parse(body);
    if (!isObject(page)) throw new Error(`GET ${PATH}: no object`);
    items.push(...objectsAt(page, 'items'));
    next = textAt(page, 'metadata', 'continue');
  } while (next !== '');
  return items;
}
