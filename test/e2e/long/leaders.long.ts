import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ANNOTATION } from '../../../lib/names.js';
import type { BlueGreenStatus, UpgradePhase } from '../../../lib/types.js';
import { until, type LocalCluster } from '../../cluster/index.js';
import { EMQX } from '../../demo/emqx.js';
import { expectGapless, traceOf, UPGRADE } from '../observability/trace.js';
import { dropJourneys, expectKept, setOut, type Journey } from '../support/journey.js';
import { killLeader, leaderOf } from '../support/leader.js';
import { receiverIn, type ClusterReceiver } from '../support/receiver.js';
import { useSluice } from '../support/sluice.js';
import { watchVersions, type Versions } from '../support/versions.js';

jest.setTimeout(300_000);

const NAMESPACE = 'e2e-leaders';
const NODES = 2;
const CLIENTS = 60;
/** A drain outlasts the change of leaders, and so does what the next one finds. */
const RATE = 2;
/** Every phase that an upgrade goes through which a person promotes, in its order; and one that is paused meanwhile. */
const PHASES = [
  ...(['admission', 'creation', 'readiness', 'gates', 'promotion'] as const),
  ...(['switch', 'delay', 'draining', 'cleanUp'] as const),
];

interface BlueGreenObject {
  metadata: { name: string };
  status?: BlueGreenStatus;
}

let cluster: LocalCluster;
let receiver: ClusterReceiver;
let journey: Journey;
let versions: Versions<BlueGreenObject>;

beforeAll(async () => {
  cluster = await useSluice(async (own) => {
    receiver = await receiverIn(own);
    return [`otel.endpoint=${receiver.url}`];
  });
  journey = await setOut(cluster, NAMESPACE, {
    ...{ nodes: NODES, clients: CLIENTS, rate: RATE, initialDelaySeconds: 5 },
    isPromotedByHand: true,
  });
  versions = await watchVersions(cluster, `/apis/sluice.dev/v1alpha1/namespaces/${NAMESPACE}/bluegreens`);
}, 30 * 60_000);
afterAll(async () => {
  await versions?.stop();
  await dropJourneys(cluster, NAMESPACE);
  await receiver?.stop();
}, 120_000);

const last = (): Partial<BlueGreenStatus> => versions.seen.at(-1)?.object.status ?? {};

/** The phase that an upgrade is in, by the last word of whoever leads. */
const phase = (): string | undefined =>
  last().upgrade?.steps?.find(
    ({ name, endedAt }) => endedAt === undefined && [...PHASES, 'pause'].some((one) => one === name),
  )?.name;

/** Soon enough to act within a phase of half a second. */
const untilSaid = <T>(what: string, look: () => T | undefined): Promise<T> =>
  until(what, () => Promise.resolve(look()), { timeoutMs: 150_000, everyMs: 10 });

/** Goes on with an upgrade that waits for a person, whenever it comes so far. */
async function promote(): Promise<void> {
  const wanted = await untilSaid('it waits to be promoted', () =>
    last().phase === 'AwaitingPromotion' ? last().wanted : undefined,
  );
  const value = `${ANNOTATION.promote}=${wanted.replace(`${EMQX.name}-`, '')}`;
  await journey.kubectl('annotate', '--overwrite', 'bluegreen', EMQX.name, value);
}

const setPaused = (paused: boolean) =>
  journey.kubectl('patch', 'bluegreen', EMQX.name, '--type=merge', `--patch={"spec":{"paused":${paused}}}`);

/** Kills whoever leads in that phase, and sees that nothing was said after it. */
async function killIn(wanted: UpgradePhase): Promise<void> {
  const leader = await leaderOf(cluster);
  if (wanted !== 'admission')
    await untilSaid(`it is in ${wanted}`, () => (phase() === wanted ? true : undefined));
  const taken = killLeader(cluster, leader);
  if (wanted === 'admission') await journey.edit(wanted);
  // The Lease of the dead leader is good for longer.
  await untilSaid('its last word is out', () =>
    Date.now() - (versions.seen.at(-1)?.atMs ?? 0) > 3_000 ? true : undefined,
  );
  expect(phase()).toBe(wanted === 'admission' ? undefined : wanted);
  await taken;
}

