import { expect, it } from '@jest/globals';
import { ApiError } from '../../../controller/kube/errors.js';
import { observeObjects, type ObserveTools } from '../../../controller/observe/observe.js';
import { PATH } from '../../../controller/kube/paths.js';
import { nameOf } from '../../../lib/fields.js';
import type { JsonObject } from '../../../lib/json.js';
import { setNameOf } from '../../../lib/revision.js';
import { declarationObject } from '../fixtures/objects.js';

const ours = 'my-company-production-eu-west-1-emqx-cluster-a';
const theirs = 'my-company-production-eu-west-1-emqx-cluster-b';
const revision = 'bcdfghjkl';
const name = setNameOf(theirs, revision);
const declaration = declarationObject({
  metadata: { name: ours },
  spec: { volumeClaimTemplates: [{ metadata: { name: 'data' } }] },
});
const claim: JsonObject = {
  metadata: { name: `data-${name}-0`, uid: 'c', labels: { 'sluice.dev/revision': revision } },
};
const setOf = (uid: string): JsonObject => ({
  metadata: {
    name,
    uid: 'uid-set',
    labels: { 'sluice.dev/declaration': uid === 'uid-emqx' ? ours : theirs, 'sluice.dev/revision': revision },
    ...(uid !== '' && { ownerReferences: [{ kind: 'StatefulSet', name: 'x', uid, controller: true }] }),
  },
  spec: { replicas: 0 },
});

/** A cluster of these StatefulSets and that claim. */
function toolsOf(sets: JsonObject[]): Omit<ObserveTools, 'sidecars' | 'silence'> {
  const kube = {
    get: (path: string) => {
      const found = sets.find((set) => path === PATH.statefulSets('mq', nameOf(set)));
      return found
        ? Promise.resolve(found)
        : Promise.reject(new ApiError(`get ${path}`, 404, 'NotFound', 'not found'));
    },
    list: (path: string, { labelSelector = '' }: { labelSelector?: string }) => {
      if (path === PATH.claims('mq')) {
        return Promise.resolve(labelSelector === 'sluice.dev/revision' ? [claim] : []);
      }
      const isOurs = labelSelector === `sluice.dev/declaration=${ours}`;
      const labelled = sets.filter(
        ({ metadata }) => (metadata as { labels: JsonObject }).labels['sluice.dev/declaration'] === ours,
      );
      return Promise.resolve(path === PATH.statefulSets('mq') && isOurs ? labelled : []);
    },
  };
  return { kube: kube as unknown as ObserveTools['kube'], now: () => 0, defaults: {} };
}

const hpa: JsonObject = {
  metadata: { name: 'hpa' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: ours } },
};

it.each<{ when: string; answer: () => Promise<JsonObject[]>; seen: string[] }>([
  { when: 'target the declaration are seen', answer: () => Promise.resolve([hpa]), seen: ['hpa'] },
  ...[403, 404].map((status) => ({
    when: `are kept from us (${status}) are none`,
    answer: () => Promise.reject(new ApiError('list', status, 'X', 'no')),
    seen: [],
  })),
])('autoscalers that $when', async ({ answer, seen }) => {
  const tools = toolsOf([declaration]);
  const list: typeof tools.kube.list = (path, ...rest) =>
    path === PATH.autoscalers('mq') ? answer() : tools.kube.list(path, ...rest);
  const key = { namespace: 'mq', name: ours };
  const kube = { ...tools.kube, list };
  const view = await observeObjects({ ...tools, kube }, key, new AbortController().signal);
  expect(view?.observed.autoscalers).toEqual(seen);
});

it.each<{ of: string; sets: JsonObject[]; seen: string[] }>([
  {
    of: 'a set of another declaration, whose name is cut to the same one',
    sets: [setOf('uid-other')],
    seen: [],
  },
  { of: 'a set of ours', sets: [setOf('uid-emqx')], seen: [`data-${name}-0`] },
  { of: 'a set that nobody controls', sets: [setOf('')], seen: [`data-${name}-0`] },
  { of: 'a set that is gone', sets: [], seen: [`data-${name}-0`] },
])('a claim of $of', async ({ sets, seen }) => {
  expect(name).toBe(setNameOf(ours, revision));
  const key = { namespace: 'mq', name: ours };
  const view = await observeObjects(toolsOf([declaration, ...sets]), key, new AbortController().signal);
  expect(view?.observed.claims.map((each) => each.name)).toEqual(seen);
});
