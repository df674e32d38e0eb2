import { readFileSync } from 'node:fs';
import type { AnyCluster, LocalCluster } from '../cluster/index.js';
import { standInImage } from '../emqx/image.js';
import type { UpgradeSettings } from '../fleet/evidence.js';
import { blueGreenManifests, emqxManifests } from './manifest.js';
import type { Replacement } from './manifest.js';

/** Names in `examples/emqx.yaml`. */
export const EMQX = { name: 'emqx', container: 'emqx', selector: 'app=emqx', mqttPort: 1883 } as const;

/** The example's image, and the one that it is changed to. */
export const IMAGES = { from: 'emqx/emqx-enterprise:5.8.8', to: 'emqx/emqx-enterprise:5.8.9' } as const;

/** The example names the real image; on the local cluster the stand-in goes by that name. */
export async function loadEmqx(cluster: LocalCluster): Promise<void> {
  for (const version of ['5.8.8', '5.8.9']) await cluster.loadImage(await standInImage(version));
}

/**
 * Applies the example, one object at a time as a user's file is: for blue-green its BlueGreen first.
 * @throws CommandError with what kubectl said
 */
export async function applyEmqx(
  cluster: AnyCluster,
  namespace: string,
  { upgrade, replacement }: { upgrade: UpgradeSettings; replacement?: Replacement | undefined },
): Promise<void> {
  const emqx = emqxManifests(readFileSync('examples/emqx.yaml', 'utf8'), upgrade, replacement);
  const blueGreen =
    upgrade.strategy === 'rolling'
      ? []
      : blueGreenManifests(readFileSync('examples/bluegreen.yaml', 'utf8'), upgrade);
  for (const manifest of [...blueGreen, ...emqx]) {
    const stdin = JSON.stringify(manifest);
    await cluster.kubectl(['--namespace', namespace, 'apply', '--filename', '-'], { stdin });
  }
}

/** The edit: `kubectl set image`. @returns what a user reads then, warnings first */
export async function setImage(cluster: AnyCluster, namespace: string, image: string): Promise<string> {
  const words = ['set', 'image', `statefulset/${EMQX.name}`, `${EMQX.container}=${image}`];
  const { code, stdout, stderr } = await cluster.tryKubectl(['--namespace', namespace, ...words]);
  const text = `$ kubectl ${words.join(' ')}\n${stderr}${stdout}`.trimEnd();
  if (code !== 0) throw new Error(text);
  return text;
}

/** Makes a namespace. One left by a run that was killed is deleted first: its EMQX may be anywhere in an upgrade. */
export async function makeNamespace(cluster: AnyCluster, namespace: string): Promise<void> {
  await deleteNamespace(cluster, namespace);
  await cluster.kubectl(['create', 'namespace', namespace]);
}

/** Long enough for every drain that has nowhere to go. */
const DELETE_SECONDS = 230;

/**
 * Deletes a namespace, if it is there, and waits until it is gone. Pods go before it: the namespace controller would look
 * again only after half of their grace period, which is an hour, or at its resync every five minutes.
 */
export async function deleteNamespace(cluster: AnyCluster, namespace: string): Promise<void> {
  const inside = (...words: string[]) =>
    cluster.tryKubectl(['--namespace', namespace, ...words, `--timeout=${DELETE_SECONDS}s`], {
      timeoutMs: (DELETE_SECONDS + 10) * 1000,
    });
  await inside('delete', 'statefulsets', '--all');
  await inside('wait', '--for=delete', 'pods', '--all');
  await cluster.kubectl(
    ['delete', 'namespace', namespace, '--ignore-not-found', `--timeout=${DELETE_SECONDS}s`],
    { timeoutMs: (DELETE_SECONDS + 10) * 1000 },
  );
}
