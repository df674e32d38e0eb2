import { bootstrapOf } from './emqx-bootstrap.js';
import { containersOf, listAt, objectsOf, type Container } from './emqx-container.js';
import { isObject, type JsonObject } from './json.js';
import { SIDECAR, SIDECAR_PATHS } from './sidecar-env.js';

/**
 * Why a template cannot be run with a gate, and what to change; undefined when it can.
 * @param emqx EMQX's container in it
 * @param options isOwnSecret: Sluice makes the API key, so EMQX is told to take it from a file
 */
export function whyNotInjectable(
  template: JsonObject,
  emqx: Container,
  { isOwnSecret }: { isOwnSecret: boolean },
): string | undefined {
  const containers = [...containersOf(template).map(({ raw }) => raw), ...listAt(template, 'initContainers')];
  if (containers.some(({ name }) => name === SIDECAR.container)) {
    return `a container is named ${SIDECAR.container}, which is the name of Sluice's own: rename it (or take it out, if it was copied from a revision set)`;
  }
  const volumes = listAt(template, 'volumes').map(({ name }) => name);
  const taken = [SIDECAR.share, SIDECAR.apiKey].find((name) => volumes.includes(name));
  if (taken !== undefined)
    return `a volume is named ${taken}, which is the name of one of Sluice's own: rename it`;
  const mounts = objectsOf(emqx.raw['volumeMounts']).map(({ mountPath }) => mountPath);
  const path = [SIDECAR_PATHS.share, SIDECAR_PATHS.apiKey].find((ours) => mounts.includes(ours));
  if (path !== undefined)
    return `container ${emqx.name} mounts something at ${path}, which Sluice needs: mount it elsewhere`;
  for (const hook of ['preStop', 'postStart'] as const) {
    const kind = foreignKind(hookOf(emqx, hook));
    if (kind !== undefined) {
      return `the ${hook} hook of container ${emqx.name} is of kind ${kind}, which cannot run together with the drain: make it an exec hook`;
    }
  }
  const { variable } = bootstrapOf(emqx);
  const variables = objectsOf(emqx.raw['env']).map(({ name }) => name);
  if (isOwnSecret && variables.includes(variable)) {
    return `container ${emqx.name} has a bootstrap file of API keys already (${variable}): put one of its keys into a Secret (keys "key" and "secret") and name it in spec.emqx.apiKeySecret.name`;
  }
  return undefined;
}

/** One of EMQX's hooks as the user wrote it. */
export function hookOf(emqx: Container, hook: 'preStop' | 'postStart'): JsonObject | undefined {
  const { lifecycle } = emqx.raw;
  const value = isObject(lifecycle) ? lifecycle[hook] : undefined;
  return isObject(value) ? value : undefined;
}

/** The kind of a hook that is not `exec`. */
function foreignKind(hook: JsonObject | undefined): string | undefined {
  return Object.keys(hook ?? {}).find((kind) => kind !== 'exec');
}
