/** The one thing that is taken from the client library; loaded on demand, a file of its own in the bundle. */
export { KubeConfig } from '@kubernetes/client-node';
