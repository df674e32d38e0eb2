import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type LeadOptions } from '../../controller/lead.js';
import { makeControllerMetrics } from '../../controller/metrics/metrics.js';
import { makeCourier, type Courier } from '../../controller/trace/courier.js';
import { makeUrgent } from '../../controller/urgent.js';
import { textAt } from '../../lib/fields.js';
import { isObject, type JsonObject } from '../../lib/json.js';
import { UPGRADE } from '../../controller/trace/spans.js';
import type { SpanData } from '../../lib/telemetry/types.js';
import type { UpgradeStatus, UpgradeStep } from '../../lib/types.js';
import { until } from '../cluster/wait.js';
import { notLeading, optionsOf, startLeader, type Leader } from './double/leader.js';
import { makeWorld, NAMESPACE, type World } from './double/world.js';
import {
  NAMESPACES,
  BLUEGREENS,
  CLAIMS,
  PODS,
  REVISIONS,
  SECRETS,
  SERVICES,
  SETS,
} from './double/workloads.js';
import { declarationObject, serviceObject } from './fixtures/objects.js';
import { liveTemplate } from './fixtures/templates.js';

// each wait has its own limit, which says what did not come about
jest.setTimeout(60_000);

const DELETING = { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['foregroundDeletion'] };

const cleanUps: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function world(
  declaration: JsonObject = declarationObject(),
  options: Parameters<typeof makeWorld>[0] = {},
): Promise<World> {
  const made = await makeWorld(options);
  cleanUps.push(() => made.close());
  made.store.create(SERVICES, NAMESPACE, serviceObject());
  made.store.create(SETS, NAMESPACE, declaration);
  return made;
}

function leading(made: World, change: Partial<LeadOptions> = {}): Leader {
  const leader = startLeader(made, change);
  cleanUps.push(() => leader.stop());
  return leader;
}

const statusOf = (made: World): JsonObject => {
  const { status } = made.blueGreen();
  return isObject(status) ? status : {};
};
const selectorOf = (made: World): JsonObject =>
  (made.service()['spec'] as JsonObject)['selector'] as JsonObject;
/** Whom a server-side apply of another value by somebody else would conflict with. */
const ownersOfSpec = (object: JsonObject): unknown[] =>
  ((object['metadata'] as JsonObject)['managedFields'] as JsonObject[])
    .filter(({ fieldsV1 }) => isObject(fieldsV1) && fieldsV1['f:spec'] !== undefined)
    .map(({ manager }) => manager);
const isStable = (made: World) => () => statusOf(made)['phase'] === 'Stable' && statusOf(made);

/** A clock on which a minute has passed at each look: counts that wait for a scrape are told at the next one. */
function everLater(): () => number {
  let nowMs = 0;
  return () => (nowMs += 60_000);
}

function setImage(made: World, image: string): void {
  made.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, (set) => {
    const spec = set['spec'] as JsonObject;
    return { ...set, spec: { ...spec, template: liveTemplate({ emqx: { image } }) } };
  });
}

describe('a new declaration', () => {
  it('gets a BlueGreen, a revision set of its size, and a Service pinned to it', async () => {
    const made = await world();
    leading(made);
    const status = await made.until('Stable', isStable(made));
    const [active = ''] = Object.keys(made.sets()).filter((name) => name !== 'emqx');
    expect(status).toMatchObject({ active, wanted: active, replicas: 3, readyReplicas: 3, clientsLeft: 0 });
    expect(made.sets()).toEqual({ emqx: 0, [active]: 3 });
    expect(selectorOf(made)).toEqual({ app: 'emqx', 'sluice.dev/revision': active.slice('emqx-'.length) });
    expect(made.blueGreen()['spec']).toMatchObject({ replicas: 3 });
  });

  it('is Stable wherever the numbers of its own pods would begin', async () => {
    const declaration = declarationObject();
    (declaration['spec'] as JsonObject)['ordinals'] = { start: 5 };
    const made = await world(declaration);
    leading(made);
    const { active } = await made.until('Stable', isStable(made));
    expect(made.store.get(SETS, NAMESPACE, active as string)?.['spec']).not.toHaveProperty('ordinals');
  });

  it('leaves no claim to the fields that the user may own', async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    const declaration = made.store.get(SETS, NAMESPACE, 'emqx');
    for (const object of [made.service(), declaration]) {
      const managers = ((object?.['metadata'] as JsonObject)['managedFields'] ?? []) as JsonObject[];
      expect(managers.map(({ manager }) => manager)).not.toContain('sluice-controller');
    }
  });

  it('gets a BlueGreen whose spec nobody owns, so that a file is applied on the server’s side; nor after another size was carried', async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    expect(ownersOfSpec(made.blueGreen())).toEqual([]);
    made.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, (set) => {
      ((set['metadata'] as JsonObject)['annotations'] as JsonObject)['sluice.dev/replicas'] = '2';
      return set;
    });
    await made.until('2 nodes', () => statusOf(made)['nodes'] === '2/2');
    expect(ownersOfSpec(made.blueGreen())).toEqual([]);
  });

  it('gets its BlueGreen’s spec freed of what a death, or the webhook, has left', async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    made.store.edit(
      { collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' },
      (object) => ({ ...object, spec: { ...(object['spec'] as JsonObject), replicas: 2 } }),
      'sluice-webhook',
    );
    await made.until('2 nodes', () => statusOf(made)['nodes'] === '2/2');
    expect(ownersOfSpec(made.blueGreen())).toEqual([]);
  });
});