/** One that nothing hinders ends with the look that it begins with, and is written as ended. */
const FLEETING: readonly UpgradePhase[] = ['gates'];
const KILLED_IN: UpgradePhase[] = [...PHASES.filter((each) => !FLEETING.includes(each)), 'pause'];

/** The phases of an upgrade that is paused while it waits to be promoted, or of one that is not. */
function phasesOf(isPaused: boolean): readonly UpgradePhase[] {
  if (!isPaused) return PHASES;
  return PHASES.flatMap((each): UpgradePhase[] =>
    each === 'promotion' ? ['promotion', 'pause', 'promotion'] : [each],
  );
}

/** An upgrade from the edit to its last node, whose leader is killed in that phase. */
async function upgradeThrough(wanted: UpgradePhase): Promise<void> {
  const untilPromotion: readonly UpgradePhase[] = PHASES.slice(0, PHASES.indexOf('promotion') + 1);
  if (wanted !== 'admission') await journey.edit(wanted);
  if (untilPromotion.includes(wanted)) await killIn(wanted);
  if (wanted === 'pause') {
    await untilSaid('it waits for a person', () => (phase() === 'promotion' ? true : undefined));
    await setPaused(true);
    await killIn(wanted);
    await setPaused(false);
  }
  await promote();
  if (!untilPromotion.includes(wanted) && wanted !== 'pause') await killIn(wanted);
}

describe.each(KILLED_IN)('the leader is killed in the phase %s', (wanted) => {
  it('the next one brings the upgrade to its end, and its trace is whole', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    await upgradeThrough(wanted);
    await journey.untilRest(NODES, (active) => active !== blue);
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });

    const record = await untilSaid('its trace is noted as received', () =>
      last().history?.find(({ from, traced }) => from === blue && traced),
    );
    const trace = await traceOf(receiver, record);
    const { all, spans, root, phases } = trace;
    expect(all.filter(({ name }) => name === UPGRADE)).toHaveLength(1);
    const expectedPhases = phasesOf(wanted === 'pause');
    const ofEachNode = Array<string[]>(NODES).fill(['start', 'drain', 'leave']).flat();
    const expected = [UPGRADE, 'admission review', ...expectedPhases, ...ofEachNode];
    expect(spans.map(({ name }) => name).sort()).toEqual(expected.sort());
    expect(phases.map(({ name }) => name)).toEqual(expectedPhases);
    expectGapless(trace);
    expect(root.attributes).toMatchObject({ 'sluice.upgrade.result': 'succeeded' });
  });
});

describe('an upgrade that is aborted while blue drains', () => {
  it('leads back, and both traces say so and why, without a gap', async () => {
    const blue = journey.active();
    await journey.edit('aborted');
    await promote();
    await untilSaid('blue drains', () => (phase() === 'draining' ? true : undefined));
    const green = last().active ?? '';
    const revision = green.slice(EMQX.name.length + 1);
    await journey.kubectl('annotate', 'bluegreen', EMQX.name, `${ANNOTATION.abort}=${revision}`);
    await promote();
    await journey.untilRest(NODES, (active) => active === blue, 'Aborted');
    const [back, aborted] = await untilSaid('both traces are noted as received', () => {
      const { history = [] } = last();
      const both = [{ from: green }, { from: blue }].map(({ from }) =>
        history.find((record) => record.from === from && record.traced),
      );
      const [way, failed] = both;
      return way && failed ? ([way, failed] as const) : undefined;
    });
    expect(back).toMatchObject({ from: green, to: blue, result: 'rolledBack' });
    expect(aborted).toMatchObject({ from: blue, to: green, result: 'aborted' });
    for (const record of [back, aborted]) {
      const trace = await traceOf(receiver, record);
      expect(trace.root.attributes).toMatchObject({
        'sluice.upgrade.result': record.result,
        'sluice.upgrade.from': record.from,
        ...(record.reason !== undefined && { 'sluice.upgrade.reason': record.reason }),
      });
      expectGapless(trace);
    }
    expect(aborted.reason).toBe('annotation sluice.dev/abort names it');
  });
});

it('costs no session and no message', () => journey.end());
