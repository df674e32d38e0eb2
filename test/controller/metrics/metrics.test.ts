import { describe, expect, it } from '@jest/globals';
import { issue, makeCa } from '../../../certs/issue.js';
import { ApiError } from '../../../controller/kube/errors.js';
import { makeControllerMetrics, type ControllerMetrics } from '../../../controller/metrics/metrics.js';
import type { Picture } from '../../../controller/metrics/picture.js';
import { SidecarError } from '../../../controller/sidecars.js';
import type { BlueGreenStatus, UpgradeStep } from '../../../lib/types.js';
import { drain, ended, ENDED, STARTED, evacuation, node, picture } from './pictures.js';

type Leader = Omit<ControllerMetrics, 'saw'> & {
  saw: (key: string, seen: Picture, stored?: Partial<BlueGreenStatus>) => void;
};

/** Its looks follow one another: what the one before told is what is stored. */
function leader(certificates: Record<string, string> = {}): Leader {
  let nowMs = 0;
  const metrics = makeControllerMetrics(
    () => ({ isLeading: true, certificates }),
    () => nowMs,
  );
  const last = new Map<string, Partial<BlueGreenStatus>>();
  return {
    ...metrics,
    // As it is told to whoever scrapes all the time.
    scrape: async () => {
      await metrics.scrape();
      nowMs += 60_000;
      return metrics.scrape();
    },
    saw: (key, seen, stored = last.get(key) ?? seen.status) => {
      last.set(key, seen.status);
      metrics.saw(key, seen, stored);
    },
  };
}

/** The lines of a scrape that begin so. */
async function lines(metrics: Pick<ControllerMetrics, 'scrape'>, start: string): Promise<string[]> {
  const { text } = await metrics.scrape();
  return text.split('\n').filter((line) => line.startsWith(start));
}

const BLUE_GREEN = 'namespace="mq",bluegreen="emqx"';

