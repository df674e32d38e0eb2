import type { AskApiServer } from '../lib/api-server.js';
import { objectsAt, textAt } from '../lib/fields.js';
import { isObject, type JsonObject } from '../lib/json.js';
import { BLUE_GREEN, LABEL } from '../lib/names.js';

/** What needs Sluice: metadata of objects of all namespaces, labels enough; one may be there more than once. */
export interface Needed {
  /** StatefulSets with a label of Sluice's. */
  sets: JsonObject[];
  /** Services that Sluice has pinned. */
  services: JsonObject[];
}

const SETS = '/apis/apps/v1/statefulsets';
const SERVICES = '/api/v1/services';
/** Each means that Sluice is still needed; one is enough. */
const SET_SELECTORS = [`${LABEL.upgrade}=${BLUE_GREEN}`, LABEL.managed, LABEL.declaration];
/** Labels are all that is looked at. */
const METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** Metadata with its managedFields is 10 KiB or so. */
const PAGE = 200;

/**
 * Reads what of the cluster has to do with Sluice.
 * @throws Error with what the API server answered
 */
export async function readNeeded(ask: AskApiServer, signal: AbortSignal): Promise<Needed> {
  const sets = await Promise.all(SET_SELECTORS.map((selector) => list(ask, SETS, selector, signal)));
  return { sets: sets.flat(), services: await list(ask, SERVICES, LABEL.managed, signal) };
}

async function list(
  ask: AskApiServer,
  path: string,
  labelSelector: string,
  signal: AbortSignal,
): Promise<JsonObject[]> {
  const items: JsonObject[] = [];
  let next = '';
  do {
    const query = new URLSearchParams({
      labelSelector,
      limit: String(PAGE),
      ...(next && { continue: next }),
    });
    const { status, body } = await ask('GET', `${path}?${query.toString()}`, { signal, accept: METADATA });
    if (status !== 200) throw new Error(`GET ${path}: HTTP ${status} ${body.slice(0, 300)}`);
    const page: unknown = JSON.parse(body);
    if (!isObject(page)) throw new Error(`GET ${path}: no object`);
    items.push(...objectsAt(page, 'items'));
    next = textAt(page, 'metadata', 'continue');
  } while (next !== '');
  return items;
}
