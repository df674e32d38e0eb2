import { setPartOf } from '../lib/revision.js';
import type { EmqxNodeStatus } from '../lib/types.js';
import { podOfNode } from './situation.js';

/**
 * Whether a node that EMQX lists is one of the declaration's: another StatefulSet's may be in the same EMQX cluster, and neither goes nor
 * stays with this one's upgrades. Pods that somebody made of the declaration itself are its own, and of no revision.
 */
export function isOwnNode({ node, revision }: EmqxNodeStatus, declaration: string): boolean {
  return revision !== undefined || setPartOf(podOfNode(node)) === declaration;
}