describe('a changed template', () => {
  it('becomes a second set, and the first goes when the Service has switched', async () => {
    const made = await world();
    leading(made);
    const before = await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    const after = await made.until('Stable again', () => {
      const status = statusOf(made);
      return status['phase'] === 'Stable' && status['active'] !== before['active'] && status;
    });
    expect(after['active']).not.toBe(before['active']);
    expect(made.sets()).toEqual({ emqx: 0, [before['active'] as string]: 0, [after['active'] as string]: 3 });
    expect(after['upgrade']).toBeUndefined();
    expect(after['history']).toMatchObject([
      { from: before['active'], to: after['active'], result: 'succeeded' },
    ]);
  });

  it('is counted once it is done, until its declaration has gone', async () => {
    const made = await world();
    const gauge = makeControllerMetrics(notLeading, everLater());
    const counted = async (): Promise<string[]> =>
      (await gauge.scrape()).text
        .split('\n')
        .filter((line) => /^sluice_upgrades_total.* [1-9]/.test(line))
        .map((line) => line.replace(`namespace="${NAMESPACE}",bluegreen="emqx",`, ''));
    leading(made, { gauge });
    const before = await made.until('Stable', isStable(made));
    expect(await counted()).toEqual([]);
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    await made.until(
      'Stable again',
      () => statusOf(made)['phase'] === 'Stable' && statusOf(made)['active'] !== before['active'],
    );
    // the status is written first
    await until(
      'a succeeded upgrade',
      async () =>
        (await counted()).includes('sluice_upgrades_total{result="succeeded"} 1') ? true : undefined,
      { timeoutMs: 20_000 },
    );
    made.store.remove(SETS, NAMESPACE, 'emqx');
    await until(
      'nothing of it left',
      async () => ((await gauge.scrape()).text.includes('bluegreen="emqx"') ? undefined : true),
      { timeoutMs: 20_000 },
    );
  });

  it('is counted once, though somebody else writes between the look and the write that closes it', async () => {
    const made = await world();
    const metrics = makeControllerMetrics(notLeading, everLater());
    const { transport } = optionsOf(made);
    let outruns = 0;
    const outrun: typeof transport = (request) => {
      if (request.body?.includes('"finishedAt"') && outruns < 3) {
        outruns += 1;
        made.store.edit({ collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' }, (object) => ({
          ...object,
          metadata: { ...(object['metadata'] as JsonObject), annotations: { seen: String(outruns) } },
        }));
      }
      return transport(request);
    };
    leading(made, { gauge: metrics, transport: outrun });
    await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    await made.until('its end', () => (statusOf(made)['history'] as unknown[] | undefined)?.length === 1);
    expect(outruns).toBe(3);
    const seen = 'sluice_upgrades_total{namespace="mq",bluegreen="emqx",result="succeeded"}';
    // the status is written first
    const { text } = await until(
      'the count',
      async () => {
        const scraped = await metrics.scrape();
        return scraped.text.includes(`${seen} 0\n`) ? undefined : scraped;
      },
      { timeoutMs: 20_000 },
    );
    expect(text).toContain(`${seen} 1\n`);
  });

  it('goes back to the set that still exists when the edit is undone', async () => {
    const made = await world();
    leading(made);
    const first = await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    await made.until(
      'the second',
      () => statusOf(made)['phase'] === 'Stable' && statusOf(made)['active'] !== first['active'],
    );
    setImage(made, 'emqx/emqx-enterprise:5.8.8');
    await made.until(
      'the first again',
      () => statusOf(made)['phase'] === 'Stable' && statusOf(made)['active'] === first['active'],
    );
    expect(Object.keys(made.sets())).toHaveLength(3);
  });

  it('leaves blue serving when green cannot run, and says why', async () => {
    const made = await world();
    leading(made);
    const first = await made.until('Stable', isStable(made));
    setImage(made, 'broken');
    const status = await made.until(
      'a reason',
      () => String(statusOf(made)['message'] as string).includes('ImagePullBackOff') && statusOf(made),
    );
    expect(status).toMatchObject({ active: first['active'], readyReplicas: 3 });
  });

  it('is refused in words when no gate can be put into it', async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    made.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, (set) => {
      const template = liveTemplate({ emqx: { lifecycle: { preStop: { httpGet: { port: 1 } } } } });
      return { ...set, spec: { ...(set['spec'] as JsonObject), template } };
    });
    const status = await made.until(
      'Degraded',
      () => statusOf(made)['phase'] === 'Degraded' && statusOf(made),
    );
    expect(status['message']).toContain('make it an exec hook');
    expect(status['conditions']).toContainEqual(expect.objectContaining({ type: 'Stalled', status: 'True' }));
    expect(Object.keys(made.sets())).toHaveLength(2);
  });
});

describe('a leader that dies', () => {
  it('leaves nothing that the next one cannot go on from, wherever it was stopped', async () => {
    const made = await world();
    let leader = startLeader(made);
    const before = await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    // a leader for every few writes of the upgrade
    for (let life = 0; life < 12; life += 1) {
      const seen = made.store.writes.length;
      await made.until(
        'a few writes, or the end',
        () => made.store.writes.length >= seen + 3 || statusOf(made)['active'] !== before['active'],
      );
      await leader.stop();
      leader = startLeader(made);
    }
    cleanUps.push(() => leader.stop());
    const after = await made.until(
      'Stable again',
      () =>
        statusOf(made)['phase'] === 'Stable' &&
        statusOf(made)['active'] !== before['active'] &&
        statusOf(made),
    );
    expect(made.sets()).toEqual({ emqx: 0, [before['active'] as string]: 0, [after['active'] as string]: 3 });
  });
});

describe('the record of an upgrade', () => {
  const PHASES = ['creation', 'readiness', 'gates', 'switch', 'delay', 'draining', 'cleanUp'];
  const last = (made: World): UpgradeStep[] =>
    ((statusOf(made)['upgrade'] as { steps?: UpgradeStep[] } | undefined)?.steps ?? []).filter(
      ({ pod }) => pod === undefined,
    );

  it('begins in a write of its own, and what the same pass does is written on top of it', async () => {
    const made = await world();
    const { transport } = optionsOf(made);
    const answers: [string, number][] = [];
    const noting: typeof transport = async (request) => {
      const answer = await transport(request);
      const isWrite = request.method === 'PATCH' && request.path.includes('/bluegreens/emqx/status');
      if (isWrite && request.body?.includes('"creation"'))
        answers.push([request.body, answer.statusCode ?? 0]);
      return answer;
    };
    leading(made, { transport: noting });
    await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    await made.until('two writes', () => answers.length > 1);
    expect(answers.slice(0, 2).map(([, code]) => code)).toEqual([200, 200]);
    const versions = answers.slice(0, 2).map(([body]) => /"resourceVersion":"(\d+)"/.exec(body)?.[1]);
    expect(new Set(versions).size).toBe(2);
  });

  it.each(PHASES)('is whole when the leader is replaced in phase %s', async (phase) => {
    const made = await world();
    const first = startLeader(made);
    const before = await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    const ended = (): UpgradeStatus | undefined =>
      (statusOf(made)['history'] as UpgradeStatus[] | undefined)?.[0];
    await made.until(phase, () => last(made).some(({ name }) => name === phase) || ended());
    await first.stop();
    leading(made);
    const { from, steps = [] } = await made.until('its end', ended);
    expect(from).toBe(before['active']);
    const phases = steps.filter(({ pod }) => pod === undefined);
    expect(phases.map(({ name }) => name)).toEqual(PHASES);
    for (const [index, { endedAt }] of phases.slice(0, -1).entries())
      expect(endedAt).toBe(phases[index + 1]?.startedAt);
    const pods = (name: string): string[] =>
      steps.filter((step) => step.name === name).map(({ pod = '' }) => pod.slice(0, pod.lastIndexOf('-')));
    expect(pods('start')).toEqual(Array(3).fill(statusOf(made)['active']));
    expect(pods('drain')).toEqual(Array(3).fill(from));
  });
});

