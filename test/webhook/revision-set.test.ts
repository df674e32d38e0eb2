import { describe, expect, it } from '@jest/globals';
import { LABEL } from '../../lib/names.js';
import { decide } from '../../webhook/decide.js';
import type { AdmissionRequest } from '../../webhook/review.js';
import {
  answered,
  edited,
  labelsOn,
  options,
  OWN_USER,
  patched,
  plainSet,
  request,
  storedDeclaration,
  template,
} from './reviews.js';

const name = 'emqx-7c9d5f8b6';
const labels = { [LABEL.declaration]: 'emqx', [LABEL.revision]: '7c9d5f8b6' };
const selector = { matchLabels: { app: 'emqx', [LABEL.revision]: '7c9d5f8b6' } };
const ownerReferences = [{ kind: 'StatefulSet', name: 'emqx', uid: 'u', controller: true }];
const set = plainSet({ name, labels, metadata: { ownerReferences }, spec: { selector } });
const refusal = {
  kind: 'refuse',
  message: 'statefulset/emqx-7c9d5f8b6 belongs to statefulset/emqx; change that one',
};
const update = (change: Parameters<typeof edited>[1]): AdmissionRequest =>
  request({ name, oldObject: set, object: edited(set, change) });
const copyAdvice =
  ' (of a copy for something else, take out ownerReferences and every key under sluice.dev/: labels, annotations and selector)';
const created = request({ name, operation: 'CREATE', object: set });
const resized = update({ spec: { replicas: 2 } });
const relabelled = update({ labels: { [LABEL.declaration]: undefined }, spec: { template: template('x') } });

describe('a revision set', () => {
  it.each<{ what: string; asked: AdmissionRequest }>([
    { what: 'another size', asked: resized },
    { what: 'another template', asked: update({ spec: { template: template('x') } }) },
    { what: 'an edit that hides whose it is', asked: relabelled },
    { what: 'a dry run of one of these', asked: { ...resized, dryRun: true } },
  ])('is not for others: $what is refused', async ({ asked }) => {
    expect(await decide(asked, options())).toEqual(refusal);
  });

  it('is not for others: a copy of it is refused with what to take out', async () => {
    const message = `${refusal.message}${copyAdvice}`;
    expect(await decide(created, options())).toEqual({ kind: 'refuse', message });
  });

  it('that nobody controls any more is known by its name', async () => {
    const orphan = edited(set, { metadata: { ownerReferences: [] } });
    const object = edited(orphan, { spec: { replicas: 2 } });
    expect(await decide(request({ name, oldObject: orphan, object }), options())).toEqual(refusal);
  });

  it.each([LABEL.upgrade, LABEL.managed])('never becomes a declaration by label %s', async (key) => {
    const asked = update({ labels: { [key]: key === LABEL.upgrade ? 'blue-green' : 'true' } });
    expect(labelsOn(patched(asked, await answered(asked)))).toEqual(labels);
  });

  it.each<{ what: string; asked: AdmissionRequest }>([
    { what: 'its creation by the controller', asked: { ...created, user: OWN_USER } },
    { what: 'an edit by the controller', asked: { ...resized, user: OWN_USER } },
    { what: 'deletion', asked: request({ name, operation: 'DELETE', oldObject: set }) },
    { what: 'finalizers', asked: update({ metadata: { finalizers: ['foregroundDeletion'] } }) },
    {
      what: 'ownerReferences',
      asked: update({ metadata: { ownerReferences: [{ kind: 'StatefulSet', name: 'emqx' }] } }),
    },
    { what: 'status', asked: { ...resized, subResource: 'status' } },
    {
      what: 'an object on its way out',
      asked: update({ metadata: { deletionTimestamp: 'now' }, spec: { replicas: 0 } }),
    },
    ...[
      'system:serviceaccount:kube-system:generic-garbage-collector',
      'system:serviceaccount:kube-system:statefulset-controller',
      'system:kube-controller-manager',
      'system:apiserver',
      'system:node:worker-1',
    ].map((user) => ({ what: `a write of ${user}`, asked: { ...resized, user } })),
  ])('is never kept from $what', async ({ asked }) => {
    expect(await answered(asked)).toEqual({ kind: 'admit', ops: [], warnings: [] });
  });

  it('is kept from a service account that only looks like one of Kubernetes', async () => {
    const asked = { ...resized, user: 'system:serviceaccount:kube-system-2:x' };
    expect(await decide(asked, options())).toEqual(refusal);
  });

  it.each<{ what: string; lost: Record<string, string | undefined> }>([
    { what: 'that of its revision', lost: { [LABEL.revision]: undefined } },
    { what: 'that of its declaration', lost: { [LABEL.declaration]: undefined } },
    { what: 'another value', lost: { [LABEL.declaration]: 'other', [LABEL.revision]: 'xxxxxxxxx' } },
  ])('keeps the labels by which it is found: $what', async ({ lost }) => {
    const asked = update({ labels: { ...lost, mine: 'too' } });
    expect(labelsOn(patched(asked, await answered(asked)))).toEqual({ ...labels, mine: 'too' });
  });
});

describe('label declaration on a StatefulSet that is no revision set', () => {
  const stray = { [LABEL.declaration]: 'foo' };

  it('keeps nobody from editing it, nor from taking the label off', async () => {
    const plain = plainSet({ labels: stray });
    const asked = request({ oldObject: plain, object: edited(plain, { spec: { replicas: 2 } }) });
    expect(await answered(asked)).toEqual({ kind: 'admit', ops: [], warnings: [] });
    const off = request({
      oldObject: plain,
      object: edited(plain, { labels: { [LABEL.declaration]: undefined } }),
    });
    expect(await answered(off)).toEqual({ kind: 'admit', ops: [], warnings: [] });
  });

  it('leaves a declaration what it is', async () => {
    const declaration = storedDeclaration({ labels: stray });
    const object = edited(declaration, { spec: { template: template('x') } });
    const answer = await answered(request({ oldObject: declaration, object }));
    expect(answer.warnings.join()).toMatch(/template change redirected to green StatefulSet emqx-/);
  });
});
