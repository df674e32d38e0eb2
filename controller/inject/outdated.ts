import type { JsonObject } from '../../lib/json.js';
import { at, objectsAt, textAt } from '../../lib/fields.js';
import { SIDECAR, SIDECAR_ENV, SIDECAR_PATHS } from '../../lib/sidecar-env.js';
import type { BlueGreenSpec } from '../../lib/types.js';
import { emqxContainer } from '../../lib/emqx-container.js';
import { graceSecondsOf } from '../../lib/grace.js';

/**
 * The fields of a BlueGreen's spec that have another value now than when a revision set was made, of those that are in its template: a
 * template is never edited, so their new value holds from the next revision on.
 * @param live the set's template
 * @param own the same with what was injected taken out
 */
export function outdatedFields(
  live: JsonObject,
  own: JsonObject,
  { spec, secretName }: { spec: BlueGreenSpec; secretName: string },
): string[] {
  const sidecar = objectsAt(live, 'spec', 'initContainers').find(({ name }) => name === SIDECAR.container);
  if (!sidecar) return [];
  const port = objectsAt(sidecar, 'env').find(({ name }) => name === SIDECAR_ENV.apiPort);
  const key = objectsAt(live, 'spec', 'volumes').find(({ name }) => name === SIDECAR.apiKey);
  const gated = objectsAt(live, 'spec', 'containers').find((container) =>
    objectsAt(container, 'volumeMounts').some(({ mountPath }) => mountPath === SIDECAR_PATHS.share),
  );
  const emqx = emqxContainer(own, spec.emqx);
  const differs: Record<string, boolean> = {
    'spec.emqx.container': !('refused' in emqx) && gated !== undefined && gated['name'] !== emqx.name,
    'spec.emqx.apiPort': textAt(port, 'value') !== String(spec.emqx.apiPort),
    'spec.emqx.apiKeySecret.name': textAt(key, 'secret', 'secretName') !== secretName,
    ...graceDiffers({ live, own, sidecar, spec }),
  };
  return Object.keys(differs).filter((field) => differs[field]);
}

/** The grace period has two fields in it; which value one of them had is in what the sidecar was started with. */
function graceDiffers(made: {
  live: JsonObject;
  own: JsonObject;
  sidecar: JsonObject;
  spec: BlueGreenSpec;
}): Record<string, boolean> {
  const { live, own, sidecar, spec } = made;
  const isMadeWith = (one: BlueGreenSpec): boolean =>
    graceOf(live) === Math.max(graceOf(own), graceSecondsOf(one));
  if (isMadeWith(spec)) return {};
  const started = objectsAt(sidecar, 'env').find(({ name }) => name === SIDECAR_ENV.noRecipientSeconds);
  const noRecipientSeconds = Number(textAt(started, 'value'));
  return {
    'spec.drainTimeoutSeconds': !isMadeWith({ ...spec, noRecipientSeconds }),
    'spec.noRecipientSeconds': noRecipientSeconds !== spec.noRecipientSeconds,
  };
}

/** Kubernetes' default is 30 s. */
function graceOf(template: JsonObject): number {
  const seconds = at(template, 'spec', 'terminationGracePeriodSeconds');
  return typeof seconds === 'number' ? seconds : 30;
}