describe('the trace of an upgrade', () => {
  const lastOf = (made: World): UpgradeStatus | undefined =>
    (statusOf(made)['history'] as UpgradeStatus[] | undefined)?.[0];

  /** A receiver that is away for the first so many requests. */
  function receiver(misses = 0): { taken: SpanData[]; courier: () => Courier } {
    const taken: SpanData[] = [];
    let left = misses;
    const send = (spans: SpanData[]): Promise<void> => {
      if (left-- > 0) return Promise.reject(new Error('away'));
      taken.push(...spans);
      return Promise.resolve();
    };
    // Its time goes a hundred times as fast.
    const courier = (): Courier => {
      const made = makeCourier({ send, isSampled: () => true }, () => performance.now() * 100);
      return { ...made, look: (...about) => made.look(...about) / 100 };
    };
    return { taken, courier };
  }

  /** The spans by their ids; what came twice is the same. */
  function once(taken: SpanData[]): SpanData[] {
    const spans = new Map<string, SpanData>();
    for (const span of taken) {
      if (spans.has(span.spanId)) expect(span).toEqual(spans.get(span.spanId));
      spans.set(span.spanId, span);
    }
    return [...spans.values()];
  }

  it.each([
    { when: 'one leader lives', lives: 1, misses: 0 },
    { when: 'leaders die all the time', lives: 10, misses: 0 },
    { when: 'the receiver is away at first', lives: 1, misses: 5 },
  ])('is whole, and noted as received, when $when', async ({ lives, misses }) => {
    const made = await world();
    const { taken, courier } = receiver(misses);
    let leader = startLeader(made, { courier: courier() });
    cleanUps.push(() => leader.stop());
    await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    for (let life = 1; life < lives; life += 1) {
      const seen = made.store.writes.length;
      await made.until(
        'a few writes, or the end',
        () => made.store.writes.length >= seen + 5 || lastOf(made),
      );
      await leader.stop();
      leader = startLeader(made, { courier: courier() });
    }
    await made.until('the record', () => lastOf(made));
    const record = await made.until('the mark', () => lastOf(made)?.traced === true && lastOf(made));
    const spans = once(taken);
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    expect(roots.map(({ name, spanId }) => [name, spanId])).toEqual([
      ['emqx blue-green upgrade', record.spanId],
    ]);
    expect(spans).toHaveLength(1 + (record.steps ?? []).length);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId))).toEqual(
      [],
    );
    const sent = taken.length;
    await leader.stop();
    leading(made, { courier: courier() });
    made.store.edit({ collection: SERVICES, namespace: NAMESPACE, name: 'emqx' }, (service) => {
      const { selector, ...spec } = service['spec'] as JsonObject & { selector: JsonObject };
      return { ...service, spec: { ...spec, selector: { app: selector['app'] ?? '' } } };
    });
    await made.until('another pass', () => 'sluice.dev/revision' in selectorOf(made));
    expect(taken.slice(sent)).toEqual([]);
  });

  it('is not waited for while the declaration is deleted in mid-upgrade: passes are as many as without it', async () => {
    const passesOf = async (change: Partial<LeadOptions>): Promise<number> => {
      const made = await world();
      let passes = 0;
      const gauge = { ...makeControllerMetrics(notLeading), passed: () => void (passes += 1) };
      const leader = leading(made, { gauge, ...change });
      await made.until('Stable', isStable(made));
      made.store.edit({ collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' }, (object) => ({
        ...object,
        spec: { ...(object['spec'] as JsonObject), promotion: { auto: false, previewService: '' } },
      }));
      setImage(made, 'emqx/emqx-enterprise:5.8.9');
      await made.until('a promotion', () => statusOf(made)['phase'] === 'AwaitingPromotion');
      made.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, (set) => ({
        ...set,
        metadata: {
          ...(set['metadata'] as JsonObject),
          ...DELETING,
        },
      }));
      await made.until('the deletion seen', () => /being deleted/.test(statusOf(made)['message'] as string));
      passes = 0;
      // The time in which a loop that does not rest makes some twenty.
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await leader.stop();
      return passes;
    };
    const { courier } = receiver();
    expect(await passesOf({ courier: courier() })).toBeLessThanOrEqual(3 + (await passesOf({})));
  });

  it.each([
    { how: 'at once', isForeground: false },
    { how: 'in the foreground', isForeground: true },
  ])(
    'has its root when the declaration is deleted $how, though the receiver is away',
    async ({ isForeground }) => {
      const made = await world();
      const { taken, courier } = receiver(3);
      leading(made, { courier: courier() });
      await made.until('Stable', isStable(made));
      made.store.edit({ collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' }, (object) => ({
        ...object,
        spec: { ...(object['spec'] as JsonObject), promotion: { auto: false, previewService: '' } },
      }));
      setImage(made, 'emqx/emqx-enterprise:5.8.9');
      await made.until('a promotion', () => statusOf(made)['phase'] === 'AwaitingPromotion');
      if (isForeground) {
        made.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, (set) => ({
          ...set,
          metadata: { ...(set['metadata'] as JsonObject), ...DELETING },
        }));
      } else made.store.remove(SETS, NAMESPACE, 'emqx');
      const root = await until('the root', () => once(taken).find(({ name }) => name === UPGRADE), {
        timeoutMs: 20_000,
      });
      expect(root.attributes).toMatchObject({
        'cicd.pipeline.result': 'cancellation',
        'sluice.upgrade.reason': 'the StatefulSet was deleted',
      });
      expect(once(taken).filter(({ name }) => name === UPGRADE)).toHaveLength(1);
    },
  );

  it('is not spoken of in the record where none is sent', async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    expect(await made.until('its end', () => lastOf(made))).not.toHaveProperty('traced');
  });
});

describe('a leader whose clock is hours ahead of the API server’s', () => {
  it('counts time as that does: else every drain would have taken too long as soon as it begins', async () => {
    const made = await world();
    const { transport } = optionsOf(made);
    const there = (): number => Date.now() - 2 * 3_600_000;
    leading(made, {
      transport: async (request) => {
        const answer = await transport(request);
        answer.headers.date = new Date(there()).toUTCString();
        return answer;
      },
    });
    await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    const { startedAt } = await made.until('an upgrade', () => {
      const { upgrade } = statusOf(made);
      return isObject(upgrade) && upgrade;
    });
    expect(Math.abs(Date.parse(startedAt as string) - there())).toBeLessThan(60_000);
  });
});

describe('refusals of the API server', () => {
  it('are tried again, and told when they last', async () => {
    const made = await world();
    leading(made);
    const first = await made.until('Stable', isStable(made));
    made.gatekeeper.current = (method, { collection }) => {
      if (method === 'POST' && collection === SETS) throw new Error('quota exceeded');
    };
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    const status = await made.until(
      'the reason',
      () => String(statusOf(made)['message'] as string).includes('quota exceeded') && statusOf(made),
    );
    expect(status).toMatchObject({ phase: 'Degraded', active: first['active'] });
    made.gatekeeper.current = () => undefined;
    await made.until(
      'the upgrade',
      () => statusOf(made)['phase'] === 'Stable' && statusOf(made)['active'] !== first['active'],
    );
  });
});

describe('a trigger on the BlueGreen', () => {
  const annotated = (made: World, annotations: JsonObject): void => {
    const place = { collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' };
    made.store.edit(place, (object) => {
      const metadata = object['metadata'] as JsonObject;
      const before = (metadata['annotations'] ?? {}) as JsonObject;
      return { ...object, metadata: { ...metadata, annotations: { ...before, ...annotations } } };
    });
  };
  const trigger = (made: World, name: string): unknown => {
    const { annotations } = made.blueGreen()['metadata'] as { annotations: JsonObject };
    return annotations[`sluice.dev/${name}`];
  };
  /** Somebody else writes the declaration just before our next write, and is done with it. */
  const conflictOnce = (made: World, seen: () => void): void => {
    made.gatekeeper.current = (method, { collection, name }) => {
      if (method !== 'PATCH' || collection !== SETS || name !== 'emqx') return;
      made.gatekeeper.current = () => undefined;
      made.store.edit({ collection, namespace: NAMESPACE, name }, (set) => {
        const metadata = set['metadata'] as JsonObject;
        return {
          ...set,
          metadata: { ...metadata, labels: { ...(metadata['labels'] as object), team: 'x' } },
        };
      });
      seen();
    };
  };

  it('survives the conflict of the write that it asks for: an abort, then its retry', async () => {
    const made = await world();
    leading(made);
    const first = await made.until('Stable', isStable(made));
    setImage(made, 'broken');
    const [green = ''] = await made.until('green', () => {
      const others = Object.keys(made.sets()).filter((name) => !['emqx', first['active']].includes(name));
      return others.length > 0 && others;
    });
    const revision = green.slice('emqx-'.length);
    const left: unknown[] = [];
    conflictOnce(made, () => left.push(trigger(made, 'abort')));
    annotated(made, { 'sluice.dev/abort': revision });
    await made.until('Aborted', () => statusOf(made)['phase'] === 'Aborted');
    await made.until('no trigger', () => trigger(made, 'abort') === undefined);
    conflictOnce(made, () => left.push(trigger(made, 'retry')));
    annotated(made, { 'sluice.dev/retry': revision });
    await made.until('another try', () => statusOf(made)['wanted'] === green);
    await made.until('no trigger', () => trigger(made, 'retry') === undefined);
    expect(left).toEqual([revision, revision]);
  });
});

describe('a BlueGreen that is deleted', () => {
  const uidOf = (object: JsonObject | undefined): unknown => (object?.['metadata'] as JsonObject)['uid'];

  it('comes back, and the Secret that pods mount has stayed; it goes with the declaration', async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    const keySecret = (): JsonObject | undefined => made.store.get(SECRETS, NAMESPACE, 'emqx-sluice-api-key');
    const [secret, blueGreen] = [uidOf(keySecret()), uidOf(made.blueGreen())];
    expect(secret).toMatch(/^uid-/);
    made.store.remove(BLUEGREENS, NAMESPACE, 'emqx');
    await made.until('another BlueGreen', isStable(made));
    expect(uidOf(made.blueGreen())).not.toBe(blueGreen);
    expect(uidOf(keySecret())).toBe(secret);
    made.store.remove(SETS, NAMESPACE, 'emqx');
    expect(keySecret()).toBeUndefined();
  });
});

