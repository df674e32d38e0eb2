import type { JsonObject } from '../../lib/json.js';
import { LABEL } from '../../lib/names.js';
import type { BlueGreenSpec } from '../../lib/types.js';
import type { ClientService } from '../model.js';
import { labelOf, nameOf, objectAt, objectsAt, textAt } from '../../lib/fields.js';

/**
 * The client Services among all of a namespace: those that the spec names, else every one that, its revision key aside, selects
 * pods with these labels; never a headless one, one without a selector, or the preview Service.
 */
export function clientServices(all: JsonObject[], podLabels: JsonObject, spec: BlueGreenSpec): JsonObject[] {
  if (spec.services.length > 0) return all.filter((service) => spec.services.includes(nameOf(service)));
  return all.filter((service) => {
    if (textAt(service, 'spec', 'clusterIP') === 'None' || textAt(service, 'spec', 'type') === 'ExternalName')
      return false;
    if (nameOf(service) === spec.promotion.previewService) return false;
    const keys = Object.entries(objectAt(service, 'spec', 'selector')).filter(
      ([key]) => key !== LABEL.revision,
    );
    return keys.length > 0 && keys.every(([key, value]) => podLabels[key] === value);
  });
}

/** Reads one client Service, with the EndpointSlices of its namespace. */
export function parseService(raw: JsonObject, slices: JsonObject[]): ClientService {
  const name = nameOf(raw);
  const revision = textAt(raw, 'spec', 'selector', LABEL.revision);
  const own = slices.filter((slice) => labelOf(slice, 'kubernetes.io/service-name') === name);
  const ready = own
    .flatMap((slice) => objectsAt(slice, 'endpoints'))
    .filter((endpoint) => objectAt(endpoint, 'conditions')['ready'] !== false)
    .filter((endpoint) => textAt(endpoint, 'targetRef', 'kind') === 'Pod')
    .map((endpoint) => textAt(endpoint, 'targetRef', 'name'));
  return {
    name,
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    ...(revision && { revision }),
    managed: labelOf(raw, LABEL.managed) === 'true',
    // dual-stack Services list each pod twice
    readyPods: [...new Set(ready)].sort(),
  };
}
