import { expect, it } from '@jest/globals';
import type { AskApiServer } from '../../lib/api-server.js';
import { readNeeded } from '../../uninstall/needed.js';

const SETS = '/apis/apps/v1/statefulsets';
const SERVICES = '/api/v1/services';
const named = (...names: string[]) => names.map((name) => ({ metadata: { name } }));

it('reads every page of every list, without what it does not need', async () => {
  const asked: string[] = [];
  const ask: AskApiServer = (method, path, { accept }) => {
    const { pathname, searchParams } = new URL(path, 'https://api');
    expect(method).toBe('GET');
    expect(accept).toContain('PartialObjectMetadataList');
    const selector = searchParams.get('labelSelector') ?? '';
    asked.push(`${pathname} ${selector}`);
    const isFirst = searchParams.get('continue') === null;
    const page =
      selector === 'sluice.dev/managed' && isFirst
        ? { metadata: { continue: 'more' }, items: named('a') }
        : { metadata: {}, items: isFirst ? [] : named(pathname === SERVICES ? 'd' : 'b') };
    return Promise.resolve({ status: 200, body: JSON.stringify(page) });
  };
  expect(await readNeeded(ask, AbortSignal.timeout(1000))).toEqual({
    sets: named('a', 'b'),
    services: named('a', 'd'),
  });
  expect(asked.sort()).toEqual([
    `${SERVICES} sluice.dev/managed`,
    `${SERVICES} sluice.dev/managed`,
    `${SETS} sluice.dev/declaration`,
    `${SETS} sluice.dev/managed`,
    `${SETS} sluice.dev/managed`,
    `${SETS} sluice.dev/upgrade=blue-green`,
  ]);
});

it.each([403, 500])('takes HTTP %d for no answer, not for an empty list', async (status) => {
  const ask: AskApiServer = () => Promise.resolve({ status, body: 'no' });
  await expect(readNeeded(ask, AbortSignal.timeout(1000))).rejects.toThrow(`HTTP ${status} no`);
});