describe("the controller's metrics", () => {
  it('count from 0 what happens after the first look', async () => {
    const metrics = leader();
    metrics.saw(
      'mq/emqx',
      picture({ history: [ended('1')], nodeEvacuationsStatus: [evacuation('a', 60, 90)] }),
    );
    expect(await lines(metrics, 'sluice_evicted_clients_total')).toEqual([
      `sluice_evicted_clients_total{${BLUE_GREEN}} 0`,
    ]);
    metrics.saw(
      'mq/emqx',
      picture({ history: [ended('2'), ended('1')], nodeEvacuationsStatus: [evacuation('a', 20, 80)] }),
    );
    expect(await lines(metrics, 'sluice_evicted')).toEqual([
      `sluice_evicted_clients_total{${BLUE_GREEN}} 40`,
      `sluice_evicted_sessions_total{${BLUE_GREEN}} 10`,
    ]);
    expect(await lines(metrics, 'sluice_upgrades_total')).toContain(
      `sluice_upgrades_total{${BLUE_GREEN},result="succeeded"} 1`,
    );
    expect(await lines(metrics, 'sluice_upgrade_duration_seconds_sum')).toContain(
      'sluice_upgrade_duration_seconds_sum{result="succeeded"} 300',
    );
  });

  const draining: UpgradeStep = { name: 'drain', pod: 'emqx-blue-0', uid: 'a', startedAt: STARTED };
  const gaveUp: UpgradeStep = { ...draining, endedAt: ENDED, outcome: 'gaveUp' };
  const open = { upgrade: { ...ended('1'), steps: [draining] }, history: [] };

  it('count what this leader wrote in its first pass: the one before was dead', async () => {
    const metrics = leader();
    const history = [{ ...ended('1', 'aborted'), steps: [gaveUp] }];
    metrics.saw('mq/emqx', picture({ history }, { drains: [drain('a', 'gaveUp')] }), open);
    expect(await lines(metrics, 'sluice_upgrades_total')).toContain(
      `sluice_upgrades_total{${BLUE_GREEN},result="aborted"} 1`,
    );
    expect(await lines(metrics, 'sluice_drains_total')).toContain(
      `sluice_drains_total{${BLUE_GREEN},outcome="gaveUp"} 1`,
    );
    expect(await lines(metrics, 'sluice_upgrade_step_duration_seconds_count{step="drain"}')).toEqual([
      'sluice_upgrade_step_duration_seconds_count{step="drain"} 1',
    ]);
  });

  it('begin at 0 for as long as it takes to be scraped, whatever has ended already', async () => {
    let nowMs = 0;
    const metrics = makeControllerMetrics(
      () => ({ isLeading: true, certificates: {} }),
      () => nowMs,
    );
    const counted = async () => [
      ...(await lines(metrics, `sluice_drains_total{${BLUE_GREEN},outcome="drained"}`)),
      ...(await lines(metrics, `sluice_upgrades_total{${BLUE_GREEN},result="aborted"}`)),
    ];
    const values = async () => (await counted()).map((line) => line.slice(-2));
    const drained: UpgradeStep = { ...draining, endedAt: ENDED, outcome: 'drained' };
    const history = [{ ...ended('1', 'aborted'), steps: [drained] }];
    metrics.saw('mq/emqx', picture({ history }), open);
    nowMs = 100_000;
    expect(await values()).toEqual([' 0', ' 0']);
    nowMs = 159_000;
    expect(await values()).toEqual([' 0', ' 0']);
    nowMs = 160_000;
    expect(await values()).toEqual([' 1', ' 1']);
    metrics.saw(
      'mq/emqx',
      picture({ history: [ended('2', 'aborted'), ...history] }),
      picture({ history }).status,
    );
    expect(await values()).toEqual([' 1', ' 2']);
  });

  it('hold no failure back, which a leader of a few seconds could take with it', async () => {
    const metrics = makeControllerMetrics(
      () => ({ isLeading: true, certificates: {} }),
      () => 0,
    );
    const history = [{ ...ended('1', 'aborted'), steps: [gaveUp] }];
    metrics.saw('mq/emqx', picture({ history }), open);
    expect(await lines(metrics, `sluice_drains_total{${BLUE_GREEN},outcome="gaveUp"}`)).toEqual([
      `sluice_drains_total{${BLUE_GREEN},outcome="gaveUp"} 1`,
    ]);
  });

  it('hold nothing back where nobody scrapes', async () => {
    let nowMs = 0;
    const metrics = makeControllerMetrics(
      () => ({ isLeading: true, certificates: {} }),
      () => nowMs,
    );
    const history = [ended('1')];
    metrics.saw('mq/emqx', picture({ history }), picture({ history }).status);
    nowMs = 600_000;
    metrics.saw('mq/emqx', picture({ history: [ended('2'), ...history] }), picture({ history }).status);
    expect(await lines(metrics, 'sluice_upgrades_total')).toContain(
      `sluice_upgrades_total{${BLUE_GREEN},result="succeeded"} 1`,
    );
  });

  it('count nothing that the leader before wrote', async () => {
    const metrics = leader();
    const told = { upgrade: { ...ended('1'), steps: [gaveUp] }, history: [ended('0')] };
    metrics.saw('mq/emqx', picture(told, { drains: [drain('a', 'gaveUp')] }), told);
    metrics.saw('mq/emqx', picture({ history: [{ ...ended('1'), steps: [gaveUp] }, ended('0')] }));
    expect((await lines(metrics, 'sluice_drains_total')).filter((line) => !line.endsWith(' 0'))).toEqual([]);
    expect(await lines(metrics, 'sluice_upgrades_total')).toContain(
      `sluice_upgrades_total{${BLUE_GREEN},result="succeeded"} 1`,
    );
  });

  it('count a drain once of which both the record and its sidecar tell', async () => {
    const metrics = leader();
    metrics.saw('mq/emqx', picture(open, { drains: [drain('a', 'draining')] }));
    const over = { upgrade: { ...ended('1'), steps: [gaveUp] } };
    metrics.saw('mq/emqx', picture(over, { drains: [drain('a', 'gaveUp')] }));
    metrics.saw('mq/emqx', picture(over));
    expect(await lines(metrics, 'sluice_drains_total')).toEqual([
      `sluice_drains_total{${BLUE_GREEN},outcome="drained"} 0`,
      `sluice_drains_total{${BLUE_GREEN},outcome="gaveUp"} 1`,
      `sluice_drains_total{${BLUE_GREEN},outcome="ended"} 0`,
    ]);
  });

  it('count a drain once, though its sidecar does not answer any more while the pod stops', async () => {
    const metrics = leader();
    const seen = (...drains: ReturnType<typeof drain>[]) =>
      picture({}, { drains, pods: [{ uid: 'a', isEnding: true }] });
    metrics.saw('mq/emqx', seen());
    for (const state of ['draining', 'drained'] as const) metrics.saw('mq/emqx', seen(drain('a', state)));
    metrics.saw('mq/emqx', seen());
    metrics.saw('mq/emqx', seen(drain('a', 'draining', { isEmpty: true })));
    metrics.saw('mq/emqx', seen(drain('a', 'drained')));
    metrics.saw('mq/emqx', picture());
    expect(await lines(metrics, 'sluice_drains_total')).toEqual([
      `sluice_drains_total{${BLUE_GREEN},outcome="drained"} 1`,
      `sluice_drains_total{${BLUE_GREEN},outcome="gaveUp"} 0`,
      `sluice_drains_total{${BLUE_GREEN},outcome="ended"} 0`,
    ]);
  });

  it('count no drain of a pod that stays after all', async () => {
    const metrics = leader();
    const pods = [{ uid: 'a', isEnding: false }];
    metrics.saw('mq/emqx', picture({}, { drains: [drain('a', 'draining')], pods }));
    metrics.saw('mq/emqx', picture({}, { pods }));
    metrics.saw('mq/emqx', picture());
    expect((await lines(metrics, 'sluice_drains_total')).filter((line) => !line.endsWith(' 0'))).toEqual([]);
  });

  it('count one whose pod was last heard while it drained, when the pod has gone', async () => {
    const metrics = leader();
    const pods = [{ uid: 'a', isEnding: true }];
    metrics.saw('mq/emqx', picture({}, { drains: [drain('a', 'draining')], pods }));
    metrics.saw('mq/emqx', picture({}, { pods }));
    metrics.saw('mq/emqx', picture());
    expect(await lines(metrics, 'sluice_drains_total')).toContain(
      `sluice_drains_total{${BLUE_GREEN},outcome="ended"} 1`,
    );
  });

  it('end with the declaration, and with the lead', async () => {
    const metrics = leader();
    const empty = await lines(metrics, 'sluice_');
    for (const key of ['mq/emqx', 'mq/other', 'mq/third']) {
      metrics.saw(key, picture({ emqxNodes: [node('emqx@b-0', 'blue', 7, 20)] }));
      metrics.saw(key, picture({}, { drains: [drain('a', 'drained')] }));
    }
    metrics.forget('mq/other');
    expect((await lines(metrics, 'sluice_')).filter((line) => line.includes('"other"'))).toEqual([]);
    expect(await lines(metrics, `sluice_bluegreen_nodes_wanted{${BLUE_GREEN}}`)).toHaveLength(1);
    metrics.forgetAll();
    expect(await lines(metrics, 'sluice_')).toEqual(empty);
  });

  it('no longer have a node that has gone', async () => {
    const metrics = leader();
    metrics.saw('mq/emqx', picture({ emqxNodes: [node('emqx@b-0', 'blue', 7, 20)] }));
    expect(await lines(metrics, 'sluice_node_')).toHaveLength(2);
    metrics.saw('mq/emqx', picture());
    expect(await lines(metrics, 'sluice_node_')).toEqual([]);
  });

  it('count errors by cause', async () => {
    const metrics = leader();
    const away = new SidecarError('ECONNRESET', 0);
    away.isTurnedAway = true;
    metrics.failed('pass', new ApiError('get x', 0, 'NoAnswer', 'ECONNREFUSED'));
    metrics.failed('pass', new ApiError('patch x', 409, 'Conflict', 'changed'));
    metrics.failed('pass', new ApiError('patch x', 403, 'Forbidden', 'no'));
    metrics.failed('watch', new ApiError('watch x', 503, 'Unknown', 'later'));
    metrics.failed('pass', new ApiError('patch x', 422, 'Invalid', 'no'));
    metrics.failed('sidecars', away);
    metrics.failed('sidecars', new SidecarError('late', 0));
    metrics.failed('sidecars', new SidecarError('HTTP 502', 502));
    metrics.failed('lease', new TypeError('x is not a function'));
    const above = (await lines(metrics, 'sluice_errors_total')).filter((line) => line.endsWith(' 1'));
    expect(above.map((line) => /part="(\w+)",cause="(\w+)"/.exec(line)?.slice(1).join(' ')).sort()).toEqual([
      'lease internal',
      'pass api_conflict',
      'pass api_forbidden',
      'pass api_refused',
      'pass api_unreachable',
      'sidecars sidecar_refused',
      'sidecars sidecar_turned_away',
      'sidecars sidecar_unreachable',
      'watch api_unavailable',
    ]);
  });

  it('say when certificates end', async () => {
    const nowMs = Date.parse('2026-01-01T00:00:00Z');
    const ca = await makeCa('test', { nowMs, days: 10 });
    const client = await issue(ca, { kind: 'client', name: 'x' }, { nowMs, days: 2 });
    const metrics = leader({ 'control-client': client.cert });
    expect(await lines(metrics, 'sluice_certificate')).toEqual([
      `sluice_certificate_expiry_timestamp_seconds{certificate="control-client"} ${nowMs / 1000 + 2 * 86_400}`,
    ]);
  });

  it('time passes, in seconds', async () => {
    const metrics = leader();
    metrics.passed('done', 0.2);
    metrics.passed('conflict', 0.1);
    expect(await lines(metrics, 'sluice_passes_total')).toEqual([
      'sluice_passes_total{result="done"} 1',
      'sluice_passes_total{result="conflict"} 1',
      'sluice_passes_total{result="failed"} 0',
    ]);
    const [sum] = await lines(metrics, 'sluice_pass_duration_seconds_sum');
    expect(Number(sum?.split(' ')[1])).toBeCloseTo(0.3);
  });
});
