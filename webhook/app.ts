import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express from 'express';
import type { Logger } from '../lib/log.js';
import { isScalePath, SCALE_PREFIX } from '../lib/scale-path.js';
import { untouched, writeReview, type Answer } from './answer.js';
import { decide } from './decide.js';
import type { Fresh } from './declaration.js';
import { kindOf, outcomeOf, type Outcome, type WebhookMetrics } from './metrics.js';
import { MalformedReviewError, parseReview, type AdmissionRequest } from './review.js';
import type { BlueGreens } from './scale.js';
import type { ReviewSpans } from './spans.js';
import { begunBy } from './trace.js';

export interface AppOptions {
  ownUsers: ReadonlySet<string>;
  blueGreens: BlueGreens;
  /** Whether reviews can be answered over TLS: the certificate is loaded. */
  isReady: () => boolean;
  /** The program is about to end: every answer asks its client to connect elsewhere next time. */
  isLeaving: () => boolean;
  /** Any of these proves that a review of a Scale comes from an API server; while there are none, nothing does. */
  scaleTokens: () => readonly string[];
  metrics: Pick<WebhookMetrics, 'reviewed'>;
  /** Absent where traces are not sent. */
  spans?: ReviewSpans;
  log: Logger;
}

/** Two objects of 3 MiB each, the API server's own limit for a request, and 1 MiB for the rest of the review. */
const MAX_REVIEW_BYTES = 7 << 20;
const REVIEW_PATH = '/mutate';

/**
 * Answers `POST /mutate` (AdmissionReview in, AdmissionReview out), `GET /healthz` and `GET /readyz`. Reviews of
 * Scales, whose answer writes, count at their secret path alone: whoever reaches the port can make a review up.
 * A review is answered before Express sees it: its routing would cost as much as the decision.
 */
export function makeApp(options: AppOptions): RequestListener {
  const routes = makeRoutes(options);
  return (request, response) => {
    if (options.isLeaving()) response.setHeader('connection', 'close');
    if (request.method === 'POST' && isReviewPath(pathOf(request.url))) {
      readBody(request, response, (body) => answerReview(body, request, response, options));
    } else {
      routes(request, response);
    }
  };
}

/** The health routes alone, for the kubelet: it asks over plain HTTP, on a port of its own. */
export function makeRoutes({ isReady }: Pick<AppOptions, 'isReady'>): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_request, response) => {
    response.type('text').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const ready = isReady();
    response
      .status(ready ? 200 : 503)
      .type('text')
      .send(ready ? 'ok\n' : 'no certificate yet\n');
  });
  app.use((_request, response) => {
    response.status(404).json({ message: `only POST ${REVIEW_PATH}, GET /healthz and GET /readyz` });
  });
  return app as RequestListener;
}

/** The API server adds its time-out to the path (`/mutate?timeout=10s`). */
function pathOf(url: string | undefined): string {
  const [path = ''] = (url ?? '').split('?', 1);
  return path;
}

/** Without a path of its own yet, the Scale webhook is called at the root. */
function isReviewPath(path: string): boolean {
  return path === REVIEW_PATH || path === '/' || path.startsWith(SCALE_PREFIX);
}

function readBody(request: IncomingMessage, response: ServerResponse, use: (body: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_REVIEW_BYTES) {
      chunks.push(chunk);
    } else if (!response.headersSent) {
      chunks.length = 0;
      response.setHeader('connection', 'close');
      send(response, 413, JSON.stringify({ message: `a review may have ${MAX_REVIEW_BYTES} bytes` }));
    }
  });
  request.on('end', () => {
    if (bytes > MAX_REVIEW_BYTES) return;
    use((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, bytes))?.toString('utf8') ?? '');
  });
}

function answerReview(
  body: string,
  request: IncomingMessage,
  response: ServerResponse,
  options: AppOptions,
): void {
  const cameAtMs = performance.now();
  let review: AdmissionRequest;
  try {
    review = parseReview(body);
  } catch (error) {
    if (!(error instanceof MalformedReviewError)) throw error;
    options.metrics.reviewed('other', 'malformed', (performance.now() - cameAtMs) / 1000);
    send(response, 400, JSON.stringify({ message: error.message }));
    return;
  }
  const answerWith = (answer: Answer, outcome: Outcome): void => {
    send(response, 200, writeReview(review.uid, answer));
    options.metrics.reviewed(kindOf(review), outcome, (performance.now() - cameAtMs) / 1000);
  };
  const sendAnswer = (answer: Answer): void => answerWith(answer, outcomeOf(answer));
  const admitAnyway = (error: unknown): void => {
    const { namespace, name, resource, subResource, operation } = review;
    options.log.error({ err: error, namespace, name, resource, subResource, operation }, 'review failed');
    answerWith(
      untouched('sluice: the webhook failed on this request and admitted it unchanged; see its log'),
      'failed',
    );
  };
  try {
    const mayScale =
      review.subResource === 'scale' && isScalePath(pathOf(request.url), options.scaleTokens());
    const fresh = freshFor(request);
    const answer = decide(review, { ...options, mayScale, fresh });
    if (answer instanceof Promise) answer.then(sendAnswer).catch(admitAnyway);
    else {
      sendAnswer(answer);
      const startMs = Date.parse(fresh.requestedAt);
      options.spans?.note({
        request: review,
        answer,
        fresh,
        startMs,
        endMs: startMs + (performance.now() - cameAtMs),
      });
    }
  } catch (error) {
    admitAnyway(error);
  }
}

function freshFor({ headers }: IncomingMessage): Fresh {
  const parent = headers['traceparent'];
  const random = randomBytes(24).toString('hex');
  return {
    ...begunBy(typeof parent === 'string' ? parent : undefined, random),
    requestedAt: new Date().toISOString(),
  };
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
