import { describe, expect, it } from '@jest/globals';
import { inject } from '../../../controller/inject/inject.js';
import { parseView, type RawView } from '../../../controller/observe/parse.js';
import type { JsonObject } from '../../../lib/json.js';
import { noteOfMaking } from '../../../lib/made-from.js';
import { ownRevisionOf, revisionOf } from '../../../lib/revision.js';
import { DEFAULT_SPEC } from '../../../lib/types.js';
import { declarationObject, podObject, serviceObject } from '../fixtures/objects.js';
import { defaulted, liveTemplate } from '../fixtures/templates.js';

function view(changes: Partial<RawView> = {}): RawView {
  return {
    nowMs: Date.parse('2026-01-01T00:01:00Z'),
    declaration: declarationObject(),
    sets: [],
    pods: [],
    services: [serviceObject()],
    others: [],
    slices: [],
    claims: [],
    history: [],
    autoscalers: [],
    reports: new Map(),
    turnedAwayBy: new Set(),
    defaults: {},
    ...changes,
  };
}

function setObject(template: JsonObject, metadata: JsonObject = {}): JsonObject {
  const injection = inject(template, {
    revision: 'bcdfghjkl',
    spec: DEFAULT_SPEC,
    sidecar: { image: 's', imagePullPolicy: 'Always', resources: {}, controlCa: '', metricsPort: 9441 },
    headlessService: 'emqx-headless',
    secretName: 'key',
    isOwnSecret: true,
  });
  if (injection.kind === 'refused') throw new Error(injection.message);
  return {
    metadata: {
      name: 'emqx-bcdfghjkl',
      uid: 'uid-set',
      resourceVersion: '5',
      creationTimestamp: '2026-01-02T00:00:00Z',
      labels: { 'sluice.dev/declaration': 'emqx', 'sluice.dev/revision': 'bcdfghjkl' },
      ownerReferences: [{ kind: 'StatefulSet', name: 'emqx', uid: 'uid-emqx', controller: true }],
      ...metadata,
    },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'emqx', 'sluice.dev/revision': 'bcdfghjkl' } },
      template: defaulted(injection.template),
    },
  };
}

const OTHER = liveTemplate({ emqx: { image: 'emqx/emqx-enterprise:5.8.7' } });

const ownPod = (labels: JsonObject): JsonObject =>
  podObject({
    metadata: { name: 'emqx-0', uid: 'p0', labels, ownerReferences: [{ uid: 'uid-emqx', controller: true }] },
  });

describe('a trigger', () => {
  const promoteOn = (value: string | undefined): JsonObject =>
    value === undefined ? {} : { 'sluice.dev/promote': value };
  it.each([
    { declaration: 'aaaaaaaaa', blueGreen: undefined, is: 'aaaaaaaaa' },
    { declaration: undefined, blueGreen: 'bbbbbbbbb', is: 'bbbbbbbbb' },
    { declaration: '', blueGreen: 'bbbbbbbbb', is: 'bbbbbbbbb' },
    { declaration: 'aaaaaaaaa', blueGreen: 'bbbbbbbbb', is: 'aaaaaaaaa' },
    { declaration: '', blueGreen: '', is: '' },
  ])('$declaration on the declaration and $blueGreen on the BlueGreen is $is', (on) => {
    const seen = parseView(
      view({
        declaration: declarationObject({
          metadata: { name: 'emqx', uid: 'uid-emqx', annotations: promoteOn(on.declaration) },
        }),
        blueGreen: { metadata: { name: 'emqx', annotations: promoteOn(on.blueGreen) } },
      }),
    );
    expect(seen.declaration.promote).toBe(on.is);
  });
});

describe('the note of a drain that is held', () => {
  const holdOf = (note: string) =>
    parseView(
      view({
        declaration: declarationObject({ metadata: { annotations: { 'sluice.dev/drain-held': note } } }),
      }),
    ).declaration.drainHold;

  it('names the very pod, and what was wanted then', () => {
    const note = '{"heldAt":"2026-01-01T00:00:00Z","pod":"emqx-x-1","uid":"p1","wanted":"bcdfghjkl"}';
    expect(holdOf(note)).toEqual({
      pod: 'emqx-x-1',
      uid: 'p1',
      wanted: 'bcdfghjkl',
      heldAtMs: Date.parse('2026-01-01T00:00:00Z'),
    });
  });

  it('is none when a person has made it unreadable', () => {
    expect(holdOf('{')).toBeUndefined();
  });
});

