import { describe, expect, it } from '@jest/globals';
import type { Decision } from '../../../controller/model.js';
import { notesOf } from '../../../controller/status/notes.js';
import { DEFAULT_SPEC } from '../../../lib/types.js';
import { imaged, observed, set } from '../cases.js';

const active = 'emqx-bbbbbbbbb';
const decided: Decision = {
  step: { kind: 'rest' },
  phase: 'Stable',
  message: 'serves',
  active,
  wanted: active,
  activeRevision: 'bbbbbbbbb',
  wantedRevision: 'bbbbbbbbb',
  wantedSize: 3,
  settled: true,
};
const service = { name: 'emqx', resourceVersion: '1', managed: true, readyPods: [] };

describe('beside what is waited for, people are told', () => {
  it('nothing, when there is nothing', () => {
    expect(notesOf(observed({ sets: [set(active)] }), decided)).toEqual([]);
  });

  it.each([
    {
      what: 'that a new value holds from the next revision on',
      seen: observed({ sets: [set(active, { outdated: ['spec.drainTimeoutSeconds'] })] }),
      reason: 'HeldForNextRevision',
      message:
        /another spec.drainTimeoutSeconds, .* from the next revision on .*rollout restart statefulset emqx/,
    },
    {
      what: 'that a load balancer may cut clients off',
      seen: observed({ sets: [set(active)], services: [{ ...service, podTargets: 'annotation x' }] }),
      reason: 'LoadBalancerTargetsPods',
      message: /Service emqx sends clients to pods directly \(annotation x\): give it a deregistration delay/,
    },
    {
      what: 'that the preview Service cannot be used',
      seen: observed({ sets: [set(active)], preview: { kind: 'unusable', why: 'it is not there' } }),
      reason: 'PreviewUnusable',
      message: /^it is not there$/,
    },
    {
      what: 'that a Service by which clients came is the preview Service now',
      seen: observed({
        sets: [set(active)],
        preview: { kind: 'found', name: 'emqx-ws', resourceVersion: '1', managed: true },
        status: { services: ['emqx', 'emqx-ws'] },
      }),
      reason: 'PreviewHadClients',
      message: /^Service emqx-ws, by which clients came, is the preview Service from now on: .* until green/,
    },
    {
      what: 'that the spec names a container which is not there',
      seen: observed({
        declaration: { template: imaged('emqx:1') },
        spec: { emqx: { ...DEFAULT_SPEC.emqx, container: 'nope' } },
        sets: [set(active)],
      }),
      reason: 'ContainerUnknown',
      message: /^spec.emqx.container is nope, but the containers are: emqx; correct it, or leave it empty$/,
    },
    {
      what: 'that a Service is left alone',
      seen: observed({ sets: [set(active)], leftAlone: ['Service x is left alone'] }),
      reason: 'ServiceLeftAlone',
      message: /^Service x is left alone$/,
    },
    {
      what: 'that an autoscaler is on what is kept at 0',
      seen: observed({ sets: [set(active)], autoscalers: ['emqx-hpa'] }),
      reason: 'AutoscalerTargetsStatefulSet',
      message:
        /^HorizontalPodAutoscaler emqx-hpa targets StatefulSet emqx, .* BlueGreen emqx \(apiVersion sluice.dev\/v1alpha1\)$/,
    },
  ])('$what', ({ seen, reason, message }) => {
    expect(notesOf(seen, decided)).toEqual([
      expect.objectContaining({ reason, message: expect.stringMatching(message) }),
    ]);
  });

  it('nothing of an autoscaler, when the StatefulSet is handed back to it', () => {
    const seen = observed({ autoscalers: ['emqx-hpa'], declaration: { handingBack: true } });
    expect(notesOf(seen, decided)).toEqual([]);
  });

  it('not again what is waited for', () => {
    const seen = observed({ sets: [set(active)], leftAlone: ['Service x is left alone'] });
    expect(notesOf(seen, { ...decided, message: 'no upgrade: Service x is left alone' })).toEqual([]);
  });
});
