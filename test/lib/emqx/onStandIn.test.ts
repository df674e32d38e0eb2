import { expect, it, jest } from '@jest/globals';
import type { DrainSettings } from '../../../lib/control.js';
import type { EmqxClient } from '../../../lib/emqx/client.js';
import { evacuationBody } from '../../../lib/emqx/evacuation-body.js';
import { makeEmqxClient } from '../../../lib/emqx/find.js';
import { persistent, useNodes } from '../../emqx/harness.js';
import { testKey, until, untilJoined, type TestNode } from '../../emqx/testNode.js';

jest.setTimeout(60_000);

const { start, client } = useNodes();
const { signal } = new AbortController();
const v4 = { STANDIN_VERSION: '4.4.19', EMQX_CLUSTER__DISCOVERY: 'static' };

const SETTINGS: DrainSettings = {
  connEvictRate: 1,
  sessEvictRate: 1,
  waitTakeover: 0,
  waitHealthCheck: 0,
  noRecipientSeconds: 40,
  withoutEvacuation: 'Refuse',
  recipients: [],
};

/** As a sidecar asks that was told EMQX's default port. */
function clientOf({ host }: TestNode, credentials = testKey): EmqxClient {
  return makeEmqxClient({ host, port: 18_083, credentials: () => credentials });
}

it.each<{ env: Record<string, string>; api: object; version: string }>([
  { env: {}, api: { version: 'v5', port: 18_083 }, version: '5.8.8' },
  { env: { STANDIN_VERSION: '5.0.4' }, api: { version: 'v5', port: 18_083 }, version: '5.0.4' },
  { env: v4, api: { version: 'v4', port: 8081 }, version: '4.4.19' },
])('evacuates a node of $version and follows it', async ({ env, api, version }) => {
  const nodes = [start(1, env), start(2, env)];
  await untilJoined(nodes);
  const [one, two] = nodes as [TestNode, TestNode];
  await client(one, 'a', persistent);
  const emqx = clientOf(one);
  const { self, nodes: members } = await emqx.cluster(signal);
  expect(self).toBe(one.name);
  // In no order: EMQX promises none.
  expect(members.toSorted()).toEqual([one.name, two.name]);
  expect(emqx.api()).toEqual(api);
  expect(await emqx.status(signal)).toEqual({ kind: 'idle' });
  expect((await emqx.nodes(signal)).map(({ node_status }) => node_status)).toEqual(['running', 'running']);
  expect((await emqx.nodes(signal)).find(({ node }) => node === one.name)).toMatchObject({
    version,
    connections: 1,
  });

  const body = evacuationBody(SETTINGS, version, [two.name]);
  expect(await emqx.startEvacuation(one.name, body, signal)).toBe('started');
  expect(await emqx.startEvacuation(one.name, body, signal)).toBe('running');
  expect((await clientOf(two).globalStatus(signal)).evacuations).toMatchObject([
    { node: one.name, connection_eviction_rate: 1 },
  ]);
  await until('it prohibits', async () => {
    const status = await emqx.status(signal);
    return status.kind === 'evacuating' && status.evacuation.state === 'prohibiting';
  });
  expect((await emqx.nodes(signal)).find(({ node }) => node === two.name)?.connections).toBe(1);
  expect(await emqx.stopEvacuation(one.name, signal)).toBe('stopped');
  expect(await emqx.stopEvacuation(one.name, signal)).toBe('notRunning');
});

it('sees a stopped node of EMQX 4, and leaves it to EMQX', async () => {
  const nodes = [start(1, v4), start(2, v4)];
  await untilJoined(nodes);
  const [one, two] = nodes as [TestNode, TestNode];
  const emqx = clientOf(one);
  await two.end('SIGTERM');
  await until('it is listed as stopped', async () =>
    (await emqx.nodes(signal)).some(
      ({ node, node_status }) => node === two.name && node_status === 'stopped',
    ),
  );
  expect(await emqx.forceLeave(two.name, signal)).toBe('byItself');
  expect((await emqx.cluster(signal)).nodes).toEqual([one.name]);
});

it.each([{ env: {} }, { env: v4 }])(
  'tells a key that is refused, and a build without evacuation: $env',
  async ({ env }) => {
    const node = start(1, env);
    await untilJoined([node]);
    const stranger = clientOf(node, { key: 'key', secret: 'wrong' });
    await expect(stranger.nodes(signal)).rejects.toMatchObject({ isUnauthorized: true });
    await node.stats('PUT', '/switches', { hasNoEvacuation: true });
    await expect(clientOf(node).status(signal)).rejects.toMatchObject({ isFeatureAbsent: true });
  },
);

it.each<{ env: Record<string, string>; allows: boolean | undefined }>([
  { env: { STANDIN_VERSION: '5.8.8' }, allows: true },
  { env: { STANDIN_VERSION: '5.9.0' }, allows: false },
  { env: { STANDIN_VERSION: '5.9.0', EMQX_LICENSE__KEY: 'k' }, allows: true },
  { env: { STANDIN_VERSION: '5.8.8', STANDIN_EDITION: 'Opensource' }, allows: undefined },
  { env: v4, allows: undefined },
])('knows whether the licence allows a cluster: $env', async ({ env, allows }) => {
  const node = start(1, env);
  await untilJoined([node]);
  expect(await clientOf(node).allowsCluster(signal)).toBe(allows);
});
