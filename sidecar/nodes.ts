import type { DrainSettings } from '../lib/control.js';
import type { EmqxClient } from '../lib/emqx/client.js';
import { evacuationBody } from '../lib/emqx/evacuation-body.js';

/** The node runs: it may not be taken out of its cluster. */
export class NodeRuns extends Error {
  override readonly name = 'NodeRuns';
}

/** This EMQX has no call that takes a node out of its cluster. */
export class LeavesByItself extends Error {
  override readonly name = 'LeavesByItself';
}

/** The node's own sidecar drains it, as its pod ends: it is not to be evacuated by request. */
export class OwnNode extends Error {
  override readonly name = 'OwnNode';
}

/**
 * Takes a stopped node out of the cluster; one that is no member is out already.
 * @throws NodeRuns when it runs: it would drop its database
 * @throws LeavesByItself when EMQX's API has no call for it
 * @throws EmqxApiError
 */
export async function leave(emqx: EmqxClient, node: string, signal: AbortSignal): Promise<void> {
  const found = (await emqx.nodes(signal)).find((member) => member.node === node);
  if (found && found.node_status !== 'stopped') throw new NodeRuns(`${node} is ${found.node_status}`);
  if (!found) return;
  if ((await emqx.forceLeave(node, signal)) === 'byItself')
    throw new LeavesByItself(`EMQX 4 has no call for a node to leave: its autoclean takes ${node} out`);
}

/**
 * Starts the evacuation of another node, one without a sidecar; one that runs already is left as it is.
 * @throws OwnNode when it is this sidecar's own
 * @throws EmqxApiError
 */
export async function evacuate(
  emqx: EmqxClient,
  node: string,
  settings: DrainSettings,
  signal: AbortSignal,
): Promise<'started' | 'running'> {
  const { self } = await emqx.cluster(signal);
  if (node === self) throw new OwnNode(`${node} has a sidecar: it drains when its pod is deleted`);
  const nodes = await emqx.nodes(signal);
  const running = new Set(
    nodes.filter(({ node_status }) => node_status === 'running').map((member) => member.node),
  );
  const recipients = settings.recipients.filter((recipient) => recipient !== node && running.has(recipient));
  const version = nodes.find((member) => member.node === node)?.version;
  return emqx.startEvacuation(node, evacuationBody(settings, version, recipients), signal);
}
