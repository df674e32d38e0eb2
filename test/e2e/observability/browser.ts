import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { until, type LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { openBrowser } from '../../page/chromium.js';
import { SLUICE } from '../support/sluice.js';
import type { Reading } from './agreement.js';
import { linesOf } from './lines.js';

/** The page of one BlueGreen, looked at by three people at once. */
export interface Watched {
  /** What the first one's has shown, from the moment at which it was opened. */
  readings(): Promise<Reading[]>;
  /** When the page says that it will be over; undefined while it says nothing of the kind. */
  untilMs(): Promise<number | undefined>;
  /** What the first one's shows of an upgrade. */
  parts(): Promise<Parts>;
  /** Text of the first one's page. */
  text(): Promise<string>;
  /** Writes a picture of each: `FOLDER/NAME-light.png`, `-dark.png` and `-phone.png`. */
  shoot(name: string): Promise<void>;
  /** What the browsers complained of, and what was asked for from elsewhere. */
  complaints: readonly string[];
  close(): Promise<void>;
}

/** What a page has drawn. */
export interface Parts {
  /** Rows of nodes, and curves of connections, by colour. */
  rows: Record<'blue' | 'green', number>;
  curves: Record<'blue' | 'green', number>;
  /** Seconds for which the curve of evictions goes on. */
  evictions: number;
  /** Text of these sections. */
  timeline: string;
  events: string;
}

const PARTS = `(() => {
  const count = (selector) => document.querySelectorAll(selector).length;
  const each = (selectorOf) => ({ blue: count(selectorOf('blue')), green: count(selectorOf('green')) });
  const section = (name) => document.querySelector('section[aria-labelledby=' + name + ']')?.textContent ?? '';
  return {
    rows: each((colour) => '.group.' + colour + ' tbody tr'),
    curves: each((colour) => 'polyline.line.' + colour),
    evictions: (document.querySelector('polygon.area')?.getAttribute('points') ?? '').split(' ').length,
    timeline: section('timeline'),
    events: section('events'),
  };
})()`;

const VIEWS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1180, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1180, height: 900 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

/** Notes what the page shows whenever it changes, and when that was. */
const NOTE = `{
  const seen = (window.seen = []);
  const note = () => {
    const badge = document.querySelector('main .head .badge');
    if (!badge) return;
    const phase = [...badge.childNodes].at(-1).textContent;
    const term = [...document.querySelectorAll('.figures dt')].find((one) => one.textContent === 'Clients left');
    const text = term?.nextElementSibling.querySelector('strong').textContent.replaceAll(',', '');
    const last = seen.at(-1);
    if (last && last.phase === phase && last.text === text) return;
    seen.push({ atMs: Date.now(), phase, text, ...(text !== undefined && { clientsLeft: Number(text) }) });
  };
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  note();
}`;

const UNTIL = `[...document.querySelectorAll('.figures dt')]
  .find((one) => one.textContent === 'Time left')
  ?.nextElementSibling.querySelector('time')?.dateTime`;

/**
 * Opens the page through a port-forward, as a user does, in a real browser.
 * @param options pod: the replica of the controller that serves it; folder: for the pictures
 */
export async function openPage(
  cluster: LocalCluster,
  { pod, namespace, folder }: { pod: string; namespace: string; folder: string },
): Promise<Watched> {
  mkdirSync(folder, { recursive: true });
  const forward = linesOf(cluster.programs.kubectl, [
    ...cluster.kubectlArgs,
    ...['--namespace', SLUICE.namespace, 'port-forward', `pod/${pod}`, ':page'],
  ]);
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    await forward.stop();
  };
  try {
    const address = await until(
      'the page is forwarded',
      () => {
        const said = forward.seen.map(({ text }) => /^Forwarding from (127\.0\.0\.1:\d+)/.exec(text)?.[1]);
        return Promise.resolve(said.find((one) => one !== undefined));
      },
      { timeoutMs: 30_000, everyMs: 100 },
    );
    browser = await openBrowser();
    const complaints: string[] = [];
    const origin = `http://${address}/`;
    const pages: { name: string; page: Page }[] = [];
    for (const { name, ...look } of VIEWS) {
      const page = await browser.newPage(look);
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('request', (request) => {
        if (!request.url().startsWith(origin)) complaints.push(`asked for ${request.url()}`);
      });
      await page.goto(`${origin}#/${namespace}/${EMQX.name}`);
      await page.waitForSelector('.figures');
      pages.push({ name, page });
    }
    const [first] = pages;
    if (!first) throw new Error('there is no view');
    await first.page.evaluate(NOTE);
    return {
      complaints,
      readings: () => first.page.evaluate<Reading[]>('window.seen'),
      async untilMs() {
        const time = await first.page.evaluate<string | undefined>(UNTIL);
        return time === undefined ? undefined : Date.parse(time);
      },
      parts: () => first.page.evaluate<Parts>(PARTS),
      text: () => first.page.locator('main').innerText(),
      async shoot(name) {
        for (const one of pages)
          await one.page.screenshot({ path: `${folder}/${name}-${one.name}.png`, fullPage: true });
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
