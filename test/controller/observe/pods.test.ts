import { describe, expect, it } from '@jest/globals';
import type { Pod } from '../../../controller/model.js';
import { parsePod, sidecarAddress } from '../../../controller/observe/pods.js';
import type { JsonObject } from '../../../lib/json.js';
import { podObject } from '../fixtures/objects.js';

const CREATED_MS = Date.parse('2026-01-01T00:00:00Z');
const parse = (raw: JsonObject, afterMs = 10_000): ReturnType<typeof parsePod> =>
  parsePod(raw, { nowMs: CREATED_MS + afterMs, emqxContainer: 'emqx', report: undefined });

const notReady = { type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:00:00Z' };
const sidecarReady = { name: 'sluice', started: true, ready: true, state: { running: {} } };

function unready(status: JsonObject): JsonObject {
  return podObject({ status: { conditions: [notReady], ...status } });
}

describe('a pod that is Ready', () => {
  it('has no problem', () => {
    expect(parse(podObject())).toEqual({
      name: 'emqx-bcdfghjkl-0',
      ordinal: 0,
      uid: 'uid-pod',
      createdAtMs: Date.parse('2026-01-01T00:00:00Z'),
      readySinceMs: Date.parse('2026-01-01T00:00:05Z'),
      podIp: '10.0.0.5',
      revision: 'bcdfghjkl',
      ready: true,
      terminating: false,
      problem: '',
      failing: false,
      restarts: 0,
    });
  });

  it('says when Sluice has labelled it, and nothing where others have', () => {
    const labelledBy = (manager: string): JsonObject => ({
      ...(podObject()['metadata'] as JsonObject),
      managedFields: [
        {
          manager,
          operation: 'Update',
          time: '2026-01-01T00:00:07Z',
          fieldsV1: { 'f:metadata': { 'f:labels': { 'f:sluice.dev/revision': {} } } },
        },
      ],
    });
    const written = (manager: string): number | undefined =>
      parse(podObject({ metadata: labelledBy(manager) })).writtenAtMs;
    expect(written('sluice-controller')).toBe(CREATED_MS + 7_000);
    expect(written('kube-controller-manager')).toBeUndefined();
  });

  it('is not ready any more once it is being deleted', () => {
    const metadata = {
      ...(podObject()['metadata'] as JsonObject),
      deletionTimestamp: '2026-01-01T01:00:00Z',
    };
    expect(parse(podObject({ metadata }))).toMatchObject({ ready: false, terminating: true, failing: false });
  });
});

describe('why a pod is not Ready', () => {
  const emqx = (state: JsonObject, more: JsonObject = {}): JsonObject => ({
    initContainerStatuses: [sidecarReady],
    containerStatuses: [{ name: 'emqx', image: 'emqx:9', ready: false, restartCount: 5, state, ...more }],
  });
  it.each([
    {
      when: 'no node has room',
      status: {
        phase: 'Pending',
        conditions: [
          notReady,
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/4 nodes have enough memory',
          },
        ],
      },
      problem: 'is Pending: 0/4 nodes have enough memory',
      failing: true,
    },
    {
      when: 'the image is not to be had',
      status: emqx({ waiting: { reason: 'ImagePullBackOff', message: 'not found' } }),
      problem:
        'cannot run image emqx:9: ImagePullBackOff in container emqx; correct the image, or the way to it (not found)',
      failing: true,
    },
    {
      when: 'EMQX crashes',
      status: emqx(
        { waiting: { reason: 'CrashLoopBackOff' } },
        { lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } },
      ),
      problem:
        'is crash-looping: container emqx ended with exit code 137 OOMKilled, 5 restarts; its log says why',
      failing: true,
    },
    {
      when: 'the key Secret is missing',
      status: emqx({ waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' } }),
      problem: 'cannot start container emqx: CreateContainerConfigError (secret "x" not found)',
      failing: true,
    },
    {
      when: 'EMQX starts',
      status: emqx({ running: {} }),
      problem: 'is starting: EMQX is not ready yet',
      failing: false,
    },
    {
      when: 'EMQX is ready and has not joined',
      status: {
        initContainerStatuses: [{ ...sidecarReady, ready: false }],
        containerStatuses: [{ name: 'emqx', ready: true, state: { running: {} } }],
      },
      problem: 'has not joined the EMQX cluster yet',
      failing: false,
    },
    { when: 'it is only just made', status: { phase: 'Pending' }, problem: 'is starting', failing: false },
  ])('is said when $when', ({ status, problem, failing }) => {
    expect(parse(unready(status))).toMatchObject({ ready: false, problem, failing });
  });

  const ended = { lastState: { terminated: { exitCode: 3 } } };
  it.each([
    {
      when: 'pulling is held off',
      state: { waiting: { reason: 'ImagePullBackOff' } },
      by: 'ImagePullBackOff',
    },
    { when: 'pulling has failed once', state: { waiting: { reason: 'ErrImagePull' } }, by: undefined },
    {
      when: 'it waits in a crash loop',
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      by: 'CrashLoopBackOff',
    },
    { when: 'it runs in a crash loop', state: { running: {} }, more: ended, by: 'CrashLoopBackOff' },
    {
      when: 'it was restarted once',
      state: { running: {} },
      more: { ...ended, restartCount: 1 },
      by: undefined,
    },
    { when: 'it starts', state: { running: {} }, by: undefined },
  ])('needs a person when $when: $by', ({ state, more, by }) => {
    expect(parse(unready(emqx(state, more))).stuckBy).toBe(by);
  });

  it('is what it mounts, when it gets no address', () => {
    const waiting = { state: { waiting: { reason: 'PodInitializing' } } };
    const status = {
      phase: 'Pending',
      podIP: '',
      initContainerStatuses: [{ name: 'sluice', ...waiting }],
      containerStatuses: [{ name: 'emqx', ready: false, ...waiting }],
    };
    expect(parse(unready(status), 10_000).problem).toBe('waits for its sidecar to start');
    expect(parse(unready(status), 30_000).problem).toContain('every Secret, ConfigMap and claim');
  });

  it('is hopeless after five minutes, whatever it is', () => {
    expect(parse(unready(emqx({ running: {} })), 299_000).failing).toBe(false);
    expect(parse(unready(emqx({ running: {} })), 301_000).failing).toBe(true);
  });
});

describe('since when a pod has to hand over', () => {
  const metadata = podObject()['metadata'] as JsonObject;
  const deleted = { deletionTimestamp: '2026-01-01T01:00:00Z', deletionGracePeriodSeconds: 1800 };
  const noted = (value: string): JsonObject => ({ annotations: { 'sluice.dev/evacuated-since': value } });
  const deletedAtMs = Date.parse('2026-01-01T00:30:00Z');
  const acceptedAtMs = Date.parse('2026-01-01T00:10:00Z');
  it.each<{ when: string; more: JsonObject; then: Partial<Pod> }>([
    { when: 'nobody asked', more: {}, then: {} },
    { when: 'it was deleted: the grace period before its end', more: deleted, then: { deletedAtMs } },
    {
      when: 'the evacuation of its node was accepted',
      more: noted('2026-01-01T00:10:00Z'),
      then: { evacuationNote: { acceptedAtMs } },
    },
    {
      when: 'it was evacuated, then deleted',
      more: { ...noted('2026-01-01T00:10:00Z'), ...deleted },
      then: { deletedAtMs, evacuationNote: { acceptedAtMs } },
    },
    {
      when: 'the evacuation was asked for, and nobody heard of an answer',
      more: noted('asked'),
      then: { evacuationNote: {} },
    },
    {
      when: 'its node was seen to hold nobody',
      more: { annotations: { 'sluice.dev/empty-since': '2026-01-01T00:10:00Z' } },
      then: { emptySinceMs: acceptedAtMs },
    },
  ])('is known when $when', ({ more, then }) => {
    const {
      deletedAtMs: deletedAt,
      evacuationNote,
      emptySinceMs,
    } = parse(podObject({ metadata: { ...metadata, ...more } }));
    expect({ deletedAtMs: deletedAt, evacuationNote, emptySinceMs }).toEqual({
      deletedAtMs: then.deletedAtMs,
      evacuationNote: then.evacuationNote,
      emptySinceMs: then.emptySinceMs,
    });
  });
});

describe('the address of a sidecar', () => {
  it("is the pod's, while the sidecar runs", () => {
    expect(sidecarAddress(podObject())).toBe('10.0.0.5');
    expect(sidecarAddress(podObject({ status: { initContainerStatuses: [] } }))).toBeUndefined();
    const waiting = { name: 'sluice', state: { waiting: {} } };
    expect(sidecarAddress(podObject({ status: { initContainerStatuses: [waiting] } }))).toBeUndefined();
  });
});
