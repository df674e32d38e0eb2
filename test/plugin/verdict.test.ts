import { describe, expect, it } from '@jest/globals';
import { KubeError } from '../../plugin/kube.js';
import { waitForEnd } from '../../plugin/status.js';
import { verdictOf } from '../../plugin/verdict.js';
import type { View } from '../../plugin/view.js';
import { NotFound } from '../../plugin/failure.js';
import { revisionOf, setNameOf } from '../../lib/revision.js';
import { BLUE, condition, draining, GREEN, NEW, set, template, upgrade, view } from './cases.js';

const green = { status: { active: GREEN, wanted: GREEN }, sets: [set(GREEN, { image: NEW })], image: NEW };
const aborted = JSON.stringify({ revision: revisionOf('emqx', template(NEW)), replacing: 'bbbbbbbbb' });
const stalled = view({
  status: { phase: 'Progressing', message: 'emqx-0 cannot run', conditions: [condition('Stalled')] },
});

/** What a BlueGreen says that has no StatefulSet with the label. */
function idle(isLabelled: boolean): View {
  const seen = view({ isLabelled, sets: [] });
  const { observedGeneration = 0 } = seen.status;
  return {
    ...seen,
    status: { phase: 'Idle', message: 'there is no StatefulSet emqx', observedGeneration, history: [] },
  };
}

describe('the verdict', () => {
  it.each<{ when: string; seen: View; kind: string; says?: string }>([
    { when: 'nothing goes on', seen: view(), kind: 'done' },
    { when: 'an upgrade has ended', seen: view(green), kind: 'done' },
    { when: 'nodes drain', seen: draining(), kind: 'running', says: 'Draining: ' },
    {
      when: 'an edit was not seen yet',
      seen: view({ image: NEW }),
      kind: 'running',
      says: 'the last edit has yet to be taken up',
    },
    {
      when: 'a size was not carried yet',
      seen: view({ declarationNotes: { 'sluice.dev/replicas': '5' } }),
      kind: 'running',
      says: 'the last edit has yet to be taken up',
    },
    {
      when: 'the BlueGreen was edited and not seen yet',
      seen: view({ status: { observedGeneration: 0 } }),
      kind: 'running',
    },
    { when: 'a person has to act', seen: stalled, kind: 'failed', says: 'emqx-0 cannot run' },
    {
      when: 'it was aborted',
      seen: view({
        image: NEW,
        status: { phase: 'Aborted', conditions: [] },
        declarationNotes: { 'sluice.dev/aborted': aborted },
      }),
      kind: 'failed',
    },
    {
      when: 'the way back from an aborted one goes on',
      seen: view({
        image: NEW,
        status: { phase: 'Draining', conditions: [], upgrade },
        sets: [set(BLUE), set(GREEN, { image: NEW })],
        declarationNotes: { 'sluice.dev/aborted': aborted },
      }),
      kind: 'running',
      says: 'Draining: ',
    },
    {
      when: 'an aborted one was edited again',
      seen: view({
        image: 'emqx/emqx-enterprise:5.8.10',
        status: { phase: 'Aborted', conditions: [condition('Stalled')] },
        declarationNotes: { 'sluice.dev/aborted': aborted },
      }),
      kind: 'running',
      says: 'the last edit has yet to be taken up',
    },
    {
      when: 'it is paused',
      seen: view({ status: { phase: 'Paused', conditions: [] } }),
      kind: 'running',
      says: 'Paused',
    },
    {
      when: 'it is paused before green is made',
      seen: view({
        image: NEW,
        status: {
          phase: 'Paused',
          wanted: setNameOf('emqx', revisionOf('emqx', template(NEW))),
          conditions: [],
        },
      }),
      kind: 'running',
      says: 'Paused: ',
    },
    {
      when: 'its label has just gone',
      seen: view({ isLabelled: false }),
      kind: 'running',
      says: 'the last edit has yet to be taken up',
    },
    {
      when: 'it is handed back and its BlueGreen stays',
      seen: view({ isLabelled: false, status: { active: 'emqx', wanted: 'emqx' }, sets: [] }),
      kind: 'done',
    },
    {
      when: 'it was handed back and its BlueGreen, which is the user’s, steers nothing any more',
      seen: idle(false),
      kind: 'done',
    },
    {
      when: 'it was labelled again and the controller has not looked at it yet',
      seen: idle(true),
      kind: 'running',
      says: 'the last edit has yet to be taken up; until then: Idle: ',
    },
  ])('when $when: $kind', ({ seen, kind, says = '' }) => {
    const verdict = verdictOf(seen);
    expect(verdict.kind).toBe(kind);
    expect(verdict.message).toContain(says);
  });
});