describe('a BlueGreen of the user’s without a StatefulSet', () => {
  const usersBlueGreen = (made: World): JsonObject =>
    made.store.create(BLUEGREENS, NAMESPACE, { metadata: { name: 'emqx' }, spec: { replicas: 3 } });
  const isIdle = (made: World) => () => statusOf(made)['phase'] === 'Idle' && statusOf(made);
  const idle = {
    phase: 'Idle',
    message: `there is no StatefulSet emqx with the label sluice.dev/upgrade: blue-green in namespace ${NAMESPACE}, so this BlueGreen steers nothing`,
    observedGeneration: 1,
    history: [],
  };

  it('says so, whether none was made yet or has the label no more', async () => {
    const made = await world(declarationObject({ metadata: { labels: {} } }));
    leading(made);
    usersBlueGreen(made);
    expect(await made.until('Idle', isIdle(made))).toEqual(idle);
    made.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, (set) => ({
      ...set,
      metadata: { ...(set['metadata'] as JsonObject), labels: { 'sluice.dev/upgrade': 'blue-green' } },
    }));
    expect(await made.until('Stable', isStable(made))).toMatchObject({ nodes: '3/3' });
  });

  it('is given nothing of one that was there before it', async () => {
    const made = await world(declarationObject(), { drainMs: () => 1_000 });
    usersBlueGreen(made);
    leading(made);
    const { active: before } = await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    await made.until('the switch', () => statusOf(made)['active'] !== before);
    expect(statusOf(made)['upgrade']).toBeDefined();
    made.store.remove(SETS, NAMESPACE, 'emqx');
    await made.until('pods that end', () => made.sets()['emqx'] === undefined);
    made.store.remove(BLUEGREENS, NAMESPACE, 'emqx');
    usersBlueGreen(made);
    expect(await made.until('Idle', isIdle(made))).toEqual(idle);
  });

  it('forgets the nodes of one that was deleted when the last has gone, not what was done and where its data is', async () => {
    const made = await world(declarationObject(), { drainMs: () => 200 });
    usersBlueGreen(made);
    const leader = leading(made);
    const { active: before } = await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    await made.until('the switch', () => statusOf(made)['active'] !== before);
    const { active } = statusOf(made);
    made.store.remove(SETS, NAMESPACE, 'emqx');
    await made.until('pods that end', () => made.sets()['emqx'] === undefined);
    const { history, ...rest } = await made.until('Idle', isIdle(made));
    const { phase, message, observedGeneration } = idle;
    expect(made.store.list(PODS, NAMESPACE)).toEqual([]);
    expect(rest).toEqual({ phase, message, observedGeneration, active });
    expect(history).toMatchObject([{ result: 'superseded', reason: 'the StatefulSet was deleted' }]);
    await leader.stop();
    leading(made);
    made.store.create(SETS, NAMESPACE, declarationObject());
    const next = await made.until('Stable', isStable(made));
    expect(next['history']).toEqual(history);
  });
});

describe('a label by which the Service selects, changed in the template', () => {
  const tiered = (tier: string): JsonObject => {
    const template = liveTemplate();
    return { ...template, metadata: { labels: { app: 'emqx', tier } } };
  };
  const edit = (made: World, collection: string, change: (spec: JsonObject) => JsonObject): void => {
    made.store.edit({ collection, namespace: NAMESPACE, name: 'emqx' }, (object) => {
      const spec = object['spec'] as JsonObject;
      return { ...object, spec: { ...spec, ...change(spec) } };
    });
  };

  it('keeps the Service where it is until its selector is corrected, and green is ready by then', async () => {
    const made = await world(declarationObject({ spec: { template: tiered('mq') } }));
    edit(made, SERVICES, () => ({ selector: { app: 'emqx', tier: 'mq' } }));
    leading(made);
    const { active } = await made.until('Stable', isStable(made));
    const before = selectorOf(made);
    edit(made, SETS, () => ({ template: tiered('mqtt') }));
    await made.until('a word of what is wrong', () =>
      /is ready, and service\/emqx does not select its pods/.test(JSON.stringify(statusOf(made)['message'])),
    );
    expect(statusOf(made)).toMatchObject({ active, services: ['emqx'] });
    expect(selectorOf(made)).toEqual(before);
    edit(made, SERVICES, (spec) => ({ selector: { ...(spec['selector'] as JsonObject), tier: 'mqtt' } }));
    const after = await made.until(
      'the upgrade',
      () => statusOf(made)['phase'] === 'Stable' && statusOf(made)['active'] !== active && statusOf(made),
    );
    const revision = (after['active'] as string).slice('emqx-'.length);
    expect(selectorOf(made)).toEqual({ app: 'emqx', tier: 'mqtt', 'sluice.dev/revision': revision });
  });
});

describe('the API key’s Secret, deleted by hand', () => {
  it('is made again once a pod waits for it: nobody else knows what is to be in it', async () => {
    const made = await world();
    leading(made);
    const { active } = await made.until('Stable', isStable(made));
    made.store.remove(SECRETS, NAMESPACE, 'emqx-sluice-api-key');
    const waiting = (name: string): JsonObject => ({
      name,
      state: { waiting: { reason: 'PodInitializing' } },
    });
    made.store.edit({ collection: PODS, namespace: NAMESPACE, name: `${active as string}-1` }, (pod) => ({
      ...pod,
      metadata: { ...(pod['metadata'] as JsonObject), creationTimestamp: '2026-01-01T00:00:00Z' },
      status: {
        phase: 'Pending',
        initContainerStatuses: [waiting('sluice')],
        containerStatuses: [waiting('emqx')],
      },
    }));
    const secret = await made.until('another Secret', () =>
      made.store.get(SECRETS, NAMESPACE, 'emqx-sluice-api-key'),
    );
    expect(Object.keys(secret['stringData'] as JsonObject)).toEqual(['key', 'secret', 'bootstrap']);
  });
});

describe('at rest', () => {
  it('nothing is written', async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    const writes = made.store.writes.length;
    // an edit that means nothing wakes the loop; the answer of a BlueGreen to it is the proof that a pass was made
    made.store.edit({ collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' }, (object) => ({
      ...object,
      spec: { ...(object['spec'] as JsonObject), drainTimeoutSeconds: 1800 },
    }));
    const generation = (made.blueGreen()['metadata'] as JsonObject)['generation'];
    await made.until('the new generation seen', () => statusOf(made)['observedGeneration'] === generation);
    expect(made.store.writes.slice(writes)).toEqual([
      'write bluegreens/emqx',
      'write bluegreens/emqx/status',
    ]);
  });
});

