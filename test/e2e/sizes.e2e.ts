import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ANNOTATION } from '../../lib/names.js';
import { until } from '../cluster/index.js';
import type { LocalCluster } from '../cluster/index.js';
import { EMQX } from '../demo/emqx.js';
import { applyFile, exampleOf } from './support/example.js';
import { dropJourneys, expectKept, setOut, type Journey } from './support/journey.js';
import { untilObserved } from './support/observed.js';
import { useSluice } from './support/sluice.js';
import { setOfPod } from './support/toll.js';

jest.setTimeout(300_000);

const NAMESPACE = 'e2e-sizes';
const CLIENTS = 120;
const SCALE = `/apis/sluice.dev/v1alpha1/namespaces/${NAMESPACE}/bluegreens/${EMQX.name}/scale`;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: 3, clients: CLIENTS });
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, NAMESPACE), 120_000);

const is =
  (name: string) =>
  (active: string): boolean =>
    active === name;
const isNot =
  (name: string) =>
  (active: string): boolean =>
    active !== name;
const scale = (kind: 'statefulset' | 'bluegreen', replicas: number) =>
  journey.kubectl('scale', kind, EMQX.name, `--replicas=${replicas}`);

describe('an autoscaler on the BlueGreen', () => {
  it('is given a selector that finds the pods, and their number', async () => {
    const { spec, status } = JSON.parse(await cluster.kubectl(['get', '--raw', SCALE])) as {
      spec: { replicas: number };
      status: { replicas: number; selector: string };
    };
    expect({ spec, replicas: status.replicas }).toEqual({ spec: { replicas: 3 }, replicas: 3 });
    const pods = (await journey.kubectl('get', 'pods', `--selector=${status.selector}`, '--output=name'))
      .trim()
      .split('\n');
    expect(pods.sort()).toEqual([0, 1, 2].map((ordinal) => `pod/${journey.active()}-${ordinal}`));
  });

  it('takes a node away as an upgrade does: it drains, and nobody loses anything', async () => {
    const active = journey.active();
    const fromMs = Date.now();
    await scale('bluegreen', 2);
    await journey.untilRest(2, is(active));
    expectKept(journey.tollSince(fromMs), { left: [active], nodes: 2 });
  });

  it('is not fought by a file with another size that is applied again', async () => {
    const before = await sizesSeen();
    expect(before).toMatchObject({ wanted: 2, declared: '3' });
    const fromMs = Date.now();
    await applyFile(cluster, NAMESPACE, statefulSetOf({}));
    await applyFile(cluster, NAMESPACE, statefulSetOf({}));
    await untilObserved(cluster, NAMESPACE);
    expect(await sizesSeen()).toEqual(before);
    expectKept(journey.tollSince(fromMs), { left: [], nodes: 2 });
  });

  it('of the kind that Kubernetes has: it asks for its least by itself, the set grows, and nobody notices', async () => {
    const active = journey.active();
    const fromMs = Date.now();
    await journey.kubectl('autoscale', 'bluegreen', EMQX.name, '--min=3', '--max=5', '--cpu-percent=50');
    await journey.untilRest(3, is(active));
    expect(await sizesSeen()).toMatchObject({ wanted: 3, held: 0, sizes: { [active]: 3 } });
    expectKept(journey.tollSince(fromMs), { left: [], nodes: 2 });
    const { conditions, currentReplicas } = await until(
      'the autoscaler has looked at the greater set, which it does every 15 s',
      async () => {
        const { status } = (await cluster.get(['-n', NAMESPACE, 'hpa', EMQX.name])) as {
          status: {
            conditions?: { type: string; status: string; reason: string }[];
            currentReplicas?: number;
          };
        };
        const hasLooked = status.conditions?.some(({ type }) => type === 'ScalingActive');
        return hasLooked && status.currentReplicas === 3 ? status : undefined;
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
    expect(conditions).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'AbleToScale', status: 'True', reason: 'SucceededGetScale' }),
        // No metrics server is there. A selector that does not fit would be InvalidSelector, a size of 0 ScalingDisabled.
        expect.objectContaining({
          type: 'ScalingActive',
          status: 'False',
          reason: 'FailedGetResourceMetric',
        }),
      ]),
    );
    expect(currentReplicas).toBe(3);
    const rescaled = [
      'events',
      '--field-selector=reason=SuccessfulRescale,involvedObject.kind=HorizontalPodAutoscaler',
    ];
    expect(await journey.kubectl('get', ...rescaled, '--output=jsonpath={.items[*].message}')).toContain(
      'New size: 3',
    );
    await journey.kubectl('delete', 'hpa', EMQX.name);
  });
});

describe('a size asked for in the middle of an upgrade', () => {
  it('that is smaller: what is active shrinks by a drain too', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('shrinks');
    // Nobody came to the node that the autoscaler added.
    await journey.crowd.until('a node of blue with clients on it drains', () => isDraining(blue, 1));
    const green = journey.active();
    await scale('bluegreen', 2);
    await journey.untilRest(2, is(green));
    expectKept(journey.tollSince(fromMs), { left: [blue, green], nodes: 2 });
  });

  it('that is greater: green grows, and each client moves once', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await journey.edit('grows');
    await journey.crowd.until('blue drains', () => isDraining(blue));
    await scale('statefulset', 3);
    await journey.untilRest(3, isNot(blue));
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: 2 });
  });
});

describe('template and size in one apply', () => {
  it('is one upgrade to a set of the new size', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await applyFile(cluster, NAMESPACE, statefulSetOf({ nodes: 1, edit: 'both' }));
    await journey.untilRest(1, isNot(blue));
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: 1 });
  });

  it('costs no session and no message', () => journey.end());
});

/** The StatefulSet as in the file, with another size or template. */
function statefulSetOf({ nodes, edit }: { nodes?: number; edit?: string }) {
  const { file } = journey;
  const env = { ...file.env, ...(edit !== undefined && { EDIT: edit }) };
  return exampleOf({ ...file, env, ...(nodes !== undefined && { nodes }) }).filter(
    ({ kind }) => kind === 'StatefulSet',
  );
}

/** A pod of the set is being deleted, and so are or were those of higher ordinals. */
function isDraining(set: string, ordinal?: number): boolean {
  return journey
    .leaving()
    .some((name) => setOfPod(name) === set && (ordinal === undefined || name === `${set}-${ordinal}`));
}

/** Every place where a size is kept. */
async function sizesSeen() {
  const get = async (kind: string) =>
    (await cluster.get(['-n', NAMESPACE, kind, EMQX.name])) as {
      metadata: { annotations: Record<string, string> };
      spec: { replicas: number };
    };
  const { metadata, spec } = await get('statefulset');
  const blueGreen = await get('bluegreen');
  return {
    declared: metadata.annotations[ANNOTATION.replicas],
    held: spec.replicas,
    wanted: blueGreen.spec.replicas,
    carried: blueGreen.metadata.annotations[ANNOTATION.replicas],
    sizes: await journey.sizes(),
    active: journey.active(),
  };
}
