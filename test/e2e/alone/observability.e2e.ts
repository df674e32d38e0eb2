import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import type { BlueGreenStatus } from '../../../lib/types.js';
import { until, type LocalCluster } from '../../cluster/index.js';
import { EMQX, IMAGES, setImage } from '../../demo/emqx.js';
import { countsIn, disagreements, missing, phasesIn, type Reading } from '../observability/agreement.js';
import { openPage, type Parts, type Watched } from '../observability/browser.js';
import type { Lines } from '../observability/lines.js';
import { readLogs } from '../observability/logs.js';
import {
  alertsFired,
  clientsUnled,
  countedByAll,
  emptyQueries,
  provokeAlerts,
  readingsOfMetrics,
  startMonitoring,
  untilFiring,
  untilQuiet,
  untilScraped,
  untilValue,
  valueOf,
  type Monitoring,
} from '../observability/metrics.js';
import {
  openTerminal,
  readingsOfKubectl,
  readingsOfTree,
  type Said,
  type Terminal,
  type Tree,
} from '../observability/terminal.js';
import { expectGapless, traceOf, UPGRADE, type Ended, type Trace } from '../observability/trace.js';
import { exampleOf, fileOf } from '../support/example.js';
import { dropJourneys, expectKept, setOut, type Journey } from '../support/journey.js';
import { killLeader, leaderOf, type Leader } from '../support/leader.js';
import { receiverIn, type ClusterReceiver } from '../support/receiver.js';
import { SLUICE, useSluice } from '../support/sluice.js';

jest.setTimeout(120_000);

/** One upgrade that everybody looks at: a terminal, three browsers, Prometheus, and a receiver of traces. */
const NAMESPACE = 'e2e-observability';
const OUT = 'out/e2e/observability';
const NODES = 3;
const CLIENTS = 3000;
/** A node's drain takes about half a minute, so that it outlasts the change of leaders: the Lease alone is good for 15 s. */
const RATE = 40;
/** Of every tool, and of the loop while something goes on. */
const POLL_MS = 1_000;
/** A pass a second, the time of a pass, and what an object's time in whole seconds leaves open. */
const REACTION_MS = 3_000;
const OBJECT = `namespace="${NAMESPACE}",bluegreen="${EMQX.name}"`;

let cluster: LocalCluster;
let receiver: ClusterReceiver;
let journey: Journey;
let monitoring: Monitoring;
let terminal: Terminal;
let page: Watched | undefined;
const following: Lines[] = [];

beforeAll(async () => {
  cluster = await useSluice(async (own) => {
    receiver = await receiverIn(own);
    return [`otel.endpoint=${receiver.url}`, 'otel.sidecars.enabled=true'];
  });
  terminal = await openTerminal(cluster, { folder: `${OUT}/terminal`, namespace: NAMESPACE });
  journey = await setOut(cluster, NAMESPACE, {
    ...{ nodes: NODES, clients: CLIENTS, rate: RATE },
    isPromotedByHand: true,
  });
  monitoring = await startMonitoring(cluster, NAMESPACE);
}, 30 * 60_000);

afterAll(async () => {
  await Promise.allSettled([page?.close(), ...following.map((one) => one.stop())]);
  await monitoring?.stop();
  await dropJourneys(cluster, NAMESPACE);
  await receiver?.stop();
}, 240_000);

/** Whatever the BlueGreen has said, as the API server told it. */
const truth = (): Reading[] =>
  journey.crowd.scene.observations.flatMap((each) =>
    each.kind === 'bluegreen' ? [{ atMs: each.atMs, phase: each.phase, clientsLeft: each.clientsLeft }] : [],
  );

const statusOf = async (): Promise<Partial<BlueGreenStatus>> => {
  const blueGreen = (await cluster.get(['--namespace', NAMESPACE, 'bluegreen', EMQX.name])) as {
    status?: BlueGreenStatus;
  };
  return blueGreen.status ?? {};
};

const clientsOf = ({ sets }: Tree): number =>
  sets.flatMap(({ nodes }) => nodes).reduce((sum, { clients }) => sum + (clients ?? 0), 0);

