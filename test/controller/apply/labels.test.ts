import { expect, it } from '@jest/globals';
import { apply } from '../../../controller/apply/apply.js';
import type { Site } from '../../../controller/apply/tools.js';
import { makeKube } from '../../../controller/kube/client.js';
import { isConflict } from '../../../controller/kube/errors.js';
import { makeTransport } from '../../../controller/kube/transport.js';
import type { JsonObject } from '../../../lib/json.js';
import { observed } from '../cases.js';
import { serve } from '../double/server.js';
import { makeStore } from '../double/store.js';
import { PODS } from '../double/workloads.js';
import { podObject } from '../fixtures/objects.js';

const NAMESPACE = observed().declaration.namespace;
const NAME = 'emqx-0';

it('what is to take a label away from a pod is refused once a Service is to be pinned to it again (4714)', async () => {
  const store = makeStore();
  const server = await serve(store);
  const origin = new URL(server.url);
  const kube = makeKube(makeTransport({ origin, tls: {}, headers: () => Promise.resolve({}) }));
  const { signal } = new AbortController();
  const pod = (): JsonObject => store.get(PODS, NAMESPACE, NAME) ?? {};
  /** What a pass sees now. */
  const site = (): Site => {
    const parts = { view: { observed: observed(), raw: { pods: [pod()] } }, tools: { kube }, signal };
    return parts as unknown as Site;
  };
  try {
    store.create(PODS, NAMESPACE, podObject({ metadata: { name: NAME, namespace: NAMESPACE } }));
    await apply({ kind: 'labelPods', pods: [NAME], revision: 'rrrrrrrrr' }, site());
    await apply({ kind: 'notePods', pods: [NAME] }, site());
    expect(pod()['metadata']).toMatchObject({ annotations: { 'sluice.dev/handed-back': 'true' } });
    const before = site();
    await apply({ kind: 'labelPods', pods: [NAME], revision: 'rrrrrrrrr' }, site());
    expect(pod()['metadata']).not.toMatchObject({ annotations: { 'sluice.dev/handed-back': 'true' } });

    const late = apply({ kind: 'unlabelPods', pods: [NAME] }, before);
    expect(isConflict(await late.catch((error: unknown) => error))).toBe(true);
    expect(pod()['metadata']).toMatchObject({ labels: { 'sluice.dev/revision': 'rrrrrrrrr' } });
  } finally {
    server.close();
  }
});
