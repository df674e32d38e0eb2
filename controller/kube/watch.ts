import { isObject, type JsonObject } from '../../lib/json.js';
import { sleep } from '../../lib/sleep.js';
import { continueOf, itemsOf, listQuery, readText } from './client.js';
import { ApiError, apiErrorOf, isGone } from './errors.js';
import { asError, type Transport } from './transport.js';

/** What a metadata-only watch tells of one object. */
export interface Metadata {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  /** 0 where the kind has none. */
  generation: number;
  deleting: boolean;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Its controller's kind and name; absent without one. */
  controller?: { kind: string; name: string; uid: string };
}

/** By what objects of one collection are told apart, and their states. */
export interface Versioned {
  uid: string;
  resourceVersion: string;
}

export interface WatchOptions<T extends Versioned = Metadata> {
  /** Of the collection, all namespaces. */
  path: string;
  labelSelector: string;
  /** An object is new or has changed, or is gone. Called for every one after each list, so it must be cheap. */
  onChange: (object: T, change: 'seen' | 'gone') => void;
  /** The first list is complete. */
  onSynced: () => void;
  /** The watch broke and will be tried again. */
  onTrouble: (error: unknown) => void;
}

/** The server is asked to end each watch after this long, and we list again: whatever an event was lost to is then seen. */
const RELIST_SECONDS = 300;
/** Bookmarks come about once a minute; a connection that has been silent for longer is dead. */
const SILENCE_MS = 100_000;
const BACKOFF_MS = { first: 250, most: 10_000 };
/** Enough for a StatefulSet of the largest size that etcd takes, as metadata. */
const MAX_LINE_BYTES = 4 << 20;

/** How objects come over the wire, and what is kept of each. */
interface Form<T extends Versioned> {
  listAs: string;
  watchAs: string;
  read: (raw: JsonObject) => T;
}

const METADATA: Form<Metadata> = {
  listAs: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json',
  watchAs: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json',
  read: parseMetadata,
};

/** Watches one collection as metadata only (0.3 KB an object, where a whole StatefulSet is 16 KB) until the signal. */
export function watchMetadata(
  transport: Transport,
  options: WatchOptions,
  signal: AbortSignal,
): Promise<void> {
  return watch(transport, options, METADATA, signal);
}

/** Watches whole objects of one collection until the signal; `read` says what is kept of each. */
export function watchWhole<T extends Versioned>(
  transport: Transport,
  options: WatchOptions<T> & Pick<Form<T>, 'read'>,
  signal: AbortSignal,
): Promise<void> {
  const json = 'application/json';
  return watch(transport, options, { listAs: json, watchAs: json, read: options.read }, signal);
}

/** Any end of a watch starts another; an error, an expired version or the timer starts with a list again. */
async function watch<T extends Versioned>(
  transport: Transport,
  options: WatchOptions<T>,
  form: Form<T>,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map<string, T>();
  let backoffMs = BACKOFF_MS.first;
  while (!signal.aborted) {
    try {
      let version = await listAll(transport, options, { form, known }, signal);
      options.onSynced();
      backoffMs = BACKOFF_MS.first;
      const relistAtMs = performance.now() + RELIST_SECONDS * 1000;
      while (performance.now() < relistAtMs) {
        const seconds = Math.max(1, Math.ceil((relistAtMs - performance.now()) / 1000));
        const beganAtMs = performance.now();
        version = await follow(transport, options, { form, known, version, seconds }, signal);
        if (performance.now() - beganAtMs < 1000) await sleep(1000, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isGone(error)) options.onTrouble(error);
      await sleep(backoffMs * (0.5 + Math.random() / 2), signal);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MS.most);
    }
  }
}

