import { describe, expect, it } from '@jest/globals';
import { neighboursOf } from '../../../controller/observe/neighbours.js';
import { parseService, rolesOf, type RoleContext } from '../../../controller/observe/services.js';
import { nameOf } from '../../../lib/fields.js';
import type { JsonObject } from '../../../lib/json.js';
import { DEFAULT_SPEC } from '../../../lib/types.js';
import { declarationObject, serviceObject } from '../fixtures/objects.js';

const labels = { app: 'emqx' };
const spec = { ...DEFAULT_SPEC, promotion: { auto: true, previewService: 'try' } };
const named = (name: string, more: JsonObject = {}): JsonObject =>
  serviceObject({ metadata: { name, resourceVersion: '3' }, spec: more });

const context: RoleContext = {
  podLabels: labels,
  spec,
  revisions: ['bcdfghjkl'],
  neighbours: [],
  isMixed: false,
  hadClients: [],
  pods: [],
};
/** What each Service is, by its name. */
function told(
  all: JsonObject[],
  changes: Partial<RoleContext> = {},
): { clients: string[]; former: string[]; marked: string[]; estranged: string[]; leftAlone: string[] } {
  const roles = rolesOf(all, { ...context, spec: DEFAULT_SPEC, ...changes });
  const namesOf = (services: JsonObject[]): string[] => services.map(nameOf);
  return {
    clients: namesOf(roles.clients),
    former: namesOf(roles.former),
    marked: namesOf(roles.marked),
    estranged: namesOf(roles.estranged),
    leftAlone: roles.leftAlone,
  };
}
const pinned = (name: string, revision: string, selector: JsonObject = labels): JsonObject =>
  serviceObject({
    metadata: { name, labels: { 'sluice.dev/managed': 'true' } },
    spec: { selector: { ...selector, 'sluice.dev/revision': revision } },
  });

describe('Services that the spec names', () => {
  const naming = (...services: string[]): Partial<RoleContext> => ({ spec: { ...DEFAULT_SPEC, services } });

  it('are left alone, and named, when they select other pods', () => {
    const all = [named('emqx'), named('haproxy', { selector: { app: 'haproxy' } })];
    expect(told(all, naming('haproxy'))).toMatchObject({
      clients: [],
      leftAlone: [
        expect.stringMatching(
          /^spec.services names haproxy, which does not select the pods .* is left alone/,
        ),
      ],
    });
    expect(told(all, naming('haproxy', 'emqx')).clients).toEqual(['emqx']);
  });

  it('are given back when they were pinned all the same', () => {
    const all = [named('emqx'), pinned('haproxy', 'bcdfghjkl', { app: 'haproxy' })];
    expect(told(all, naming('haproxy', 'emqx')).former).toEqual(['haproxy']);
  });

  it('are told of when they do not exist', () => {
    expect(told([named('emqx')], naming('emqxx')).leftAlone).toEqual([
      expect.stringMatching(/^spec.services names emqxx, which does not exist/),
    ]);
  });
});

describe('a Service by which clients do not come any more', () => {
  const all = [pinned('emqx', 'bcdfghjkl'), pinned('emqx-ws', 'bcdfghjkl')];
  it.each([
    { when: 'it is not in the list', change: { services: ['emqx'] }, former: ['emqx-ws'] },
    {
      when: 'it was the preview Service',
      change: { services: ['emqx'], promotion: { auto: true, previewService: 'other' } },
      former: ['emqx-ws'],
    },
    {
      when: 'not the preview Service itself',
      change: { services: ['emqx'], promotion: { auto: true, previewService: 'emqx-ws' } },
      former: [],
    },
    { when: 'not while no list says so', change: {}, former: [] },
  ])('is to be given back: $when', ({ change, former }) => {
    expect(told(all, { spec: { ...DEFAULT_SPEC, ...change } }).former).toEqual(former);
  });

  it.each([
    { when: 'a slip in the list', services: ['emqqx'], clients: ['emqx', 'emqx-ws'] },
    { when: 'one left out of it', services: ['emqx'], clients: ['emqx', 'emqx-ws'] },
  ])('stays pinned and is switched with the others while pods of two revisions are there: $when', (seen) => {
    const spec = { ...DEFAULT_SPEC, services: seen.services };
    const { clients, former, leftAlone } = told(all, { spec, isMixed: true });
    expect({ clients, former }).toEqual({ clients: seen.clients, former: [] });
    expect(leftAlone.join()).toMatch(/Service emqx-ws stays pinned .* spec.services does not name it/);
  });

  it('stays at its revision while the new pods lack a label that it selects by', () => {
    const tiered = [pinned('emqx', 'bcdfghjkl', { app: 'emqx', tier: 'mq' })];
    const seen = told(tiered, { isMixed: true });
    expect(seen).toMatchObject({ clients: [], former: [] });
    expect(seen.leftAlone).toEqual([
      expect.stringMatching(
        /^Service emqx does not select .* stays at revision bcdfghjkl until this upgrade/,
      ),
    ]);
    expect(told(tiered).former).toEqual(['emqx']);
  });

  describe('and which an edit of the template’s labels has left', () => {
    const tiered = [pinned('emqx', 'bcdfghjkl', { app: 'emqx', tier: 'mq' })];
    const pods = [{ app: 'emqx', tier: 'mq', 'sluice.dev/revision': 'bcdfghjkl' }];
    it.each([
      { when: 'before green is made', isMixed: false },
      { when: 'beside green', isMixed: true },
      { when: 'named in the list', isMixed: true, spec: { ...DEFAULT_SPEC, services: ['emqx'] } },
    ])('keeps its pin while it reaches pods: $when', (change) => {
      const seen = told(tiered, { ...change, pods });
      expect(seen).toEqual({
        clients: ['emqx'],
        former: [],
        marked: ['emqx'],
        estranged: ['emqx'],
        leftAlone: change.spec ? [expect.stringMatching(/^spec.services names emqx, which does not/)] : [],
      });
    });

    it.each([
      { when: 'would reach nobody', change: {} },
      { when: 'is not in the list', change: { pods, spec: { ...DEFAULT_SPEC, services: ['other'] } } },
    ])('does not hold the switch up when it $when', ({ change }) => {
      expect(told(tiered, change)).toMatchObject({ former: ['emqx'], estranged: [] });
    });
  });

  it('is not one whose key its user wrote', () => {
    const own = named('debug', { selector: { app: 'emqx', 'sluice.dev/revision': 'bcdfghjkl' } });
    const spec = { ...DEFAULT_SPEC, services: ['emqx'] };
    expect(told([pinned('emqx', 'bcdfghjkl'), own], { spec }).former).toEqual([]);
  });
});

