import type { LocalCluster } from '../../cluster/index.js';
import { pointWatch, readFleet, readWatch } from '../../demo/crew.js';
import { EMQX } from '../../demo/emqx.js';
import { localStage } from '../../demo/localStage.js';
import { bundlePrograms } from '../../demo/programs.js';
import { Scene } from '../../demo/scene.js';
import { kubeConfigFor, watchKube } from '../../fleet/kubeWatch.js';
import { isServing, podOf } from '../../fleet/observations.js';
import type { ResultRecord } from '../../fleet/records.js';
import { untilProxied } from './proxied.js';

/** A few clients on an EMQX, and what they and Kubernetes show meanwhile. */
export interface Crowd {
  scene: Scene;
  clients: number;
  /** Revisions (label `controller-revision-hash`) of the pods when the crowd was complete. */
  blue: ReadonlySet<string>;
  /** Disconnects so far. */
  disconnects(): number;
  /** Attempts that were refused since the crowd was complete. */
  refusals(): number;
  /** The fewest ready endpoints of the client Service since the crowd was complete. */
  minReadyEndpoints(): number;
  /** Resolves when `is` holds. @throws SceneTimeout */
  until(what: string, is: () => boolean, timeoutMs?: number): Promise<void>;
  /** The clients leave, and count. */
  leave(): Promise<ResultRecord>;
}

/** Clients on the node of a pod, when EMQX's nodes were last asked; 0 where none answers for it. */
export function clientsOn({ nodes }: Scene, pod: string): number {
  return nodes?.nodes.find(({ node }) => podOf(node) === pod)?.clients ?? 0;
}

/** What a wait may take unless the test says otherwise: green's start on a busy machine, twice. */
const WAIT_MS = 90_000;
const LIFE_SECONDS = 600;
/** Per second, of all clients together; what the demo has. */
const MOST_MESSAGES = 300;

export interface CrowdOptions {
  clients: number;
  /** Whether the clients may come. */
  isServed: (scene: Scene) => boolean;
  /** How long a client waits before it comes back; 1 to 5 s if not said. */
  backOffSeconds?: { min: number; max: number };
  /** Whether EMQX's nodes are asked too, all the time: who serves, and which node sent a client away. */
  isEmqxWatched?: boolean;
  /** The clients leave by themselves after this; 600 s if not said. */
  lifeSeconds?: number;
}

/**
 * Watches a namespace with the example in it, waits until it serves, and connects clients through the client Service.
 * @throws SceneTimeout when it does not come so far
 */
export async function crowdOn(
  cluster: LocalCluster,
  namespace: string,
  { clients, isServed, backOffSeconds, isEmqxWatched = false, lifeSeconds = LIFE_SECONDS }: CrowdOptions,
): Promise<Crowd> {
  const over = new AbortController();
  const { signal } = over;
  const scene = new Scene();
  const stage = localStage(cluster, await bundlePrograms());
  const wait: Crowd['until'] = (what, is, timeoutMs = WAIT_MS) =>
    scene.until(what, is, { timeoutMs, signal });
  try {
    await watchKube({
      config: kubeConfigFor(cluster.kubectlArgs),
      target: {
        namespace,
        service: EMQX.name,
        podSelector: EMQX.selector,
        container: EMQX.container,
        blueGreen: EMQX.name,
      },
      write: (seen) => scene.observe(seen),
      signal,
    });
    await wait('EMQX serves', () => isServed(scene));
    await untilProxied(cluster, { namespace, service: EMQX.name }, scene.endpoints?.ready ?? []);
    const watching = isEmqxWatched ? await stage.startWatch() : undefined;
    const watched = watching && readWatch(watching, scene);
    if (watching) {
      pointWatch(watching, scene);
      // Pods without a sidecar are Ready before they have joined, and the join drops whoever has connected.
      await wait('the nodes are one cluster', () => {
        const serving = scene.nodes?.nodes.filter(isServing) ?? [];
        return serving.length > 0 && serving.length === scene.endpoints?.ready.length;
      });
    }
    const ip = await cluster.kubectl([
      ...['--namespace', namespace, 'get', 'service', EMQX.name, '--output=jsonpath={.spec.clusterIP}'],
    ]);
    const fleet = await stage.startFleet([
      ...[
        '--host',
        ip,
        '--clients',
        String(clients),
        '--messages',
        String(Math.min(MOST_MESSAGES, Math.ceil(clients / 4))),
      ],
      ...['--duration', String(lifeSeconds), '--settle', '5'],
      ...(backOffSeconds
        ? ['--back-off-min', String(backOffSeconds.min), '--back-off-max', String(backOffSeconds.max)]
        : []),
    ]);
    const sailed = readFleet(fleet, scene);
    await wait('all clients are connected', () => scene.fleet.some(({ kind }) => kind === 'ready'));
    const sinceMs = Date.now();
    const atFirst = scene.endpoints?.ready.length ?? 0;
    return {
      scene,
      clients,
      blue: new Set([...scene.pods.values()].map(({ revision }) => revision)),
      disconnects: () =>
        scene.fleet.reduce((sum, each) => sum + (each.kind === 'second' ? each.disconnects.length : 0), 0),
      refusals: () =>
        scene.fleet.reduce(
          (sum, each) =>
            sum + (each.kind === 'second' ? each.refusals.filter(([atMs]) => atMs >= sinceMs).length : 0),
          0,
        ),
      minReadyEndpoints: () =>
        Math.min(
          atFirst,
          ...scene.observations.flatMap((each) =>
            each.kind === 'endpoints' && each.atMs >= sinceMs ? [each.ready.length] : [],
          ),
        ),
      until: wait,
      async leave() {
        await fleet.stop();
        await sailed;
        await watching?.stop();
        await watched;
        over.abort();
        const result = scene.fleet.find(({ kind }) => kind === 'result');
        if (result?.kind !== 'result') throw new Error('the fleet ended without a result');
        return result;
      },
    };
  } catch (error) {
    over.abort();
    await stage.clear();
    throw error;
  }
}