/** A replica of the controller that does not lead: its page outlives the leader. */
async function followerOf({ pod }: Leader): Promise<string> {
  const pods = await cluster.kubectl([
    ...['--namespace', SLUICE.namespace, 'get', 'pods', '--output=name'],
    ...['--selector', 'app.kubernetes.io/component=controller'],
  ]);
  const names = pods.split('\n').map((name) => name.replace('pod/', ''));
  const other = names.find((name) => name !== '' && name !== pod);
  if (other === undefined) throw new Error('there is one replica alone');
  return other;
}

describe('at rest', () => {
  it('a Prometheus with the PodMonitors of chart and example scrapes all, and has nothing to say', async () => {
    await untilScraped(monitoring, NODES);
    expect(await monitoring.prometheus.rules()).toContain('SluiceUpgradeStuck');
    await untilQuiet(monitoring);
    // At rest the controller counts twice a minute, but looks at once when the BlueGreen changes.
    await cluster.kubectl(['-n', NAMESPACE, 'annotate', 'bluegreen', EMQX.name, 'example.com/look=now']);
    await untilValue(monitoring, `sum(sluice_node_clients{${OBJECT}})`, CLIENTS);
    await untilValue(monitoring, `sum(emqx_live_connections_count{namespace="${NAMESPACE}"})`, CLIENTS);
    expect(await valueOf(monitoring, 'sum(sluice_controller_leading)')).toBe(1);
  });

  it('the tree shows the nodes with their clients, without colours where nobody looks at a terminal', async () => {
    await terminal.untilTree('all clients are counted', (seen) => clientsOf(seen) === CLIENTS);
    const { code, stdout } = await terminal.sluice('get');
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/^Phase +✔ Stable$/m);
    expect(stdout).toMatch(/└─# emqx-\w{9} +✔ active 3\/3 +3000 +3000 /);
    expect(stdout.match(/□ emqx-\w{9}-\d +✔ running/g)).toHaveLength(NODES);
  });

  it('kubectl completes the commands of the plugin, and names of the cluster', async () => {
    expect((await terminal.kubectl('__complete', 'sluice', 'pa')).stdout).toMatch(/^pause\n:4\n/);
    const names = await terminal.kubectl('__complete', 'sluice', 'get', '-n', NAMESPACE, '');
    expect(names.stdout).toMatch(/^emqx\n:4\n/);
  });

  it('status is done at once', async () => {
    expect(await terminal.sluice('status', EMQX.name)).toMatchObject({ code: 0, stderr: '' });
  });

  it('plan tells an edit from none', async () => {
    const files = { asItIs: `${OUT}/terminal/as-it-is.yaml`, edited: `${OUT}/terminal/edited.yaml` };
    writeFileSync(files.asItIs, fileOf(exampleOf(journey.file)));
    writeFileSync(files.edited, fileOf(exampleOf({ ...journey.file, image: IMAGES.to })));
    const none = await terminal.sluice('plan', '-f', files.asItIs);
    expect(none).toMatchObject({ code: 0, stderr: '' });
    expect(none.stdout).toContain('statefulset/emqx: no upgrade: the pod template stays as it is');
    const edited = await terminal.sluice('plan', '-f', files.edited);
    expect(edited).toMatchObject({ code: 0, stderr: '' });
    expect(edited.stdout).toContain('statefulset/emqx: a blue-green upgrade');
    expect(edited.stdout).toContain(
      `spec.template.spec.containers[emqx].image: ${IMAGES.from} → ${IMAGES.to}`,
    );
    expect(edited.stdout).toContain('pods: 3 more while it lasts, 6 at most');
    expect(edited.stdout).toContain('3 nodes hand over 3000 clients (40/s, 3 s to come back)');
    expect(await terminal.tree()).toMatchObject({ phase: 'Stable', remaining: null });
  });

  it('what cannot be done now is refused in one line that says what can', async () => {
    const refusals: [string[], number, string][] = [
      [['promote', EMQX.name], 1, 'error: nothing to promote: emqx-'],
      [
        ['abort', EMQX.name],
        1,
        'error: no upgrade of emqx is in progress; to go back: kubectl sluice undo emqx',
      ],
      [['retry', EMQX.name], 1, 'error: nothing of emqx was aborted or held'],
      [['undo', EMQX.name], 1, 'error: no earlier revision of emqx is kept'],
      [['undo', EMQX.name, '--to', 'bcdfghjkl'], 1, 'error: no revision bcdfghjkl of emqx is kept'],
      [['resume', EMQX.name], 1, 'error: bluegreen/emqx is not paused'],
      [['status', 'nosuch'], 2, `error: no bluegreen/nosuch in namespace ${NAMESPACE} (there is emqx)`],
      [['get', '--context', 'nosuch'], 2, 'error: no context nosuch in the kubeconfig: one of '],
    ];
    for (const [words, code, text] of refusals) {
      const said = await terminal.sluice(...words);
      expect(said).toMatchObject({ code, stdout: '' });
      expect(said.stderr.split('\n')[0]).toContain(text);
    }
  });
});