describe('who asked for the present template', () => {
  const stamped = (template: JsonObject) =>
    parseView(
      view({
        declaration: declarationObject({
          metadata: {
            annotations: {
              'sluice.dev/revision': revisionOf('emqx', liveTemplate()),
              'sluice.dev/requested-by': 'alice',
              'sluice.dev/traceparent': '00-aa-bb-01',
              'sluice.dev/requested-at': '2026-01-02T03:04:05.678Z',
            },
          },
          spec: { template },
        }),
      }),
    ).declaration;

  it('is told by the notes of the webhook', () => {
    expect(stamped(liveTemplate())).toMatchObject({
      ...{ requestedBy: 'alice', traceparent: '00-aa-bb-01' },
      requestedAtMs: Date.parse('2026-01-02T03:04:05.678Z'),
    });
  });

  it('is the same where a server writes nulls', () => {
    const template = liveTemplate();
    const metadata = { ...(template['metadata'] as JsonObject), creationTimestamp: null };
    expect(revisionOf('emqx', { ...template, metadata })).toBe(revisionOf('emqx', template));
    expect(stamped({ ...template, metadata }).requestedBy).toBe('alice');
  });

  it('is not known when the webhook was away, and nobody else is named', () => {
    const later = liveTemplate({ emqx: { image: 'emqx/emqx-enterprise:5.8.9' } });
    expect(stamped(later)).toMatchObject({ requestedBy: '', traceparent: '' });
    expect(stamped(later).requestedAtMs).toBeUndefined();
  });
});

describe('a revision set', () => {
  it('has the template of the declaration again, and its own pods', () => {
    const [set] = parseView(view({ sets: [setObject(liveTemplate())], pods: [podObject()] })).sets;
    expect(set?.template).toEqual(liveTemplate());
    expect(set).toMatchObject({
      name: 'emqx-bcdfghjkl',
      kind: 'revisionSet',
      revision: 'bcdfghjkl',
      size: 3,
    });
    expect(set?.pods.map(({ name }) => name)).toEqual(['emqx-bcdfghjkl-0']);
  });

  it('is the same by value when a server writes a null that another leaves out', () => {
    const declaration = declarationObject();
    const template = (declaration['spec'] as JsonObject)['template'] as JsonObject;
    (template['metadata'] as JsonObject)['creationTimestamp'] = null;
    const observed = parseView(view({ declaration, sets: [setObject(liveTemplate())] }));
    expect(observed.declaration.template).toEqual(observed.sets[0]?.template);
  });

  it('is not ours when another declaration controls it', () => {
    const ownerReferences = [{ uid: 'other', controller: true }];
    expect(parseView(view({ sets: [setObject(liveTemplate(), { ownerReferences })] })).sets).toEqual([]);
  });
});

