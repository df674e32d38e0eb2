import type { Operation } from 'rfc6902';
import { canonical, sameJson, type JsonObject } from '../lib/json.js';
import { MOST_NODES } from '../lib/bounds.js';
import { controllerOf, objectAt, textAt, wishOf } from '../lib/fields.js';
import { disownSpec } from '../lib/managed-fields.js';
import { ANNOTATION, BLUE_GREEN, FROZEN_PARTITION, LABEL } from '../lib/names.js';
import { revisionOf, setNameOf } from '../lib/revision.js';
import { parseTraceparent } from '../lib/telemetry/traceparent.js';
import { lawfulStrategy, readStrategy } from '../lib/update-strategy.js';
import { tooMany, untouched, type Answer } from './answer.js';
import { editMetadata, setField } from './edit.js';
import { annotationsOf, isBeingDeleted, labelsOf, type AdmissionRequest } from './review.js';
import { continuing, type Begun } from './trace.js';

/** What is new in each review, and so comes from outside: ids and the clock. */
export interface Fresh extends Begun {
  /** RFC 3339. */
  requestedAt: string;
}

/** `--request-timeout` of the API server, by default: no second call about a request comes later. */
const LONGEST_REQUEST_MS = 60_000;

/**
 * Answers a CREATE or UPDATE, by anyone but Sluice, of a StatefulSet that is or becomes a declaration. Its template
 * passes through unchanged; everything else that must hold until the loop acts is put into the same patch.
 * @param fresh absent for dry runs
 */
export function admitDeclaration(request: AdmissionRequest, fresh: Fresh | undefined): Answer {
  const { object, oldObject, name } = request;
  if (isBeingDeleted(object)) return untouched();
  const upgrade = textAt(labelsOf(object), LABEL.upgrade);
  const wasOurs = isOurs(oldObject);
  const warnings = upgrade === '' || upgrade === BLUE_GREEN ? [] : [unknownValue(upgrade)];
  if (!wasOurs && upgrade !== BLUE_GREEN) return untouched(...warnings);
  const operator = wasOurs ? undefined : operatorOf(object);
  if (operator !== undefined) return operated(name, operator);

  const edit: Edit = {
    request,
    spec: objectAt(object, 'spec'),
    oldSpec: objectAt(oldObject, 'spec'),
    annotations: annotationsOf(object),
    oldAnnotations: annotationsOf(oldObject),
    isNew: !wasOurs,
    changesTemplate:
      request.operation === 'CREATE' ||
      !sameJson(objectAt(object, 'spec')['template'], objectAt(oldObject, 'spec')['template']),
  };
  const size = holdReplicas(edit);
  if (Number(size.declared ?? 0) > MOST_NODES) return tooMany(`statefulset/${name}`, Number(size.declared));
  const strategy = holdUpdateStrategy(edit);
  const annotations: Record<string, string | undefined> = {
    ...size.annotations,
    ...strategy.annotations,
    ...stampRevision(edit, fresh),
    ...loops(edit, ANNOTATION.aborted),
    ...loops(edit, ANNOTATION.drainHeld),
    [ANNOTATION.heldReplicas]: sizeLeft(edit),
  };
  warnings.push(...misread(edit, size.declared));
  if (request.operation === 'UPDATE') {
    warnings.push(...explain(edit, { name, upgrade, revision: annotations[ANNOTATION.revision], ...size }));
  }
  return {
    kind: 'admit',
    ops: [
      ...editMetadata(object, 'labels', { [LABEL.managed]: 'true' }),
      ...editMetadata(object, 'annotations', annotations),
      ...size.ops,
      ...strategy.ops,
      ...disownSpec(object, ['replicas', 'updateStrategy']),
    ],
    warnings,
  };
}

/** API group of EMQX Operator, which makes sets of its own for each change and puts their sizes and templates back. */
const OPERATOR_GROUP = 'apps.emqx.io';

/** Name of the resource through which EMQX Operator runs the set. Other controllers only apply it again, as a self-heal loop does. */
function operatorOf(object: JsonObject): string | undefined {
  const owner = controllerOf(object);
  if (!textAt(owner, 'apiVersion').startsWith(`${OPERATOR_GROUP}/`)) return undefined;
  return `${textAt(owner, 'kind')} ${textAt(owner, 'name')}`;
}

function operated(name: string, operator: string): Answer {
  return {
    kind: 'refuse',
    message:
      `statefulset/${name} belongs to EMQX Operator (${operator} of ${OPERATOR_GROUP}), which would undo every step of Sluice: ` +
      `its label ${LABEL.upgrade} must not be ${BLUE_GREEN}; nothing is changed. Label a StatefulSet of your own (docs/from-emqx-operator.md)`,
  };
}

/** Whether the stored object is under Sluice: labelled, or still managed because it is being handed back. */
function isOurs(object: JsonObject): boolean {
  const labels = labelsOf(object);
  return labels[LABEL.upgrade] === BLUE_GREEN || labels[LABEL.managed] === 'true';
}

