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
  template,
} from './reviews.js';

const name = 'emqx-7c9d5f8b6';
const labels = { [LABEL.declaration]: 'emqx', [LABEL.revision]: '7c9d5f8b6' };
const selector = { matchLabels: { app: 'emqx', [LABEL.revision]: '7c9d5f8b6' } };
const set = plainSet({ name, labels, spec: { selector } });
const refusal = {
  kind: 'refuse',
  message: 'statefulset/emqx-7c9d5f8b6 belongs to statefulset/emqx; change that one',
};
const update = (change: Parameters<typeof edited>[1]): AdmissionRequest =>
  request({ name, oldObject: set, object: edited(set, change) });
const created = request({ name, operation: 'CREATE', object: set });
const resized = update({ spec: { replicas: 2 } });
const relabelled = update({ labels: { [LABEL.declaration]: undefined }, spec: { template: template('x') } });

describe('a revision set', () => {
  it.each<{ what: string; asked: AdmissionRequest }>([
    { what: 'its creation', asked: created },
    { what: 'another size', asked: resized },
    { what: 'another template', asked: update({ spec: { template: template('x') } }) },
    { what: 'an edit that hides whose it is', asked: relabelled },
    { what: 'a dry run of one of these', asked: { ...resized, dryRun: true } },
  ])('is not for others: $what is refused', async ({ asked }) => {
    expect(await decide(asked, options())).toEqual(refusal);
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
