import { rename, writeFile } from 'node:fs/promises';
import type { Versions } from '../e2e/support/versions.js';

/** What is looked at of a pod. */
export interface PodObject {
  metadata: { name: string; namespace: string; uid: string; labels?: Record<string, string> };
  spec: { containers: Container[]; initContainers?: Container[] };
  status: { podIP?: string; phase: string };
}

interface Container {
  name: string;
  ports?: { name?: string; containerPort: number }[];
}

interface TargetGroup {
  targets: string[];
  labels: Record<string, string>;
}

const META = '__meta_kubernetes_';

/**
 * The targets that Prometheus' `kubernetes_sd_config` of role pod makes of pods: one for each port of each container, init containers
 * among them. Debian builds Prometheus without it, so they are handed over in a file.
 */
export function targetsOf(pods: PodObject[]): TargetGroup[] {
  return pods.flatMap(({ metadata, spec, status }) =>
    [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ name, ports = [] }) =>
      ports.flatMap((port) => {
        if (status.podIP === undefined) return [];
        const labels = Object.entries(metadata.labels ?? {}).flatMap(([label, value]) => {
          const key = label.replaceAll(/[^a-zA-Z0-9_]/g, '_');
          return [
            [`${META}pod_label_${key}`, value],
            [`${META}pod_labelpresent_${key}`, 'true'],
          ];
        });
        return [
          {
            targets: [`${status.podIP}:${port.containerPort}`],
            labels: {
              ...(Object.fromEntries(labels) as Record<string, string>),
              [`${META}namespace`]: metadata.namespace,
              [`${META}pod_name`]: metadata.name,
              [`${META}pod_phase`]: status.phase,
              [`${META}pod_container_name`]: name,
              [`${META}pod_container_port_name`]: port.name ?? '',
            },
          },
        ];
      }),
    ),
  );
}

const EVERY_MS = 500;

/** Keeps a file of targets true, until it is stopped. */
export function keepTargets(file: string, watched: Versions<PodObject>): { stop(): Promise<void> } {
  const pods = new Map<string, PodObject>();
  let read = 0;
  let written: string | undefined;
  let writing = Promise.resolve();
  const write = async (): Promise<void> => {
    for (const { type, object } of watched.seen.slice(read)) {
      if (type === 'DELETED') pods.delete(object.metadata.uid);
      else pods.set(object.metadata.uid, object);
    }
    read = watched.seen.length;
    const text = JSON.stringify(targetsOf([...pods.values()]));
    if (text === written) return;
    written = text;
    // never half of it
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  const again = (): void => void (writing = writing.then(write));
  again();
  const timer = setInterval(again, EVERY_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await writing;
      await watched.stop();
    },
  };
}
