import { setTimeout as pause } from 'node:timers/promises';
import { isObject } from '../../lib/json.js';
import { BLUE_GREEN, LABEL } from '../../lib/names.js';
import { until, type LocalCluster } from '../cluster/index.js';
import type { ControllerFigures } from './report.js';
import { containersOf, SYSTEM_NAMESPACE, type Shell } from './scene.js';
import { watchContainer } from './watch-container.js';

const NODES = 3;
const NAMESPACES = 10;
const MADE_MS = 300_000;
/** Two passes of each declaration on its timer: what making them all cost is over. */
const SETTLE_MS = 60_000;

/**
 * The controller with many declarations of three nodes each. Their pods exist and stay Pending (no node fits them):
 * the controller has as many objects to look after as with running ones, and the machine is not what is measured.
 */
export async function benchController(
  cluster: LocalCluster,
  { declarations, restSeconds, say, signal }: Shell & { declarations: number; restSeconds: number },
): Promise<ControllerFigures> {
  const namespaces = Array.from({ length: NAMESPACES }, (_, index) => `bench-many-${index}`);
  await cluster.apply(
    namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  );
  say(`${declarations} declarations`);
  const all = Array.from({ length: declarations }, (_, index) =>
    declaration(`emqx-${index}`, namespaces[index % NAMESPACES] ?? ''),
  );
  await cluster.apply(all);
  const count = async (resource: string, selector: string): Promise<number> => {
    const listed = await cluster.kubectl([
      ...['get', resource, '--all-namespaces', '--selector', selector],
      ...['--no-headers', '--output', 'name'],
    ]);
    return listed.split('\n').filter(Boolean).length;
  };
  const made = { sets: 0, pods: 0 };
  await until(
    'a revision set for each declaration',
    async () => {
      made.sets = await count('statefulsets', `${LABEL.declaration}`);
      made.pods = await count('pods', `${LABEL.revision}`);
      return made.sets >= declarations && made.pods >= declarations * NODES ? true : undefined;
    },
    { timeoutMs: MADE_MS, everyMs: 2_000, signal },
  );
  await pause(SETTLE_MS, undefined, { signal });
  const leaderPod = await leaderOf(cluster);
  const containers = await containersOf(cluster, {
    namespace: SYSTEM_NAMESPACE,
    selector: 'app.kubernetes.io/component=controller',
    container: 'controller',
  });
  const leader = containers.find(({ pod }) => pod === leaderPod);
  const follower = containers.find(({ pod }) => pod !== leaderPod);
  if (!leader || !follower) throw new Error(`no two controllers, one of them ${leaderPod}`);
  const [led, followed] = await Promise.all(
    [leader, follower].map(({ id }) => watchContainer(cluster, id, { seconds: restSeconds, signal })),
  );
  if (!led || !followed) throw new Error('nothing was watched');
  return {
    declarations: await count('statefulsets', `${LABEL.upgrade}`),
    revisionSets: made.sets,
    pods: made.pods,
    seconds: restSeconds,
    leader: led,
    follower: followed,
  };
}

/** Takes the declarations away, with everything that was made for them. */
export async function clearController(cluster: LocalCluster): Promise<void> {
  const names = Array.from({ length: NAMESPACES }, (_, index) => `bench-many-${index}`);
  await cluster.kubectl(['delete', 'namespace', '--ignore-not-found', '--wait=false', ...names]);
}

async function leaderOf(cluster: LocalCluster): Promise<string> {
  const lease = await cluster.get(['-n', SYSTEM_NAMESPACE, 'lease', 'sluice-controller']);
  const spec = isObject(lease) ? lease['spec'] : undefined;
  return isObject(spec) && typeof spec['holderIdentity'] === 'string' ? spec['holderIdentity'] : '';
}

function declaration(name: string, namespace: string): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace, labels: { ...labels, [LABEL.upgrade]: BLUE_GREEN } },
    spec: {
      replicas: NODES,
      serviceName: `${name}-headless`,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: { 'bench.sluice.dev/nowhere': 'true' },
          containers: [
            {
              name: 'emqx',
              image: 'emqx/emqx-enterprise:5.8.8',
              ports: [
                { name: 'mqtt', containerPort: 1883 },
                { name: 'dashboard', containerPort: 18083 },
              ],
            },
          ],
        },
      },
    },
  };
}