interface Edit {
  request: AdmissionRequest;
  spec: JsonObject;
  oldSpec: JsonObject;
  annotations: JsonObject;
  oldAnnotations: JsonObject;
  /** Created, or labelled just now (adoption). */
  isNew: boolean;
  changesTemplate: boolean;
}

interface Held {
  ops: Operation[];
  annotations: Record<string, string | undefined>;
}

/**
 * `spec.replicas` keeps its stored value (0 for a new object), and another value is a wish, kept in the annotation.
 * A number in the annotation that this request brought along is taken as it is: on a second call it is our own.
 */
function holdReplicas({ request, spec, oldSpec, annotations, oldAnnotations, isNew }: Edit): Held & {
  declared: string | undefined;
} {
  const asked = spec['replicas'] ?? 1; // the API server's default
  const previous = sizeIn(oldAnnotations);
  const brought = sizeIn(annotations);
  let declared = brought ?? previous;
  if (!isSize(asked)) return { ops: [], annotations: {}, declared }; // the API server refuses it in its own words

  const isCreate = request.operation === 'CREATE';
  const stored = isCreate ? 0 : (oldSpec['replicas'] ?? 1);
  const isUnknown = declared === undefined && (isNew || stored !== 0); // a stored 0 is ours, and no wish
  const isAdopted = isNew && !isCreate && brought === previous; // a note left from before says nothing
  if (asked !== stored || isUnknown || isAdopted) declared = String(asked);
  return {
    ops: asked === stored ? [] : [setField(spec, 'replicas', '/spec/replicas', stored)],
    annotations: declared === undefined ? {} : { [ANNOTATION.replicas]: declared },
    declared,
  };
}

/**
 * The note of the size that Sluice left, never the request's: a saved copy that is applied again brings an old one,
 * and the loop takes any size but the one noted for an edit that got past. Undefined: no note, which means 0.
 */
function sizeLeft({ request, oldSpec, oldAnnotations, isNew }: Edit): string | undefined {
  if (isNew) {
    const stored = request.operation === 'CREATE' ? 0 : (oldSpec['replicas'] ?? 1);
    return stored === 0 ? undefined : JSON.stringify(stored);
  }
  const noted = oldAnnotations[ANNOTATION.heldReplicas];
  return typeof noted === 'string' ? noted : undefined;
}

/**
 * Freezes the declaration's own pods (an adopted set has some), and keeps the user's own strategy for the hand-back.
 * RollingUpdate, because with OnDelete a partition freezes nothing.
 */
function holdUpdateStrategy(edit: Edit): Held {
  const { spec } = edit;
  const strategy = objectAt(spec, 'updateStrategy');
  const isHeld =
    strategy['type'] === 'RollingUpdate' &&
    objectAt(strategy, 'rollingUpdate')['partition'] === FROZEN_PARTITION;
  if (isHeld) return { ops: [], annotations: strategyNote(edit) };
  const held = { type: 'RollingUpdate', rollingUpdate: { partition: FROZEN_PARTITION } };
  return {
    ops: [setField(spec, 'updateStrategy', '/spec/updateStrategy', held)],
    annotations: { [ANNOTATION.updateStrategy]: canonical(lawfulStrategy(strategy)) },
  };
}

/** A note that the request brings may be our own, of the call before; of one that nobody could read, the stored one is as good as new. */
function strategyNote({ annotations, oldAnnotations }: Edit): Record<string, string | undefined> {
  const key = ANNOTATION.updateStrategy;
  const brought = annotations[key];
  if (typeof brought === 'string' && readStrategy(brought)) return {};
  const stored = oldAnnotations[key];
  return { [key]: typeof stored === 'string' ? stored : undefined };
}

/** Says who asked for the present template, when, and what its revision will probably be called. */
function stampRevision(edit: Edit, fresh: Fresh | undefined): Record<string, string | undefined> {
  const { request, spec, isNew, changesTemplate } = edit;
  const revision = (): string => revisionOf(request.name, objectAt(spec, 'template'));
  if (!changesTemplate) {
    return {
      ...(isNew ? { [ANNOTATION.revision]: revision() } : restored(edit, ANNOTATION.revision)),
      ...restored(edit, ANNOTATION.requestedBy),
      ...restored(edit, ANNOTATION.traceparent),
      ...restored(edit, ANNOTATION.requestedAt),
      ...restored(edit, ANNOTATION.parentSpan),
    };
  }
  const stamp = { [ANNOTATION.revision]: revision(), [ANNOTATION.requestedBy]: request.user };
  if (fresh === undefined || isStamped(edit, stamp, fresh)) return stamp;
  const begun = continuing(ownTrace(edit), fresh);
  return {
    ...stamp,
    [ANNOTATION.traceparent]: begun.traceparent,
    [ANNOTATION.requestedAt]: fresh.requestedAt,
    [ANNOTATION.parentSpan]: begun.parentSpan,
  };
}

