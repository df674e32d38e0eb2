import { describe, expect, it } from '@jest/globals';
import type { MetricName } from '../../../controller/metrics/catalogue.js';
import { samplesOf } from '../../../controller/metrics/samples.js';
import type { Picture } from '../../../controller/metrics/picture.js';
import { DEFAULT_SPEC, type EvacuationState } from '../../../lib/types.js';
import { drain, ended, ENDED, evacuation, node, picture, STARTED } from './pictures.js';

const KEY = { namespace: 'mq', name: 'emqx' };

/** Samples of one metric: values by their labels, those of the object aside. */
function of(metric: MetricName, seen: Picture): Record<string, number> {
  const found = samplesOf(KEY, seen).filter((sample) => sample.metric === metric);
  return Object.fromEntries(
    found.map(({ labels: { namespace, bluegreen, ...labels }, value }) => {
      expect({ namespace, bluegreen }).toEqual({ namespace: 'mq', bluegreen: 'emqx' });
      return [Object.values(labels).join(' '), value];
    }),
  );
}

describe('samples of a BlueGreen', () => {
  it('have one phase', () => {
    expect(of('phase', picture({ phase: 'Delaying' }))).toEqual({
      Stable: 0,
      Progressing: 0,
      AwaitingPromotion: 0,
      Delaying: 1,
      Draining: 0,
      Paused: 0,
      Aborted: 0,
      Degraded: 0,
    });
  });

  it('have the conditions that are True', () => {
    const common = { reason: '', message: '', lastTransitionTime: STARTED, observedGeneration: 1 };
    const seen = picture({
      conditions: [
        { type: 'Stalled', status: 'True', ...common },
        { type: 'Ready', status: 'False', ...common },
      ],
    });
    expect(of('condition', seen)).toMatchObject({ Stalled: 1, Ready: 0, Degraded: 0 });
  });

  it('count clients and sessions by node, revision and colour', () => {
    const seen = picture({
      clientsLeft: 7,
      emqxNodes: [
        node('emqx@b-0', 'blue', 7, 20),
        node('emqx@g-0', 'green', 30, 40),
        { node: 'emqx@gone', node_status: 'stopped' },
      ],
    });
    expect(of('nodeClients', seen)).toEqual({ 'emqx@b-0 blue blue': 7, 'emqx@g-0 green green': 30 });
    expect(of('nodeSessions', seen)).toEqual({ 'emqx@b-0 blue blue': 20, 'emqx@g-0 green green': 40 });
    expect(of('clientsLeft', seen)).toEqual({ '': 7 });
    expect(of('sessionsLeft', seen)).toEqual({ '': 20 });
  });

  it('call what is active blue from the edit on, and it is to be left before the switch, too', () => {
    const nodes = { emqxNodes: [node('emqx@b-0', 'blue', 7, 20)] };
    const seen = picture(nodes, { activeRevision: 'blue', wantedRevision: 'green' });
    expect(of('nodeClients', seen)).toEqual({ 'emqx@b-0 blue blue': 7 });
    expect(of('sessionsLeft', seen)).toEqual({ '': 20 });
    expect(of('nodeClients', picture(nodes, { activeRevision: 'blue', wantedRevision: 'blue' }))).toEqual({
      'emqx@b-0 blue green': 7,
    });
  });

  it("leave other StatefulSets' nodes in the same EMQX cluster to those", () => {
    const other = { ...node('emqx@emqx-replicant-0.emqx', '', 50, 50) };
    delete other.revision;
    const stray = { ...other, node: 'emqx@emqx-0.emqx' };
    const seen = picture({ emqxNodes: [node('emqx@emqx-green-0.emqx', 'green', 7, 20), other, stray] });
    expect(of('nodeClients', seen)).toEqual({
      'emqx@emqx-green-0.emqx green green': 7,
      'emqx@emqx-0.emqx  blue': 50,
    });
  });

  it('take sessions for clients where EMQX does not tell them apart', () => {
    const old = { node: 'emqx@b-0', node_status: 'running', revision: 'blue', connections: 5 };
    expect(of('nodeClients', picture({ emqxNodes: [old] }))).toEqual({ 'emqx@b-0 blue blue': 5 });
  });

  it('name the state of each evacuation, and how many drains there are', () => {
    const seen = picture(
      { nodeEvacuationsStatus: [evacuation('emqx@b-0', 1, 2)] },
      {
        drains: [drain('a', 'draining', { isOverdue: true }), drain('b', 'draining'), drain('c', 'drained')],
      },
    );
    expect(of('nodeEvacuation', seen)).toEqual({ 'emqx@b-0 evicting_conns': 1 });
    expect(of('drains', seen)).toEqual({ draining: 1, overdue: 1 });
  });

  it('have the times of the upgrade in progress, and the end of the last one', () => {
    const upgrade = { ...ended('2'), switchedAt: ENDED };
    const seen = picture({ upgrade, history: [ended('1', 'aborted')] });
    expect(of('upgradeStart', seen)).toEqual({ '': Date.parse(STARTED) / 1000 });
    expect(of('upgradeSwitch', seen)).toEqual({ '': Date.parse(ENDED) / 1000 });
    expect(of('upgradeEnd', seen)).toEqual({ aborted: Date.parse(ENDED) / 1000 });
  });

  it('have no time of what has not happened', () => {
    expect(of('upgradeStart', picture())).toEqual({});
    expect(of('upgradeSwitch', picture({ history: [ended('1')] }))).toEqual({});
    expect(of('waitingSince', picture())).toEqual({});
    expect(of('waitingSince', picture({ waitingFor: { what: 'x', since: STARTED } }))).toEqual({
      '': Date.parse(STARTED) / 1000,
    });
  });

  describe('that waits as its spec says', () => {
    const seen = (state: EvacuationState, now: EvacuationState = state): Picture => {
      const drains = (pod: string, endedAt?: string) => ({
        name: 'drain' as const,
        pod,
        startedAt: STARTED,
        states: [
          { state: 'evicting_conns' as const, at: STARTED, clients: 9, sessions: 9 },
          { state, at: ENDED, clients: 0, sessions: 9 },
        ],
        ...(endedAt !== undefined && { endedAt }),
      });
      const { updateStrategy } = DEFAULT_SPEC;
      const evacuationStrategy = { ...updateStrategy.evacuationStrategy, waitTakeover: 600 };
      return picture(
        {
          upgrade: { ...ended('1'), steps: [drains('b-1'), drains('b-0', ENDED)] },
          nodeEvacuationsStatus: [{ ...evacuation('emqx@b-1.emqx-headless.mq.svc', 0, 9), state: now }],
        },
        {
          spec: {
            ...DEFAULT_SPEC,
            updateStrategy: { ...updateStrategy, initialDelaySeconds: 30, evacuationStrategy },
          },
        },
      );
    };

    it.each([
      { state: 'waiting_takeover' as const, seconds: 600 },
      { state: 'waiting_health_check' as const, seconds: 30 },
    ])('has the end of $state', ({ state, seconds }) => {
      expect(of('configuredWaitEnd', seen(state))).toEqual({ '': Date.parse(ENDED) / 1000 + seconds });
    });

    it('has the end of the delay after the switch', () => {
      const { spec, status } = seen('evicting_conns');
      const upgrade = { ...ended('1'), switchedAt: ENDED };
      const delaying = (more: Partial<Picture['status']>): Picture => ({
        ...picture({}, { spec }),
        status: { ...status, upgrade, phase: 'Delaying', ...more },
      });
      expect(of('configuredWaitEnd', delaying({}))).toEqual({ '': Date.parse(ENDED) / 1000 + 30 });
      expect(of('configuredWaitEnd', delaying({ phase: 'Draining' }))).toEqual({});
      expect(of('configuredWaitEnd', delaying({ upgrade: ended('1') }))).toEqual({});
    });

    it('has none while it evicts, and when EMQX has gone on', () => {
      expect(of('configuredWaitEnd', seen('evicting_conns'))).toEqual({});
      expect(of('configuredWaitEnd', seen('waiting_takeover', 'evicting_sessions'))).toEqual({});
    });
  });

  it('have no wait at rest', () => {
    const waitingFor = { what: 'nothing', since: STARTED };
    expect(of('waitingSince', picture({ phase: 'Stable', waitingFor }))).toEqual({});
    expect(of('waitingSince', picture({ phase: 'Paused', waitingFor }))).not.toEqual({});
  });

  it('have the configured rates', () => {
    expect(of('connEvictRate', picture())).toEqual({ '': 1000 });
    expect(of('sessEvictRate', picture())).toEqual({ '': 1000 });
  });
});
