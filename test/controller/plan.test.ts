import { describe, expect, it } from '@jest/globals';
import { plan } from '../../controller/plan.js';
import type { Observed, Step } from '../../controller/model.js';
import { NEW, NEWER, OLD, nodeName, observed, report, set } from './cases.js';

const blue = 'emqx-bbbbbbbbb';
const green = 'emqx-ggggggggg';
const newest = 'emqx-nnnnnnnnn';
const upgrade = {
  id: '',
  startedAt: new Date(900_000).toISOString(),
  requestedBy: 'alice',
  from: blue,
  to: green,
  traceparent: '',
};
const switched = { upgrade: { ...upgrade, switchedAt: new Date(900_000).toISOString() }, active: green };
const asked = { template: NEW };
const down = { size: 0, podCount: 0 };
const unready = { ready: false, problem: 'is starting' };

interface Case {
  when: string;
  seen: Observed;
  /** Part of the step, and of the message. */
  then: Partial<Step>;
  says?: RegExp;
  phase?: string;
}

const cases: Record<string, Case[]> = {
  'step 0 puts back what got past the webhook': [
    {
      when: 'there is no BlueGreen',
      seen: { ...observed(), blueGreen: { ...observed().blueGreen, exists: false } },
      then: { kind: 'createBlueGreen' },
    },
    {
      when: 'the declaration is not frozen',
      seen: observed({ declaration: { frozen: false } }),
      then: { kind: 'holdDeclaration' },
    },
    {
      when: 'a size got past the webhook',
      seen: observed({ declaration: { replicas: 5 } }),
      then: { kind: 'holdDeclaration', wish: 5 },
    },
    {
      when: 'the declared size changed',
      seen: observed({ declaration: { wish: 5 } }),
      then: { kind: 'carrySize', replicas: 5 },
    },
    {
      when: 'an autoscaler set another size since',
      seen: observed({ spec: { replicas: 2 }, declaration: { wish: 3 } }),
      then: { kind: 'resize', to: 2 },
    },
  ],
  'step 1 pins first': [
    {
      when: 'the Service selects every revision',
      seen: observed({ services: [{ name: 'emqx', resourceVersion: '1', managed: false, readyPods: [] }] }),
      then: { kind: 'pointServices', revision: 'oldoldold' },
    },
    {
      when: 'a running set was adopted',
      seen: observed({
        declaration: { replicas: 3, heldReplicas: 3 },
        sets: [
          set('emqx', {
            kind: 'declaration',
            pods: { 0: { revision: '' }, 1: { revision: '' }, 2: { revision: '' } },
          }),
        ],
        services: [{ name: 'emqx', resourceVersion: '1', managed: false, readyPods: [] }],
      }),
      then: { kind: 'labelPods', pods: ['emqx-0', 'emqx-1', 'emqx-2'] },
    },
  ],
  'step 2 makes and sizes the sets': [
    { when: 'nothing exists', seen: observed({ sets: [] }), then: { kind: 'pointServices' } },
    {
      when: 'nothing exists and the Service is pinned',
      seen: { ...observed({ sets: [], services: [] }) },
      then: { kind: 'makeSet', size: 3 },
    },
    {
      when: 'the template changed',
      seen: observed({ declaration: asked }),
      then: { kind: 'makeSet', size: 3 },
    },
    {
      when: 'the active set must grow, it does so before green is made',
      seen: observed({ declaration: asked, spec: { replicas: 4 } }),
      then: { kind: 'resize', set: 'emqx-oldoldold', to: 4 },
    },
    {
      when: 'blue starts from nothing, green waits for it',
      seen: observed({
        declaration: asked,
        sets: [set(blue, { pods: { 0: unready, 1: unready, 2: unready } })],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'all of blue is broken, the edit that repairs it goes on',
      seen: observed({
        declaration: asked,
        sets: [
          set(blue, {
            pods: {
              0: { ...unready, failing: true },
              1: { ...unready, failing: true },
              2: { ...unready, failing: true },
            },
          }),
        ],
      }),
      then: { kind: 'makeSet' },
    },
    {
      when: 'the wanted set exists at 0, it is reused',
      seen: observed({
        declaration: asked,
        selects: 'bbbbbbbbb',
        sets: [set(green, { template: NEW, ...down }), set(blue)],
      }),
      then: { kind: 'resize', set: green, to: 3 },
    },
    {
      when: 'a green that never was active is no longer wanted',
      seen: observed({
        declaration: { template: NEWER },
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
      }),
      then: { kind: 'deleteSet', set: green },
    },
    {
      when: 'two greens ago still holds clients, its drain pauses and the newest is made',
      seen: observed({
        declaration: { template: NEWER },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW, createdAtMs: 5 })],
      }),
      then: { kind: 'makeSet' },
    },
  ],
  'step 3 switches only to a green that is whole': [
    {
      when: 'every green node is Ready and joined',
      seen: observed({ declaration: asked, sets: [set(blue), set(green, { template: NEW })] }),
      then: { kind: 'pointServices', services: ['emqx'], revision: 'ggggggggg' },
    },
    {
      when: 'a green pod is not Ready',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, pods: { 1: unready } })],
      }),
      then: { kind: 'wait' },
      says: /emqx-ggggggggg-1 is starting/,
    },
    {
      when: 'a green node has not joined',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        apart: [`${green}-2`],
      }),
      then: { kind: 'wait' },
      says: /ggggggggg-2.* has not joined the EMQX cluster/,
    },
    {
      when: 'a blue pod is broken',
      seen: observed({
        declaration: asked,
        sets: [set(blue, { pods: { 1: { ...unready, failing: true } } }), set(green, { template: NEW })],
      }),
      then: { kind: 'pointServices', revision: 'ggggggggg' },
    },
    {
      when: 'blue refuses the API key',
      seen: observed({
        declaration: asked,
        sets: [
          set(blue, {
            pods: {
              0: {
                report: report(`${blue}-0`, {
                  api: { kind: 'unauthorized', detail: 'BAD_API_KEY_OR_SECRET' },
                }),
              },
            },
          }),
          set(green, { template: NEW }),
        ],
      }),
      then: { kind: 'wait' },
      says: /refuses the API key.*spec.emqx.apiKeySecret/,
    },
    {
      when: 'promotion is by hand',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW })],
        spec: { promotion: { auto: false, previewService: '' } },
      }),
      then: { kind: 'wait' },
      phase: 'AwaitingPromotion',
    },
    {
      when: 'it was promoted by hand',
      seen: observed({
        declaration: { ...asked, promote: 'ggggggggg' },
        sets: [set(blue), set(green, { template: NEW })],
        spec: { promotion: { auto: false, previewService: '' } },
      }),
      then: { kind: 'pointServices' },
    },
    {
      when: 'green is late',
      seen: observed({
        declaration: asked,
        sets: [set(blue), set(green, { template: NEW, pods: { 0: { ...unready, failing: true } } })],
        status: { upgrade: { ...upgrade, startedAt: new Date(300_000).toISOString() } },
      }),
      then: { kind: 'abort', replacing: 'bbbbbbbbb', revision: 'ggggggggg' },
    },
    {
      when: 'green was aborted, it goes',
      seen: observed({
        declaration: { ...asked, aborted: { revision: 'ggggggggg', replacing: 'bbbbbbbbb' } },
        sets: [
          set(blue),
          set(green, { template: NEW, createdAtMs: 5, pods: { 0: unready, 1: unready, 2: unready } }),
        ],
      }),
      then: { kind: 'deleteSet', set: green },
    },
  ],
  'step 4 takes blue down, one drain at a time': [
    {
      when: 'the endpoints still list blue',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
        services: [
          {
            name: 'emqx',
            resourceVersion: '1',
            revision: 'ggggggggg',
            managed: true,
            readyPods: [`${blue}-0`],
          },
        ],
      }),
      then: { kind: 'wait' },
      phase: 'Delaying',
    },
    {
      when: 'the delay is not over',
      seen: observed({
        declaration: asked,
        status: { upgrade },
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'wait' },
      phase: 'Delaying',
    },
    {
      when: 'the delay is over',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW })],
      }),
      then: { kind: 'resize', set: blue, to: 2 },
    },
    {
      when: 'a pod drains',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [
          set(blue, { size: 2, podCount: 3, pods: { 2: { terminating: true, ready: false } } }),
          set(green, { template: NEW }),
        ],
        evacuations: { [`${blue}-2`]: 'evicting_conns' },
      }),
      then: { kind: 'wait' },
      says: /bbbbbbbbb-2 is draining \(evicting_conns\), 100 clients/,
    },
    {
      when: 'the pod before is drained, though not gone',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [
          set(blue, { size: 2, podCount: 3, pods: { 2: { terminating: true, ready: false } } }),
          set(green, { template: NEW }),
        ],
        evacuations: { [`${blue}-2`]: 'prohibiting' },
      }),
      then: { kind: 'resize', set: blue, to: 1 },
    },
    {
      when: 'a green pod is starting',
      seen: observed({
        declaration: asked,
        status: switched,
        selects: 'ggggggggg',
        sets: [set(blue), set(green, { template: NEW, pods: { 0: unready } })],
      }),
      then: { kind: 'wait' },
      says: /no pod is taken down while emqx-ggggggggg-0/,
    },
    {
      when: 'strays of the declaration hold nobody, they are evacuated from a green node before they go',
      seen: observed({
        declaration: { replicas: 1, heldReplicas: 1, ...asked },
        selects: 'ggggggggg',
        sets: [
          set(green, { template: NEW }),
          set('emqx', { kind: 'declaration', template: NEW, size: 1, createdAtMs: 9 }),
        ],
      }),
      then: { kind: 'evacuate', node: nodeName('emqx-0') },
    },
    {
      when: 'a stray is evacuated, it goes',
      seen: observed({
        declaration: { replicas: 1, heldReplicas: 1, ...asked },
        selects: 'ggggggggg',
        sets: [
          set(green, { template: NEW }),
          set('emqx', { kind: 'declaration', template: NEW, size: 1, createdAtMs: 9 }),
        ],
        evacuations: { 'emqx-0': 'prohibiting' },
      }),
      then: { kind: 'resize', set: 'emqx', to: 0 },
    },
    {
      when: 'fewer nodes are wanted in quiet times',
      seen: observed({ spec: { replicas: 2 }, declaration: { wish: 3 } }),
      then: { kind: 'resize', to: 2 },
    },
  ],
  'step 5 has stopped nodes leave': [
    {
      when: 'a retired node has stopped',
      seen: observed({ sets: [set(blue)], stopped: [`${green}-0`] }),
      then: { kind: 'leave', node: nodeName(`${green}-0`), via: `${blue}-0` },
    },
    {
      when: 'a node of somebody else has stopped',
      seen: observed({ stopped: ['emqx-replicant-0'] }),
      then: { kind: 'rest' },
    },
    {
      when: 'a pod is restarting in place',
      seen: observed({
        sets: [set(blue, { pods: { 1: { ...unready, restarts: 1 } } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'wait' },
    },
    {
      when: 'a fresh pod is refused under its old name',
      seen: observed({
        sets: [set(blue, { pods: { 1: { ...unready, report: report(`${blue}-1`, { joined: false }) } } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'leave', node: nodeName(`${blue}-1`), via: `${blue}-0` },
    },
    {
      when: 'the stopped node keeps its data on a claim',
      seen: observed({
        declaration: { hasClaims: true },
        sets: [set(blue, { pods: { 1: null } })],
        stopped: [`${blue}-1`],
      }),
      then: { kind: 'wait' },
    },
  ],
  'and rests': [
    { when: 'all is well', seen: observed(), then: { kind: 'rest' }, phase: 'Stable' },
    {
      when: 'blue is kept at 0 to go back to',
      seen: observed({
        declaration: asked,
        selects: 'ggggggggg',
        sets: [set(blue, down), set(green, { template: NEW })],
      }),
      then: { kind: 'rest' },
    },
    {
      when: 'more sets are kept than the limit',
      seen: observed({
        declaration: { template: NEWER },
        spec: { revisionHistoryLimit: 1 },
        selects: 'nnnnnnnnn',
        sets: [set(blue, down), set(green, { template: NEW, ...down }), set(newest, { template: NEWER })],
      }),
      then: { kind: 'deleteSet', set: blue },
    },
    {
      when: 'paused',
      seen: observed({ declaration: asked, spec: { paused: true } }),
      then: { kind: 'wait' },
      phase: 'Paused',
    },
    {
      when: 'the template is the same by value though its keys are in another order',
      seen: observed({
        sets: [set(blue, { template: { spec: { containers: [{ image: 'emqx:1', name: 'emqx' }] } } })],
        declaration: { template: OLD },
      }),
      then: { kind: 'rest' },
    },
  ],
};

describe.each(Object.entries(cases))('%s', (_, table) => {
  it.each(table)('$when', ({ seen, then, says, phase }) => {
    const decision = plan(seen);
    expect(decision.step).toMatchObject(then);
    if (says) expect(decision.message).toMatch(says);
    if (phase !== undefined) expect(decision.phase).toBe(phase);
  });
});
