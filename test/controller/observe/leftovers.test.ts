import { describe, expect, it } from '@jest/globals';
import { isCaredFor, isLeftover, type Surroundings } from '../../../controller/observe/leftovers.js';
import type { JsonObject } from '../../../lib/json.js';
import { declarationObject, podObject, serviceObject } from '../fixtures/objects.js';

const REVISION = 'sluice.dev/revision';
const managed = (selector: JsonObject): JsonObject =>
  serviceObject({ metadata: { labels: { 'sluice.dev/managed': 'true' } }, spec: { selector } });
const pinned = managed({ app: 'emqx', [REVISION]: 'bcdfghjkl' });
const preview = managed({ app: 'emqx', [REVISION]: 'none' });

const set = (revision: string, app: string, labels: JsonObject = {}): JsonObject => ({
  metadata: { name: `emqx-${revision}`, labels },
  spec: {
    selector: { matchLabels: { app, [REVISION]: revision } },
    template: { metadata: { labels: { app, [REVISION]: revision } } },
  },
});
const pod = (labels: JsonObject): JsonObject => podObject({ metadata: { labels } });
const unlabelled = declarationObject({ metadata: { labels: { app: 'emqx' } }, spec: { replicas: 3 } });
const nothing: Surroundings = { sets: [], pods: [] };

describe('a pinned Service', () => {
  it.each([
    ['of a revision', pinned],
    ['that reaches nobody', preview],
    ['whose key somebody took', managed({ app: 'emqx' })],
  ])('%s is left over where nothing is left', (_, service) => {
    expect(isLeftover(service, nothing)).toBe(true);
  });

  it('is left over beside what Sluice has nothing to do with: a StatefulSet of that name without the label', () => {
    const there = {
      sets: [unlabelled, declarationObject({ metadata: { labels: { 'sluice.dev/upgrade': 'x' } } })],
    };
    expect(isLeftover(pinned, { ...nothing, ...there })).toBe(true);
    expect(isCaredFor(pinned, there.sets)).toBe(false);
  });

  it.each<[string, JsonObject]>([
    ['labelled', declarationObject()],
    [
      'labelled past the webhook',
      declarationObject({ metadata: { labels: { 'sluice.dev/upgrade': 'blue-green' } } }),
    ],
    ['handed back', declarationObject({ metadata: { labels: { 'sluice.dev/managed': 'true' } } })],
    [
      'deleted',
      declarationObject({ metadata: { labels: { 'sluice.dev/managed': 'true' }, deletionTimestamp: 'x' } }),
    ],
  ])('is its declaration’s to care for, which is %s', (_, declaration) => {
    const sets = [declaration];
    expect(isCaredFor(pinned, sets)).toBe(true);
    expect(isLeftover(pinned, { sets, pods: [] })).toBe(false);
  });

  it.each<[string, Partial<Surroundings>, JsonObject]>([
    ['its revision set', { sets: [set('bcdfghjkl', 'emqx')] }, pinned],
    ['its revision set, whose pods have other labels now', { sets: [set('bcdfghjkl', 'x')] }, pinned],
    ['another revision set that it selects', { sets: [set('zzzzzzzzz', 'emqx')] }, pinned],
    ['a pod of its revision', { pods: [pod({ app: 'emqx', [REVISION]: 'bcdfghjkl' })] }, pinned],
    ['a pod of its revision and of other labels', { pods: [pod({ [REVISION]: 'bcdfghjkl' })] }, pinned],
    ['a pod of another revision that it selects', { pods: [pod({ app: 'emqx', [REVISION]: 'z' })] }, pinned],
    ['a set that would be previewed', { sets: [set('zzzzzzzzz', 'emqx')] }, preview],
  ])('stays while there is %s', (_, there, service) => {
    expect(isLeftover(service, { ...nothing, ...there })).toBe(false);
  });

  it('does not stay for another declaration of the namespace, its sets and its pods', () => {
    const labels = { app: 'other', [REVISION]: 'zzzzzzzzz' };
    const template = { metadata: { labels: { app: 'other' } } };
    const other = declarationObject({
      metadata: { labels: { 'sluice.dev/managed': 'true' } },
      spec: { template },
    });
    expect(isLeftover(pinned, { sets: [other, set('zzzzzzzzz', 'other')], pods: [pod(labels)] })).toBe(true);
  });
});
