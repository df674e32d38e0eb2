import { createServer } from 'node:http';
import { join } from 'node:path';
import type { Logger } from '../../lib/log.js';
import { followServer } from '../clock.js';
import { makeKube } from '../kube/client.js';
import { PATH } from '../kube/paths.js';
import type { Transport } from '../kube/transport.js';
import { watchWhole } from '../kube/watch.js';
import { makePageApp } from './app.js';
import { makeAsked } from './ask.js';
import { readAssets } from './assets.js';
import { readBlueGreen } from './blue-green.js';
import { makeBoard } from './board.js';

export interface PageTools {
  transport: Transport;
  lease: { namespace: string; name: string };
  replica: string;
  port: number;
  /** False: only what comes through the pod's own loopback, as a port-forward does, is answered. */
  isExposed: boolean;
  log: Logger;
  onTrouble: (part: 'page' | 'watch', error: unknown) => void;
}

/** A listener comes back every 2 s: each cause is logged once, and so many causes. */
const MOST_LOGGED = 100;

/** Listeners, a few requests beside each, and some that are slow to go. */
const MOST_CONNECTIONS = 128;

/**
 * Serves the page until the signal; every replica does, from a watch of its own, whether it leads or not. What goes wrong here is logged,
 * and ends nothing else.
 */
export async function servePage(tools: PageTools, signal: AbortSignal): Promise<void> {
  const { lease, replica, port, isExposed, log } = tools;
  // The status has its times by the API server's clock, or by that of the replica that leads, which follows it too.
  const { send: transport, now } = followServer(tools.transport);
  const kube = makeKube(transport);
  const assets = await readAssets(join(import.meta.dirname, 'page'));
  const board = makeBoard(now);
  const asked = makeAsked({ kube, lease, now }, signal);
  const logged = new Set<string>();
  const onTrouble = (error: unknown): void => {
    const cause = String(error);
    if (!logged.has(cause) && logged.size < MOST_LOGGED) log.error({ err: error }, 'page not made');
    logged.add(cause);
    tools.onTrouble('page', error);
  };
  const app = makePageApp({ board, asked, assets, replica, isLocal: !isExposed, now, onTrouble }, signal);
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 15_000 }, app);
  server.maxConnections = MOST_CONNECTIONS;
  const failed = new Promise<never>((_resolve, reject) => server.once('error', reject));
  const listening = new Promise<void>((resolve) =>
    isExposed ? server.listen(port, resolve) : server.listen(port, '127.0.0.1', resolve),
  );
  await Promise.race([listening, failed]);
  failed.catch((error: unknown) => log.warn({ err: error }, 'page server failed'));
  signal.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
  await watchWhole(
    transport,
    {
      path: PATH.blueGreens(''),
      labelSelector: '',
      read: readBlueGreen,
      onChange: (blueGreen, change) => (change === 'seen' ? board.saw(blueGreen) : board.gone(blueGreen)),
      onSynced: () => board.heard(true),
      onTrouble: (error) => {
        log.warn({ err: error }, 'watch of the page broke');
        tools.onTrouble('watch', error);
        board.heard(false);
      },
    },
    signal,
  );
}