describe('a revision set that a policy of the cluster changes when it is created', () => {
  const asked = liveTemplate();
  const revision = revisionOf('emqx', asked);
  /** As it comes back from its creation: a label more, or something before the sidecar, which is then not where it was injected. */
  const madeFrom = (note: string, change: (template: JsonObject) => void): JsonObject => {
    const made = setObject(asked, { annotations: { 'sluice.dev/made-from': note } });
    change((made['spec'] as JsonObject)['template'] as JsonObject);
    return made;
  };
  const label = (template: JsonObject): void => {
    ((template['metadata'] as JsonObject)['labels'] as JsonObject)['team'] = 'a';
  };
  const first = (template: JsonObject): void => {
    ((template['spec'] as JsonObject)['initContainers'] as JsonObject[]).unshift({
      name: 'proxy',
      image: 'p',
    });
  };
  const seen = (made: JsonObject, template = asked) =>
    parseView(view({ declaration: declarationObject({ spec: { template } }), sets: [made] }));

  it.each([
    { what: 'a label', change: label },
    { what: 'a container before the sidecar', change: first },
  ])('with $what is the one that was asked for, at once and for good', ({ change }) => {
    const made = madeFrom(revision, change);
    expect(seen(made).sets[0]?.template).toEqual(asked);
    const note = noteOfMaking(made, { name: 'emqx', template: asked });
    const noted = madeFrom(note ?? '', change);
    expect(noteOfMaking(noted, { name: 'emqx', template: asked })).toBeUndefined();
    const { sets, declaration } = seen(noted);
    expect(sets[0]?.template).toEqual(declaration.template);
    expect(sets[0]?.changedAtCreation).not.toEqual([]);
    // an edit of the declaration is one
    expect(seen(noted, OTHER).sets[0]?.template).toEqual(asked);
    expect(seen(made, OTHER).sets[0]?.template).not.toEqual(OTHER);
  });

  it('is still it after an upgrade of Kubernetes that fills in another field in both', () => {
    const note = noteOfMaking(madeFrom(revision, label), { name: 'emqx', template: asked });
    const newer = (template: JsonObject): void => {
      (template['spec'] as JsonObject)['newField'] = 'Default';
    };
    const template = structuredClone(asked);
    newer(template);
    const noted = madeFrom(note ?? '', (each) => [label, newer].forEach((change) => change(each)));
    expect(seen(noted, template).sets[0]?.template).toEqual(template);
  });

  it('and that somebody edits later is like no other', () => {
    const edit = (template: JsonObject): void => {
      const [emqx] = (template['spec'] as JsonObject)['containers'] as JsonObject[];
      if (emqx) emqx['image'] = 'other';
    };
    expect(seen(madeFrom('[]', edit)).sets[0]?.template).not.toEqual(asked);
    const note = noteOfMaking(madeFrom(revision, label), { name: 'emqx', template: asked });
    const edited = madeFrom(note ?? '', (each) => [label, edit].forEach((change) => change(each)));
    expect(seen(edited).sets[0]?.template).not.toEqual(asked);
  });
});

describe('a revision set that somebody deletes', () => {
  const deletionTimestamp = '2026-01-02T01:00:00Z';

  it.each([
    { how: 'in the foreground', finalizers: ['foregroundDeletion'] },
    { how: 'though a finalizer of theirs holds it', finalizers: ['example.org/keep'] },
  ])('$how is lost: its controller makes no pod any more', ({ finalizers }) => {
    const going = setObject(liveTemplate(), { deletionTimestamp, finalizers });
    expect(parseView(view({ sets: [going], pods: [podObject()] })).sets).toMatchObject([
      { kind: 'lost', holdsName: true, revision: 'bcdfghjkl', size: 0, pods: [{ name: 'emqx-bcdfghjkl-0' }] },
    ]);
  });

  it('and is to leave its pods behind, is one still until they say so', () => {
    const going = setObject(liveTemplate(), { deletionTimestamp, finalizers: ['orphan'] });
    expect(parseView(view({ sets: [going] })).sets).toMatchObject([{ kind: 'revisionSet', size: 3 }]);
  });
});

