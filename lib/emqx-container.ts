import { isObject, type Json, type JsonObject } from './json.js';

/** EMQX's MQTT port; with the port of its API, what its container is known by. */
const MQTT_PORT = 1883;

/** One of a pod template's containers, and where it stands. */
export interface Container {
  index: number;
  name: string;
  raw: JsonObject;
}

/** A pod template's ordinary containers. */
export function containersOf(template: JsonObject): Container[] {
  return listAt(template, 'containers').map((raw, index) => ({
    index,
    name: typeof raw['name'] === 'string' ? raw['name'] : '',
    raw,
  }));
}

/** The objects in a list of a pod template's `spec`. */
export function listAt(template: JsonObject, key: string): JsonObject[] {
  return objectsOf(isObject(template['spec']) ? template['spec'][key] : undefined);
}

/** The objects in a list that may not be there. */
export function objectsOf(list: Json | undefined): JsonObject[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/**
 * Finds EMQX's container: the one named, else the one with EMQX's ports, else the only one.
 * @returns a message that names the field to set when it cannot be told
 */
export function emqxContainer(
  template: JsonObject,
  { container, apiPort }: { container: string; apiPort: number },
): Container | { refused: string } {
  const all = containersOf(template);
  const names = all.map(({ name }) => name).join(', ');
  if (container) {
    const named = all.find(({ name }) => name === container);
    return (
      named ?? {
        refused: `spec.emqx.container is ${container}, but the containers are: ${names}; correct it, or leave it empty`,
      }
    );
  }
  const withPorts = all.filter(({ raw }) =>
    objectsOf(raw['ports']).some(
      ({ containerPort }) => containerPort === MQTT_PORT || containerPort === apiPort,
    ),
  );
  const [first, second] = withPorts.length > 0 ? withPorts : all;
  if (first && !second) return first;
  return {
    refused: `which container is EMQX's cannot be told from its ports: set spec.emqx.container to one of: ${names}`,
  };
}