describe('one upgrade', () => {
  let leader: Leader;
  let successor: Leader;
  let blue: string;
  let editedMs: { from: number; to: number };
  let endedMs: number;
  let record: Ended;
  let shown: Record<'kubectl' | 'terminal' | 'page' | 'metrics', Reading[]>;
  const named = (what: string): Lines => {
    const lines = terminal.follow(...what.split(' '));
    following.push(lines);
    return lines;
  };

  describe('as it goes on', () => {
    let ofKubectl: Lines;
    let ofTree: Lines;
    let quarter: { atMs: number; terminalSeconds: number; pageMs: number };
    let picture: string;
    let parts: Parts | undefined;
    let status: Said;

    beforeAll(async () => {
      leader = await leaderOf(cluster);
      ofKubectl = named(`get bluegreen ${EMQX.name} --watch --no-headers`);
      ofTree = named(`sluice get ${EMQX.name} --watch`);
      page = await openPage(cluster, {
        pod: await followerOf(leader),
        namespace: NAMESPACE,
        folder: `${OUT}/page`,
      });
      blue = journey.active();
    });

    it('begins with an edit, is made ready, and waits to be promoted', async () => {
      const from = Date.now();
      await setImage(cluster, NAMESPACE, IMAGES.to);
      editedMs = { from, to: Date.now() };
      expect(await terminal.sluice('status', EMQX.name, '--watch=false')).toMatchObject({ code: 3 });
      await terminal.untilTree('green is ready', ({ phase }) => phase === 'AwaitingPromotion');
      const { code, stdout } = await terminal.sluice('status', EMQX.name, '--timeout=1s');
      expect(code).toBe(3);
      expect(stdout).toContain('the time is up after 1s');
    });

    it('pauses, resumes, and switches when promoted', async () => {
      expect(await terminal.sluice('pause', EMQX.name)).toMatchObject({
        code: 0,
        stdout: 'bluegreen/emqx paused\n',
      });
      await terminal.untilTree('it is paused', ({ phase }) => phase === 'Paused');
      expect(await terminal.sluice('pause', EMQX.name)).toMatchObject({ code: 1 });
      expect(await terminal.sluice('resume', EMQX.name)).toMatchObject({
        code: 0,
        stdout: 'bluegreen/emqx resumed\n',
      });
      await terminal.untilTree('it is resumed', ({ phase }) => phase === 'AwaitingPromotion');
      const promoted = await terminal.sluice('promote', `statefulset/${EMQX.name}`);
      expect(promoted).toMatchObject({ code: 0, stderr: '' });
      expect(promoted.stdout).toMatch(/^emqx switched to emqx-\w{9}/);
    });

    it('comes to its end, and its leader is killed while the second node drains', async () => {
      const ended = terminal.sluice('status', EMQX.name, '--timeout=5m');
      picture = await until(
        'a picture of a node that hands its clients over',
        async () => {
          const { stdout } = await terminal.sluice('get', EMQX.name);
          return stdout.includes('◌ evicting_conns') ? stdout : undefined;
        },
        { timeoutMs: 60_000, everyMs: 250 },
      );
      const seen = await terminal.untilTree(
        'a quarter of the clients has left',
        ({ phase, clientsLeft }) => phase === 'Draining' && clientsLeft <= CLIENTS * 0.75,
      );
      const atMs = Date.now();
      const pageMs = (await page?.untilMs()) ?? 0;
      quarter = { atMs, terminalSeconds: seen.remaining?.seconds ?? 0, pageMs };
      await page?.shoot('draining');
      parts = await page?.parts();
      await until(
        'the second node drains',
        async () => {
          const { upgrade } = await statusOf();
          const drains = upgrade?.steps?.filter(({ name }) => name === 'drain') ?? [];
          return drains.length === 2 ? true : undefined;
        },
        { timeoutMs: 60_000, everyMs: 250 },
      );
      // What was not scraped of a counter dies with its process.
      await untilValue(monitoring, `sluice_drains_total{${OBJECT},outcome="drained"}`, 1);
      successor = await killLeader(cluster, leader);
      await page?.shoot('second-drain');
      status = await ended;
      endedMs = Date.now();
      await journey.untilRest(NODES, (active) => active !== blue);
      record = await until(
        'the trace is noted as received',
        async () => {
          const { history: [last] = [] } = await statusOf();
          return last?.traced ? last : undefined;
        },
        { timeoutMs: 30_000, everyMs: 250 },
      );
      await page?.shoot('done');
      shown = {
        kubectl: readingsOfKubectl(ofKubectl),
        terminal: readingsOfTree(ofTree),
        page: (await page?.readings()) ?? [],
        metrics: await readingsOfMetrics(monitoring, OBJECT),
      };
      writeFileSync(`${OUT}/readings.json`, JSON.stringify({ truth: truth(), quarter, endedMs, shown }));
      writeFileSync(`${OUT}/record.json`, JSON.stringify(record));
      writeFileSync(`${OUT}/spans.json`, JSON.stringify(await receiver.spans()));
    }, 300_000);

    it('status has waited for the end', () => {
      expect(status).toMatchObject({ code: 0, stderr: '' });
      expect(status.stdout).toMatch(/emqx is done: emqx-\w{9} serves with 3\/3 nodes\n$/);
    });

    it('the tree has shown a node that hands its clients over', () => {
      expect(picture).toMatch(/□ emqx-\w{9}-\d +◌ evicting_conns +\d+ +\d+ +40\/s/);
      expect(picture).toMatch(/^Left +\d+ clients on 3 nodes, about [\dms ]+ \(until [\d:]{8}\)$/m);
    });

    it('the page has shown the nodes of both colours, their curves, evictions, timeline and events', () => {
      expect(parts).toMatchObject({
        rows: { blue: NODES, green: NODES },
        curves: { blue: NODES, green: NODES },
      });
      expect(parts?.evictions).toBeGreaterThan(5);
      expect(parts?.timeline).toMatch(/draining/i);
      expect(parts?.events).toMatch(/ServiceSwitched.*switching emqx to emqx-\w{9}/);
    });

    it.each(['terminal', 'page'] as const)(
      'at a quarter of the drain the %s tells within a fifth when it will be over',
      (tool) => {
        const { atMs, terminalSeconds, pageMs } = quarter;
        const truthMs = endedMs - atMs;
        const told = tool === 'terminal' ? terminalSeconds * 1000 : pageMs - atMs;
        expect(Math.abs(told - truthMs) / truthMs).toBeLessThan(0.2);
      },
    );

    it('cost nobody more than it promises', () => {
      expectKept(journey.tollSince(editedMs.from), { left: [blue], nodes: NODES });
    });

    it('has written nothing but lines of JSON to the logs, each with the keys that all have', async () => {
      const { counts, strays } = await readLogs(cluster, NAMESPACE);
      expect(strays).toEqual([]);
      expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
    });

    it('has left no browser with a complaint', () => expect(page?.complaints).toEqual([]));
  });

  describe('whoever looks', () => {
    const TOOLS = ['kubectl', 'terminal', 'page', 'metrics'] as const;
    const during = (readings: Reading[]): Reading[] =>
      readings.filter(({ atMs }) => atMs >= editedMs.from && atMs <= endedMs + POLL_MS);

    it.each(TOOLS)('sees by %s what is so, or was so a poll ago', (tool) => {
      expect(disagreements(truth(), during(shown[tool]), POLL_MS)).toEqual([]);
    });

    it.each(TOOLS)('sees by %s every phase that lasts for three polls, in its order', (tool) => {
      const lasting = phasesIn(during(truth()), 3 * POLL_MS);
      expect(lasting).toEqual(expect.arrayContaining(['Progressing', 'Draining', 'Stable']));
      expect(missing(lasting, phasesIn(during(shown[tool])))).toEqual([]);
    });

    it.each(TOOLS)('sees by %s how the clients leave', (tool) => {
      // A drain of a minute and a half; for a quarter of it nobody leads, so nobody tells.
      expect(countsIn(during(shown[tool]))).toBeGreaterThan(30);
    });
  });

  describe('its trace', () => {
    let trace: Trace;
    beforeAll(async () => {
      trace = await traceOf(receiver, record);
    });
    const PHASES = [
      ...['admission', 'creation', 'readiness', 'gates', 'promotion', 'pause', 'promotion'],
      ...['switch', 'delay', 'draining', 'cleanUp'],
    ];
    const ofEachNode = (...names: string[]): string[] => Array<string[]>(NODES).fill(names).flat();

    it('has every span that is to be expected, and no other', () => {
      const expected = [
        ...[UPGRADE, 'admission review', ...PHASES],
        ...ofEachNode('start', 'drain', 'evacuation', 'leave'),
      ];
      expect(trace.spans.map(({ name }) => name).sort()).toEqual(expected.sort());
      expect(trace.phases.map(({ name }) => name)).toEqual(PHASES);
    });

    it('is one tree, of all three programs', () => {
      const ids = new Set(trace.spans.map(({ spanId }) => spanId));
      const orphans = trace.spans.filter(({ parentSpanId }) => !ids.has(parentSpanId));
      expect(orphans.map(({ name }) => name)).toEqual([UPGRADE]);
      expect(new Set(trace.spans.map(({ resource }) => resource['service.name']))).toEqual(
        new Set(['sluice-controller', 'sluice-webhook', 'sluice-sidecar']),
      );
    });

    it('says the same in whatever was sent twice, because the leader was killed, and ends once', () => {
      expect(trace.all.length).toBeGreaterThan(trace.spans.length);
      const told = new Map(trace.spans.map((span) => [span.spanId, span]));
      const resource = {}; // another replica
      for (const span of trace.all)
        expect({ ...told.get(span.spanId), resource }).toEqual({ ...span, resource });
      expect(trace.all.filter(({ name }) => name === UPGRADE)).toHaveLength(1);
      expect(trace.root.resource['service.instance.id']).toBe(successor.pod);
    });

    it('has no gap between its phases, and lasts from the request to the end', () => {
      expectGapless(trace);
      expect(trace.root.startMs).toBeGreaterThanOrEqual(editedMs.from);
      expect(trace.root.startMs).toBeLessThanOrEqual(editedMs.to);
      const [admission] = trace.phases;
      expect((admission?.endMs ?? 0) - (admission?.startMs ?? 0)).toBeLessThan(REACTION_MS);
    });

    it('has its phases when others saw them', () => {
      const began = (phase: string): number => truth().find((one) => one.phase === phase)?.atMs ?? 0;
      const ended = truth().findLast(
        ({ phase }, index, all) => phase === 'Stable' && all[index - 1]?.phase !== phase,
      );
      const times: [told: number | undefined, seen: number | undefined][] = [
        [trace.named('promotion')[0]?.startMs, began('AwaitingPromotion')],
        [trace.named('pause')[0]?.startMs, began('Paused')],
        [trace.named('delay')[0]?.startMs, began('Delaying')],
        [trace.named('draining')[0]?.startMs, began('Draining')],
        [trace.root.endMs, ended?.atMs],
      ];
      for (const [told = 0, seen = 0] of times) expect(Math.abs(told - seen)).toBeLessThan(REACTION_MS);
    });

    it('tells of each drain whose it was, how many clients, and how it ended', () => {
      const drains = trace.named('drain');
      expect(drains.map(({ attributes }) => attributes['k8s.pod.name']).sort()).toEqual(
        Array.from({ length: NODES }, (_, ordinal) => `${blue}-${ordinal}`),
      );
      for (const { attributes } of drains)
        expect(attributes).toMatchObject({
          'sluice.step.outcome': 'drained',
          'k8s.namespace.name': NAMESPACE,
          'k8s.statefulset.name': blue,
          'cicd.pipeline.task.run.result': 'success',
        });
      const moved = drains.reduce((sum, one) => sum + Number(one.attributes['sluice.drain.clients']), 0);
      expect(moved).toBe(CLIENTS);
    });

    const EVICTION = ['evicting_conns', 'waiting_takeover', 'evicting_sessions', 'prohibiting'];
    it("has EMQX's own states in each drain, as the controller and the node's own sidecar saw them", () => {
      const evacuations = trace.named('evacuation');
      for (const drain of trace.named('drain')) {
        const own = evacuations.filter(({ parentSpanId }) => parentSpanId === drain.spanId);
        expect(own.map(({ resource }) => resource['k8s.pod.name'])).toEqual([
          drain.attributes['k8s.pod.name'],
        ]);
        const clients = Number(drain.attributes['sluice.drain.clients']);
        for (const { attributes, events } of [drain, ...own]) {
          // Where every client has taken its session along, the last two may come and go, and EMQX with them, between two looks.
          const states = events.map(({ name }) => name);
          expect(EVICTION.slice(0, 2)).toEqual(states.slice(0, 2));
          expect(missing(states, EVICTION)).toEqual([]);
          expect(attributes['sluice.drain.clients']).toBe(clients);
          // What was left when it was first seen: a tick or two of the eviction may be past by then.
          const left = Number(events[0]?.attributes['sluice.drain.clients']);
          expect(left).toBeLessThanOrEqual(clients);
          expect(left).toBeGreaterThanOrEqual(clients - 2 * RATE);
        }
      }
    });

    it('is known to the plugin', async () => {
      const { stdout } = await terminal.sluice('trace', EMQX.name);
      expect(stdout).toMatch(/^Trace +received$/m);
      expect(stdout).toContain(record.id);
    });
  });

  describe('its metrics', () => {
    it('have a number for every query of the dashboard', async () => {
      await untilScraped(monitoring, NODES);
      await untilValue(monitoring, `sluice_upgrades_total{${OBJECT},result="succeeded"}`, 1);
      // The last of the steps of a second lies before what was scraped last.
      const toMs = Date.now() + 2_000;
      expect(await emptyQueries(monitoring, { fromMs: editedMs.from, toMs })).toEqual([]);
    }, 60_000);

    it('count each client as evicted once, but those who left while nobody led, and each drain as done', async () => {
      const unled = await clientsUnled(monitoring, OBJECT);
      expect(unled).toBeGreaterThan(0);
      const evicted = await countedByAll(monitoring, `sluice_evicted_clients_total{${OBJECT}}`);
      // What is left, and what has gone, are counted by EMQX at two moments of one look.
      expect(Math.abs(evicted + unled - CLIENTS)).toBeLessThanOrEqual(RATE);
      const drained = `sum(max_over_time(sluice_drains_total{${OBJECT},outcome="drained"}[15m]))`;
      const drains = (outcome: string): Promise<number> =>
        countedByAll(monitoring, `sluice_drains_total{${OBJECT},outcome="${outcome}"}`);
      // The leader that came later counts what ends in its first minute when that is over.
      await untilValue(monitoring, drained, NODES);
      expect(await drains('gaveUp')).toBe(0);
      expect(await drains('ended')).toBe(0);
      expect(await valueOf(monitoring, `sluice_bluegreen_clients_left{${OBJECT}}`)).toBe(0);
      await untilValue(monitoring, `sum(sluice_node_clients{${OBJECT},colour="green"})`, CLIENTS);
      expect(await monitoring.prometheus.query(`sluice_node_clients{${OBJECT},colour="blue"}`)).toEqual([]);
      expect(await countedByAll(monitoring, 'sluice_admission_reviews_total{answer="failed"}')).toBe(0);
    }, 60_000);

    it('have raised no alarm, but that nobody led for a while, and that green was starting', async () => {
      const fired = await alertsFired(monitoring, { fromMs: editedMs.from, toMs: endedMs });
      // As soon as it is so here; after minutes of it in the chart.
      const isMomentary = (name: string): boolean =>
        ['SluiceNoLeader', 'SluiceEmqxNotReached'].includes(name);
      expect(fired.filter((name) => !isMomentary(name))).toEqual([]);
    });

    it('show evictions at the configured rate, and never above it for long', async () => {
      const rates = await monitoring.prometheus.range(
        `rate(sluice_evicted_clients_total{${OBJECT}}[10s])`,
        monitoring.startedAtMs,
        Date.now(),
      );
      const highest = Math.max(...rates.flatMap(({ values }) => values.map(([, value]) => value)));
      // Evictions come in bursts of a second, and the loop looks about as often.
      expect(highest).toBeGreaterThan(RATE * 0.8);
      expect(highest).toBeLessThan(RATE * 1.3);
    });
  });

  it('stays in the history of terminal and page, and can be undone', async () => {
    const { stdout } = await terminal.sluice('history');
    expect(stdout).toMatch(new RegExp(`^succeeded +${record.from} +${record.to} `, 'm'));
    expect(await page?.text()).toContain('succeeded');
    await page?.close();
    page = undefined;
    const undone = await terminal.sluice('undo', EMQX.name);
    expect(undone).toMatchObject({ code: 0, stdout: `statefulset/emqx goes back to ${blue}\n` });
    expect(undone.stderr).toContain('Warning: sluice: template change redirected to green');
    await terminal.untilTree('blue is wanted again', ({ wanted }) => wanted === blue);
  });
});

