import { describe, expect, it } from '@jest/globals';
import { canonical, type JsonObject } from '../../lib/json.js';
import { ANNOTATION, LABEL } from '../../lib/names.js';
import { revisionOf, setNameOf } from '../../lib/revision.js';
import { decide } from '../../webhook/decide.js';
import type { AdmissionRequest } from '../../webhook/review.js';
import {
  answered,
  edited,
  HELD,
  labelledSet,
  labelsOn,
  notesOf,
  ASKED_AT,
  OLD_TIME,
  OLD_TRACE,
  options,
  OWN_USER,
  patched,
  plainSet,
  request,
  storedDeclaration,
  template,
  TRACE,
  USERS_OWN,
} from './reviews.js';

const OTHER_TRACE = `00-${'9'.repeat(32)}-${'8'.repeat(16)}-01`;
const NEXT = template('emqx/emqx-enterprise:5.8.9');
const revision = revisionOf('emqx', template());
const nextRevision = revisionOf('emqx', NEXT);
const stored = storedDeclaration();
const plain = plainSet();
/** Handed back so far that pods of its own run. */
const withOwnPods = edited(
  storedDeclaration({ annotations: { [ANNOTATION.heldReplicas]: '3' }, spec: { replicas: 3 } }),
  { labels: { [LABEL.upgrade]: undefined } },
);
const create = (object: JsonObject): AdmissionRequest => request({ operation: 'CREATE', object });
const update = (oldObject: JsonObject, change: Parameters<typeof edited>[1]): AdmissionRequest =>
  request({ oldObject, object: edited(oldObject, change) });
const label = { [LABEL.upgrade]: 'blue-green' };
const redirected =
  `sluice: template change redirected to green StatefulSet ${setNameOf('emqx', nextRevision)} (3 nodes declared); ` +
  'nothing restarts. Follow: kubectl get bluegreen emqx -w';
const recorded = (size: number): string =>
  `sluice: ${size} replicas recorded for bluegreen/emqx, which sizes the nodes; statefulset/emqx keeps its own`;

interface Case {
  when: string;
  asked: AdmissionRequest;
  /** Notes (annotations) in the stored result; undefined: absent. */
  notes?: Record<string, string | undefined>;
  replicas: number;
  warnings?: string[];
}

const NOTES = {
  replicas: ANNOTATION.replicas,
  revision: ANNOTATION.revision,
  by: ANNOTATION.requestedBy,
  trace: ANNOTATION.traceparent,
  at: ANNOTATION.requestedAt,
  strategy: ANNOTATION.updateStrategy,
  left: ANNOTATION.heldReplicas,
};

