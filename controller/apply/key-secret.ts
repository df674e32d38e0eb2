import { randomBytes } from 'node:crypto';
import { BLUEGREEN, keySecretName } from '../../lib/names.js';
import { isAlreadyExists } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import { textAt } from '../../lib/fields.js';
import { ownerOf } from './owner.js';
import type { Site } from './tools.js';

/**
 * Makes sure that the API key's Secret is there. It is created and never read: one that exists is kept, for running nodes were
 * bootstrapped with it. It goes when declaration and BlueGreen are both gone: pods go on mounting it while only the BlueGreen is away.
 */
export async function createKeySecret({ view, tools, signal }: Site): Promise<void> {
  const { declaration } = view.observed;
  const key = `sluice-${randomBytes(6).toString('hex')}`;
  const secret = randomBytes(32).toString('base64url');
  try {
    await tools.kube.create(
      PATH.secrets(declaration.namespace),
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: keySecretName(declaration.name),
          namespace: declaration.namespace,
          labels: { 'app.kubernetes.io/managed-by': 'sluice' },
          ownerReferences: [
            { ...ownerOf(view.raw.declaration), controller: false, blockOwnerDeletion: false },
            {
              apiVersion: `${BLUEGREEN.group}/${BLUEGREEN.version}`,
              kind: BLUEGREEN.kind,
              name: declaration.name,
              uid: textAt(view.raw.blueGreen, 'metadata', 'uid'),
            },
          ],
        },
        type: 'Opaque',
        stringData: { key, secret, bootstrap: `${key}:${secret}\n` },
      },
      signal,
    );
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
