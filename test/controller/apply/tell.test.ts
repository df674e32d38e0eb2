import { expect, it } from '@jest/globals';
import { apply } from '../../../controller/apply/apply.js';
import type { Site } from '../../../controller/apply/tools.js';
import { SidecarError } from '../../../controller/sidecars.js';
import { SIDECAR } from '../../../lib/sidecar-env.js';
import { report } from '../cases.js';

const pods = ['emqx-0', 'emqx-1', 'emqx-2'];

it('the refusal of one sidecar keeps none of the others from being told, and fails the pass', async () => {
  const told: string[] = [];
  const refusal = new SidecarError('connEvictRate must be a whole number', 400);
  const site = {
    view: {
      raw: {
        pods: pods.map((name, index) => ({
          metadata: { name },
          status: {
            // the second has none that could be asked
            ...(index !== 1 && { podIP: `10.0.0.${index}` }),
            initContainerStatuses: [{ name: SIDECAR.container, state: { running: {} } }],
          },
        })),
      },
    },
    tools: {
      sidecars: {
        tell: async (address: string) => {
          if (address === '10.0.0.0') throw refusal;
          await new Promise((resolve) => setImmediate(resolve));
          told.push(address);
        },
      },
    },
    signal: new AbortController().signal,
  } as unknown as Site;
  const step = { kind: 'tell', pods, settings: report('emqx-0').settings } as const;
  await expect(apply(step, site)).rejects.toBe(refusal);
  expect(told).toEqual(['10.0.0.2']);
});
