import { afterAll, afterEach, beforeAll } from '@jest/globals';
import mqtt from 'mqtt';
import { bundleStandIn } from './bundle.js';
import { ownAddress } from './loopback.js';
import { dispose, startNode, type NodeOptions, type TestNode } from './testNode.js';

export interface Harness {
  /** Starts the node of address `last` in the file's own cluster. */
  readonly start: (last: number, env?: NodeOptions['env'], dataDir?: string) => TestNode;
  /** A client of npm `mqtt` that does not come back by itself. */
  readonly client: (
    node: TestNode,
    clientId: string,
    options?: mqtt.IClientOptions,
  ) => Promise<mqtt.MqttClient>;
}

/** MQTT 5, kept for ten minutes. */
export const persistent: mqtt.IClientOptions = {
  clean: false,
  protocolVersion: 5,
  properties: { sessionExpiryInterval: 600 },
};

/** Nodes and clients of one test file: each test starts its own, and none outlives it. */
export function useNodes(): Harness {
  let program: string;
  let nodes: TestNode[] = [];
  let clients: mqtt.MqttClient[] = [];
  const seeds = [1, 2, 3, 4, 5, 6].map((last) => `emqx@${ownAddress(last)}`).join(',');
  beforeAll(async () => {
    program = await bundleStandIn();
  });
  const clear = async () => {
    for (const client of clients) client.end(true);
    await dispose(nodes);
    clients = [];
    nodes = [];
  };
  afterEach(clear, 20_000);
  afterAll(clear);
  return {
    start: (last, env = {}, dataDir) => {
      const node = startNode({
        program,
        host: ownAddress(last),
        env: { EMQX_CLUSTER__DISCOVERY_STRATEGY: 'static', EMQX_CLUSTER__STATIC__SEEDS: seeds, ...env },
        ...(dataDir === undefined ? {} : { dataDir }),
      });
      nodes.push(node);
      return node;
    },
    client: async (node, clientId, options = {}) => {
      const client = await mqtt.connectAsync(`mqtt://${node.host}`, {
        clientId,
        reconnectPeriod: 0,
        ...options,
      });
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    },
  };
}
