import { expect, it } from '@jest/globals';
import type { AskApiServer } from '../../lib/api-server.js';
import { readSets } from '../../uninstall/sets.js';

const named = (...names: string[]) => names.map((name) => ({ metadata: { name } }));

it('reads every page of every list, without what it does not need', async () => {
  const asked: string[] = [];
  const ask: AskApiServer = (method, path, { accept }) => {
    const { pathname, searchParams } = new URL(path, 'https://api');
    expect([method, pathname]).toEqual(['GET', '/apis/apps/v1/statefulsets']);
    expect(accept).toContain('PartialObjectMetadataList');
    const selector = searchParams.get('labelSelector') ?? '';
    asked.push(selector);
    const isFirst = searchParams.get('continue') === null;
    const page =
      selector === 'sluice.dev/managed' && isFirst
        ? { metadata: { continue: 'more' }, items: named('a') }
        : { metadata: {}, items: isFirst ? [] : named('b') };
    return Promise.resolve({ status: 200, body: JSON.stringify(page) });
  };
  expect(await readSets(ask, AbortSignal.timeout(1000))).toEqual(named('a', 'b'));
  expect(asked.sort()).toEqual([
    'sluice.dev/declaration',
    'sluice.dev/managed',
    'sluice.dev/managed',
    'sluice.dev/upgrade=blue-green',
  ]);
});

it.each([403, 500])('takes HTTP %d for no answer, not for an empty list', async (status) => {
  const ask: AskApiServer = () => Promise.resolve({ status, body: 'no' });
  await expect(readSets(ask, AbortSignal.timeout(1000))).rejects.toThrow(`HTTP ${status} no`);
});
