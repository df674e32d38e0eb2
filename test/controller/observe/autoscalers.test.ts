import { expect, it } from '@jest/globals';
import { autoscalersOf } from '../../../controller/observe/autoscalers.js';
import type { JsonObject } from '../../../lib/json.js';
import { declarationObject } from '../fixtures/objects.js';

const declared: JsonObject = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'emqx' };

it.each<{ of: string; target: JsonObject; seen: string[] }>([
  { of: 'the declaration', target: declared, seen: ['hpa'] },
  { of: 'another StatefulSet', target: { ...declared, name: 'emqx-edge' }, seen: [] },
  {
    of: 'its BlueGreen',
    target: { apiVersion: 'sluice.dev/v1alpha1', kind: 'BlueGreen', name: 'emqx' },
    seen: [],
  },
  { of: 'a StatefulSet of another kind', target: { ...declared, apiVersion: 'apps.kruise.io/v1' }, seen: [] },
])('an autoscaler of $of', ({ target, seen }) => {
  const hpa: JsonObject = { metadata: { name: 'hpa' }, spec: { scaleTargetRef: target } };
  expect(autoscalersOf([hpa], declarationObject())).toEqual(seen);
});