describe('a StatefulSet that runs pods when it is labelled', () => {
  const running = (): JsonObject =>
    declarationObject({
      metadata: {
        name: 'emqx',
        labels: { 'sluice.dev/upgrade': 'blue-green' },
        annotations: {},
      },
      spec: { replicas: 3, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } },
    });

  it('keeps its pods until the first edit, then hands them over, with the webhook gone all the while', async () => {
    const made = await world(running());
    leading(made);
    const adopted = await made.until('Stable', isStable(made));
    expect(adopted).toMatchObject({ active: 'emqx', readyReplicas: 3 });
    expect(made.sets()).toEqual({ emqx: 3 });
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    const after = await made.until(
      'the upgrade',
      () => statusOf(made)['phase'] === 'Stable' && statusOf(made)['active'] !== 'emqx' && statusOf(made),
    );
    expect(made.sets()).toEqual({ emqx: 0, [after['active'] as string]: 3 });
  });

  it('keeps its claims, and its BlueGreen lists them', async () => {
    const declaration = running();
    Object.assign(declaration['spec'] as JsonObject, {
      volumeClaimTemplates: [{ metadata: { name: 'data' } }],
    });
    const made = await world(declaration);
    for (const [name, labels] of Object.entries<JsonObject>({
      'data-emqx-0': { app: 'emqx' },
      'data-emqx-1': { app: 'emqx' },
      'data-emqx-edge-0': { app: 'emqx' },
      'data-emqx-2': { app: 'other' },
    }))
      made.store.create(CLAIMS, NAMESPACE, { metadata: { name, labels } });
    leading(made);
    await made.until('Stable', isStable(made));
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    const after = await made.until(
      'the upgrade',
      () => statusOf(made)['phase'] === 'Stable' && statusOf(made)['active'] !== 'emqx' && statusOf(made),
    );
    expect(after['claims']).toEqual(['data-emqx-0', 'data-emqx-1']);
    expect(made.store.list(CLAIMS, NAMESPACE)).toHaveLength(4);
  });
});

describe('a StatefulSet that loses its label', () => {
  /** @returns it, without any key of Sluice */
  function handBack(made: World): Promise<JsonObject> {
    made.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, (object) => {
      delete ((object['metadata'] as JsonObject)['labels'] as JsonObject)['sluice.dev/upgrade'];
      return object;
    });
    return made.until('it is handed back', () => {
      const set = made.store.get(SETS, NAMESPACE, 'emqx');
      return isObject(set) && !JSON.stringify(set['metadata']).includes('sluice.dev/') && set;
    });
  }

  it('gets OnDelete back without the partition of ours that was once noted with it, which the API server refuses', async () => {
    const declaration = declarationObject();
    Object.assign((declaration['metadata'] as JsonObject)['annotations'] as JsonObject, {
      'sluice.dev/update-strategy': '{"rollingUpdate":{"partition":2147483647},"type":"OnDelete"}',
    });
    const made = await world(declaration);
    leading(made);
    await made.until('Stable', isStable(made));
    const { spec } = await handBack(made);
    expect((spec as JsonObject)['updateStrategy']).toEqual({ type: 'OnDelete' });
  });

  it('gets its pods back, and nothing that tells of Sluice is left', async () => {
    const made = await world();
    const sent: SpanData[] = [];
    let refusals = 1;
    const send = (spans: SpanData[]): Promise<void> =>
      spans.some(({ name }) => name === UPGRADE) && refusals-- > 0
        ? Promise.reject(new Error('away'))
        : Promise.resolve(void sent.push(...spans));
    leading(made, { courier: makeCourier({ send, isSampled: () => true }, () => performance.now()) });
    await made.until('Stable', isStable(made));
    expect(made.store.get(SECRETS, NAMESPACE, 'emqx-sluice-api-key')).toBeDefined();
    const handedBack = await handBack(made);
    expect(handedBack['spec']).toMatchObject({ replicas: 3, updateStrategy: { type: 'RollingUpdate' } });
    expect(made.readyPods().sort()).toEqual(['emqx-0', 'emqx-1', 'emqx-2']);
    const left = [SETS, PODS, SERVICES, BLUEGREENS, SECRETS, REVISIONS].flatMap((collection) =>
      made.store.list(collection, NAMESPACE),
    );
    for (const object of left) expect(JSON.stringify(object)).not.toMatch(/sluice[.-]/);
    expect(left.length).toBeGreaterThan(5);
    // Its record went with the BlueGreen, and the receiver was away then.
    const root = await until(
      'the root',
      () => {
        const roots = sent.filter(({ parentSpanId }) => parentSpanId === undefined);
        return roots.length > 0 ? roots : undefined;
      },
      { timeoutMs: 20_000 },
    );
    expect(root.map(({ name, attributes }) => [name, attributes['sluice.upgrade.to']])).toEqual([
      ['emqx blue-green upgrade', 'emqx'],
    ]);
  });
});

describe('a whole file applied while the webhook is gone', () => {
  it('upgrades to its template, and the pods that it starts leave without ever having been selected', async () => {
    const made = await world();
    leading(made);
    const first = await made.until('Stable', isStable(made));
    const labelled: string[] = [];
    made.store.watch(PODS, (_type, { metadata }) => {
      const { name, labels } = metadata as { name: string; labels: JsonObject };
      if (/^emqx-\d$/.test(name) && labels['sluice.dev/revision'] !== undefined) labelled.push(name);
    });
    made.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, (set) => ({
      ...set,
      spec: {
        ...(set['spec'] as JsonObject),
        replicas: 3,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        template: liveTemplate({ emqx: { image: 'emqx/emqx-enterprise:5.8.9' } }),
      },
    }));
    const after = await made.until(
      'the upgrade',
      () =>
        statusOf(made)['phase'] === 'Stable' &&
        statusOf(made)['active'] !== first['active'] &&
        statusOf(made),
    );
    expect(made.sets()).toEqual({ emqx: 0, [first['active'] as string]: 0, [after['active'] as string]: 3 });
    expect(labelled).toEqual([]);
  });
});

describe('a leader without control certificates', () => {
  it('holds and pins what users have, says on every BlueGreen what is wrong, and goes on when they are there', async () => {
    const made = await world();
    const before = startLeader(made);
    const { active } = await made.until('Stable', isStable(made));
    await before.stop();
    const pinned = selectorOf(made);
    let trouble: string | undefined = 'secret sluice-control has no readable CA: restore it';
    leading(made, {
      controlTrouble: () => trouble,
      sidecars: {
        ...made.emqx,
        report: (...asked) =>
          trouble === undefined ? made.emqx.report(...asked) : Promise.reject(new Error(trouble)),
      },
    });
    setImage(made, 'emqx/emqx-enterprise:5.8.9');
    const stalled = await made.until(
      'it says so',
      () => statusOf(made)['phase'] === 'Degraded' && statusOf(made),
    );
    expect(stalled).toMatchObject({ active, message: expect.stringContaining(trouble) as unknown });
    expect(stalled['conditions']).toContainEqual(
      expect.objectContaining({ type: 'Stalled', status: 'True', reason: 'Refused' }),
    );
    made.store.edit({ collection: SERVICES, namespace: NAMESPACE, name: 'emqx' }, (service) => ({
      ...service,
      spec: { ...(service['spec'] as JsonObject), selector: { app: 'emqx' } },
    }));
    await made.until('the pin', () => selectorOf(made)['sluice.dev/revision'] !== undefined);
    expect(selectorOf(made)).toEqual(pinned);
    expect(made.sets()).toEqual({ emqx: 0, [active as string]: 3 });

    trouble = undefined;
    setImage(made, 'emqx/emqx-enterprise:5.8.10');
    await made.until(
      'the upgrade',
      () => statusOf(made)['phase'] === 'Stable' && statusOf(made)['active'] !== active,
    );
  });
});