describe('waiting', () => {
  /** Looks that follow one another, and a clock that the pauses move on. */
  async function wait(looks: (View | Error)[], options: { watch?: boolean; timeoutMs?: number } = {}) {
    const said: string[] = [];
    let nowMs = 0;
    let at = 0;
    const code = await waitForEnd(
      {
        look: () => {
          const next = looks[Math.min(at++, looks.length - 1)];
          return next instanceof Error || !next
            ? Promise.reject(next ?? new Error('no look'))
            : Promise.resolve(next);
        },
        pause: (ms) => {
          nowMs += ms;
          return Promise.resolve();
        },
        now: () => nowMs,
        say: (line) => said.push(line),
      },
      { watch: true, timeoutMs: Infinity, ...options },
    );
    return { code, said, nowMs };
  }

  it('ends with 0 when it is done, and says each state once', async () => {
    const { code, said } = await wait([draining(), draining(), view(green)]);
    expect(code).toBe(0);
    expect(said).toHaveLength(2);
    expect(said[1]).toBe('emqx is done: emqx-ggggggggg serves with 3/3 nodes');
  });

  it('ends with 1 when it has failed for good', async () => {
    const { code, said, nowMs } = await wait([stalled]);
    expect({ code, nowMs }).toEqual({ code: 1, nowMs: 5000 });
    expect(said).toEqual(['emqx has failed: emqx-0 cannot run']);
  });

  it('takes a failure that an edit has just mended for what it is', async () => {
    expect(await wait([stalled, stalled, draining(), view(green)])).toMatchObject({ code: 0 });
  });

  it('ends with 3 when the time is up', async () => {
    const { code, said, nowMs } = await wait([draining()], { timeoutMs: 2500 });
    expect({ code, nowMs }).toEqual({ code: 3, nowMs: 2500 });
    expect(said.at(-1)).toContain('the time is up after 3s: Draining');
  });

  it.each<[string, View, number]>([
    ['done', view(), 0],
    ['failed', stalled, 1],
    ['running', draining(), 3],
  ])('looks once without --watch: %s', async (_, seen, code) => {
    expect(await wait([seen], { watch: false })).toMatchObject({ code, nowMs: 0 });
  });

  it('ends with 0 when a declaration was handed back and its BlueGreen has gone', async () => {
    const back = view({
      isLabelled: false,
      status: { phase: 'Progressing', wanted: 'emqx', conditions: [] },
    });
    const gone = new NotFound('statefulset/emqx is not under Sluice');
    const { code, said } = await wait([back, gone]);
    expect({ code, last: said.at(-1) }).toEqual({
      code: 0,
      last: 'emqx is handed back: Sluice has let go of it',
    });
    await expect(wait([draining(), gone])).rejects.toThrow('not under Sluice');
  });

  it('says the same where it was the user’s BlueGreen, which stays', async () => {
    expect(await wait([idle(false)])).toMatchObject({
      code: 0,
      said: ['emqx is handed back: Sluice has let go of it'],
    });
  });

  it('bears an API server that is gone for a while, but not a wrong address', async () => {
    const gone = new KubeError('cannot reach the API server', 0);
    const { code, said } = await wait([draining(), gone, gone, view(green)]);
    expect(code).toBe(0);
    expect(said.filter((line) => line.includes('trying again'))).toHaveLength(1);
    await expect(wait([gone])).rejects.toThrow('cannot reach');
  });
});
