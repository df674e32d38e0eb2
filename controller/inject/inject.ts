import { bootstrapOf } from '../../lib/emqx-bootstrap.js';
import { emqxContainer, type Container } from '../../lib/emqx-container.js';
import { objectAt, objectsAt } from '../../lib/fields.js';
import { graceSecondsOf } from '../../lib/grace.js';
import { hookOf, whyNotInjectable } from '../../lib/injectable.js';
import { isObject, type Json, type JsonObject } from '../../lib/json.js';
import { ANNOTATION, LABEL } from '../../lib/names.js';
import { SIDECAR, SIDECAR_GROUP, SIDECAR_PATHS } from '../../lib/sidecar-env.js';
import { record, type Recorder } from './recorder.js';
import { sidecarContainer, sidecarVolumes, type SidecarSettings, type SidecarTask } from './sidecar.js';

/** What one injection is made from, beyond the template. */
export interface InjectionSettings extends SidecarTask {
  revision: string;
  sidecar: SidecarSettings;
  /** Sluice made the Secret, so EMQX is told to take the key from it. */
  isOwnSecret: boolean;
}

export type Injection =
  | { kind: 'injected'; template: JsonObject }
  /** The template cannot be run with a gate; the message says what to change. */
  | { kind: 'refused'; message: string };

/** Grace of a restart in place by a probe: such a restart waits for no drain. */
const PROBE_GRACE_SECONDS = 30;

const BUSYBOX = `${SIDECAR_PATHS.share}/bin/busybox`;
const HOOKS = {
  preStop: [BUSYBOX, 'sh', `${SIDECAR_PATHS.share}/bin/gate.sh`],
  postStart: [BUSYBOX, 'sh', `${SIDECAR_PATHS.share}/bin/started.sh`],
} as const;

/**
 * Makes a revision set's pod template from the declaration's live one. Pure.
 * Annotation `injected` on the result holds the RFC 6902 patch that `takeOut` (lib/injected.ts) applies.
 */
export function inject(template: JsonObject, settings: InjectionSettings): Injection {
  const emqx = emqxContainer(template, settings.spec.emqx);
  if ('refused' in emqx) return { kind: 'refused', message: emqx.refused };
  const refusal = whyNotInjectable(template, emqx, settings);
  if (refusal !== undefined) return { kind: 'refused', message: refusal };

  const edits = record(template);
  editPod(edits, template, settings);
  editEmqx(edits, emqx, settings);
  const metricsPort = freePort(template, settings.sidecar.metricsPort);
  const sidecar = sidecarContainer({ ...settings.sidecar, metricsPort }, settings);
  edits.insert(['spec', 'initContainers'], 'first', sidecar);
  annotate(edits);
  return { kind: 'injected', template: edits.result };
}

/** 0 where one of the user's containers has the port: nobody's pod may fail for the sake of metrics. */
function freePort(template: JsonObject, port: number): number {
  const pod = objectAt(template, 'spec');
  const containers = [...objectsAt(pod, 'containers'), ...objectsAt(pod, 'initContainers')];
  const taken = containers.flatMap((container) => objectsAt(container, 'ports'));
  return taken.some(({ containerPort }) => containerPort === port) ? 0 : port;
}

function editPod(
  edits: Recorder,
  template: JsonObject,
  { revision, spec, secretName, isOwnSecret }: InjectionSettings,
): void {
  edits.put(['metadata', 'labels', LABEL.revision], revision);
  const pod = isObject(template['spec']) ? template['spec'] : {};
  const graceSeconds = graceSecondsOf(spec);
  const own = pod['terminationGracePeriodSeconds'];
  if (typeof own !== 'number' || own < graceSeconds) {
    edits.put(['spec', 'terminationGracePeriodSeconds'], graceSeconds);
  }
  const context = isObject(pod['securityContext']) ? pod['securityContext'] : {};
  const groups = context['supplementalGroups'];
  if (!Array.isArray(groups) || !groups.includes(SIDECAR_GROUP)) {
    edits.insert(['spec', 'securityContext', 'supplementalGroups'], 'last', SIDECAR_GROUP);
  }
  for (const volume of sidecarVolumes(secretName, isOwnSecret))
    edits.insert(['spec', 'volumes'], 'last', volume);
}

function editEmqx(edits: Recorder, emqx: Container, { isOwnSecret }: InjectionSettings): void {
  const at = ['spec', 'containers', emqx.index] as const;
  edits.insert([...at, 'volumeMounts'], 'last', { name: SIDECAR.share, mountPath: SIDECAR_PATHS.share });
  for (const hook of ['preStop', 'postStart'] as const) {
    const theirs = hookOf(emqx, hook);
    const command = isObject(theirs?.['exec']) ? theirs['exec']['command'] : undefined;
    const chained: Json[] = Array.isArray(command) && command.length > 0 ? ['--', ...command] : [];
    edits.put([...at, 'lifecycle', hook], { exec: { command: [...HOOKS[hook], ...chained] } });
  }
  for (const probe of ['livenessProbe', 'startupProbe'] as const) {
    const theirs = emqx.raw[probe];
    if (isObject(theirs) && theirs['terminationGracePeriodSeconds'] === undefined) {
      edits.put([...at, probe, 'terminationGracePeriodSeconds'], PROBE_GRACE_SECONDS);
    }
  }
  if (!isOwnSecret) return;
  edits.insert([...at, 'volumeMounts'], 'last', {
    name: SIDECAR.apiKey,
    mountPath: SIDECAR_PATHS.apiKey,
    readOnly: true,
  });
  const { variable, value } = bootstrapOf(emqx);
  edits.insert([...at, 'env'], 'last', { name: variable, value });
}

/** Writes the undo patch into the template; it takes itself out too. */
function annotate(edits: Recorder): void {
  const path = ['metadata', 'annotations', ANNOTATION.injected];
  const before = edits.undo();
  // the annotation goes as a whole if there were none: put() tells, on a copy, how its own edit is undone
  const trial = record(edits.result);
  trial.put(path, '');
  edits.put(path, JSON.stringify([...trial.undo(), ...before]));
}