describe('a sidecar that does not answer', () => {
  it('does not keep a Service from its pin: it is there while the pass still waits', async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    const pinned = selectorOf(made);
    const asked = new Promise<void>((resolve) => {
      made.emqx.report = (_, signal) => {
        resolve();
        return new Promise((__, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        );
      };
    });
    made.store.edit({ collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' }, (object) => ({
      ...object,
      spec: { ...(object['spec'] as JsonObject), drainTimeoutSeconds: 1800 },
    }));
    await asked;
    made.store.edit({ collection: SERVICES, namespace: NAMESPACE, name: 'emqx' }, (service) => ({
      ...service,
      spec: { ...(service['spec'] as JsonObject), selector: { app: 'emqx' } },
    }));
    await made.until('the pin', () => selectorOf(made)['sluice.dev/revision'] !== undefined);
    expect(selectorOf(made)).toEqual(pinned);
  });
});

describe('a declaration that is made anew over the sets of the one before', () => {
  it('owns them, and the BlueGreen that Sluice made, before its Service is looked at, which stays pinned', async () => {
    const made = await world();
    const before = startLeader(made);
    const active = (await made.until('Stable', isStable(made)))['active'] as string;
    await before.stop();
    const pinned = selectorOf(made);
    for (const [collection, name] of [
      [SETS, active],
      [BLUEGREENS, 'emqx'],
    ] as const)
      made.store.edit({ collection, namespace: NAMESPACE, name }, (object) => {
        const metadata = { ...(object['metadata'] as JsonObject) };
        delete metadata['ownerReferences'];
        return { ...object, metadata };
      });
    made.store.remove(SETS, NAMESPACE, 'emqx');
    const template = liveTemplate({ emqx: { image: 'emqx/emqx-enterprise:5.8.9' } });
    made.store.create(
      SETS,
      NAMESPACE,
      declarationObject({
        metadata: {
          name: 'emqx',
          labels: { 'sluice.dev/upgrade': 'blue-green' },
          annotations: { 'sluice.dev/replicas': '3' },
        },
        spec: { template },
      }),
    );
    const urgent = makeUrgent(
      { ...optionsOf(made), now: Date.now, onServices: () => undefined },
      new AbortController().signal,
    );
    expect(await urgent(`${NAMESPACE}/emqx`)).toBe('forget');
    const metadata = (name: string): JsonObject =>
      made.store.get(SETS, NAMESPACE, name)?.['metadata'] as JsonObject;
    expect(metadata(active)['ownerReferences']).toMatchObject([{ uid: metadata('emqx')['uid'] }]);
    expect((made.blueGreen()['metadata'] as JsonObject)['ownerReferences']).toMatchObject([
      { uid: metadata('emqx')['uid'], controller: false },
    ]);
    expect(selectorOf(made)).toEqual(pinned);
  });

  it('does not own a BlueGreen that its user has put in the place of Sluice’s with kubectl replace', async () => {
    const made = await world();
    const before = startLeader(made);
    await made.until('Stable', isStable(made));
    await before.stop();
    made.store.edit({ collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' }, (object) => {
      const metadata = { ...(object['metadata'] as JsonObject) };
      delete metadata['ownerReferences'];
      delete metadata['labels'];
      return { ...object, metadata };
    });
    const urgent = makeUrgent(
      { ...optionsOf(made), now: Date.now, onServices: () => undefined },
      new AbortController().signal,
    );
    expect(await urgent(`${NAMESPACE}/emqx`)).toBe('forget');
    expect(made.blueGreen()['metadata']).not.toHaveProperty('ownerReferences');
  });
});

describe('a declaration that is deleted with --cascade=orphan', () => {
  it('does not own again what it has let go: that would be collected with it', async () => {
    const made = await world();
    const before = startLeader(made);
    const active = (await made.until('Stable', isStable(made)))['active'] as string;
    await before.stop();
    made.store.edit({ collection: SETS, namespace: NAMESPACE, name: 'emqx' }, (set) => ({
      ...set,
      metadata: {
        ...(set['metadata'] as JsonObject),
        deletionTimestamp: '2026-01-01T00:00:00Z',
        finalizers: ['orphan'],
      },
    }));
    for (const [collection, name] of [
      [SETS, active],
      [BLUEGREENS, 'emqx'],
    ] as const)
      made.store.edit({ collection, namespace: NAMESPACE, name }, (object) => {
        const metadata = { ...(object['metadata'] as JsonObject) };
        delete metadata['ownerReferences'];
        return { ...object, metadata };
      });
    const urgent = makeUrgent(
      { ...optionsOf(made), now: Date.now, onServices: () => undefined },
      new AbortController().signal,
    );
    expect(await urgent(`${NAMESPACE}/emqx`)).toBe('forget');
    for (const object of [made.store.get(SETS, NAMESPACE, active), made.blueGreen()])
      expect(object?.['metadata']).not.toHaveProperty('ownerReferences');
  });
});

describe('a client Service that is made anew', () => {
  it('is pinned at once, though it carries no label of ours', async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    const pinned = selectorOf(made);
    made.store.remove(SERVICES, NAMESPACE, 'emqx');
    made.store.create(SERVICES, NAMESPACE, serviceObject());
    // sooner than the timer, which is 30 s
    await made.until('the pin', () => selectorOf(made)['sluice.dev/revision'] !== undefined);
    expect(selectorOf(made)).toEqual(pinned);
  });
});

describe('Services that are not of the declaration', () => {
  const selected = (made: World, name: string): unknown =>
    (made.store.get(SERVICES, NAMESPACE, name)?.['spec'] as JsonObject)['selector'];

  it('one that leaves the list of client Services selects again what its user wrote', async () => {
    const made = await world();
    made.store.create(SERVICES, NAMESPACE, serviceObject({ metadata: { name: 'emqx-ws' } }));
    leading(made);
    await made.until('Stable', isStable(made));
    const key = selectorOf(made);
    expect(selected(made, 'emqx-ws')).toEqual(key);
    made.store.edit({ collection: BLUEGREENS, namespace: NAMESPACE, name: 'emqx' }, (blueGreen) => ({
      ...blueGreen,
      spec: { ...(blueGreen['spec'] as JsonObject), services: ['emqx'] },
    }));
    await made.until(
      'its own selector',
      () => !('sluice.dev/revision' in (selected(made, 'emqx-ws') as JsonObject)),
    );
    expect(selected(made, 'emqx-ws')).toEqual({ app: 'emqx' });
    expect(made.store.get(SERVICES, NAMESPACE, 'emqx-ws')?.['metadata']).toMatchObject({ labels: {} });
    expect(selectorOf(made)).toEqual(key);
  });

  it("another declaration's, which selects the pods of both, stays where it is pinned", async () => {
    const made = await world();
    leading(made);
    await made.until('Stable', isStable(made));
    const pinned = made.service();
    made.store.create(
      SETS,
      NAMESPACE,
      declarationObject({ metadata: { name: 'emqx-replicant', uid: 'u2' } }),
    );
    const told = await made.until('both', () => {
      const { status } = made.store.get(BLUEGREENS, NAMESPACE, 'emqx-replicant') ?? {};
      return isObject(status) && status['phase'] === 'Stable' && status['message'];
    });
    expect(told).toMatch(/Service emqx is left alone: it selects pods of StatefulSet emqx, too/);
    expect(made.service()).toEqual(pinned);
  });
});