describe('two declarations whose pods one Service selects', () => {
  /** `emqx-core` as `emqx-replicant` sees it, or the other way round. */
  function seenBy(name: string, all: JsonObject[], services: string[] = []): ReturnType<typeof told> {
    const other = name === 'emqx-core' ? 'emqx-replicant' : 'emqx-core';
    const template = { metadata: { labels: { app: 'emqx', role: other } } };
    const declaration = declarationObject({
      metadata: { name: other, uid: `uid-${other}`, labels: { 'sluice.dev/upgrade': 'blue-green' } },
      spec: { template, replicas: 0 },
    });
    const set = {
      metadata: { name: `${other}-x`, ownerReferences: [{ uid: `uid-${other}`, controller: true }] },
      spec: { selector: { matchLabels: { 'sluice.dev/revision': `of-${other}` } } },
    };
    return told(all, {
      podLabels: { app: 'emqx', role: name },
      spec: { ...DEFAULT_SPEC, services },
      revisions: [`of-${name}`],
      neighbours: neighboursOf([declaration, set], { metadata: { name, uid: `uid-${name}` } }),
    });
  }

  it.each([
    {
      when: 'it is of the one whose revision it selects',
      key: 'of-emqx-core',
      core: ['emqx'],
      replicant: [],
    },
    {
      when: 'it is of the one whose revision it selects',
      key: 'of-emqx-replicant',
      core: [],
      replicant: ['emqx'],
    },
  ])('do not fight over it: $when ($key)', ({ key, core, replicant }) => {
    expect(seenBy('emqx-core', [pinned('emqx', key)])).toMatchObject({ clients: core, marked: core });
    expect(seenBy('emqx-replicant', [pinned('emqx', key)])).toMatchObject({
      clients: replicant,
      marked: replicant,
    });
  });

  it('do not fight over it though both name it', () => {
    const all = [pinned('emqx', 'of-emqx-core')];
    expect(seenBy('emqx-core', all, ['emqx']).clients).toEqual(['emqx']);
    expect(seenBy('emqx-replicant', all, ['emqx'])).toMatchObject({
      clients: [],
      leftAlone: [expect.stringMatching(/^Service emqx is left alone: .* StatefulSet emqx-core/)],
    });
  });

  it('leave it alone while it selects no revision, unless one of them names it', () => {
    const all = [serviceObject()];
    for (const name of ['emqx-core', 'emqx-replicant']) {
      expect(seenBy(name, all)).toMatchObject({ clients: [], leftAlone: [expect.stringMatching(/emqx/)] });
      expect(seenBy(name, all, ['emqx']).clients).toEqual(['emqx']);
    }
  });

  it('each keep a Service that selects pods of one of them alone', () => {
    const own = serviceObject({ spec: { selector: { app: 'emqx', role: 'emqx-core' } } });
    expect(seenBy('emqx-core', [own])).toMatchObject({ clients: ['emqx'], leftAlone: [] });
    expect(seenBy('emqx-replicant', [own])).toMatchObject({ clients: [], leftAlone: [] });
  });
});

