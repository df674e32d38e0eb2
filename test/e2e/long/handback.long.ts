import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { BLUE_GREEN, LABEL } from '../../../lib/names.js';
import type { LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { dropJourneys, expectKept, setOut, type Journey } from '../support/journey.js';
import { useSluice } from '../support/sluice.js';
import { setOfPod } from '../support/toll.js';

jest.setTimeout(300_000);

const NAMESPACE = 'e2e-handback-midway';
const NODES = 2;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  // Slow enough for a drain to outlast the start of a node, as drains do: one that joined a node that stops would stay apart for good.
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: 120, rate: 5 });
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, NAMESPACE), 120_000);

const label = (value: string) => warnings('label', 'statefulset', EMQX.name, `${LABEL.upgrade}${value}`);
const isOwn = (name: string) => setOfPod(name) === EMQX.name;

describe('in the middle of a hand-back', () => {
  it('a new template rolls no pod that clients are on, and the label back ends it', async () => {
    const { crowd } = journey;
    const blue = journey.active();
    const fromMs = Date.now();
    expect(await label('-')).toContain('is handed back');
    await crowd.until('the last revision set drains', () =>
      journey.leaving().some((name) => setOfPod(name) === blue),
    );
    expect(journey.active()).toBe(EMQX.name);
    const own = () => [...crowd.scene.pods.values()].filter(({ name }) => isOwn(name));
    const before = own().map(({ uid }) => uid);
    expect(before).toHaveLength(NODES);

    const edit = ['set', 'env', `statefulset/${EMQX.name}`, 'EDIT=second'];
    expect(await warnings(...edit)).toContain('its new template is reached by blue-green too');
    await crowd.until('a second revision set serves', () => ![blue, EMQX.name].includes(journey.active()));
    const green = journey.active();
    expect(own().map(({ uid }) => uid)).toEqual(before);
    expect(await label(`=${BLUE_GREEN}`)).toContain('is not handed back after all');

    await journey.untilRest(NODES, (name) => name === green);
    expectKept(journey.tollSince(fromMs), { left: [blue, EMQX.name], nodes: NODES });
  });

  it('costs no session and no message', () => journey.end());
});

/** What kubectl warns of. */
async function warnings(...words: string[]): Promise<string> {
  const { code, stderr } = await cluster.tryKubectl(['--namespace', NAMESPACE, ...words]);
  expect(code).toBe(0);
  return stderr;
}
