import { describe, expect, it } from '@jest/globals';
import type { V1EndpointSlice, V1Pod } from '@kubernetes/client-node';
import { blueGreenSeen, podSeen, readyAddresses } from './kubeFacts.js';

function slice(...endpoints: [address: string, ready?: boolean][]): V1EndpointSlice {
  return {
    addressType: 'IPv4',
    endpoints: endpoints.map(([address, ready]) => ({
      addresses: [address],
      conditions: ready === undefined ? {} : { ready },
    })),
  };
}

describe('readyAddresses', () => {
  it.each([
    { when: 'there is no slice', slices: [], ready: [] },
    {
      when: 'one is not ready',
      slices: [slice(['10.0.0.2', true], ['10.0.0.1', false])],
      ready: ['10.0.0.2'],
    },
    { when: 'a condition is missing', slices: [slice(['10.0.0.1'])], ready: ['10.0.0.1'] },
    {
      when: 'two slices name the same pod',
      slices: [slice(['10.0.0.1', true]), slice(['10.0.0.1', true], ['10.0.0.3', true])],
      ready: ['10.0.0.1', '10.0.0.3'],
    },
  ])('when $when', ({ slices, ready }) => expect(readyAddresses(slices)).toEqual(ready));
});

describe('podSeen', () => {
  const pod: V1Pod = {
    metadata: { name: 'emqx-a-0', uid: 'u', labels: { 'controller-revision-hash': 'emqx-a-1' } },
    status: {
      podIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [
        {
          name: 'emqx',
          image: '',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { terminated: { exitCode: 0, finishedAt: new Date(5000) } },
        },
      ],
    },
  };

  it('reads what the report needs', () => {
    expect(podSeen(pod, 'emqx', { atMs: 1, isGone: false })).toEqual({
      kind: 'pod',
      atMs: 1,
      uid: 'u',
      name: 'emqx-a-0',
      address: '10.0.0.1',
      revision: 'emqx-a-1',
      isReady: true,
      isDeleting: false,
      emqxEndedMs: 5000,
      isGone: false,
    });
  });

  it('takes a fresh pod as it is', () => {
    expect(podSeen({ metadata: { name: 'x' } }, 'emqx', { atMs: 1, isGone: false })).toMatchObject({
      address: '',
      isReady: false,
      emqxEndedMs: 0,
    });
  });
});

describe('blueGreenSeen', () => {
  it('has words for a BlueGreen without a status', () => {
    expect(blueGreenSeen({}, 3)).toMatchObject({ atMs: 3, phase: '', active: '', clientsLeft: 0 });
  });
});
