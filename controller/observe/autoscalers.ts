import { nameOf, textAt } from '../../lib/fields.js';
import type { JsonObject } from '../../lib/json.js';

/** Names of the HorizontalPodAutoscalers whose `spec.scaleTargetRef` is the declaration: they find 0 replicas there, and stop. */
export function autoscalersOf(all: JsonObject[], declaration: JsonObject): string[] {
  return all
    .filter((raw) => {
      const target = (field: string): string => textAt(raw, 'spec', 'scaleTargetRef', field);
      const isStatefulSet = target('kind') === 'StatefulSet' && target('apiVersion').startsWith('apps/');
      return isStatefulSet && target('name') === nameOf(declaration);
    })
    .map(nameOf)
    .sort();
}
