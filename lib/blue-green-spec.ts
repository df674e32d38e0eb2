import { drainNumber, MOST_NODES } from './bounds.js';
import { isObject, type Json, type JsonObject } from './json.js';
import { DEFAULT_SPEC, type BlueGreenSpec } from './types.js';

/**
 * A whole spec: what is given, and the defaults for what is not. An object stored under an older CRD lacks newer fields, and has numbers
 * that nothing could be done with: they count as the nearest that can be.
 */
export function specOf(given: JsonObject): BlueGreenSpec {
  const spec = filled(DEFAULT_SPEC as unknown as JsonObject, given) as unknown as BlueGreenSpec;
  const { updateStrategy, noRecipientSeconds, replicas } = spec;
  const { connEvictRate, sessEvictRate, waitTakeover } = updateStrategy.evacuationStrategy;
  return {
    ...spec,
    ...(replicas !== undefined && { replicas: Math.min(replicas, MOST_NODES) }),
    noRecipientSeconds: drainNumber('noRecipientSeconds', noRecipientSeconds),
    updateStrategy: {
      ...updateStrategy,
      initialDelaySeconds: drainNumber('waitHealthCheck', updateStrategy.initialDelaySeconds),
      evacuationStrategy: {
        connEvictRate: drainNumber('connEvictRate', connEvictRate),
        sessEvictRate: drainNumber('sessEvictRate', sessEvictRate),
        waitTakeover: drainNumber('waitTakeover', waitTakeover),
      },
    },
  };
}

function filled(defaults: JsonObject, given: JsonObject): JsonObject {
  const whole: JsonObject = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    const other: Json | undefined = defaults[key];
    if (value === undefined || value === null) continue;
    // What is no object where one should be comes from a file that the API server has not seen.
    if (isObject(other)) whole[key] = isObject(value) ? filled(other, value) : other;
    else if (!Array.isArray(other) || Array.isArray(value)) whole[key] = value;
  }
  return whole;
}
