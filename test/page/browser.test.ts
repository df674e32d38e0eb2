import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { objectAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import { openBrowser } from './chromium.js';
import { servePage, type Served } from './served.js';
import { BEGAN, BLUE, blueGreenAt, ENDS } from './upgrade.js';

jest.setTimeout(180_000);

const OUT = 'out/unit/page';
let browser: Browser;
let served: Served;
let axe: string;
beforeAll(async () => {
  browser = await openBrowser();
  axe = await readFile('node_modules/axe-core/axe.min.js', 'utf8');
}, 300_000);
afterAll(() => browser.close());

beforeEach(async () => {
  served = await servePage(OUT);
  for (let second = 25; second <= 47; second += 1) show(second);
});
afterEach(() => served.close());

function show(second: number): void {
  served.at(BEGAN + second * 1000);
  served.show(blueGreenAt(second));
}

/** Looks at the page, and at what it complains of. */
async function look(
  fragment: string,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(served.address)) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(`${served.address}${fragment}`);
  await page.waitForSelector(fragment ? '.figures' : '.list');
  return { page, complaints };
}

interface AxeResult {
  violations: { id: string; nodes: { html: string }[] }[];
}

async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResult>('axe.run()');
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

describe('in a browser', () => {
  it.each([
    { theme: 'light', width: 1180, height: 900 },
    { theme: 'dark', width: 1180, height: 900 },
    { theme: 'light', width: 390, height: 844 },
    { theme: 'dark', width: 390, height: 844 },
  ] as const)(
    'nothing is wrong in $theme on $width pixels, nor wider than these',
    async ({ theme, width, height }) => {
      for (const fragment of ['', '#/mqtt/emqx']) {
        const { page, complaints } = await look(fragment, {
          colorScheme: theme,
          viewport: { width, height },
        });
        for (const summary of await page.locator('summary').all()) await summary.click();
        expect(await faults(page)).toEqual([]);
        expect(complaints).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
        await page.close();
      }
    },
  );

  it('the upgrade goes on before their eyes who look', async () => {
    const { page, complaints } = await look('#/mqtt/emqx');
    const row = page.locator('.group.blue tr', { hasText: '-1' });
    expect(await row.innerText()).toContain('600');
    show(49);
    await row.getByText('200').first().waitFor();
    show(ENDS + 1);
    await page.getByText('succeeded').waitFor();
    expect(await page.title()).toBe('✔ Stable · emqx · Sluice');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('a table that somebody has opened, and his focus, outlive a message', async () => {
    const { page } = await look('#/mqtt/emqx');
    const details = page.locator('section[aria-labelledby=timeline] details');
    await details.locator('summary').click();
    show(49);
    await page.locator('.group.blue tr', { hasText: '-1' }).getByText('200').first().waitFor();
    expect(await details.getAttribute('open')).not.toBeNull();
    expect(await page.evaluate('document.activeElement.tagName + document.activeElement.textContent')).toBe(
      'SUMMARYEvery step as a table',
    );
    await page.close();
  });

  it('the focus goes with a line of the list that changes its place', async () => {
    const named = (name: string, second: number): JsonObject => {
      const raw = blueGreenAt(second);
      return { ...raw, metadata: { ...objectAt(raw, 'metadata'), name, uid: name } };
    };
    served.show(named('other', 47));
    const { page } = await look('');
    const names = (): Promise<string[]> => page.locator('.list tbody a').allInnerTexts();
    expect(await names()).toEqual(['emqx', 'other']);
    for (const { ends, stays } of [
      { ends: 'emqx', stays: 'other' },
      { ends: 'other', stays: 'emqx' },
    ]) {
      served.show(named('emqx', 48));
      served.show(named('other', 48));
      await page.getByText('2 BlueGreens, 2 in an upgrade.').waitFor();
      await page.locator('.list a', { hasText: stays }).focus();
      served.show(named(ends, ENDS + 1));
      await page.locator('.list tbody tr', { hasText: ends }).getByText('Stable').waitFor();
      expect(await names()).toEqual([stays, ends]);
      expect(await page.evaluate('document.activeElement.textContent')).toBe(stays);
    }
    await page.close();
  });

  it('what was opened of a past upgrade stays open when there is another, and nothing else opens', async () => {
    const { page } = await look('#/mqtt/emqx');
    const withHistory = (second: number, ids: string[]): JsonObject => {
      const raw = blueGreenAt(second);
      const [ended] = (blueGreenAt(ENDS + 1)['status'] as { history: JsonObject[] }).history;
      return {
        ...raw,
        status: { ...objectAt(raw, 'status'), history: ids.map((id) => ({ ...ended, id })) },
      };
    };
    served.show(withHistory(48, ['a']));
    const items = page.locator('.history li');
    await items.first().waitFor();
    await items.first().locator('summary').click();
    await page.locator('section[aria-labelledby=timeline] summary').click();
    served.show(withHistory(ENDS + 1, ['b', 'a']));
    await items.nth(1).waitFor();
    expect(await items.nth(0).locator('details').getAttribute('open')).toBeNull();
    expect(await items.nth(1).locator('details').getAttribute('open')).not.toBeNull();
    await page.locator('section[aria-labelledby=timeline]').waitFor({ state: 'detached' });
    const open = await page.locator('details[open]').count();
    expect(open).toBe(1);
    await page.close();
  });

  it('the keyboard goes everywhere, and the heading is heard after a link', async () => {
    const { page } = await look('');
    const focused = (): Promise<unknown> => page.evaluate('document.activeElement.textContent');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('MAIN');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('emqx');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.figures');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    expect(page.url()).toBe(`${served.address}#/mqtt/emqx`);
    await page.goBack();
    await page.waitForSelector('.list');
    await page.close();
  });

  it('nothing moves for who wants it so', async () => {
    const { page } = await look('#/mqtt/emqx', { reducedMotion: 'reduce' });
    expect(
      await page.evaluate("getComputedStyle(document.querySelector('.bar .fill')).transitionProperty"),
    ).toBe('none');
    await page.close();
  });

  it('names that look like markup are text', async () => {
    const { page, complaints } = await look('#/mqtt/emqx');
    const raw = blueGreenAt(49);
    Object.assign(objectAt(raw, 'status'), { message: '<img src=x onerror=alert(1)>' });
    Object.assign(objectAt(raw, 'status', 'upgrade'), { requestedBy: '<b>bob</b>' });
    served.at(BEGAN + 49_000);
    served.show(raw);
    await page.getByText('<img src=x onerror=alert(1)>').first().waitFor();
    expect(await page.locator('main img, main b').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('a connection that breaks is told, and made again', async () => {
    const { page } = await look('#/mqtt/emqx');
    await page.context().setOffline(true);
    served.cut();
    await page.locator('.link', { hasText: 'reconnecting' }).waitFor();
    await page.context().setOffline(false);
    show(49);
    await page.locator('.link', { hasText: 'live' }).waitFor({ timeout: 20_000 });
    await page.locator('.group.blue', { hasText: BLUE }).waitFor();
    expect(await page.locator('polyline').count()).toBe(6);
    await page.close();
  });
});
