import { randomBytes } from 'node:crypto';
import { BLUEGREEN, keySecretName } from '../../lib/names.js';
import { isAlreadyExists, isNotFound } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import { nameOf, objectsAt, textAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';
import { ownerOf } from './owner.js';
import type { Site } from './tools.js';

const OURS = { 'app.kubernetes.io/managed-by': 'sluice' };

/**
 * Makes sure that the API key's Secret is there. It is created and never read: one that exists is kept, for running nodes were
 * bootstrapped with it. Its owners are the BlueGreen and an object of no other use, and it goes when both have gone: pods go on mounting it
 * while only the BlueGreen is away.
 * @returns whether it was missing
 */
export async function createKeySecret(site: Site): Promise<boolean> {
  const { view, tools, signal } = site;
  const { namespace, name } = view.observed.declaration;
  const key = `sluice-${randomBytes(6).toString('hex')}`;
  const secret = randomBytes(32).toString('base64url');
  const keeper = await makeKeeper(site);
  try {
    await tools.kube.create(
      PATH.secrets(namespace),
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: keySecretName(name),
          namespace,
          labels: OURS,
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: 'ControllerRevision',
              name: nameOf(keeper),
              uid: textAt(keeper, 'metadata', 'uid'),
            },
            {
              apiVersion: `${BLUEGREEN.group}/${BLUEGREEN.version}`,
              kind: BLUEGREEN.kind,
              name,
              uid: textAt(view.raw.blueGreen, 'metadata', 'uid'),
            },
          ],
        },
        type: 'Opaque',
        stringData: { key, secret, bootstrap: `${key}:${secret}\n` },
      },
      signal,
    );
    return true;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return false;
  }
}

/**
 * Makes the Secret again where a pod that mounts it cannot be set up: nobody else knows what was in it. It holds another key, which the
 * pod's node brings into the EMQX cluster; the one that running sidecars have goes on counting until the kubelet shows them the new one.
 * @returns whether it was missing
 */
export async function restoreKeySecret(site: Site): Promise<boolean> {
  const { observed, raw } = site.view;
  const { name, deleting } = observed.declaration;
  if (deleting || !raw.blueGreen) return false;
  const stuck = observed.sets.flatMap(({ pods }) => pods.filter(({ unmounted }) => unmounted));
  const isMissed = raw.pods.some(
    (pod) =>
      stuck.some((each) => each.name === nameOf(pod)) &&
      objectsAt(pod, 'spec', 'volumes').some(
        (volume) => textAt(volume, 'secret', 'secretName') === keySecretName(name),
      ),
  );
  return isMissed && (await createKeySecret(site));
}

/**
 * The object that keeps the Secret while the declaration is under Sluice: a ControllerRevision, which nothing but its owner looks at. It goes
 * with the declaration, or is deleted when that is handed back, as the Secret itself must not be: a right to delete Secrets has no limits.
 */
async function makeKeeper({ view, tools, signal }: Site): Promise<JsonObject> {
  const { namespace, name } = view.observed.declaration;
  const metadata = {
    name: keySecretName(name),
    namespace,
    labels: OURS,
    ownerReferences: [{ ...ownerOf(view.raw.declaration), controller: false, blockOwnerDeletion: false }],
  };
  const keeper = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata, revision: 1, data: {} };
  try {
    return await tools.kube.create(PATH.controllerRevisions(namespace), keeper, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    // One that `--cascade=orphan` has left has no owner.
    const { ownerReferences } = metadata;
    const path = PATH.controllerRevisions(namespace, metadata.name);
    return tools.kube.mergePatch(path, { metadata: { ownerReferences } }, signal);
  }
}

/** Lets the Secret go: at once where Sluice's BlueGreen has gone, else with the user's own. */
export async function dropKeeper({ view, tools, signal }: Site): Promise<void> {
  const { namespace, name } = view.observed.declaration;
  const path = PATH.controllerRevisions(namespace, keySecretName(name));
  const options = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
  try {
    await tools.kube.delete(path, options, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
