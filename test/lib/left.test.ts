import { describe, expect, it } from '@jest/globals';
import { samplesOf } from '../../controller/metrics/samples.js';
import type { Decision } from '../../controller/model.js';
import { readBlueGreen } from '../../controller/page/blue-green.js';
import { pictureOf, summaryOf as lineOf } from '../../controller/page/picture.js';
import { statusOf } from '../../controller/status/status.js';
import type { JsonObject } from '../../lib/json.js';
import { DEFAULT_SPEC, type BlueGreenStatus } from '../../lib/types.js';
import { remainingOf } from '../../plugin/remaining.js';
import { viewOf } from '../../plugin/view.js';
import { observed, set } from '../controller/cases.js';
import { picture } from '../controller/metrics/pictures.js';

const NOW_MS = Date.parse('2026-01-02T03:04:05.000Z');
const [OLDER, BLUE, GREEN] = ['emqx-aaaaaaaaa', 'emqx-bbbbbbbbb', 'emqx-ggggggggg'] as const;
const TRACE = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';

/** Clients on each node of each set that is there. */
type Clients = Record<string, number[]>;

function statusFor(
  clients: Clients,
  { active, wanted }: { active: string; wanted: string },
): BlueGreenStatus {
  const sets = Object.entries(clients).map(([name, nodes]) => set(name, { size: nodes.length }));
  const seen = observed({
    sets,
    selects: revisionOf(active),
    clients: Object.fromEntries(
      Object.entries(clients).flatMap(([name, nodes]) =>
        nodes.map((count, ordinal) => [`${name}-${ordinal}`, count]),
      ),
    ),
  });
  const declaration = { ...seen.declaration, requestedBy: 'alice', traceparent: TRACE };
  const decision: Decision = {
    step: { kind: 'rest' },
    phase: active === wanted ? 'Draining' : 'Progressing',
    message: '',
    active,
    wanted,
    activeRevision: revisionOf(active),
    wantedRevision: revisionOf(wanted),
    wantedSize: 2,
    settled: false,
  };
  const begun = statusOf({ ...seen, declaration, nowMs: NOW_MS }, { ...decision, active: BLUE }, OPTIONS);
  const blueGreen = { ...seen.blueGreen, status: begun };
  return statusOf({ ...seen, blueGreen, declaration, nowMs: NOW_MS + 1000 }, decision, OPTIONS);
}

const OPTIONS = { trouble: undefined, selector: 'app=emqx' };

/** What each tool says of the same status, and the plugin of the pods beside. */
function toldBy(status: BlueGreenStatus, clients: Clients): Record<string, number | undefined> {
  const metadata = { name: 'emqx', namespace: 'mq', uid: 'bg' };
  const blueGreen = { metadata, spec: DEFAULT_SPEC, status } as unknown as JsonObject;
  const seen = readBlueGreen(blueGreen);
  const statefulSets = Object.entries(clients).map(([name, nodes]): JsonObject => ({
    metadata: {
      ...metadata,
      name,
      uid: name,
      labels: { 'sluice.dev/declaration': 'emqx', 'sluice.dev/revision': revisionOf(name) },
    },
    spec: { replicas: nodes.length, template: {} },
  }));
  const pods = Object.entries(clients).flatMap(([name, nodes]) =>
    nodes.map((_, ordinal): JsonObject => ({
      metadata: {
        ...metadata,
        name: `${name}-${ordinal}`,
        ownerReferences: [{ controller: true, uid: name }],
      },
      status: { phase: 'Running' },
    })),
  );
  const view = viewOf({ nowMs: NOW_MS, blueGreen, statefulSets, pods });
  const sample = samplesOf({ namespace: 'mq', name: 'emqx' }, { ...picture(), status }).find(
    ({ metric }) => metric === 'clientsLeft',
  );
  return {
    kubectl: status.clientsLeft,
    metrics: sample?.value,
    tree: remainingOf(view)?.clients,
    list: lineOf(seen).clientsLeft,
    page: pictureOf(seen, NOW_MS).remaining?.clients,
  };
}

function revisionOf(name: string): string {
  return name.slice('emqx-'.length);
}

describe('clients left are the same to everybody', () => {
  it.each<{ when: string; clients: Clients; active: string; left: number }>([
    { when: 'green starts', clients: { [BLUE]: [40, 2], [GREEN]: [0] }, active: BLUE, left: 42 },
    {
      when: 'testers are on green, which waits to be promoted',
      clients: { [BLUE]: [40, 2], [GREEN]: [5, 5] },
      active: BLUE,
      left: 42,
    },
    { when: 'blue drains', clients: { [BLUE]: [17, 2], [GREEN]: [20, 5] }, active: GREEN, left: 19 },
    {
      when: 'another edit came while the set before last drained',
      clients: { [OLDER]: [7], [BLUE]: [40, 2], [GREEN]: [0, 0] },
      active: BLUE,
      left: 49,
    },
    { when: 'nobody is left', clients: { [BLUE]: [0], [GREEN]: [30, 30] }, active: GREEN, left: 0 },
  ])('when $when', ({ clients, active, left }) => {
    const told = toldBy(statusFor(clients, { active, wanted: GREEN }), clients);
    expect(told).toEqual({ kubectl: left, metrics: left, tree: left, list: left, page: left });
  });
});
