/**
 * Whether a set of nodes is one that is left: whatever is not wanted, from the edit on until it is gone. By the name of the set, or by its
 * revision. What everybody who counts clients left goes by: the status, and through it kubectl and metrics; the tree and the page.
 */
export function isLeft(one: string, wanted: string): boolean {
  return one !== wanted;
}
