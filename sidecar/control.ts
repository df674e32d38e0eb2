import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DrainSettings, SidecarReport } from '../lib/control.js';
import { EmqxApiError } from '../lib/emqx/errors.js';
import type { Json } from '../lib/json.js';
import { InvalidSettings, isNodeName, parseSettings } from './drain-settings.js';
import type { Log } from './log.js';
import { LeavesByItself, NodeRuns, OwnNode } from './nodes.js';

/** What the control port can have done; see lib/control.ts. */
export interface Controls {
  report(): Promise<SidecarReport>;
  changeSettings(settings: DrainSettings): void;
  leave(node: string): Promise<void>;
  evacuate(node: string, settings: DrainSettings): Promise<'started' | 'running'>;
  stopEvacuation(node: string): Promise<void>;
}

class BadRequest extends Error {
  override readonly name = 'BadRequest';
  constructor(
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

/** A thousand recipients with names of 60 characters. */
const MAX_BODY_BYTES = 64 * 1024;

/** Answers the requests of lib/control.ts. Who asks was settled by TLS before. */
export function makeControlHandler(controls: Controls, log: Log, onRefusal: () => void = () => undefined) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    answer(controls, request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => {
        const { status, message } = refusalOf(error);
        onRefusal();
        log.warn(
          { method: request.method, url: request.url, status, because: message },
          'control request refused',
        );
        send(response, status, { message });
      },
    );
  };
}

interface Answer {
  status: 200 | 201 | 204;
  body?: SidecarReport;
}

const DONE: Answer = { status: 204 };

async function answer(controls: Controls, request: IncomingMessage): Promise<Answer> {
  const route = `${request.method} ${request.url}`;
  if (route === 'GET /v1/report') return { status: 200, body: await controls.report() };
  if (route === 'PUT /v1/drain-settings') {
    controls.changeSettings(parseSettings(await bodyOf(request)));
    return DONE;
  }
  const [, method, encoded = '', part] = /^(\w+) \/v1\/nodes\/([^/?]+)(\/evacuation)?$/.exec(route) ?? [];
  const action = `${method ?? ''}${part ?? ''}`;
  switch (action) {
    case 'DELETE':
      await controls.leave(nodeOf(encoded));
      return DONE;
    case 'POST/evacuation':
      return (await controls.evacuate(nodeOf(encoded), parseSettings(await bodyOf(request)))) === 'started'
        ? { status: 201 }
        : DONE;
    case 'DELETE/evacuation':
      await controls.stopEvacuation(nodeOf(encoded));
      return DONE;
    default:
      throw new BadRequest(`no ${route} here`, 404);
  }
}

function nodeOf(encoded: string): string {
  let node = '';
  try {
    node = decodeURIComponent(encoded);
  } catch {
    // answered as any other name that cannot be
  }
  if (!isNodeName(node)) throw new BadRequest('the path must name an EMQX node (name@host)');
  return node;
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new BadRequest(`the body must be at most ${MAX_BODY_BYTES} bytes`, 413);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json;
  } catch {
    throw new BadRequest('the body must be JSON');
  }
}

function refusalOf(error: unknown): { status: number; message: string } {
  if (error instanceof BadRequest) return { status: error.status, message: error.message };
  if (error instanceof InvalidSettings) return { status: 400, message: error.message };
  if (error instanceof NodeRuns || error instanceof OwnNode) return { status: 409, message: error.message };
  if (error instanceof LeavesByItself) return { status: 501, message: error.message };
  if (error instanceof EmqxApiError) return { status: 502, message: error.message };
  return { status: 500, message: error instanceof Error ? error.message : String(error) };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}
