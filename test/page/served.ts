import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makePageApp, type PageOptions } from '../../controller/page/app.js';
import { readAssets } from '../../controller/page/assets.js';
import type { Asked } from '../../controller/page/ask.js';
import { readBlueGreen } from '../../controller/page/blue-green.js';
import { makeBoard, type Board } from '../../controller/page/board.js';
import type { JsonObject } from '../../lib/json.js';
import { bundle } from '../../scripts/bundle.js';

/** The page as the controller serves it, on a board that the test writes, at a time that the test says. */
export interface Served {
  address: string;
  board: Board;
  at(nowMs: number): void;
  show(raw: JsonObject): void;
  /** Breaks every connection. */
  cut(): void;
  close(): Promise<void>;
}

const ASKED: Asked = {
  events: () => Promise.resolve([]),
  leader: () => Promise.resolve('sluice-controller-a'),
};

/** @param folder where the page's files are written to */
export async function servePage(folder: string, options: Partial<PageOptions> = {}): Promise<Served> {
  await bundle(folder, ['page']);
  let nowMs = 0;
  const now = (): number => nowMs;
  const board = makeBoard(now);
  const over = new AbortController();
  const app = makePageApp(
    {
      board,
      asked: ASKED,
      assets: await readAssets(`${folder}/page`),
      replica: 'sluice-controller-a',
      isLocal: true,
      now,
      onTrouble: (error) => {
        throw error;
      },
      ...options,
    },
    over.signal,
  );
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  board.heard(true);
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    board,
    at: (ms) => (nowMs = ms),
    show: (raw) => board.saw(readBlueGreen(raw)),
    cut: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        over.abort();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