const held: Case[] = [
  {
    when: 'a declaration is created',
    asked: create(labelledSet()),
    replicas: 0,
    notes: {
      [NOTES.replicas]: '3',
      [NOTES.revision]: revision,
      [NOTES.by]: 'bob',
      [NOTES.trace]: TRACE,
      [NOTES.at]: ASKED_AT,
      [NOTES.strategy]: '{"rollingUpdate":{"partition":0},"type":"RollingUpdate"}',
    },
  },
  {
    when: 'a declaration is created with OnDelete',
    asked: create(labelledSet({ spec: { updateStrategy: { type: 'OnDelete' } } })),
    replicas: 0,
    notes: { [NOTES.strategy]: '{"type":"OnDelete"}' },
  },
  {
    when: 'a declaration is created at size 0',
    asked: create(labelledSet({ spec: { replicas: 0 } })),
    replicas: 0,
    notes: { [NOTES.replicas]: '0' },
  },
  {
    when: 'an adopted set is created from a backup of its stored form',
    asked: create(storedDeclaration({ spec: { replicas: 3 }, annotations: { [NOTES.left]: '3' } })),
    replicas: 0,
    notes: { [NOTES.replicas]: '3', [NOTES.left]: undefined },
  },
  {
    when: 'a declaration is restored from a backup of its stored form',
    asked: create(stored),
    replicas: 0,
    notes: { [NOTES.replicas]: '3', [NOTES.revision]: revision, [NOTES.by]: 'bob' },
  },
  {
    when: 'the image is set',
    asked: update(stored, { spec: { template: NEXT } }),
    replicas: 0,
    notes: { [NOTES.replicas]: '3', [NOTES.revision]: nextRevision, [NOTES.by]: 'bob', [NOTES.trace]: TRACE },
    warnings: [redirected],
  },
  {
    when: 'a dry run sets the image',
    asked: { ...update(stored, { spec: { template: NEXT } }), dryRun: true },
    replicas: 0,
    notes: {
      [NOTES.revision]: nextRevision,
      [NOTES.by]: 'bob',
      [NOTES.trace]: OLD_TRACE,
      [NOTES.at]: OLD_TIME,
    },
    warnings: [redirected],
  },
  {
    when: 'a whole file with replicas: 3 is applied with another image',
    asked: update(stored, { spec: { replicas: 3, template: NEXT, updateStrategy: USERS_OWN } }),
    replicas: 0,
    notes: { [NOTES.replicas]: '3', [NOTES.revision]: nextRevision },
    warnings: [redirected],
  },
  {
    when: 'the same whole file is applied again',
    asked: update(stored, { spec: { replicas: 3, updateStrategy: USERS_OWN } }),
    replicas: 0,
    notes: {
      [NOTES.replicas]: '3',
      [NOTES.revision]: revision,
      [NOTES.by]: 'alice',
      [NOTES.trace]: OLD_TRACE,
      [NOTES.at]: OLD_TIME,
    },
  },
  {
    when: 'another size is applied',
    asked: update(stored, { spec: { replicas: 5 } }),
    replicas: 0,
    notes: { [NOTES.replicas]: '5' },
    warnings: [recorded(5)],
  },
  {
    when: 'a size that the API server refuses is applied',
    asked: update(stored, { spec: { replicas: -1 } }),
    replicas: -1,
    notes: { [NOTES.replicas]: '3' },
  },
  {
    when: 'a number is written past the wish that no size may be',
    asked: update(stored, { annotations: { [NOTES.replicas]: '1001' } }),
    replicas: 0,
    warnings: [
      'sluice: annotation sluice.dev/replicas is "1001", which is no number from 0 to 1000; the declared size stays 3',
    ],
    notes: { [NOTES.replicas]: '3' },
  },
  {
    when: 'OnDelete replaces the update strategy, as kubectl replace does',
    asked: update(stored, { spec: { updateStrategy: { type: 'OnDelete' } } }),
    replicas: 0,
    notes: { [NOTES.strategy]: '{"type":"OnDelete"}' },
  },
  {
    when: 'OnDelete is merged into the strategy that is held, as kubectl apply does: the partition is ours',
    asked: update(stored, { spec: { updateStrategy: { ...HELD, type: 'OnDelete' } } }),
    replicas: 0,
    notes: { [NOTES.strategy]: '{"type":"OnDelete"}' },
  },
  {
    when: 'kubectl replace drops every note and our label',
    asked: request({ oldObject: stored, object: labelledSet() }),
    replicas: 0,
    notes: {
      [NOTES.replicas]: '3',
      [NOTES.revision]: revision,
      [NOTES.by]: 'alice',
      [NOTES.trace]: OLD_TRACE,
      [NOTES.at]: OLD_TIME,
      [NOTES.strategy]: '{"rollingUpdate":{"partition":0},"type":"RollingUpdate"}',
    },
  },
  {
    when: 'kubectl replace drops the note of the size that was left',
    asked: request({
      oldObject: storedDeclaration({ spec: { replicas: 3 }, annotations: { [NOTES.left]: '3' } }),
      object: labelledSet(),
    }),
    replicas: 3,
    notes: { [NOTES.left]: '3' },
  },
  {
    when: 'a copy from when it had pods of its own is applied again',
    asked: update(stored, { annotations: { [NOTES.left]: '3' } }),
    replicas: 0,
    notes: { [NOTES.replicas]: '3', [NOTES.left]: undefined },
  },
  {
    when: 'a copy with an older note of the size that was left is applied again',
    asked: update(storedDeclaration({ spec: { replicas: 3 }, annotations: { [NOTES.left]: '3' } }), {
      annotations: { [NOTES.left]: '5' },
    }),
    replicas: 3,
    notes: { [NOTES.replicas]: '3', [NOTES.left]: '3' },
  },
  {
    when: 'a set at 0 with a stale note of the size that was left is labelled',
    asked: update(plainSet({ spec: { replicas: 0 }, annotations: { [NOTES.left]: '3' } }), { labels: label }),
    replicas: 0,
    notes: { [NOTES.replicas]: '0', [NOTES.left]: undefined },
  },
  {
    when: 'a set is created with nothing but a note of the size that was left',
    asked: create(labelledSet({ annotations: { [NOTES.left]: '3' } })),
    replicas: 0,
    notes: { [NOTES.replicas]: '3', [NOTES.left]: undefined },
  },
  {
    when: 'kubectl replace drops the note of an aborted upgrade',
    asked: request({
      oldObject: edited(stored, { annotations: { [ANNOTATION.aborted]: '{"revision":"x"}' } }),
      object: labelledSet(),
    }),
    replicas: 0,
    notes: { [ANNOTATION.aborted]: '{"revision":"x"}' },
  },
  {
    when: 'kubectl replace drops the note of a drain that is held',
    asked: request({
      oldObject: edited(stored, { annotations: { [ANNOTATION.drainHeld]: '{"pod":"emqx-x-1"}' } }),
      object: labelledSet(),
    }),
    replicas: 0,
    notes: { [ANNOTATION.drainHeld]: '{"pod":"emqx-x-1"}' },
  },
  {
    when: 'somebody writes notes of ours',
    asked: update(stored, {
      annotations: {
        [NOTES.revision]: 'x',
        [NOTES.by]: 'mallory',
        [NOTES.trace]: TRACE,
        [NOTES.replicas]: 'many',
      },
    }),
    replicas: 0,
    notes: {
      [NOTES.replicas]: '3',
      [NOTES.revision]: revision,
      [NOTES.by]: 'alice',
      [NOTES.trace]: OLD_TRACE,
      [NOTES.at]: OLD_TIME,
    },
    warnings: [
      'sluice: annotation sluice.dev/replicas is "many", which is no number from 0 to 1000; the declared size stays 3',
    ],
  },
  {
    when: 'somebody writes notes of the loop’s',
    asked: update(stored, {
      annotations: { [ANNOTATION.aborted]: 'garbage', [ANNOTATION.drainHeld]: '{"pod":"emqx-x-0"}' },
    }),
    replicas: 0,
    notes: { [ANNOTATION.aborted]: undefined, [ANNOTATION.drainHeld]: undefined },
  },
  {
    when: 'somebody changes a note of the loop’s',
    asked: update(edited(stored, { annotations: { [ANNOTATION.aborted]: '{"revision":"x"}' } }), {
      annotations: { [ANNOTATION.aborted]: '{"revision":"y"}' },
    }),
    replicas: 0,
    notes: { [ANNOTATION.aborted]: '{"revision":"x"}' },
  },
  ...['notjson', '{"type":"Recreate"}', '[]'].map((note) => ({
    when: `somebody makes the note of the user’s strategy unreadable: ${note}`,
    asked: update(edited(stored, { annotations: { [NOTES.strategy]: canonical(USERS_OWN) } }), {
      annotations: { [NOTES.strategy]: note },
    }),
    replicas: 0,
    notes: { [NOTES.strategy]: canonical(USERS_OWN) },
  })),
  {
    when: 'a running set is labelled',
    asked: update(plain, { labels: label }),
    replicas: 3,
    notes: {
      [NOTES.replicas]: '3',
      [NOTES.revision]: revision,
      [NOTES.by]: undefined,
      [NOTES.trace]: undefined,
    },
  },
  {
    when: 'a running set is labelled, sized and changed in one edit',
    asked: update(plain, { labels: label, spec: { replicas: 5, template: NEXT } }),
    replicas: 3,
    notes: {
      [NOTES.left]: '3',
      [NOTES.replicas]: '5',
      [NOTES.revision]: nextRevision,
      [NOTES.by]: 'bob',
      [NOTES.trace]: TRACE,
    },
    warnings: [redirected.replace('3 nodes', '5 nodes'), recorded(5)],
  },
  {
    when: 'a running set with a stale note is labelled',
    asked: update(plainSet({ annotations: { [NOTES.replicas]: '7', [NOTES.left]: '1' } }), { labels: label }),
    replicas: 3,
    notes: { [NOTES.replicas]: '3', [NOTES.left]: '3' },
  },
  {
    when: 'an adopted set is sized before its first upgrade',
    asked: update(storedDeclaration({ spec: { replicas: 3 } }), { spec: { replicas: 4 } }),
    replicas: 3,
    notes: { [NOTES.replicas]: '4' },
    warnings: [recorded(4)],
  },
  {
    when: 'the label is removed',
    asked: update(stored, { labels: { [LABEL.upgrade]: undefined } }),
    replicas: 0,
    notes: { [NOTES.replicas]: '3' },
    warnings: [
      'sluice: statefulset/emqx is handed back: when its clients are on pods of its own, Sluice lets go of it. ' +
        'Follow: kubectl get bluegreen emqx -w',
    ],
  },
  {
    when: 'both labels are removed with a file from before',
    asked: request({ oldObject: stored, object: plain }),
    replicas: 0,
    notes: { [NOTES.replicas]: '3' },
    warnings: [
      'sluice: statefulset/emqx is handed back: when its clients are on pods of its own, Sluice lets go of it. ' +
        'Follow: kubectl get bluegreen emqx -w',
    ],
  },
  {
    when: 'a label that means nothing is removed: it was managed all the same',
    asked: update(edited(stored, { labels: { [LABEL.upgrade]: 'canary' } }), {
      labels: { [LABEL.upgrade]: undefined },
    }),
    replicas: 0,
    notes: { [NOTES.replicas]: '3' },
    warnings: [
      'sluice: statefulset/emqx is handed back: when its clients are on pods of its own, Sluice lets go of it. ' +
        'Follow: kubectl get bluegreen emqx -w',
    ],
  },
  {
    when: 'its own pods serve already, and a new template comes while the label is off: they are not rolled',
    asked: update(withOwnPods, { spec: { template: NEXT } }),
    replicas: 3,
    notes: { [NOTES.left]: '3', [NOTES.replicas]: '3', [NOTES.revision]: nextRevision },
    warnings: [
      'sluice: statefulset/emqx is being handed back; its new template is reached by blue-green too. ' +
        'Follow: kubectl get bluegreen emqx -w',
    ],
  },
  {
    when: 'a new template comes when its strategy has been given back, in the moment before it is let go of',
    asked: update(edited(withOwnPods, { spec: { updateStrategy: USERS_OWN } }), { spec: { template: NEXT } }),
    replicas: 3,
    notes: { [NOTES.strategy]: canonical(USERS_OWN), [NOTES.revision]: nextRevision },
    warnings: [
      'sluice: statefulset/emqx is being handed back; its new template is reached by blue-green too. ' +
        'Follow: kubectl get bluegreen emqx -w',
    ],
  },
  {
    when: 'the label is put back while its own pods take over: it is no adoption, what was noted stays',
    asked: update(withOwnPods, { labels: { [LABEL.upgrade]: 'blue-green' } }),
    replicas: 3,
    notes: { [NOTES.left]: '3', [NOTES.replicas]: '3', [NOTES.revision]: revision },
    warnings: [
      'sluice: statefulset/emqx is not handed back after all. Follow: kubectl get bluegreen emqx -w',
    ],
  },
  {
    when: 'the template changes while the label is off',
    asked: update(edited(stored, { labels: { [LABEL.upgrade]: undefined } }), { spec: { template: NEXT } }),
    replicas: 0,
    notes: { [NOTES.revision]: nextRevision },
    warnings: [
      'sluice: statefulset/emqx is being handed back; its new template is reached by blue-green too. ' +
        'Follow: kubectl get bluegreen emqx -w',
    ],
  },
  {
    when: 'the label of a managed set gets a value that means nothing',
    asked: update(stored, { labels: { [LABEL.upgrade]: 'canary' } }),
    replicas: 0,
    notes: { [NOTES.replicas]: '3' },
    warnings: [
      'sluice: label sluice.dev/upgrade has the unknown value "canary" and changes nothing; only "blue-green" means anything',
    ],
  },
  {
    when: 'the webhook missed the creation and sees a later edit',
    asked: update(labelledSet(), { spec: { template: NEXT } }),
    replicas: 3,
    notes: { [NOTES.replicas]: '3', [NOTES.revision]: nextRevision },
    warnings: [redirected],
  },
  {
    when: 'all notes are lost at size 0',
    asked: request({
      oldObject: labelledSet({ spec: { replicas: 0 } }),
      object: labelledSet({ spec: { replicas: 0 }, annotations: { a: 'b' } }),
    }),
    replicas: 0,
    notes: { [NOTES.replicas]: undefined },
  },
];

