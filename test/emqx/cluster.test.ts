import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import mqtt from 'mqtt';
import { bundleStandIn } from './bundle.js';
import { dispose, startNode, until, untilJoined, type NodeOptions, type TestNode } from './testNode.js';

let program: string;
let nodes: TestNode[] = [];
beforeAll(async () => {
  program = await bundleStandIn();
});
afterEach(async () => {
  await dispose(nodes);
  nodes = [];
}, 20_000);

const seeds = ['emqx@127.0.10.1', 'emqx@127.0.10.2', 'emqx@127.0.10.3'].join(',');
const clustered = { EMQX_CLUSTER__DISCOVERY_STRATEGY: 'static', EMQX_CLUSTER__STATIC__SEEDS: seeds };

function start(last: number, env: NodeOptions['env'] = {}, dataDir?: string): TestNode {
  const node = startNode({
    program,
    host: `127.0.10.${last}`,
    env: { ...clustered, ...env },
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  nodes.push(node);
  return node;
}

function client(
  node: TestNode,
  clientId: string,
  options: mqtt.IClientOptions = {},
): Promise<mqtt.MqttClient> {
  return mqtt.connectAsync(`mqtt://${node.host}`, { clientId, reconnectPeriod: 0, ...options });
}

const persistent: mqtt.IClientOptions = {
  clean: false,
  protocolVersion: 5,
  properties: { sessionExpiryInterval: 600 },
};

describe('cluster of stand-ins', () => {
  it('forms by static seeds, and every node lists all', async () => {
    start(1);
    start(2);
    start(3);
    await untilJoined(nodes);
    const items = (await nodes[2]!.api('GET', '/nodes')).body as readonly { readonly node_status: string }[];
    expect(items.map(({ node_status }) => node_status)).toEqual(['running', 'running', 'running']);
  }, 30_000);

  it('routes messages, and moves a session with its queue to where the client returns', async () => {
    start(1);
    start(2);
    await untilJoined(nodes);
    const [a, b] = [nodes[0]!, nodes[1]!];
    const first = await client(a, 'c', persistent);
    await first.subscribeAsync('t/c', { qos: 1 });
    await first.endAsync();
    const sender = await client(b, 'sender');
    for (let i = 0; i < 5; i += 1) await sender.publishAsync('t/c', `${i}`, { qos: 1 });
    const got: string[] = [];
    const again = mqtt.connect(`mqtt://${b.host}`, { clientId: 'c', reconnectPeriod: 0, ...persistent });
    again.on('message', (_topic, payload) => got.push(payload.toString()));
    const { sessionPresent } = await new Promise<{ sessionPresent: boolean }>((resolve) =>
      again.once('connect', resolve),
    );
    expect(sessionPresent).toBe(true);
    await until('5 messages', () => got.length === 5);
    expect(got).toEqual(['0', '1', '2', '3', '4']);
    expect((await a.api('GET', '/clients?node=emqx@127.0.10.1')).body).toMatchObject({ meta: { count: 0 } });
    again.end(true);
    sender.end(true);
  }, 30_000);
});
