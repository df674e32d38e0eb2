import { expect, it } from '@jest/globals';
import { apply } from '../../../controller/apply/apply.js';
import type { Site } from '../../../controller/apply/tools.js';
import type { Pod } from '../../../controller/model.js';
import { SidecarError } from '../../../controller/sidecars.js';
import { SIDECAR } from '../../../lib/sidecar-env.js';
import { nodeName, observed, report, set } from '../cases.js';

const green = 'emqx-ggggggggg';
const nowMs = Date.parse('2026-01-01T01:00:00Z');
const node = nodeName('emqx-2');
const { settings } = report('emqx-2');

/** What is done, in order: notes written on the pod, and calls of the sidecar. */
function siteOf(
  evacuationNote: Pod['evacuationNote'],
  answer: () => Promise<'started' | 'running'>,
): { site: Site; done: string[] } {
  const done: string[] = [];
  const sets = [
    set('emqx', { kind: 'declaration', pods: evacuationNote ? { 2: { evacuationNote } } : {} }),
    set(green),
  ];
  const spokesman = {
    metadata: { name: `${green}-0` },
    status: {
      podIP: '10.0.0.5',
      initContainerStatuses: [{ name: SIDECAR.container, state: { running: {} } }],
    },
  };
  const site = {
    view: {
      observed: observed({ nowMs: nowMs - 20_000, sets }),
      raw: { pods: [spokesman, { metadata: { name: 'emqx-2', uid: 'emqx-2' } }] },
    },
    tools: {
      now: () => nowMs,
      kube: {
        mergePatch: (
          path: string,
          { metadata }: { metadata: { annotations: Record<string, string | null> } },
        ) => {
          const noted = metadata.annotations['sluice.dev/evacuated-since'];
          done.push(`note ${noted ?? 'null'} on ${path.slice(path.lastIndexOf('/') + 1)}`);
          return Promise.resolve({});
        },
      },
      sidecars: {
        evacuate: (address: string, asked: string) => {
          done.push(`evacuate ${asked} by ${address}`);
          return answer();
        },
        stopEvacuation: (address: string, asked: string) => {
          done.push(`stop ${asked} by ${address}`);
          return Promise.resolve();
        },
      },
    },
    signal: new AbortController().signal,
  };
  return { site: site as unknown as Site, done };
}

const evacuate = { kind: 'evacuate', node, pod: 'emqx-2', via: `${green}-0`, settings } as const;
const asked = 'note asked on emqx-2';
const called = `evacuate ${node} by 10.0.0.5`;
const now = 'note 2026-01-01T01:00:00.000Z on emqx-2';
const earlierMs = Date.parse('2026-01-01T00:10:00Z');

it.each<{
  when: string;
  note?: Pod['evacuationNote'];
  answer: 'started' | 'running';
  then: string[];
}>([
  { when: 'it begins', answer: 'started', then: [asked, called, now] },
  { when: 'nobody had heard of an answer', note: {}, answer: 'running', then: [called, now] },
  {
    when: 'one of earlier days has ended, and it begins anew',
    note: { acceptedAtMs: earlierMs },
    answer: 'started',
    then: [asked, called, now],
  },
  {
    when: 'somebody else began it, and it is not ours',
    answer: 'running',
    then: [asked, called, 'note null on emqx-2'],
  },
  {
    when: 'it ran all the while',
    note: { acceptedAtMs: earlierMs },
    answer: 'running',
    then: [asked, called, 'note 2026-01-01T00:10:00.000Z on emqx-2'],
  },
])('an evacuation takes time since it was accepted: $when', async ({ note, answer, then }) => {
  const { site, done } = siteOf(note, () => Promise.resolve(answer));
  await apply(evacuate, site);
  expect(done).toEqual(then);
});

it('an evacuation that is refused takes no time', async () => {
  const refusal = new SidecarError('refused', 502);
  const { site, done } = siteOf({ acceptedAtMs: earlierMs }, () => Promise.reject(refusal));
  await expect(apply(evacuate, site)).rejects.toBe(refusal);
  expect(done).toEqual([asked, called]);
});

it('the note goes when the evacuation has been stopped, not before', async () => {
  const { site, done } = siteOf({ acceptedAtMs: earlierMs }, () => Promise.resolve('running'));
  await apply({ kind: 'stopEvacuation', node, pod: 'emqx-2', via: `${green}-0` }, site);
  expect(done).toEqual([`stop ${node} by 10.0.0.5`, 'note null on emqx-2']);
});
