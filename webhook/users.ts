/**
 * Whether `user` is one of Kubernetes' own: the garbage collector and the other controllers of the controller
 * manager (service accounts of kube-system, or one user where they share a credential), nodes, and the API server
 * itself. A webhook that refuses their writes hangs deletions of whole namespaces.
 */
export function isKubernetesOwn(user: string): boolean {
  return (
    user.startsWith('system:serviceaccount:kube-system:') ||
    user.startsWith('system:node:') ||
    user.startsWith('system:kube-') ||
    user === 'system:apiserver'
  );
}
