import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until, type LocalCluster } from '../../cluster/index.js';
import { EMQX, makeNamespace } from '../../demo/emqx.js';
import { applyFile, DATA, exampleOf, QUICK } from '../support/example.js';
import { heal } from '../support/heal.js';
import { dropJourneys, expectKept, setOut, type Journey } from '../support/journey.js';
import { watchPinned } from '../support/services.js';
import { SLUICE, useSluice } from '../support/sluice.js';
import { replace } from '../support/soleNode.js';
import { untilTold } from '../support/told.js';

jest.setTimeout(300_000);

/** What people and their tools rely on, step by step, with clients. */
const NAMESPACE = 'e2e-tools';
const ALONE = 'e2e-tools-alone';
const NODES = 2;
const CLIENTS = 60;

let cluster: LocalCluster;
let journey: Journey;
beforeAll(async () => {
  cluster = await useSluice();
  journey = await setOut(cluster, NAMESPACE, { nodes: NODES, clients: CLIENTS, onClaims: true });
}, 30 * 60_000);
afterAll(() => dropJourneys(cluster, NAMESPACE, ALONE), 240_000);

const is =
  (name: string) =>
  (active: string): boolean =>
    active === name;
const isNot =
  (name: string) =>
  (active: string): boolean =>
    active !== name;
const read = (path: string) => journey.kubectl('get', 'bluegreen', EMQX.name, `--output=jsonpath={${path}}`);

/** What the README's line for scripts has kubectl do, each as its words. */
function waits(): string[][] {
  const line = /^\$ (kubectl wait .*)$/m.exec(readFileSync('README.md', 'utf8'))?.[1] ?? '';
  return line.split(' && ').map((command) => command.split(' ').slice(1));
}

describe('an upgrade', () => {
  it('is waited for by the line that the README gives to scripts', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    expect(waits()).toHaveLength(2);
    await journey.edit('waited-for');
    for (const words of waits()) await journey.kubectl(...words);
    expect(await read('.status.active')).toBe(await read('.status.wanted'));
    expect(await read('.status.active')).not.toBe(blue);
    await journey.untilRest(NODES, isNot(blue));
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
  });

  it.each(['RevisionSetCreated', 'ServiceSwitched', 'RevisionSetResized', 'NodeLeft', 'ClaimsDeleted'])(
    'has told of %s on declaration and BlueGreen',
    (reason) => untilTold(cluster, NAMESPACE, reason),
  );
});

describe('a Service replaced each second without its revision key, while one of two webhooks ends', () => {
  const services = () => exampleOf(journey.file).filter(({ kind }) => kind === 'Service');

  it('selects blue or green through the switch, and never both', async () => {
    const blue = journey.active();
    const fromMs = Date.now();
    const pinned = await watchPinned(cluster, NAMESPACE);
    const loop = heal(() => replace(cluster, NAMESPACE, services()));
    await journey.edit('replaced');
    await journey.crowd.until('green starts', () => journey.crowd.scene.pods.size > NODES);
    const webhooks = ['--selector', 'app.kubernetes.io/component=webhook', '--output=name'];
    const sluice = ['--namespace', SLUICE.namespace];
    const [webhook = ''] = (await cluster.kubectl([...sluice, 'get', 'pods', ...webhooks])).split('\n');
    await cluster.kubectl([...sluice, 'delete', webhook, '--wait=false']);
    await journey.untilRest(NODES, isNot(blue));
    await loop.stop();
    expect(loop.rounds()).toBeGreaterThan(5);
    const revisionOf = (set: string): string => set.slice(EMQX.name.length + 1);
    expect(await pinned()).toEqual([revisionOf(blue), revisionOf(journey.active())]);
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
  });
});

describe('a size in the file', () => {
  const apply = (nodes: number, edit: string) =>
    applyFile(
      cluster,
      NAMESPACE,
      exampleOf({ ...journey.file, nodes, env: { ...journey.file.env, EDIT: edit } }).filter(
        ({ kind }) => kind === 'StatefulSet',
      ),
    );

  it('that grows, and then shrinks to less than somebody has scaled to, resizes the set', async () => {
    const blue = journey.active();
    await apply(NODES, 'sizes');
    await journey.untilRest(NODES, isNot(blue));
    const active = journey.active();
    const fromMs = Date.now();
    await apply(3, 'sizes');
    await journey.untilRest(3, is(active));
    expectKept(journey.tollSince(fromMs), { left: [], nodes: NODES });
    await journey.kubectl('scale', 'statefulset', EMQX.name, '--replicas=4');
    await journey.untilRest(4, is(active));
    await apply(1, 'sizes');
    await journey.untilRest(1, is(active));
    expectKept(journey.tollSince(fromMs), { left: [active], nodes: 1 });
  });

  it('that grows with the template is one upgrade to the new size', async () => {
    const blue = journey.active();
    // That a node runs is told by another one: beside nodes that have yet to join, nobody tells it of a sole one.
    await apply(NODES, 'sizes');
    await journey.untilRest(NODES, is(blue));
    const fromMs = Date.now();
    await apply(3, 'both');
    await journey.untilRest(3, isNot(blue));
    expectKept(journey.tollSince(fromMs), { left: [blue], nodes: NODES });
  });

  it('costs no session and no message', () => journey.end());
});

describe('a declaration that is deleted, whose BlueGreen Sluice has made', () => {
  const kubectl = (...words: string[]): Promise<string> => cluster.kubectl(['--namespace', ALONE, ...words]);
  const names = async (kinds: string): Promise<string[]> =>
    (await kubectl('get', kinds, '--output=name')).trim().split('\n').filter(Boolean).sort();

  it('leaves the claims of its nodes, and nothing else', async () => {
    await makeNamespace(cluster, ALONE);
    const file = exampleOf({ nodes: 1, waitTakeoverSeconds: 1, env: { ...QUICK }, onClaims: true });
    const users = file.filter(({ kind }) => kind !== 'StatefulSet' && kind !== 'BlueGreen');
    const kinds = 'secrets,configmaps,services,endpoints,pods,statefulsets,controllerrevisions,bluegreens';
    await applyFile(cluster, ALONE, users);
    const before = await names(kinds);
    await applyFile(
      cluster,
      ALONE,
      file.filter(({ kind }) => kind === 'StatefulSet'),
    );
    const active = await until(
      'Stable',
      async () => {
        const status = '--output=jsonpath={.status.phase} {.status.nodes} {.status.active}';
        const [phase, nodes, set] = (
          await kubectl('get', 'bluegreen', EMQX.name, '--ignore-not-found', status)
        ).split(' ');
        return phase === 'Stable' && nodes === '1/1' ? set : undefined;
      },
      { timeoutMs: 120_000 },
    );
    expect(await names('bluegreens')).toHaveLength(1);
    const claims = await names('persistentvolumeclaims');
    expect(claims).toEqual([`persistentvolumeclaim/${DATA}-${active}-0`]);
    await kubectl('delete', 'statefulset', EMQX.name);
    await until(
      'all is as it was before',
      async () => ((await names(kinds)).join() === before.join() ? true : undefined),
      { timeoutMs: 90_000 },
    );
    expect(await names('persistentvolumeclaims')).toEqual(claims);
    const managed = await kubectl('get', 'services', '--output=json', '--show-managed-fields');
    expect(managed).not.toContain('sluice');
  });
});
