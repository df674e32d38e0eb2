import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { until, type LocalCluster } from '../cluster/index.js';
import { makeNamespace, setImage } from '../demo/emqx.js';
import { parseManifests } from '../demo/manifest.js';
import type { Scene } from '../demo/scene.js';
import { standInImage } from '../emqx/image.js';
import { crowdOn } from './support/crowd.js';
import { applyFile } from './support/example.js';
import { dropNamespaces } from './support/namespaces.js';
import { useSluice } from './support/sluice.js';
import { statusOf } from './support/status.js';

const NAMESPACE = 'e2e-emqx4';
const NODES = 2;
const CLIENTS = 60;

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await useSluice();
  for (const version of ['4.4.14', '4.4.19']) await cluster.loadImage(await standInImage(version));
  await makeNamespace(cluster, NAMESPACE);
}, 30 * 60_000);
afterAll(() => dropNamespaces(cluster, NAMESPACE), 120_000);

describe('EMQX 4.4 Enterprise', () => {
  it('is upgraded as EMQX 5 is, with the key that Sluice has made', async () => {
    await applyFile(
      cluster,
      NAMESPACE,
      parseManifests(readFileSync('test/emqx/manifests/emqx4.yaml', 'utf8')),
    );
    const serves = ({ blueGreen, endpoints }: Scene): boolean =>
      blueGreen?.phase === 'Stable' && endpoints?.ready.length === NODES;
    const crowd = await crowdOn(cluster, NAMESPACE, {
      clients: CLIENTS,
      isServed: serves,
      backOffSeconds: { min: 0.2, max: 1.5 },
    });
    const blue = (await statusOf(cluster, NAMESPACE)).active;

    await setImage(cluster, NAMESPACE, 'emqx/emqx-ee:4.4.19');
    const evacuated = await until(
      'EMQX says that it evacuates',
      async () => {
        const { nodeEvacuationsStatus: running } = await statusOf(cluster, NAMESPACE);
        return running.length > 0 ? running : undefined;
      },
      { timeoutMs: 120_000 },
    );
    expect(evacuated[0]).toMatchObject({ connection_eviction_rate: 20, session_eviction_rate: 20 });
    const listed = await until(
      'a node that has stopped is told of',
      async () => {
        const { message } = await statusOf(cluster, NAMESPACE);
        return message.includes('autoclean') ? message : undefined;
      },
      { timeoutMs: 120_000 },
    );
    expect(listed).toContain(`EMQX still lists emqx@${blue}-`);
    await crowd.until(
      'only green is left',
      () => serves(crowd.scene) && crowd.scene.pods.size === NODES,
      120_000,
    );

    const rest = await until(
      'autoclean has forgotten the nodes of blue',
      async () => {
        const status = await statusOf(cluster, NAMESPACE);
        return status.phase === 'Stable' && status.emqxNodes.length === NODES ? status : undefined;
      },
      { timeoutMs: 90_000 },
    );
    expect(rest.active).not.toBe(blue);
    expect(rest.emqxNodes.map(({ version, node_status }) => [version, node_status])).toEqual(
      Array.from({ length: NODES }, () => ['4.4.19', 'running']),
    );
    expect(rest.message).not.toContain('autoclean');

    const { connected, sessionsLost, messages } = await crowd.leave();
    expect({ connected, sessionsLost, lost: messages.lost }).toEqual({
      connected: CLIENTS,
      sessionsLost: 0,
      lost: 0,
    });
    const who = crowd.scene.fleet.flatMap((each) =>
      each.kind === 'second' ? each.disconnects.map(([, client]) => client) : [],
    );
    expect(who).toHaveLength(CLIENTS);
    expect(new Set(who).size).toBe(CLIENTS);
    expect(crowd.refusals()).toBe(0);
    expect(crowd.minReadyEndpoints()).toBeGreaterThanOrEqual(NODES);
  }, 400_000);
});
