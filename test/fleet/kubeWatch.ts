import {
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  KubeConfig,
  makeInformer,
} from '@kubernetes/client-node';
import type {
  Informer,
  KubernetesListObject,
  KubernetesObject,
  V1EndpointSlice,
} from '@kubernetes/client-node';
import { BLUEGREEN } from '../../lib/names.js';
import { blueGreenSeen, podSeen, readyAddresses } from './kubeFacts.js';
import type { BlueGreenObject } from './kubeFacts.js';
import type { BlueGreenSeen, EndpointsSeen, PodSeen } from './observations.js';

/** What is watched of Kubernetes during an upgrade. */
export interface KubeTarget {
  namespace: string;
  /** The client Service. */
  service: string;
  /** Label selector of the EMQX pods, all revisions: `app=emqx`. */
  podSelector: string;
  /** EMQX's container in them. */
  container: string;
  /** The BlueGreen's name; empty when there is none to watch. */
  blueGreen: string;
}

/** How a watch reaches the API server, and where its results go. */
export interface KubeWatchOptions {
  config: KubeConfig;
  target: KubeTarget;
  write: (seen: EndpointsSeen | PodSeen | BlueGreenSeen) => void;
  signal: AbortSignal;
}

/** A watch that ends (the API server was restarted, say) begins again after this. */
const RESTART_MS = 500;

/** Reads the same cluster as the arguments `--kubeconfig FILE` or `--context NAME` do for kubectl. */
export function kubeConfigFor(kubectlArgs: readonly string[]): KubeConfig {
  const config = new KubeConfig();
  const [flag, value = ''] = kubectlArgs;
  if (flag === '--kubeconfig') config.loadFromFile(value);
  else config.loadFromDefault();
  if (flag === '--context') config.setCurrentContext(value);
  return config;
}

/**
 * Watches pods, the Service's endpoints and the BlueGreen, and writes down every change with the time at which it came.
 * Resolves when the first lists are in; goes on until the signal.
 */
export async function watchKube(options: KubeWatchOptions): Promise<void> {
  await Promise.all([
    watchPods(options),
    watchEndpoints(options),
    ...(options.target.blueGreen === '' ? [] : [watchBlueGreen(options)]),
  ]);
}

function watchPods({ config, target, write, signal }: KubeWatchOptions): Promise<void> {
  const { namespace, podSelector, container } = target;
  const api = config.makeApiClient(CoreV1Api);
  const informer = makeInformer(
    config,
    `/api/v1/namespaces/${namespace}/pods`,
    () => api.listNamespacedPod({ namespace, labelSelector: podSelector }),
    podSelector,
  );
  informer.on('change', (pod) => write(podSeen(pod, container, { atMs: Date.now(), isGone: false })));
  informer.on('delete', (pod) => write(podSeen(pod, container, { atMs: Date.now(), isGone: true })));
  return keepRunning(informer, signal);
}

function watchEndpoints({ config, target, write, signal }: KubeWatchOptions): Promise<void> {
  const { namespace, service } = target;
  const api = config.makeApiClient(DiscoveryV1Api);
  const labelSelector = `kubernetes.io/service-name=${service}`;
  const informer = makeInformer(
    config,
    `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
    () => api.listNamespacedEndpointSlice({ namespace, labelSelector }),
    labelSelector,
  );
  const slices = new Map<string, V1EndpointSlice>();
  const tell = () =>
    write({ kind: 'endpoints', atMs: Date.now(), ready: readyAddresses([...slices.values()]) });
  informer.on('change', (slice) => {
    slices.set(slice.metadata?.name ?? '', slice);
    tell();
  });
  informer.on('delete', (slice) => {
    slices.delete(slice.metadata?.name ?? '');
    tell();
  });
  return keepRunning(informer, signal);
}

function watchBlueGreen({ config, target, write, signal }: KubeWatchOptions): Promise<void> {
  const { group, version, plural } = BLUEGREEN;
  const { namespace } = target;
  const api = config.makeApiClient(CustomObjectsApi);
  const informer = makeInformer<BlueGreenObject>(
    config,
    `/apis/${group}/${version}/namespaces/${namespace}/${plural}`,
    async () =>
      (await api.listNamespacedCustomObject({
        group,
        version,
        namespace,
        plural,
      })) as KubernetesListObject<BlueGreenObject>,
  );
  informer.on('change', (object) => {
    if (object.metadata?.name === target.blueGreen) write(blueGreenSeen(object, Date.now()));
  });
  return keepRunning(informer, signal);
}

async function keepRunning<T extends KubernetesObject>(
  informer: Informer<T>,
  signal: AbortSignal,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const restart = () => {
    if (signal.aborted) return;
    timer = setTimeout(() => void informer.start().catch(restart), RESTART_MS);
  };
  informer.on('error', restart);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    void informer.stop();
  });
  await informer.start();
}