describe('the preview Service', () => {
  it('is found by its name, and is no client Service', () => {
    const all = [named('emqx'), named('try')];
    expect(rolesOf(all, context).preview).toEqual({
      kind: 'found',
      name: 'try',
      resourceVersion: '3',
      managed: false,
    });
    expect(rolesOf(all, context).clients).toEqual([all[0]]);
  });

  it.each([
    { when: 'does not exist', all: [named('emqx')], why: /names try, which does not exist/ },
    {
      when: "selects somebody else's pods",
      all: [named('try', { selector: { app: 'other' } })],
      why: /does not select the pods/,
    },
    { when: 'is headless', all: [named('try', { clusterIP: 'None' })], why: /headless/ },
  ])('is left alone when it $when', ({ all, why }) => {
    const { preview } = rolesOf(all, context);
    expect(preview?.kind === 'unusable' && preview.why).toMatch(why);
  });

  it('stays a client Service when no other is one', () => {
    const all = [named('try'), named('headless', { clusterIP: 'None' })];
    const roles = rolesOf(all, context);
    expect(roles.clients).toEqual([all[0]]);
    expect(roles.preview).toEqual({
      kind: 'unusable',
      why: expect.stringMatching(/names try, by which clients come: no other Service is theirs/),
    });
  });

  describe('named by a slip, which clients come by', () => {
    const all = [pinned('try', 'bcdfghjkl'), pinned('emqx', 'bcdfghjkl')];
    it('stays a client Service until the upgrade in progress has ended', () => {
      const roles = rolesOf(all, { ...context, isMixed: true, hadClients: ['emqx', 'try'] });
      expect(roles.clients).toEqual(all);
      expect(roles.preview).toEqual({
        kind: 'unusable',
        why: expect.stringMatching(/names try, by which clients come: .* when that has ended$/),
      });
    });

    it('stays one though the list leaves it out, too', () => {
      const change = { spec: { ...spec, services: ['emqx'] }, isMixed: true, hadClients: ['emqx', 'try'] };
      expect(
        rolesOf(all, { ...context, ...change })
          .clients.map(nameOf)
          .sort(),
      ).toEqual(['emqx', 'try']);
    });

    it.each([
      { when: 'no upgrade is in progress', hadClients: ['emqx', 'try'], isMixed: false },
      { when: 'it has been the preview Service before', hadClients: ['emqx'], isMixed: true },
    ])('is the preview Service when $when', (change) => {
      const roles = rolesOf(all, { ...context, ...change });
      expect(roles.clients.map(nameOf)).toEqual(['emqx']);
      expect(roles.preview).toMatchObject({ kind: 'found', name: 'try' });
    });
  });

  it('is none when none is named', () => {
    expect(rolesOf([named('')], { ...context, spec: DEFAULT_SPEC }).preview).toBeUndefined();
  });
});

describe('a load balancer', () => {
  const parsed = (more: JsonObject, annotations: JsonObject = {}): string | undefined =>
    parseService(
      serviceObject({ metadata: { name: 'emqx', annotations }, spec: { type: 'LoadBalancer', ...more } }),
      [],
    ).podTargets;
  const aws = 'service.beta.kubernetes.io/aws-load-balancer-nlb-target-type';
  it.each([
    { what: 'without node ports', more: { allocateLoadBalancerNodePorts: false } },
    { what: 'of AWS with ip targets', annotations: { [aws]: 'ip' } },
    { what: 'of GKE with NEGs', annotations: { 'cloud.google.com/neg': '{"exposed_ports": {"1883":{}}}' } },
  ])('$what sends clients to pods directly', ({ more = {}, annotations }) => {
    expect(parsed(more, annotations)).toBeDefined();
  });

  it.each([
    { what: 'of the usual kind' },
    { what: 'of AWS with instance targets', annotations: { [aws]: 'instance' } },
    { what: 'of GKE without NEGs', annotations: { 'cloud.google.com/neg': '{"ingress": false}' } },
    { what: 'that is none', more: { type: 'ClusterIP', allocateLoadBalancerNodePorts: false } },
  ])('$what does not', ({ more = {}, annotations }) => {
    expect(parsed(more, annotations)).toBeUndefined();
  });
});

it('a revision set is nobody else, whatever labels `kubectl label statefulset --all` gave it', () => {
  const ownerReferences = [{ kind: 'StatefulSet', name: 'emqx', uid: 'uid-emqx', controller: true }];
  const labelled = { 'sluice.dev/upgrade': 'blue-green', 'sluice.dev/managed': 'true' };
  const set = {
    metadata: { name: 'emqx-bcdfghjkl', uid: 'uid-set', labels: labelled, ownerReferences },
    spec: {
      selector: { matchLabels: { app: 'emqx', 'sluice.dev/revision': 'bcdfghjkl' } },
      template: { metadata: { labels: { app: 'emqx' } } },
    },
  };
  const neighbours = neighboursOf([declarationObject(), set], declarationObject());
  expect(neighbours).toEqual([]);
  expect(told([named('emqx')], { neighbours })).toMatchObject({ clients: ['emqx'], leftAlone: [] });
});
