import { join } from 'node:path';
import type { Settings } from './settings.js';

/** How many claims can be bound until somebody empties a volume whose claim has gone. */
const volumes = 40;

/** Folders of the node behind the volumes, to be made with mode 0777: a hostPath takes no fsGroup. */
export function volumeFolders({ stateDir }: Settings): string[] {
  return Array.from({ length: volumes }, (_, index) => join(stateDir, 'volumes', String(index)));
}

/** What a cluster is expected to have beyond an empty API server: a default storage class, and volumes for claims. */
export function firstObjects(settings: Settings): object[] {
  const storageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: {
      name: 'standard',
      annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
    },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
    reclaimPolicy: 'Retain',
  };
  const persistentVolumes = volumeFolders(settings).map((path, index) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `volume-${index}` },
    spec: {
      capacity: { storage: '100Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'standard',
      hostPath: { path, type: 'Directory' },
    },
  }));
  return [storageClass, ...persistentVolumes];
}