describe('what somebody takes from the active set', () => {
  const events = (made: World): string[] =>
    made.store.list('/api/v1|events', NAMESPACE).map(({ reason }) => String(reason as string));
  const edited = (
    made: World,
    collection: string,
    name: string,
    metadata: (was: JsonObject) => JsonObject,
  ): void => {
    made.store.edit({ collection, namespace: NAMESPACE, name }, (object) => ({
      ...object,
      metadata: metadata(object['metadata'] as JsonObject),
    }));
  };
  const without =
    (...keys: string[]) =>
    (was: JsonObject): JsonObject =>
      Object.fromEntries(Object.entries(was).filter(([key]) => !keys.includes(key)));

  it('its StatefulSet: another takes its place while its pods end, and people are told', async () => {
    const made = await world(undefined, { drainMs: () => 400 });
    leading(made);
    const first = (await made.until('Stable', isStable(made)))['active'] as string;
    made.store.remove(SETS, NAMESPACE, first);
    const second = await made.until('another set beside the ending pods', () => {
      const [name] = Object.keys(made.sets()).filter((each) => each !== 'emqx' && each !== first);
      return made.readyPods().some((pod) => pod.startsWith(first)) && name;
    });
    await made.until('Stable', () => statusOf(made)['active'] === second && isStable(made)());
    expect(made.sets()).toEqual({ emqx: 0, [second]: 3 });
    expect(selectorOf(made)).toMatchObject({ 'sluice.dev/revision': second.slice('emqx-'.length) });
    expect(events(made)).toContain('RevisionSetLost');
  });

  it('its StatefulSet, with its data on claims: it is made again as it was, not as a version that was refused', async () => {
    const declaration = declarationObject();
    (declaration['spec'] as JsonObject)['volumeClaimTemplates'] = [{ metadata: { name: 'data' } }];
    const made = await world(declaration, { drainMs: () => 200 });
    leading(made);
    const active = (await made.until('Stable', isStable(made)))['active'] as string;
    const place = (): { template: JsonObject } =>
      made.store.get(SETS, NAMESPACE, active)?.['spec'] as { template: JsonObject };
    const { template } = place();
    const labels = { app: 'emqx', 'sluice.dev/revision': active.slice('emqx-'.length) };
    made.store.create(CLAIMS, NAMESPACE, { metadata: { name: `data-${active}-0`, labels } });
    setImage(made, 'emqx/emqx-enterprise:5.3.0');
    const isRefused = (): boolean => /no way down/.test(statusOf(made)['message'] as string);
    await made.until('the refusal', isRefused);
    made.store.remove(SETS, NAMESPACE, active);
    await made.until('the set again', () => made.sets()[active] === 3);
    expect(place().template).toEqual(template);
    await made.until('all its pods', () => made.readyPods().length === 3 && isRefused());
    expect(made.sets()).toEqual({ emqx: 0, [active]: 3 });
  });

  it('its StatefulSet, but not the pods: it is made again over them, and none restarts', async () => {
    const made = await world();
    leading(made);
    const active = (await made.until('Stable', isStable(made)))['active'] as string;
    const uids = (): unknown[] =>
      made.store.list(PODS, NAMESPACE).map(({ metadata }) => (metadata as JsonObject)['uid']);
    const before = uids();
    for (const collection of [PODS, REVISIONS])
      for (const { metadata } of made.store.list(collection, NAMESPACE))
        edited(made, collection, (metadata as { name: string }).name, without('ownerReferences'));
    const template = (made.store.get(SETS, NAMESPACE, active)?.['spec'] as JsonObject)['template'];
    made.store.remove(SETS, NAMESPACE, active);
    await made.until(
      'it is back',
      () => made.sets()[active] === 3 && events(made).includes('RevisionSetRestored'),
    );
    await made.until('Stable', isStable(made));
    expect((made.store.get(SETS, NAMESPACE, active)?.['spec'] as JsonObject)['template']).toEqual(template);
    expect(uids()).toEqual(before);
  });

  it.each([
    { what: 'the label of its revision', keys: ['sluice.dev/revision'] },
    { what: 'the label of its declaration', keys: ['sluice.dev/declaration'] },
    { what: 'both of its labels', keys: ['sluice.dev/revision', 'sluice.dev/declaration'] },
  ])('$what: the set gets it back, and the Service stays pinned to it', async ({ keys }) => {
    const made = await world();
    leading(made);
    const active = (await made.until('Stable', isStable(made)))['active'] as string;
    const pinned = made.service();
    const labelsOf = (): JsonObject =>
      (made.store.get(SETS, NAMESPACE, active)?.['metadata'] as JsonObject)['labels'] as JsonObject;
    const before = labelsOf();
    edited(made, SETS, active, (was) => ({
      ...was,
      labels: Object.fromEntries(
        Object.entries(was['labels'] as JsonObject).filter(([key]) => !keys.includes(key)),
      ),
    }));
    await made.until('the labels', () => keys.every((key) => labelsOf()[key] === before[key]));
    expect(made.sets()).toEqual({ emqx: 0, [active]: 3 });
    expect(made.service()).toEqual(pinned);
  });

  it('a label of a pod: the pod gets it back', async () => {
    const made = await world();
    leading(made);
    const active = (await made.until('Stable', isStable(made)))['active'] as string;
    edited(made, PODS, `${active}-1`, without('ownerReferences', 'labels'));
    const labels = await made.until('the labels', () => {
      const { metadata } = made.store.get(PODS, NAMESPACE, `${active}-1`) ?? {};
      return (metadata as JsonObject)['labels'] as JsonObject | undefined;
    });
    expect(labels).toMatchObject({ app: 'emqx', 'sluice.dev/revision': active.slice('emqx-'.length) });
    await made.until('the event', () => events(made).includes('PodRelabelled'));
  });

  it('the labels of more pods than are asked for one by one: each of them gets them back', async () => {
    const annotations = { 'sluice.dev/replicas': '18' };
    const made = await world(declarationObject({ metadata: { name: 'emqx', annotations } }));
    leading(made);
    const active = (await made.until('Stable', isStable(made)))['active'] as string;
    for (let ordinal = 0; ordinal < 18; ordinal += 1)
      edited(made, PODS, `${active}-${ordinal}`, without('ownerReferences', 'labels'));
    await made.until('all labels', () =>
      made.store.list(PODS, NAMESPACE).every(({ metadata }) => (metadata as JsonObject)['labels']),
    );
    expect(made.store.list(PODS, NAMESPACE)).toHaveLength(18);
  });
});

