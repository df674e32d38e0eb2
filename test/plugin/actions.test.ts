import { describe, expect, it } from '@jest/globals';
import { earlierSet } from '../../plugin/templates.js';
import { fateOf, meantBy, type Trigger } from '../../plugin/triggers.js';
import type { View } from '../../plugin/view.js';
import { ago, BLUE, condition, draining, GREEN, NEW, set, template, upgrade, view } from './cases.js';

const aborted = { 'sluice.dev/aborted': JSON.stringify({ revision: 'ggggggggg', replacing: 'bbbbbbbbb' }) };
const starting = view({
  image: NEW,
  spec: { promotion: { auto: false, previewService: '' } },
  status: { phase: 'Progressing', wanted: GREEN, upgrade, conditions: [] },
  sets: [set(BLUE), set(GREEN, { image: NEW })],
});
const refusedOne = view({
  image: NEW,
  status: { phase: 'Aborted', conditions: [condition('Stalled')] },
  declarationNotes: aborted,
});
const heldBy = (note: object): View =>
  view({
    image: NEW,
    status: { phase: 'Draining', active: GREEN, wanted: GREEN, upgrade },
    sets: [set(GREEN, { image: NEW }), set(BLUE)],
    declarationNotes: { 'sluice.dev/drain-held': JSON.stringify(note) },
  });
const held = heldBy({ pod: `${BLUE}-2`, heldAt: ago(9) });
const retried = heldBy({ pod: `${BLUE}-2`, heldAt: ago(9), retriedAt: ago(1) });
const automatic = view({
  status: { phase: 'Progressing', wanted: GREEN, upgrade },
  sets: [set(BLUE), set(GREEN)],
});

describe('what a trigger means', () => {
  it.each<[Trigger, string, View, string | RegExp]>([
    ['promote', 'during an upgrade', starting, GREEN],
    ['promote', 'at rest', view(), /nothing to promote: emqx-bbbbbbbbb is active already/],
    ['promote', 'after an abort', refusedOne, /revision ggggggggg was aborted; kubectl sluice retry emqx/],
    ['promote', 'where it is automatic', automatic, /as soon as it is ready: spec\.promotion\.auto/],
    ['abort', 'during an upgrade', starting, GREEN],
    ['abort', 'after the switch', draining(), GREEN],
    ['abort', 'at rest', view(), /no upgrade of emqx is in progress; to go back: kubectl sluice undo emqx/],
    ['abort', 'after an abort', refusedOne, /revision ggggggggg is aborted already/],
    ['retry', 'after an abort', refusedOne, 'ggggggggg'],
    ['retry', 'of a drain that is held', held, GREEN],
    ['retry', 'of a drain that goes on', draining(), /nothing of emqx was aborted or held/],
    ['retry', 'at rest', view(), /nothing of emqx was aborted or held/],
  ])('%s %s', (trigger, _, seen, value) => {
    if (value instanceof RegExp) expect(() => meantBy(trigger, seen)).toThrow(value);
    else expect(meantBy(trigger, seen)).toBe(value);
  });
});

describe('what becomes of a trigger', () => {
  const noted = (trigger: Trigger, value: string): View =>
    view({ notes: { [`sluice.dev/${trigger}`]: value }, status: { wanted: GREEN } });

  it.each<{
    what: string;
    trigger: Trigger;
    value: string;
    before: View;
    now: View;
    kind: string | undefined;
  }>([
    {
      what: 'not seen yet',
      trigger: 'abort',
      value: GREEN,
      before: starting,
      now: noted('abort', GREEN),
      kind: undefined,
    },
    { what: 'aborted', trigger: 'abort', value: GREEN, before: starting, now: refusedOne, kind: 'done' },
    {
      what: 'taken away without an abort',
      trigger: 'abort',
      value: GREEN,
      before: starting,
      now: starting,
      kind: 'ignored',
    },
    { what: 'switched', trigger: 'promote', value: GREEN, before: starting, now: draining(), kind: 'done' },
    {
      what: 'kept for later',
      trigger: 'promote',
      value: GREEN,
      before: starting,
      now: noted('promote', GREEN),
      kind: 'done',
    },
    {
      what: 'about to switch',
      trigger: 'promote',
      value: GREEN,
      before: view({ status: { phase: 'AwaitingPromotion', wanted: GREEN } }),
      now: noted('promote', GREEN),
      kind: undefined,
    },
    {
      what: 'tried again',
      trigger: 'retry',
      value: 'ggggggggg',
      before: refusedOne,
      now: starting,
      kind: 'done',
    },
    { what: 'drains on', trigger: 'retry', value: GREEN, before: held, now: retried, kind: 'done' },
    {
      what: 'not seen yet',
      trigger: 'retry',
      value: GREEN,
      before: held,
      now: { ...held, notes: { 'sluice.dev/retry': GREEN } },
      kind: undefined,
    },
    {
      what: 'nothing to try',
      trigger: 'retry',
      value: GREEN,
      before: draining(),
      now: draining(),
      kind: 'ignored',
    },
  ])('$trigger: $what', ({ trigger, value, before, now, kind }) => {
    expect(fateOf(trigger, value, before, now)?.kind).toBe(kind);
  });
});

describe('what undo goes back to', () => {
  const history = [{ ...upgrade, finishedAt: ago(10), result: 'succeeded' as const }];
  const done = view({
    image: NEW,
    status: { active: GREEN, wanted: GREEN, history },
    sets: [
      set(GREEN, { image: NEW }),
      set(BLUE, { size: 0, nodes: [] }),
      set('emqx-kkkkkkkkk', { size: 0, nodes: [], image: 'emqx:1', createdAt: ago(10) }),
    ],
  });

  it.each<[string, View, string | undefined, string | RegExp]>([
    ['the one that the latest upgrade left', done, undefined, BLUE],
    ['the one that the upgrade in progress leaves', starting, undefined, BLUE],
    ['the one that serves on after an abort', refusedOne, undefined, BLUE],
    ['the one named by its hash', done, 'kkkkkkkkk', 'emqx-kkkkkkkkk'],
    ['the one named by its set', done, BLUE, BLUE],
    ['what is wanted already', done, GREEN, /emqx-ggggggggg is what statefulset\/emqx asks for already/],
    [
      'what is not kept',
      done,
      'zzzzzzzzz',
      /no revision zzzzzzzzz of emqx is kept: there is emqx-kkkkkkkkk, emqx-bbbbbbbbb/,
    ],
    ['nothing', view(), undefined, /no earlier revision of emqx is kept to go back to: there is none/],
    [
      "the StatefulSet's own pods",
      view({
        image: NEW,
        status: { upgrade: { ...upgrade, from: 'emqx' } },
        sets: [set(GREEN, { image: NEW })],
      }),
      undefined,
      /kubectl rollout undo statefulset\/emqx/,
    ],
  ])('%s', (_, seen, to, found) => {
    if (found instanceof RegExp) expect(() => earlierSet(seen, to)).toThrow(found);
    else expect(earlierSet(seen, to)).toMatchObject({ name: found });
  });

  it('gives the template as the user wrote it', () => {
    expect(earlierSet(done, undefined).template).toEqual(template('emqx/emqx-enterprise:5.8.8'));
  });
});
