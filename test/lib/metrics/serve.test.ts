import { describe, expect, it } from '@jest/globals';
import supertest from 'supertest';
import { makeMetricsServer } from '../../../lib/metrics/serve.js';

const client = (text = 'leading 1\n'): ReturnType<typeof supertest> =>
  supertest(makeMetricsServer(() => Promise.resolve({ text, contentType: 'text/plain; version=0.0.4' })));

describe('the metrics port', () => {
  it('answers a scrape', async () => {
    const { text } = await client()
      .get('/metrics')
      .expect(200)
      .expect('content-type', /version=0\.0\.4/);
    expect(text).toBe('leading 1\n');
  });

  it('has nothing else', async () => {
    await client().get('/').expect(404);
    await client().get('/healthz').expect(404);
  });

  it.each(['post', 'put', 'delete', 'patch'] as const)('takes no %s', async (method) => {
    await client()[method]('/metrics').expect(405).expect('allow', 'GET, HEAD');
  });

  it('says why there is nothing to scrape', async () => {
    const server = makeMetricsServer(() => Promise.reject(new Error('no metric x of that kind')));
    const { text } = await supertest(server).get('/metrics').expect(500);
    expect(text).toBe('no metric x of that kind\n');
  });
});