describe('pods whose StatefulSet is not there, or has let them go', () => {
  const ownerReferences = [{ kind: 'StatefulSet', name: 'emqx-bcdfghjkl', uid: 'gone', controller: true }];
  const setsOf = (pod: JsonObject, changes: Partial<RawView> = {}) =>
    parseView(view({ pods: [pod], ...changes })).sets;

  it.each([
    { what: 'end with a set that was deleted', metadata: { ownerReferences }, kind: 'lost' },
    { what: 'were left behind', metadata: { ownerReferences: [] }, kind: 'orphaned' },
    {
      what: 'were left behind and end now',
      metadata: { ownerReferences: [], deletionTimestamp: '2026-01-01T00:00:30Z' },
      kind: 'lost',
    },
  ])('$what: a set without a StatefulSet', ({ metadata, kind }) => {
    expect(setsOf(podObject({ metadata }))).toMatchObject([
      { name: 'emqx-bcdfghjkl', kind, revision: 'bcdfghjkl', size: 0, pods: [{ name: 'emqx-bcdfghjkl-0' }] },
    ]);
  });

  it.each([
    ['of another declaration', { name: 'emqx-edge-bcdfghjkl-0', ownerReferences: [] }],
    [
      'of something else by that name',
      { ownerReferences: [{ kind: 'Job', name: 'x', uid: 'x', controller: true }] },
    ],
    ['of no revision', { name: 'emqx-replicant-0', ownerReferences: [] }],
  ])('are not ours when they are %s', (_, metadata) => {
    expect(setsOf(podObject({ metadata }))).toEqual([]);
  });

  it('have the template that the declaration had for their revision', () => {
    const revision = revisionOf('emqx', liveTemplate());
    const metadata = { name: `emqx-${revision}-0`, ownerReferences: [] };
    const history = [OTHER, liveTemplate()].map((template) => ({
      data: { spec: { template: { $patch: 'replace', ...template } } },
    }));
    expect(setsOf(podObject({ metadata }), { history })).toMatchObject([{ template: liveTemplate() }]);
    expect(setsOf(podObject({ metadata }), { history: history.slice(0, 1) })).toMatchObject([
      { template: {} },
    ]);
  });

  it('have all ended, and their data is on the claims of what a Service selects', () => {
    const revision = revisionOf('emqx', OTHER);
    const declaration = declarationObject({
      spec: { volumeClaimTemplates: [{ metadata: { name: 'data' } }] },
    });
    const claims = [
      { metadata: { name: `data-emqx-${revision}-0`, labels: { 'sluice.dev/revision': revision } } },
    ];
    const service = serviceObject({ spec: { selector: { app: 'emqx', 'sluice.dev/revision': revision } } });
    const left = { declaration, claims, history: [{ data: { spec: { template: OTHER } } }] };
    expect(parseView(view({ ...left, services: [service] })).sets).toMatchObject([
      { name: `emqx-${revision}`, kind: 'lost', pods: [], template: OTHER },
    ]);
    expect(parseView(view(left)).sets).toEqual([]);
    expect(parseView(view({ ...left, services: [service], history: [] })).sets).toEqual([]);
  });

  it('belong to the set that was made again under their name', () => {
    const [set] = setsOf(podObject({ metadata: { ownerReferences } }), { sets: [setObject(liveTemplate())] });
    expect(set).toMatchObject({ kind: 'revisionSet', pods: [{ name: 'emqx-bcdfghjkl-0' }] });
  });

  it('are on their way out there, before anything has marked them as such', () => {
    const status = { conditions: [{ type: 'Ready', status: 'True' }] };
    const sets = [setObject(liveTemplate())];
    const [own] = setsOf({ ...podObject(), status }, { sets });
    expect(own?.pods).toMatchObject([{ ready: true, terminating: false }]);
    const [namesake] = setsOf({ ...podObject({ metadata: { ownerReferences } }), status }, { sets });
    expect(namesake?.pods).toMatchObject([
      { ready: false, terminating: true, failing: false, problem: 'is terminating' },
    ]);
  });

  it('have lost the labels that their set selects by', () => {
    const set = setObject(liveTemplate());
    const matchLabels = { app: 'emqx', 'sluice.dev/revision': 'bcdfghjkl' };
    (set['spec'] as JsonObject)['selector'] = { matchLabels };
    const [seen] = setsOf(podObject({ metadata: { ownerReferences: [], labels: { app: 'emqx' } } }), {
      sets: [set],
    });
    expect(seen?.pods[0]?.lostLabels).toEqual({ 'sluice.dev/revision': 'bcdfghjkl' });
  });
});