describe('a declaration that goes', () => {
  /** Types of the conditions of the namespace, once it has another one. */
  const conditionsOf = (made: World): Promise<string[]> =>
    new Promise((resolve) => {
      const look = (): void => {
        const { status } = made.store.get(NAMESPACES, '', NAMESPACE) as {
          status: { conditions: { type: string }[] };
        };
        if (status.conditions.length > 1) resolve(status.conditions.map(({ type }) => type));
      };
      cleanUps.push(made.store.watch(NAMESPACES, look));
      look();
    });
  const isGoing = (object: JsonObject): JsonObject => ({
    ...object,
    metadata: { ...(object['metadata'] as JsonObject), deletionTimestamp: '2026-01-01T00:00:00Z' },
  });

  /** At rest, in a namespace that the API server knows. */
  async function inNamespace(): Promise<World> {
    const made = await world(undefined, { drainMs: () => 300 });
    made.store.create(NAMESPACES, '', {
      metadata: { name: NAMESPACE },
      status: { conditions: [{ type: 'Other' }] },
    });
    leading(made);
    await made.until('Stable', isStable(made));
    return made;
  }

  it('leaves pods that drain: what is lost with them is told, and then its namespace may go', async () => {
    const made = await inNamespace();
    made.emqx.bend = (report) =>
      report.gate.kind === 'idle'
        ? report
        : { ...report, gate: { kind: 'gaveUp', detail: 'nowhere to go', sessionsLost: 7 } };
    made.store.edit({ collection: NAMESPACES, namespace: '', name: NAMESPACE }, isGoing);
    made.store.remove(SETS, NAMESPACE, 'emqx');
    await made.until('the pods have gone', () => made.readyPods().length === 0);
    expect(await conditionsOf(made)).toEqual(['Other', 'sluice.dev/Drained']);
    const events = made.store.list('/api/v1|events', NAMESPACE);
    const lost = events.filter(({ reason }) => reason === 'DrainGaveUp');
    expect(lost.map(({ involvedObject }) => (involvedObject as JsonObject)['kind'])).toEqual([
      'Pod',
      'Pod',
      'Pod',
    ]);
    expect(lost[0]?.['message']).toMatch(/stopped with 7 sessions left: nowhere to go/);
  });

  it('is still there when its pods have ended, which Kubernetes deletes first: its namespace is told of that too', async () => {
    const made = await inNamespace();
    made.store.edit({ collection: NAMESPACES, namespace: '', name: NAMESPACE }, isGoing);
    for (const pod of made.store.list(PODS, NAMESPACE))
      made.store.remove(PODS, NAMESPACE, textAt(pod, 'metadata', 'name'));
    expect(await conditionsOf(made)).toEqual(['Other', 'sluice.dev/Drained']);
    expect(made.store.get(SETS, NAMESPACE, 'emqx')).toBeDefined();
  });

  describe('and its Services', () => {
    const MANAGED = 'sluice.dev/managed';
    const PREVIEW = 'emqx-preview';
    const isPinned = (made: World, name: string): boolean => {
      const { metadata, spec } = made.store.get(SERVICES, NAMESPACE, name) as Record<string, JsonObject>;
      return (
        MANAGED in ((metadata?.['labels'] ?? {}) as JsonObject) ||
        'sluice.dev/revision' in (spec?.['selector'] as JsonObject)
      );
    };
    const pods = (made: World): number => made.store.list(PODS, NAMESPACE).length;

    /** At rest, with a preview Service; its leader can be stopped. */
    async function withPreview(drainMs = 300): Promise<{ made: World; leader: Leader }> {
      const made = await world(undefined, { drainMs: () => drainMs });
      made.store.create(SERVICES, NAMESPACE, serviceObject({ metadata: { name: PREVIEW } }));
      made.store.create(BLUEGREENS, NAMESPACE, {
        metadata: { name: 'emqx' },
        spec: { promotion: { previewService: PREVIEW } },
      });
      const leader = leading(made);
      await made.until('Stable', isStable(made));
      await made.until('pins', () => isPinned(made, 'emqx') && isPinned(made, PREVIEW));
      return { made, leader };
    }
    /** Whoever looks at each of its changes sees no pod beside a Service that has lost its key. */
    const podsAtUnpin = (made: World): Promise<number> =>
      new Promise((resolve) => {
        const stop = made.store.watch(SERVICES, (_, { metadata, spec }) => {
          const isIt = (metadata as JsonObject)['name'] === 'emqx';
          if (isIt && !('sluice.dev/revision' in ((spec as JsonObject)['selector'] as JsonObject)))
            resolve(pods(made));
        });
        cleanUps.push(() => void stop());
      });
    const untilFree = (made: World): Promise<boolean> =>
      made.until('free Services', () => !isPinned(made, 'emqx') && !isPinned(made, PREVIEW));

    it('are pinned until the last pod has ended, and then select what their user wrote', async () => {
      const { made } = await withPreview();
      const atUnpin = podsAtUnpin(made);
      made.store.remove(SETS, NAMESPACE, 'emqx');
      await untilFree(made);
      expect(await atUnpin).toBe(0);
      for (const name of ['emqx', PREVIEW]) {
        const { metadata, spec } = made.store.get(SERVICES, NAMESPACE, name) as Record<string, JsonObject>;
        expect(spec?.['selector']).toEqual({ app: 'emqx' });
        expect(JSON.stringify(metadata)).not.toContain('sluice');
      }
    });

    it('are found by the next leader, where nobody led when all went', async () => {
      const { made, leader } = await withPreview();
      await leader.stop();
      made.store.remove(SETS, NAMESPACE, 'emqx');
      await made.until('no pod', () => pods(made) === 0);
      expect(isPinned(made, 'emqx')).toBe(true);
      leading(made);
      await untilFree(made);
    });

    it('are freed by the next leader, where one died after its first write', async () => {
      const { made, leader } = await withPreview();
      await leader.stop();
      made.store.remove(SETS, NAMESPACE, 'emqx');
      await made.until('no pod', () => pods(made) === 0);
      made.store.edit(
        { collection: SERVICES, namespace: NAMESPACE, name: 'emqx' },
        (service) => ({
          ...service,
          spec: { ...(service['spec'] as JsonObject), selector: { app: 'emqx' } },
        }),
        'sluice-controller',
      );
      expect(ownersOfSpec(made.service())).toContain('sluice-controller');
      leading(made);
      await untilFree(made);
      expect(ownersOfSpec(made.service())).not.toContain('sluice-controller');
    });

    it('stay pinned while its sets serve on, deleted with --cascade=orphan, until these are deleted too', async () => {
      const { made } = await withPreview();
      const atUnpin = podsAtUnpin(made);
      const [active = ''] = Object.keys(made.sets()).filter((name) => name !== 'emqx');
      const pinned = made.service();
      made.store.edit({ collection: SETS, namespace: NAMESPACE, name: active }, (set) => {
        const metadata = { ...(set['metadata'] as JsonObject) };
        delete metadata['ownerReferences'];
        return { ...set, metadata };
      });
      // in one turn of the event loop, as far as the leader can see
      made.store.remove(SETS, NAMESPACE, 'emqx');
      const other = 'another Service of the namespace, which has the leader look';
      made.store.create(
        SERVICES,
        NAMESPACE,
        serviceObject({
          metadata: { name: 'other', labels: { [MANAGED]: 'true' } },
          spec: { selector: { app: 'x' } },
        }),
      );
      await made.until(other, () => !isPinned(made, 'other'));
      expect(made.service()['spec']).toEqual(pinned['spec']);
      expect(made.sets()).toEqual({ [active]: 3 });
      made.store.remove(SETS, NAMESPACE, active);
      await untilFree(made);
      expect(await atUnpin).toBe(0);
    });

    it('are those of the next declaration of its name, when that is there before the pods have ended', async () => {
      const { made } = await withPreview(500);
      const unpins: unknown[] = [];
      const stop = made.store.watch(SERVICES, (_, { metadata, spec }) => {
        if (!('sluice.dev/revision' in ((spec as JsonObject)['selector'] as JsonObject)))
          unpins.push(metadata);
      });
      cleanUps.push(() => void stop());
      made.store.remove(SETS, NAMESPACE, 'emqx');
      await made.until('pods that end', () => made.sets()['emqx'] === undefined && pods(made) > 0);
      made.store.create(SETS, NAMESPACE, declarationObject());
      const [active = ''] = await made.until('three pods of one set', () => {
        const left = Object.keys(made.sets()).filter((name) => name !== 'emqx');
        return pods(made) === 3 && statusOf(made)['phase'] === 'Stable' && left.length === 1 && left;
      });
      expect(selectorOf(made)).toMatchObject({ 'sluice.dev/revision': active.slice('emqx-'.length) });
      expect(unpins).toEqual([]);
    });

    it('a write that another one was faster than is planned anew', async () => {
      const { made } = await withPreview();
      let outruns = 0;
      made.gatekeeper.current = (method, { collection, name }) => {
        if (method !== 'PATCH' || collection !== SERVICES || name !== 'emqx' || pods(made) > 0 || outruns > 0)
          return;
        outruns += 1;
        made.store.create(SETS, NAMESPACE, declarationObject());
        made.store.edit({ collection: SERVICES, namespace: NAMESPACE, name }, (service) => ({
          ...service,
          metadata: { ...(service['metadata'] as JsonObject), annotations: { seen: 'yes' } },
        }));
      };
      made.store.remove(SETS, NAMESPACE, 'emqx');
      await made.until('the outrun', () => outruns > 0);
      await made.until(
        'Stable again',
        () => pods(made) === 3 && made.readyPods().length === 3 && isStable(made)(),
      );
      expect(isPinned(made, 'emqx')).toBe(true);
    });
  });
});
