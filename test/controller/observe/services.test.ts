import { describe, expect, it } from '@jest/globals';
import { clientServices, parseService, previewOf } from '../../../controller/observe/services.js';
import type { JsonObject } from '../../../lib/json.js';
import { DEFAULT_SPEC } from '../../../lib/types.js';
import { serviceObject } from '../fixtures/objects.js';

const labels = { app: 'emqx' };
const spec = { ...DEFAULT_SPEC, promotion: { auto: true, previewService: 'try' } };
const named = (name: string, more: JsonObject = {}): JsonObject =>
  serviceObject({ metadata: { name, resourceVersion: '3' }, spec: more });

describe('the preview Service', () => {
  it('is found by its name, and is no client Service', () => {
    const all = [named('emqx'), named('try')];
    expect(previewOf(all, labels, spec)).toEqual({
      kind: 'found',
      name: 'try',
      resourceVersion: '3',
      managed: false,
    });
    expect(clientServices(all, labels, spec)).toEqual([all[0]]);
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
    const preview = previewOf(all, labels, spec);
    expect(preview?.kind === 'unusable' && preview.why).toMatch(why);
  });

  it('is none when none is named', () => {
    expect(previewOf([named('')], labels, DEFAULT_SPEC)).toBeUndefined();
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