describe('upgrades that do not come to their end', () => {
  it('are aborted, which the trace gives as their result, and tried again', async () => {
    const { active, wanted } = await terminal.tree();
    const aborted = await terminal.sluice('abort', EMQX.name);
    expect(aborted).toMatchObject({ code: 0, stderr: '' });
    expect(aborted.stdout).toMatch(/^upgrade of emqx to emqx-\w{9} aborted/);
    const status = await terminal.sluice('status', EMQX.name);
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(/^emqx has failed: .* was aborted/m);
    expect(await terminal.sluice('abort', EMQX.name)).toMatchObject({ code: 1 });
    expect((await terminal.sluice('history')).stdout).toMatch(new RegExp(`^aborted +${active} `, 'm'));
    const record = await until(
      'the trace of the aborted upgrade is noted as received',
      async () => {
        const { history = [] } = await statusOf();
        return history.find(({ result, traced }) => result === 'aborted' && traced);
      },
      { timeoutMs: 30_000 },
    );
    const { root } = await traceOf(receiver, record);
    expect(root).toMatchObject({
      status: 'STATUS_CODE_ERROR',
      attributes: {
        'cicd.pipeline.result': 'failure',
        'sluice.upgrade.result': 'aborted',
        'sluice.upgrade.reason': record.reason,
        'sluice.upgrade.to': wanted,
      },
    });
    const retried = await terminal.sluice('retry', EMQX.name);
    expect(retried).toMatchObject({ code: 0, stderr: '' });
    await terminal.untilTree('it is wanted again', (seen) => seen.wanted === wanted);
  });

  it('are replaced by a restart', async () => {
    const { active, wanted } = await terminal.tree();
    const restarted = await terminal.sluice('restart', EMQX.name);
    expect(restarted).toMatchObject({ code: 0, stdout: 'statefulset/emqx restarted\n' });
    await terminal.untilTree(
      'a new set is wanted',
      (seen) => seen.wanted !== wanted && seen.wanted !== active,
    );
  });
});

describe('alerts', () => {
  it('fire when nobody leads and no webhook answers, and when a person has to act', async () => {
    expect(await provokeAlerts(cluster, monitoring)).toEqual(
      expect.arrayContaining(['SluiceNoLeader', 'SluiceWebhookDown']),
    );
    await setImage(cluster, NAMESPACE, 'localhost/no-such-image:1');
    const labels = await untilFiring(monitoring, 'SluiceActionNeeded');
    expect(labels).toMatchObject({ namespace: NAMESPACE, bluegreen: EMQX.name, severity: 'warning' });
  }, 300_000);

  it('has cost nobody a session or a message', async () => {
    await journey.end();
  }, 60_000);
});
