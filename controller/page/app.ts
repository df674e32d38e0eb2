import express, { type Express } from 'express';
import type { Origin } from '../../lib/page/messages.js';
import type { Asked } from './ask.js';
import type { Assets } from './assets.js';
import { placeOf } from './blue-green.js';
import type { Board } from './board.js';
import { messageOfAll, messageOfOne } from './messages.js';
import { stream } from './stream.js';

export interface PageOptions {
  board: Board;
  asked: Asked;
  assets: Assets;
  /** Name of this replica. */
  replica: string;
  /** The page is reached over the pod's loopback alone: then requests for any other host come from somebody else's page. */
  isLocal: boolean;
  now: () => number;
  /** Something that was to be shown could not be made. */
  onTrouble: (error: unknown) => void;
}

/** Who may look at once; a page that is not in sight closes its stream. */
const MOST_LISTENERS = 32;

/**
 * The page, read-only: `GET /` and its two assets, and `GET /events` with what they show, of all BlueGreens or of the one that `namespace`
 * and `name` say. Nothing else, and nothing from elsewhere.
 */
export function makePageApp(options: PageOptions, signal: AbortSignal): Express {
  const { board, asked, assets, replica, isLocal, now, onTrouble } = options;
  let listeners = 0;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');

  app.use((request, response, next) => {
    response.set(HEADERS);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return void response.status(405).set('allow', 'GET, HEAD').type('text').send('read-only\n');
    }
    if (isLocal && !isLoopback(request.headers.host)) {
      return void response
        .status(421)
        .type('text')
        .send(
          'this page is reached through kubectl port-forward; the chart value page.exposed opens it to others\n',
        );
    }
    next();
  });
  for (const [path, { type, body }] of Object.entries(assets)) {
    app.get(path, (_request, response) => {
      response.set('cache-control', 'no-cache').type(type).send(body);
    });
  }

  app.get('/events', (request, response) => {
    const namespace = nameIn(request.query['namespace']);
    const name = nameIn(request.query['name']);
    if (namespace === undefined || name === undefined || (namespace === '') !== (name === '')) {
      return void response
        .status(400)
        .type('text')
        .send('namespace and name are both names, or neither is there\n');
    }
    if (request.method === 'HEAD') return void response.type('text/event-stream').end();
    if (listeners >= MOST_LISTENERS) {
      const words = `${MOST_LISTENERS} look already; try again\n`;
      return void response.status(503).set('retry-after', '5').type('text').send(words);
    }
    listeners += 1;
    response.on('close', () => (listeners -= 1));
    const after = markIn(request.headers['last-event-id']) ?? markIn(request.query['after']) ?? '';
    const one = name === '' ? undefined : { namespace, name };
    stream(
      response,
      {
        after,
        onTrouble,
        listen: (changed) => board.listen(one && placeOf(one), changed),
        beat: async () => ({ kind: 'beat', ...(await originNow()) }),
        make: async (last) => {
          if (!one) return { message: messageOfAll(board, await originNow()), mark: '' };
          const [origin, events] = await Promise.all([originNow(), asked.events(namespace, name)]);
          return messageOfOne(board, { ...one, after: last }, { origin, events });
        },
      },
      signal,
    );
  });
  app.use((_request, response) => void response.status(404).type('text').send('not here\n'));
  return app;

  async function originNow(): Promise<Origin> {
    const leader = await asked.leader();
    const deafSinceMs = board.deafSinceMs();
    return {
      atMs: now(),
      replica,
      ...(leader !== undefined && { leader }),
      ...(deafSinceMs !== undefined && { deafSinceMs }),
    };
  }
}

/** Nothing inline, nothing from elsewhere, in nobody's frame. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};

/** A name as Kubernetes has them; empty where there is none; undefined where it is no name. */
function nameIn(value: unknown): string | undefined {
  if (value === undefined) return '';
  return typeof value === 'string' && /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(value)
    ? value
    : undefined;
}

function markIn(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-f]{8}\.\d{1,12}\.[0-9a-f]{8}$/.test(value) ? value : undefined;
}

/** A page of somebody else's whose name is made to mean this address would ask for that name. */
function isLoopback(host = ''): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);
}