describe('a declaration', () => {
  it.each(held)('is held when $when', async ({ asked, notes = {}, replicas, warnings = [] }) => {
    const answer = await answered(asked);
    const object = patched(asked, answer);
    expect({ replicas, updateStrategy: HELD }).toEqual({
      replicas: (object['spec'] as JsonObject)['replicas'],
      updateStrategy: (object['spec'] as JsonObject)['updateStrategy'],
    });
    const seen = Object.fromEntries(Object.keys(notes).map((key) => [key, notesOf(object)[key]]));
    expect(seen).toEqual(notes);
    expect(labelsOn(object)[LABEL.managed]).toBe('true');
    expect(answer.warnings).toEqual(warnings);
  });

  it.each(held)('keeps its template to the letter when $when', async ({ asked }) => {
    const object = patched(asked, await answered(asked));
    expect((object['spec'] as JsonObject)['template']).toEqual(
      (asked.object['spec'] as JsonObject)['template'],
    );
  });

  it.each(held)('is not changed by a second call when $when', async ({ asked }) => {
    const again = { ...asked, object: patched(asked, await answered(asked)) };
    const requestedAt = new Date(Date.parse(ASKED_AT) + 59_000).toISOString();
    expect((await answered(again, { fresh: { traceparent: OTHER_TRACE, requestedAt } })).ops).toEqual([]);
  });

  const before = edited(stored, { annotations: { [ANNOTATION.parentSpan]: 'e'.repeat(16) } });
  const saved = { [NOTES.revision]: nextRevision, [NOTES.by]: 'bob', [NOTES.trace]: OTHER_TRACE };
  it.each<{ what: string; brings: JsonObject; then: JsonObject }>([
    { what: 'no trace', brings: {}, then: { [NOTES.trace]: TRACE } },
    {
      what: 'a trace of its own',
      brings: { [NOTES.trace]: OTHER_TRACE },
      then: {
        [NOTES.trace]: `00-${'9'.repeat(32)}-${'b'.repeat(16)}-01`,
        [ANNOTATION.parentSpan]: '8'.repeat(16),
      },
    },
    {
      what: 'a trace that is none',
      brings: { [NOTES.trace]: 'x' },
      then: { [NOTES.trace]: TRACE },
    },
    {
      what: 'the notes of a copy that was saved earlier',
      brings: { ...saved, [NOTES.at]: '2026-01-02T03:00:00.000Z', [ANNOTATION.parentSpan]: 'f'.repeat(16) },
      then: { [NOTES.trace]: TRACE },
    },
  ])('gets notes of this request alone when the edit brings $what', async ({ brings, then }) => {
    const asked = update(before, { spec: { template: NEXT }, annotations: brings });
    const object = patched(asked, await answered(asked));
    expect(notesOf(object)).toEqual({
      ...notesOf(stored),
      ...{ [NOTES.revision]: nextRevision, [NOTES.by]: 'bob', [NOTES.at]: ASKED_AT },
      ...then,
    });
    expect((await answered({ ...asked, object })).ops).toEqual([]);
  });

  it.each(held)('gets the same patch from a dry run, fresh ids aside, when $when', async ({ asked }) => {
    const withoutTrace = (object: JsonObject): JsonObject =>
      edited(object, { annotations: { [NOTES.trace]: undefined, [NOTES.at]: undefined } });
    const real = patched(asked, await answered(asked));
    const dry = patched(asked, await answered({ ...asked, dryRun: true }));
    expect(withoutTrace(dry)).toEqual(withoutTrace(real));
  });

  it.each(held)('passes untouched from the controller when $when', async ({ asked }) => {
    const answer = await answered({ ...asked, user: OWN_USER });
    expect(answer).toEqual({ kind: 'admit', ops: [], warnings: [] });
  });

  it('gets no patch at all from a second apply of the same file', async () => {
    const first = create(labelledSet());
    const inStore = patched(first, await answered(first));
    const again = update(inStore, { spec: { replicas: 3, updateStrategy: USERS_OWN } });
    expect(patched(again, await answered(again))).toEqual(inStore);
  });

  it.each<{ what: string; template: JsonObject }>([
    {
      what: 'an environment variable',
      template: { ...NEXT, spec: { containers: [{ env: [{ name: 'A' }] }] } },
    },
    {
      what: 'the annotation of kubectl rollout restart',
      template: { ...template(), metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } },
    },
    {
      what: 'the order of a list',
      template: { ...template(), spec: { containers: [{ name: 'b' }, { name: 'a' }] } },
    },
  ])('starts a new revision with $what', async ({ template: changed }) => {
    const asked = update(stored, { spec: { template: changed } });
    const notes = notesOf(patched(asked, await answered(asked)));
    expect(notes[NOTES.revision]).toBe(revisionOf('emqx', changed));
    expect(notes[NOTES.revision]).not.toBe(revision);
  });

  it('starts nothing when only the order of keys differs', async () => {
    const { metadata, spec } = template();
    const asked = update(stored, { spec: { template: { spec, metadata } } });
    expect(await answered(asked)).toEqual({ kind: 'admit', ops: [], warnings: [] });
  });

  it('leaves the ownership of what is held to nobody, so that no later apply conflicts', async () => {
    const managedFields = [
      {
        manager: 'kubectl',
        operation: 'Apply',
        fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:template': {} } },
      },
      {
        manager: 'helm',
        operation: 'Update',
        fieldsV1: { 'f:spec': { 'f:updateStrategy': { 'f:type': {} } } },
      },
    ];
    const asked = update(stored, { metadata: { managedFields }, spec: { replicas: 3 } });
    const { metadata } = patched(asked, await answered(asked)) as { metadata: JsonObject };
    expect(metadata['managedFields']).toEqual([
      { manager: 'kubectl', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:template': {} } } },
    ]);
  });

  it.each<{ when: string; asked: AdmissionRequest }>([
    { when: 'it is created', asked: create(labelledSet({ spec: { replicas: 1_001 } })) },
    { when: 'it is scaled by an edit', asked: update(stored, { spec: { replicas: 1_001 } }) },
    {
      when: 'one that runs is labelled',
      asked: update(plainSet({ spec: { replicas: 1_001 } }), { labels: label }),
    },
  ])('is refused with more nodes than a revision may have, when $when', async ({ asked }) => {
    expect(await decide(asked, options())).toEqual({
      kind: 'refuse',
      message:
        'spec.replicas of statefulset/emqx must be at most 1000 (EMQX nodes), and 1001 are asked for; nothing is changed',
    });
  });

  describe('with a controller of its own', () => {
    const by = (apiVersion: string, kind: string) => ({
      ownerReferences: [{ apiVersion, kind, name: 'mqtt', uid: 'u', controller: true }],
    });
    const operated = by('apps.emqx.io/v2beta1', 'EMQX');
    const unlabelled = plainSet({ metadata: operated });

    it.each([
      { when: 'it is labelled', asked: update(unlabelled, { labels: label }) },
      { when: 'it is created with the label', asked: create(labelledSet({ metadata: operated })) },
    ])('is refused when EMQX Operator runs it and $when', async ({ asked }) => {
      const answer = await decide(asked, options());
      expect(answer).toEqual({
        kind: 'refuse',
        message:
          'statefulset/emqx belongs to EMQX Operator (EMQX mqtt of apps.emqx.io), which would undo every step of Sluice: ' +
          'its label sluice.dev/upgrade must not be blue-green; nothing is changed. ' +
          'Label a StatefulSet of your own (docs/from-emqx-operator.md)',
      });
    });

    it('is refused to nobody who lets go of it, or never labelled it', async () => {
      for (const asked of [
        update(unlabelled, { spec: { replicas: 4 } }),
        update(storedDeclaration({ metadata: operated }), { labels: { [LABEL.upgrade]: undefined } }),
      ])
        expect((await decide(asked, options())).kind).toBe('admit');
    });

    it('is taken when its controller only applies it again', async () => {
      const asked = create(labelledSet({ metadata: by('kro.run/v1alpha1', 'Broker') }));
      expect((await decide(asked, options())).kind).toBe('admit');
    });
  });

  it('says node, not nodes, of one', async () => {
    const one = storedDeclaration({ annotations: { [NOTES.replicas]: '1' } });
    const { warnings } = await answered(update(one, { spec: { template: NEXT } }));
    expect(warnings[0]).toContain('(1 node declared);');
  });

  it('keeps every warning within what the API server passes on', async () => {
    const name = 'n'.repeat(52);
    const old = storedDeclaration({ name });
    const changes: Parameters<typeof edited>[1][] = [
      { spec: { template: NEXT, replicas: 1000 } },
      { labels: { [LABEL.upgrade]: undefined } },
      { labels: { [LABEL.upgrade]: 'v'.repeat(63) } },
    ];
    for (const change of changes) {
      const { warnings } = await answered({ ...update(old, change), name });
      expect(warnings.length).toBeGreaterThan(0);
      for (const warning of warnings) expect(warning.length).toBeLessThanOrEqual(256);
    }
  });
});