describe('pods of the declaration itself', () => {
  const running = declarationObject({ spec: { replicas: 3, template: liveTemplate() } });
  const old = liveTemplate({ emqx: { image: 'emqx/emqx-enterprise:5.8.7' } });
  const currentRevision = {
    data: {
      spec: {
        template: {
          $patch: 'replace',
          ...old,
          metadata: { creationTimestamp: null, labels: { app: 'emqx' } },
        },
      },
    },
  };

  it('are none at rest', () => {
    expect(parseView(view()).sets).toEqual([]);
  });

  it('are an adopted set of the template that they really run', () => {
    const [set] = parseView(
      view({ declaration: running, pods: [ownPod({ app: 'emqx' })], currentRevision }),
    ).sets;
    expect(set).toMatchObject({
      kind: 'declaration',
      size: 3,
      revision: ownRevisionOf('emqx', old),
      template: old,
    });
  });

  it('are numbered from the first one, wherever spec.ordinals begins', () => {
    const declaration = declarationObject({
      spec: { replicas: 2, ordinals: { start: 5 }, template: liveTemplate() },
    });
    const pod = (ordinal: number): JsonObject => {
      const raw = ownPod({ app: 'emqx' });
      return { ...raw, metadata: { ...(raw['metadata'] as JsonObject), name: `emqx-${ordinal}` } };
    };
    const [set] = parseView(view({ declaration, pods: [pod(6), pod(5)], currentRevision })).sets;
    expect(set?.pods.map(({ name, ordinal }) => [name, ordinal])).toEqual([
      ['emqx-5', 0],
      ['emqx-6', 1],
    ]);
  });

  it('stay the adopted set beside green, also when all of them have come back without their label', () => {
    const service = serviceObject({
      spec: { selector: { app: 'emqx', 'sluice.dev/revision': ownRevisionOf('emqx', old) } },
    });
    const observed = parseView(
      view({
        declaration: running,
        sets: [setObject(liveTemplate())],
        pods: [ownPod({ app: 'emqx' })],
        services: [service],
        currentRevision,
      }),
    );
    expect(observed.sets.map(({ kind, revision }) => ({ kind, revision }))).toEqual([
      { kind: 'declaration', revision: ownRevisionOf('emqx', old) },
      { kind: 'revisionSet', revision: 'bcdfghjkl' },
    ]);
  });

  it('are strays beside revision sets when no Service was ever pinned to them', () => {
    const service = serviceObject({
      spec: { selector: { app: 'emqx', 'sluice.dev/revision': 'bcdfghjkl' } },
    });
    const observed = parseView(
      view({
        declaration: running,
        sets: [setObject(liveTemplate())],
        pods: [ownPod({ app: 'emqx' })],
        services: [service],
      }),
    );
    expect(observed.sets[0]).toMatchObject({ kind: 'declaration', revision: '', template: {}, size: 3 });
  });
});

describe('a revision set that lost its labels', () => {
  it('is of the revision that its pods are selected by', () => {
    const set = setObject(liveTemplate(), { labels: {} });
    expect(parseView(view({ sets: [set] })).sets).toMatchObject([{ revision: 'bcdfghjkl', size: 3 }]);
  });
});

describe('client Services', () => {
  const names = (services: JsonObject[], spec: JsonObject = {}): string[] =>
    parseView(view({ services, blueGreen: { metadata: { name: 'emqx' }, spec } })).services.map(
      ({ name }) => name,
    );
  const named = (name: string, spec: JsonObject): JsonObject => serviceObject({ metadata: { name }, spec });

  it('are those that select the pods, their revision key aside', () => {
    const services = [
      named('plain', { selector: { app: 'emqx' } }),
      named('pinned', { selector: { app: 'emqx', 'sluice.dev/revision': 'old' } }),
      named('headless', { clusterIP: 'None', selector: { app: 'emqx' } }),
      named('other', { selector: { app: 'web' } }),
      named('narrower', { selector: { app: 'emqx', tier: 'x' } }),
      named('none', { selector: {} }),
      named('preview', { selector: { app: 'emqx' } }),
    ];
    expect(names(services, { promotion: { previewService: 'preview' } })).toEqual(['plain', 'pinned']);
    expect(names(services, { services: ['plain'] })).toEqual(['plain']);
  });

  it('are lagging while their EndpointSlices have a label that they have lost', () => {
    const sliceOf = (name: string, labels: JsonObject): JsonObject => ({
      metadata: {
        labels: {
          'kubernetes.io/service-name': name,
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          ...labels,
        },
      },
    });
    const managed = { 'sluice.dev/managed': 'true' };
    const services = [
      named('late', { selector: { app: 'emqx' } }),
      named('there', { selector: { app: 'emqx' } }),
      serviceObject({ metadata: { name: 'pinned', labels: managed } }),
    ];
    const slices = [sliceOf('late', managed), sliceOf('there', {}), sliceOf('pinned', managed)];
    expect(parseView(view({ services, slices })).lagging).toEqual(['late']);
  });

  it('list the pods that are ready, each once', () => {
    const slice = (endpoints: JsonObject[]): JsonObject => ({
      metadata: { labels: { 'kubernetes.io/service-name': 'emqx' } },
      endpoints,
    });
    const pod = (name: string, ready: boolean | null): JsonObject => ({
      conditions: { ready },
      targetRef: { kind: 'Pod', name },
    });
    const slices = [slice([pod('b', true), pod('a', true), pod('gone', false)]), slice([pod('a', true)])];
    expect(parseView(view({ slices })).services[0]?.readyPods).toEqual(['a', 'b']);
  });
});