/**
 * Whether the notes of the request are ours, from an earlier call about this same one: Kubernetes calls again when another webhook has
 * changed the object after us. Those of a saved copy that is applied again are older than any request lasts.
 */
function isStamped(
  { annotations, oldAnnotations }: Edit,
  stamp: Record<string, string>,
  { requestedAt }: Fresh,
): boolean {
  const { traceparent, requestedAt: at } = ANNOTATION;
  const sinceMs = Math.abs(Date.parse(requestedAt) - Date.parse(textAt(annotations, at)));
  return (
    Object.entries(stamp).every(([key, value]) => annotations[key] === value) &&
    parseTraceparent(annotations[traceparent]) !== undefined &&
    [traceparent, at].every((key) => annotations[key] !== oldAnnotations[key]) &&
    sinceMs <= LONGEST_REQUEST_MS
  );
}

/** A `traceparent` of the user's own: one that came without our other notes, which a saved copy has too. */
function ownTrace({ annotations, oldAnnotations }: Edit): string | undefined {
  const isChanged = (key: string): boolean =>
    typeof annotations[key] === 'string' && annotations[key] !== oldAnnotations[key];
  const own = annotations[ANNOTATION.traceparent];
  const isOwn = isChanged(ANNOTATION.traceparent) && !isChanged(ANNOTATION.requestedAt);
  return isOwn && typeof own === 'string' && parseTraceparent(own) ? own : undefined;
}

/** The stored value of a note of ours, whatever the request says. */
function restored({ oldAnnotations }: Edit, key: string): Record<string, string> {
  const value = oldAnnotations[key];
  return typeof value === 'string' ? { [key]: value } : {};
}

/** A note that only the loop writes is as it is stored, whatever the request does to it; a new declaration brings its own. */
function loops({ oldAnnotations, isNew }: Edit, key: string): Record<string, string | undefined> {
  if (isNew) return {};
  const value = oldAnnotations[key];
  return { [key]: typeof value === 'string' ? value : undefined };
}

function explain(
  { request, changesTemplate, oldAnnotations, isNew }: Edit,
  seen: {
    name: string;
    upgrade: string;
    revision: string | undefined;
    declared: string | undefined;
    ops: Operation[];
  },
): string[] {
  const { name, upgrade, revision, declared } = seen;
  const follow = `Follow: kubectl get bluegreen ${name} -w`;
  const warnings: string[] = [];
  const hadLabel = textAt(labelsOf(request.oldObject), LABEL.upgrade) !== '';
  if (upgrade === '' && hadLabel) {
    warnings.push(
      `sluice: statefulset/${name} is handed back: when its clients are on pods of its own, Sluice lets go of it. ${follow}`,
    );
  } else if (upgrade === BLUE_GREEN && !hadLabel && !isNew) {
    warnings.push(`sluice: statefulset/${name} is not handed back after all. ${follow}`);
  }
  if (changesTemplate && upgrade === '') {
    warnings.push(
      `sluice: statefulset/${name} is being handed back; its new template is reached by blue-green too. ${follow}`,
    );
  } else if (changesTemplate && revision !== undefined) {
    warnings.push(
      `sluice: template change redirected to green StatefulSet ${setNameOf(name, revision)} ` +
        `(${nodes(declared)} declared); nothing restarts. ${follow}`,
    );
  }
  if (seen.ops.length > 0 && declared !== oldAnnotations[ANNOTATION.replicas]) {
    warnings.push(
      `sluice: ${declared ?? '?'} replicas recorded for bluegreen/${name}, which sizes the nodes; ` +
        `statefulset/${name} keeps its own`,
    );
  }
  return warnings;
}

/** A size that somebody wrote into the annotation, and that is none. */
function misread({ annotations, oldAnnotations }: Edit, declared: string | undefined): string[] {
  const key = ANNOTATION.replicas;
  const brought = annotations[key];
  if (typeof brought !== 'string' || brought === oldAnnotations[key] || sizeIn(annotations) !== undefined)
    return [];
  return [
    `sluice: annotation ${key} is "${shortened(brought)}", which is no number from 0 to ${MOST_NODES}; the declared size stays ${declared ?? '?'}`,
  ];
}

function nodes(declared: string | undefined): string {
  return declared === '1' ? '1 node' : `${declared ?? '?'} nodes`;
}

function unknownValue(value: string): string {
  return `sluice: label ${LABEL.upgrade} has the unknown value "${shortened(value)}" and changes nothing; only "${BLUE_GREEN}" means anything`;
}

/** A warning has room for so much of what somebody wrote. */
function shortened(value: string): string {
  return value.length > 63 ? `${value.slice(0, 63)}…` : value;
}

function sizeIn(annotations: JsonObject): string | undefined {
  return wishOf(textAt(annotations, ANNOTATION.replicas))?.toString();
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
