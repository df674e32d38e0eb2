import { accepts } from './emqx.js';
import { proxied } from './stateful-sets.js';
import type { World } from './world.js';

/** Whoever is not connected tries again through the Service, as proxies know its EndpointSlices. */
export function runClients(world: World): void {
  const service = world.services[0];
  if (!service) return;
  for (const client of world.clients) {
    if (client.at !== undefined || client.retryAt > world.now) continue;
    const name = world.random.pick(proxied(service));
    const node = name === undefined ? undefined : world.nodes.get(name);
    if (node && accepts(node)) {
      client.at = node.name;
      // A session that another node of the cluster holds is taken along.
      client.session = node.name;
    } else {
      client.retryAt = world.now + 1;
    }
  }
}
