import { BLUEGREEN } from '../../lib/names.js';

/** Addresses of the resources that the controller reads and writes; a namespace of `''` means all of them. */
function resource(prefix: string, plural: string) {
  return (namespace: string, name?: string, subresource?: string): string =>
    [prefix, ...(namespace ? ['namespaces', namespace] : []), plural, name, subresource]
      .filter((part) => part !== undefined)
      .join('/');
}

const core = '/api/v1';

export const PATH = {
  statefulSets: resource('/apis/apps/v1', 'statefulsets'),
  controllerRevisions: resource('/apis/apps/v1', 'controllerrevisions'),
  pods: resource(core, 'pods'),
  namespaces: resource(core, 'namespaces'),
  services: resource(core, 'services'),
  secrets: resource(core, 'secrets'),
  events: resource(core, 'events'),
  claims: resource(core, 'persistentvolumeclaims'),
  endpointSlices: resource('/apis/discovery.k8s.io/v1', 'endpointslices'),
  autoscalers: resource('/apis/autoscaling/v2', 'horizontalpodautoscalers'),
  leases: resource('/apis/coordination.k8s.io/v1', 'leases'),
  blueGreens: resource(`/apis/${BLUEGREEN.group}/${BLUEGREEN.version}`, BLUEGREEN.plural),
} as const;