describe('a StatefulSet that is none of ours', () => {
  it.each<{ when: string; asked: AdmissionRequest; warns?: boolean }>([
    { when: 'it has no label', asked: create(plain) },
    { when: 'it is changed', asked: update(plain, { spec: { template: NEXT, replicas: 9 } }) },
    {
      when: 'it is labelled with an unknown value',
      asked: update(plain, { labels: { [LABEL.upgrade]: 'yes' } }),
      warns: true,
    },
    {
      when: 'it is created with an unknown value',
      asked: create(plainSet({ labels: { [LABEL.upgrade]: '' + 'Blue-Green' } })),
      warns: true,
    },
    {
      when: 'it is being deleted',
      asked: update(stored, {
        metadata: { deletionTimestamp: 'now', finalizers: [] },
        spec: { replicas: 7 },
      }),
    },
    { when: 'it is deleted', asked: request({ operation: 'DELETE', oldObject: stored }) },
    {
      when: 'its status is written',
      asked: { ...update(stored, { spec: { replicas: 9 } }), subResource: 'status' },
    },
    {
      when: 'its group is another',
      asked: { ...update(stored, { spec: { replicas: 9 } }), resource: 'x.io/statefulsets' },
    },
  ])('passes untouched when $when', async ({ asked, warns = false }) => {
    const { ops, warnings } = await answered(asked);
    expect(ops).toEqual([]);
    expect(warnings.map((text) => text.includes('unknown value'))).toEqual(warns ? [true] : []);
  });
});
