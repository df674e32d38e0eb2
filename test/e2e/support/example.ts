import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { AnyCluster } from '../../cluster/index.js';
import { blueGreenManifests, emqxManifests } from '../../demo/manifest.js';
import type { Manifest } from '../../demo/manifest.js';

/** The example as a user might have written it, for a test of few clients: small, and with waits of no length. */
export interface Example {
  nodes: number;
  image?: string;
  /** In place of the image's own. */
  command?: string[];
  /** Added to the container's. */
  env?: Record<string, string>;
  /** connEvictRate and sessEvictRate. */
  rate?: number;
  /** Above the clients' longest back-off. */
  waitTakeoverSeconds?: number;
  initialDelaySeconds?: number;
  /** The switch waits until somebody asks for it. */
  isPromotedByHand?: boolean;
  /** Each node keeps its data on a claim, in place of a volume that goes with its pod. */
  onClaims?: boolean;
  /** Without the label, and without a BlueGreen: what somebody may run who has not heard of Sluice. */
  unlabelled?: boolean;
}

/** The one claim of a node, and the volume that it is mounted by. */
export const DATA = 'emqx-data';

/** A stand-in that starts, joins and stops in a second each: for tests of many upgrades, where it is not EMQX's pace that is looked at. */
export const QUICK = {
  STANDIN_BOOT_MS: '1000',
  STANDIN_JOIN_MS: '500',
  STANDIN_STOP_MS: '1000',
  STANDIN_DISCOVERY_DELAY_MS: '1000',
  STANDIN_DISCOVERY_RETRY_MS: '1000',
} as const;

/** kube-proxy follows a switch within about a second: whoever comes back sooner may still meet a node that hands its clients over. */
export const PROXY_SECONDS = 2;

/** BlueGreen, Services and StatefulSet of examples/, in the order in which they are applied. */
export function exampleOf({
  nodes,
  image,
  command,
  env = {},
  onClaims = false,
  unlabelled = false,
  isPromotedByHand = false,
  ...pace
}: Example): Manifest[] {
  const { rate = 100, waitTakeoverSeconds = 6, initialDelaySeconds = PROXY_SECONDS } = pace;
  const upgrade = {
    strategy: unlabelled ? 'rolling' : 'blue-green',
    clients: 0,
    nodes,
    connEvictRate: rate,
    sessEvictRate: rate,
    waitTakeoverSeconds,
    initialDelaySeconds,
  } as const;
  const manifests = [
    ...(unlabelled ? [] : blueGreenManifests(readFileSync('examples/bluegreen.yaml', 'utf8'), upgrade)),
    ...emqxManifests(readFileSync('examples/emqx.yaml', 'utf8'), upgrade),
  ];
  for (const { kind, spec } of manifests) {
    if (kind === 'BlueGreen' && isPromotedByHand) Object.assign(spec ?? {}, { promotion: { auto: false } });
    if (kind !== 'StatefulSet') continue;
    const [container] = (spec as { template: { spec: { containers: { env: object[] }[] } } }).template.spec
      .containers;
    if (!container) throw new Error('the example has no container');
    Object.assign(container, image !== undefined && { image }, command && { command });
    container.env.push(...Object.entries(env).map(([name, value]) => ({ name, value })));
    if (onClaims) keepOnClaims(spec ?? {});
  }
  return manifests;
}

function keepOnClaims(set: Record<string, unknown>): void {
  const { spec } = set['template'] as {
    spec: { volumes?: object[]; containers: { volumeMounts?: object[] }[] };
  };
  const [container] = spec.containers;
  if (!container) throw new Error('the example has no container');
  container.volumeMounts = [{ name: DATA, mountPath: '/opt/emqx/data' }];
  spec.volumes = [];
  set['volumeClaimTemplates'] = [
    {
      metadata: { name: DATA },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '64Mi' } } },
    },
  ];
}

/** Objects as the text of one file. */
export function fileOf(manifests: Manifest[]): string {
  return manifests.map((manifest) => stringify(manifest)).join('---\n');
}

/** `kubectl apply --filename` of one file with all objects. @returns what kubectl said */
export function applyFile(
  cluster: AnyCluster,
  namespace: string,
  manifests: Manifest[],
  ...words: string[]
): Promise<string> {
  const stdin = fileOf(manifests);
  return cluster.kubectl(['--namespace', namespace, 'apply', ...words, '--filename', '-'], { stdin });
}
