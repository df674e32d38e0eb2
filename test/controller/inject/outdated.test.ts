import { describe, expect, it } from '@jest/globals';
import { inject } from '../../../controller/inject/inject.js';
import { outdatedFields } from '../../../controller/inject/outdated.js';
import { DEFAULT_SPEC, type BlueGreenSpec } from '../../../lib/types.js';
import { liveTemplate } from '../fixtures/templates.js';

const own = liveTemplate();

function made(spec: BlueGreenSpec, secretName: string): ReturnType<typeof liveTemplate> {
  const injection = inject(own, {
    revision: 'bcdfghjkl',
    spec,
    sidecar: {
      image: 'sluice:1',
      imagePullPolicy: 'IfNotPresent',
      resources: {},
      controlCa: 'CA',
      metricsPort: 9441,
    },
    headlessService: 'emqx-headless',
    secretName,
    isOwnSecret: true,
  });
  if (injection.kind === 'refused') throw new Error(injection.message);
  return injection.template;
}

describe('what a set was made with', () => {
  const live = made(DEFAULT_SPEC, 'key');
  it.each<{ when: string; spec?: Partial<BlueGreenSpec>; secretName?: string; fields: string[] }>([
    { when: 'nothing has changed', fields: [] },
    {
      when: 'the port has',
      spec: { emqx: { ...DEFAULT_SPEC.emqx, apiPort: 8081 } },
      fields: ['spec.emqx.apiPort'],
    },
    { when: 'the Secret has', secretName: 'mine', fields: ['spec.emqx.apiKeySecret.name'] },
    { when: "a drain's time has", spec: { drainTimeoutSeconds: 10 }, fields: ['spec.drainTimeoutSeconds'] },
    {
      when: 'the wait for a recipient has',
      spec: { noRecipientSeconds: 100 },
      fields: ['spec.noRecipientSeconds'],
    },
    {
      when: 'both have',
      spec: { drainTimeoutSeconds: 10, noRecipientSeconds: 100 },
      fields: ['spec.drainTimeoutSeconds', 'spec.noRecipientSeconds'],
    },
    {
      when: 'both have, to the same sum',
      spec: {
        drainTimeoutSeconds: DEFAULT_SPEC.drainTimeoutSeconds - 60,
        noRecipientSeconds: DEFAULT_SPEC.noRecipientSeconds + 60,
      },
      fields: [],
    },
    {
      when: 'what sidecars are told while they run has',
      spec: { withoutEvacuation: 'Paced', maxConcurrentDrains: 2, paused: true },
      fields: [],
    },
  ])('differs from the spec in $fields when $when', ({ spec, secretName = 'key', fields }) => {
    expect(outdatedFields(live, own, { spec: { ...DEFAULT_SPEC, ...spec }, secretName })).toEqual(fields);
  });

  it('is not known of a template without a sidecar', () => {
    expect(outdatedFields(own, own, { spec: DEFAULT_SPEC, secretName: 'key' })).toEqual([]);
  });
});
