import { apply_patch } from 'jsonpatch';
import { isObject, type JsonObject } from '../../lib/json.js';
import { ANNOTATION, BLUE_GREEN, FROZEN_PARTITION, LABEL } from '../../lib/names.js';
import { revisionOf } from '../../lib/revision.js';
import type { Answer } from '../../webhook/answer.js';
import { decide, type DecideOptions } from '../../webhook/decide.js';
import type { AdmissionRequest } from '../../webhook/review.js';
import type { BlueGreens } from '../../webhook/scale.js';

export const OWN_USER = 'system:serviceaccount:sluice-system:sluice-controller';
export const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
export const ASKED_AT = '2026-01-02T03:04:05.678Z';
export const OLD_TIME = '2026-01-01T00:00:00.000Z';
export const OLD_TRACE = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
export const HELD = { type: 'RollingUpdate', rollingUpdate: { partition: FROZEN_PARTITION } };
export const USERS_OWN = { type: 'RollingUpdate', rollingUpdate: { partition: 0 } };

export function template(image = 'emqx/emqx-enterprise:5.8.8'): JsonObject {
  return {
    metadata: { labels: { app: 'emqx' } },
    spec: { containers: [{ name: 'emqx', image, ports: [{ containerPort: 1883, protocol: 'TCP' }] }] },
  };
}

export interface SetParts {
  name?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  metadata?: JsonObject;
  spec?: JsonObject;
}

/** A StatefulSet that nobody has labelled, with the API server's defaults. */
export function plainSet({ name = 'emqx', labels, annotations, metadata, spec }: SetParts = {}): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      name,
      namespace: 'mqtt',
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...metadata,
    },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'emqx' } },
      template: template(),
      updateStrategy: USERS_OWN,
      ...spec,
    },
  };
}

/** The same with the label, as a user writes it. */
export function labelledSet(parts: SetParts = {}): JsonObject {
  return plainSet({ ...parts, labels: { [LABEL.upgrade]: BLUE_GREEN, ...parts.labels } });
}

/** A declaration as it is stored once the webhook has seen its creation. */
export function storedDeclaration(parts: SetParts = {}): JsonObject {
  return labelledSet({
    ...parts,
    labels: { [LABEL.managed]: 'true', ...parts.labels },
    annotations: {
      [ANNOTATION.replicas]: '3',
      [ANNOTATION.revision]: revisionOf('emqx', template()),
      [ANNOTATION.requestedBy]: 'alice',
      [ANNOTATION.traceparent]: OLD_TRACE,
      [ANNOTATION.requestedAt]: OLD_TIME,
      [ANNOTATION.updateStrategy]: '{"rollingUpdate":{"partition":0},"type":"RollingUpdate"}',
      ...parts.annotations,
    },
    spec: { replicas: 0, updateStrategy: HELD, ...parts.spec },
  });
}

/** What a user's write makes of a stored object: fields merged one level deep, `undefined` removes. */
export function edited(
  object: JsonObject,
  change: { labels?: JsonObject; annotations?: JsonObject; spec?: JsonObject; metadata?: JsonObject },
): JsonObject {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const merged = (a: JsonObject | undefined, b: JsonObject | undefined): JsonObject =>
    JSON.parse(JSON.stringify({ ...a, ...b })) as JsonObject;
  return {
    ...object,
    metadata: merged(metadata, {
      ...change.metadata,
      labels: merged(metadata['labels'] as JsonObject, change.labels),
      annotations: merged(metadata['annotations'] as JsonObject, change.annotations),
    }),
    spec: merged(object['spec'] as JsonObject, change.spec),
  };
}

export function request(parts: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    uid: '7d1f',
    operation: 'UPDATE',
    resource: 'apps/statefulsets',
    subResource: '',
    namespace: 'mqtt',
    name: 'emqx',
    user: 'bob',
    dryRun: false,
    object: {},
    oldObject: {},
    ...parts,
  };
}

export const noBlueGreens: BlueGreens = { scale: () => Promise.resolve('notOurs') };

export function options(parts: Partial<DecideOptions> = {}): DecideOptions {
  return {
    ownUsers: new Set([OWN_USER]),
    fresh: { traceparent: TRACE, requestedAt: ASKED_AT },
    blueGreens: noBlueGreens,
    mayScale: true,
    ...parts,
  };
}

export async function answered(
  asked: AdmissionRequest,
  parts: Partial<DecideOptions> = {},
): Promise<Answer & { kind: 'admit' }> {
  const answer = await decide(asked, options(parts));
  if (answer.kind === 'refuse') throw new Error(`refused: ${answer.message}`);
  return answer;
}

/** The object as it would be stored: the answer's patch, applied by an implementation that is not ours. */
export function patched(asked: AdmissionRequest, answer: Answer & { kind: 'admit' }): JsonObject {
  const copy = JSON.parse(JSON.stringify(asked.object)) as JsonObject;
  return apply_patch(copy, JSON.parse(JSON.stringify(answer.ops)) as object[]);
}

export function notesOf(object: JsonObject): JsonObject {
  return (object['metadata'] as { annotations?: JsonObject }).annotations ?? {};
}

export function labelsOn(object: JsonObject): JsonObject {
  return (object['metadata'] as { labels?: JsonObject }).labels ?? {};
}