/** Lists all of it, tells what is new, changed or gone since the last list, and returns the version to watch from. */
async function listAll<T extends Versioned>(
  transport: Transport,
  { path, labelSelector, onChange }: WatchOptions<T>,
  { form, known }: { form: Form<T>; known: Map<string, T> },
  signal: AbortSignal,
): Promise<string> {
  const seen = new Map<string, T>();
  let next = '';
  let version: string;
  do {
    const address = `${path}?${listQuery({ labelSelector, limit: '500', continue: next })}`;
    const accept = form.listAs;
    const answer = await transport({ method: 'GET', path: address, accept, answerMs: 15_000, signal });
    const what = `GET ${path}`;
    const body = await readText(what, answer, signal);
    if (answer.statusCode !== 200) throw apiErrorOf(what, answer.statusCode ?? 0, body);
    const page = JSON.parse(body) as JsonObject;
    for (const item of itemsOf(page)) {
      const object = form.read(item);
      seen.set(object.uid, object);
    }
    version = isObject(page['metadata']) ? text(page['metadata']['resourceVersion']) : '';
    next = continueOf(page);
  } while (next);

  for (const object of known.values()) if (!seen.has(object.uid)) onChange(object, 'gone');
  for (const object of seen.values()) {
    if (known.get(object.uid)?.resourceVersion !== object.resourceVersion) onChange(object, 'seen');
  }
  known.clear();
  for (const [uid, object] of seen) known.set(uid, object);
  return version;
}

/** Follows one watch to its end; returns the version reached. */
async function follow<T extends Versioned>(
  transport: Transport,
  { path, labelSelector, onChange }: WatchOptions<T>,
  from: { form: Form<T>; known: Map<string, T>; version: string; seconds: number },
  signal: AbortSignal,
): Promise<string> {
  const query = listQuery({
    labelSelector,
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion: from.version,
    timeoutSeconds: String(from.seconds),
  });
  const what = `watch ${path}`;
  const accept = from.form.watchAs;
  const answer = await transport({
    method: 'GET',
    path: `${path}?${query}`,
    accept,
    answerMs: 15_000,
    signal,
  });
  if (answer.statusCode !== 200) {
    throw apiErrorOf(what, answer.statusCode ?? 0, await readText(what, answer, signal));
  }
  let { version } = from;
  answer.setTimeout(SILENCE_MS, () => {
    answer.destroy(new ApiError(what, 0, 'Timeout', `silent for ${SILENCE_MS} ms`));
  });
  try {
    for await (const line of lines(what, answer)) {
      const { type, object } = JSON.parse(line) as { type: string; object: JsonObject };
      if (type === 'ERROR') throw apiErrorOf(what, Number(object['code']) || 0, JSON.stringify(object));
      const seen = from.form.read(object);
      version = seen.resourceVersion;
      if (type === 'BOOKMARK') continue;
      if (type === 'DELETED') from.known.delete(seen.uid);
      else from.known.set(seen.uid, seen);
      onChange(seen, type === 'DELETED' ? 'gone' : 'seen');
    }
  } catch (cause) {
    if (signal.aborted) throw asError(signal.reason);
    if (cause instanceof ApiError) throw cause;
    throw new ApiError(what, 0, 'Unreachable', 'the connection broke', { cause });
  } finally {
    answer.destroy();
  }
  return version;
}

async function* lines(what: string, stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of stream) {
    rest = rest.length ? Buffer.concat([rest, part]) : part;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, end).toString('utf8');
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_LINE_BYTES) throw new ApiError(what, 0, 'TooLarge', 'an event of more than 4 MiB');
  }
}

/** Reads what wake-ups need of one object's metadata; managedFields and the rest are let go. */
export function parseMetadata(raw: JsonObject): Metadata {
  const metadata = isObject(raw['metadata']) ? raw['metadata'] : {};
  const owners = Array.isArray(metadata['ownerReferences']) ? metadata['ownerReferences'] : [];
  const owner = owners.filter(isObject).find((reference) => reference['controller'] === true);
  return {
    namespace: text(metadata['namespace']),
    name: text(metadata['name']),
    uid: text(metadata['uid']),
    resourceVersion: text(metadata['resourceVersion']),
    generation: typeof metadata['generation'] === 'number' ? metadata['generation'] : 0,
    deleting: metadata['deletionTimestamp'] !== undefined,
    labels: texts(metadata['labels']),
    annotations: ownAnnotations(metadata['annotations']),
    ...(owner && {
      controller: { kind: text(owner['kind']), name: text(owner['name']), uid: text(owner['uid']) },
    }),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): Record<string, string> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, text(entry)]));
}

/** Only Sluice's: `kubectl apply` keeps the whole object in an annotation, which must not stay in memory. */
function ownAnnotations(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(texts(value)).filter(([key]) => key.startsWith('sluice.dev/')));
}
