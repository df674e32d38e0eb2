import { setTimeout as pause } from 'node:timers/promises';
import {
  AppsV1Api,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1StatefulSet,
} from '@kubernetes/client-node';
import { ANNOTATION, LABEL } from '../../lib/names.js';
import type { LocalCluster } from '../cluster/index.js';
import type { ReactionFigures } from './report.js';
import { DECLARATION, NAMESPACE, type Shell } from './scene.js';
import { quantile, rounded } from './stats.js';

/** A node that does not exist: green's pod stays Pending, so no edit costs a start of EMQX, nor ends in a switch. */
const NOWHERE = { 'bench.sluice.dev/nowhere': 'true' };
const GREEN_MS = 30_000;
/** The loop has timers of its own; edits come at any moment of theirs. */
const MOST_PAUSE_MS = 1_500;

/** Edits the template again and again, and takes each edit back once its green StatefulSet was seen. */
export async function benchReaction(
  cluster: LocalCluster,
  { edits, say, signal }: Shell & { edits: number },
): Promise<ReactionFigures> {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const api = config.makeApiClient(AppsV1Api);
  const sets = await watchSets(config, api);
  const patch = async (spec: object): Promise<{ tookMs: number; answeredAtMs: number; revision: string }> => {
    const beganMs = performance.now();
    const { metadata } = await api.patchNamespacedStatefulSet(
      { name: DECLARATION, namespace: NAMESPACE, body: { spec: { template: { spec } } } },
      setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
    );
    const answeredAtMs = performance.now();
    const revision = metadata?.annotations?.[ANNOTATION.revision] ?? '';
    return { tookMs: answeredAtMs - beganMs, answeredAtMs, revision };
  };
  const reactionMs: number[] = [];
  const patchMs: number[] = [];
  try {
    for (let edit = 1; edit <= edits; edit += 1) {
      signal.throwIfAborted();
      await pause(Math.random() * MOST_PAUSE_MS, undefined, { signal });
      const env = [{ name: 'BENCH_EDIT', value: `${edit}` }];
      const { tookMs, answeredAtMs, revision } = await patch({
        nodeSelector: NOWHERE,
        containers: [{ name: 'emqx', env }],
      });
      const seenAtMs = await sets.seen(revision, 'there');
      reactionMs.push(Math.max(0, seenAtMs - answeredAtMs));
      patchMs.push(tookMs);
      await patch({
        nodeSelector: null,
        containers: [{ name: 'emqx', env: [{ name: 'BENCH_EDIT', $patch: 'delete' }] }],
      });
      await sets.seen(revision, 'gone');
      if (edit % 20 === 0) say(`${edit} of ${edits} edits, p50 ${rounded(quantile(reactionMs, 0.5))} ms`);
    }
  } finally {
    await sets.stop();
  }
  return {
    edits,
    p50Ms: rounded(quantile(reactionMs, 0.5)),
    p99Ms: rounded(quantile(reactionMs, 0.99)),
    maxMs: rounded(Math.max(...reactionMs)),
    patchP50Ms: rounded(quantile(patchMs, 0.5)),
    patchP99Ms: rounded(quantile(patchMs, 0.99)),
  };
}

interface Sets {
  /** Resolves with the time (of `performance.now`) at which the revision's set came, or once it has gone. */
  seen(revision: string, state: 'there' | 'gone'): Promise<number>;
  stop(): Promise<void>;
}

/** Watches the revision sets. Each set that comes or goes is one event; nothing is asked in between. */
async function watchSets(config: KubeConfig, api: AppsV1Api): Promise<Sets> {
  const labelSelector = LABEL.declaration;
  const cameAtMs = new Map<string, number>();
  let tell: (() => void)[] = [];
  const informer = makeInformer(
    config,
    `/apis/apps/v1/namespaces/${NAMESPACE}/statefulsets`,
    () => api.listNamespacedStatefulSet({ namespace: NAMESPACE, labelSelector }),
    labelSelector,
  );
  const revisionOf = ({ metadata }: V1StatefulSet): string => metadata?.labels?.[LABEL.revision] ?? '';
  const changed = (): void => {
    const waiting = tell;
    tell = [];
    for (const each of waiting) each();
  };
  informer.on('add', (set) => {
    cameAtMs.set(revisionOf(set), performance.now());
    changed();
  });
  informer.on('delete', (set) => {
    cameAtMs.delete(revisionOf(set));
    changed();
  });
  let isStopped = false;
  informer.on('error', () => {
    if (!isStopped) void informer.start();
  });
  await informer.start();
  return {
    async seen(revision, state) {
      const giveUp = AbortSignal.timeout(GREEN_MS);
      for (;;) {
        const atMs = cameAtMs.get(revision);
        if (state === 'there' ? atMs !== undefined : atMs === undefined) return atMs ?? performance.now();
        if (giveUp.aborted)
          throw new Error(`the set of revision ${revision} is not ${state} after ${GREEN_MS} ms`);
        const { promise, resolve } = Promise.withResolvers<void>();
        tell.push(resolve);
        giveUp.addEventListener('abort', () => resolve(), { once: true });
        await promise;
      }
    },
    async stop() {
      isStopped = true;
      await informer.stop();
    },
  };
}
