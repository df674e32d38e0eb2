import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../lib/json.js';
import { makePublish, withPublished } from '../../certs/publish.js';
import { makeSecretStore, type CertificateKube } from '../../certs/secrets.js';

const configuration: JsonObject = {
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: 'sluice', resourceVersion: '7' },
  webhooks: [
    { name: 'a.sluice.dev', clientConfig: { service: { name: 'sluice-webhook' } } },
    { name: 'b.sluice.dev', clientConfig: { service: { name: 'sluice-webhook' }, caBundle: 'b2xk' } },
    { name: 'scale.sluice.dev', clientConfig: { service: { name: 'sluice-webhook' } } },
  ],
};

/** An API server that holds a few objects by path and answers as the real one does. */
class InMemoryKube implements CertificateKube {
  constructor(readonly objects: Record<string, JsonObject>) {}
  get(path: string): Promise<JsonObject> {
    const found = this.objects[path];
    return found ? Promise.resolve(found) : Promise.reject(refusal(404));
  }
  create(path: string, body: JsonObject): Promise<JsonObject> {
    const at = `${path}/${(body['metadata'] as { name: string }).name}`;
    if (this.objects[at]) return Promise.reject(refusal(409));
    return this.#store(at, body);
  }
  update(path: string, body: JsonObject): Promise<JsonObject> {
    const [seen, stored] = [versionOf(body), versionOf(this.objects[path] ?? {})];
    return seen === stored ? this.#store(path, body) : Promise.reject(refusal(409));
  }
  #store(path: string, body: JsonObject): Promise<JsonObject> {
    const resourceVersion = String(Number(versionOf(this.objects[path] ?? {}) ?? 0) + 1);
    const stored = { ...body, metadata: { ...(body['metadata'] as JsonObject), resourceVersion } };
    this.objects[path] = stored;
    return Promise.resolve(stored);
  }
}
const refusal = (status: number): Error => Object.assign(new Error(`HTTP ${status}`), { status });
const versionOf = ({ metadata }: JsonObject): string | undefined =>
  (metadata as { resourceVersion?: string } | undefined)?.resourceVersion;
const { signal } = new AbortController();

describe('the bundle', () => {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sluice';

  it('reaches every webhook of the configuration, and nothing else changes', async () => {
    const kube = new InMemoryKube({ [path]: configuration });
    await makePublish(kube, 'sluice')({ bundle: 'PEM' }, signal);
    const webhooks = kube.objects[path]?.['webhooks'] as { clientConfig: JsonObject }[];
    expect(webhooks.map(({ clientConfig }) => clientConfig)).toEqual([
      { service: { name: 'sluice-webhook' }, caBundle: 'UEVN' },
      { service: { name: 'sluice-webhook' }, caBundle: 'UEVN' },
      { service: { name: 'sluice-webhook' }, caBundle: 'UEVN' },
    ]);
    expect(versionOf(kube.objects[path] ?? {})).toBe('8');
  });

  it('comes with the path of the webhook for Scales, and of that one alone', async () => {
    const kube = new InMemoryKube({ [path]: configuration });
    await makePublish(kube, 'sluice')({ bundle: 'PEM', scalePath: '/scale/a1' }, signal);
    const webhooks = kube.objects[path]?.['webhooks'] as { clientConfig: JsonObject }[];
    expect(webhooks.map(({ clientConfig }) => clientConfig['service'])).toEqual([
      { name: 'sluice-webhook' },
      { name: 'sluice-webhook' },
      { name: 'sluice-webhook', path: '/scale/a1' },
    ]);
  });

  it('is not written again', () => {
    const told = { bundle: 'PEM', scalePath: '/scale/a1' };
    const published = withPublished(configuration, told);
    expect(published).toBeDefined();
    expect(withPublished(published ?? {}, told)).toBeUndefined();
  });

  it('fails where there is no configuration', async () => {
    await expect(makePublish(new InMemoryKube({}), 'sluice')({ bundle: 'PEM' }, signal)).rejects.toThrow(
      'HTTP 404',
    );
  });
});

describe('the Secrets', () => {
  const path = '/api/v1/namespaces/ns/secrets';

  it('are written and read back, and only over the version that was read', async () => {
    const store = makeSecretStore(new InMemoryKube({}), 'ns');
    expect(await store.read('s', signal)).toBeUndefined();
    expect(await store.write('s', { 'ca.crt': 'ä' }, undefined, signal)).toBe(true);
    const seen = await store.read('s', signal);
    expect(seen?.data).toEqual({ 'ca.crt': 'ä' });
    expect(await store.write('s', { a: '1' }, seen, signal)).toBe(true);
    expect(await store.write('s', { a: '2' }, seen, signal)).toBe(false);
    expect(await store.write('s', { a: '3' }, undefined, signal)).toBe(false);
    expect((await store.read('s', signal))?.data).toEqual({ a: '1' });
  });

  it('fail on any other refusal', async () => {
    const kube = new InMemoryKube({ [`${path}/s`]: {} });
    kube.get = () => Promise.reject(refusal(403));
    await expect(makeSecretStore(kube, 'ns').read('s', signal)).rejects.toThrow('HTTP 403');
  });
});
