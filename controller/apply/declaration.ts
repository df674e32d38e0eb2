import { canonical, isObject, type JsonObject } from '../../lib/json.js';
import { ANNOTATION, FROZEN_PARTITION, LABEL } from '../../lib/names.js';
import { PATH } from '../kube/paths.js';
import {
  annotationOf,
  at,
  controllerUidOf,
  nameOf,
  objectAt,
  ownAnnotations,
  textAt,
} from '../../lib/fields.js';
import { readStrategy } from '../../lib/update-strategy.js';
import { selectorOf } from '../observe/observe.js';
import type { Aborted, DrainHold, Trigger } from '../model.js';
import { disown } from './disown.js';
import { dropKeeper } from './key-secret.js';
import type { Site } from './tools.js';

/** Puts back what the webhook holds on a declaration. */
export async function holdDeclaration(site: Site, wish: number | undefined): Promise<void> {
  const { observed, raw } = site.view;
  const strategy = at(raw.declaration, 'spec', 'updateStrategy');
  const partition = at(strategy, 'rollingUpdate', 'partition');
  const theirs = !observed.declaration.frozen && isObject(strategy) ? strategy : undefined;
  // a partition that is gone while the user's own strategy is known: an edit past the webhook named another one
  await writeDeclaration(site, {
    metadata: {
      labels: { [LABEL.managed]: 'true' },
      annotations: {
        ...(theirs && partition !== FROZEN_PARTITION && { [ANNOTATION.updateStrategy]: canonical(theirs) }),
        ...(wish !== undefined && {
          [ANNOTATION.replicas]: String(wish),
          [ANNOTATION.heldReplicas]: String(observed.declaration.replicas),
        }),
      },
    },
    ...(!observed.declaration.frozen && {
      spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: FROZEN_PARTITION } } },
    }),
  });
}

/** Writes `spec.replicas` of a declaration, and that it was us. */
export function resizeDeclaration(site: Site, to: number): Promise<void> {
  return writeDeclaration(site, {
    metadata: { annotations: { [ANNOTATION.heldReplicas]: to === 0 ? null : String(to) } },
    spec: { replicas: to },
  });
}

/** Writes down that a revision is refused, and why, and takes away the trigger that asked for it. */
export async function abortUpgrade(
  site: Site,
  { revision, replacing, because }: Required<Aborted>,
): Promise<void> {
  const aborted = canonical({ revision, replacing, because });
  await writeDeclaration(site, {
    metadata: { annotations: { [ANNOTATION.aborted]: aborted, [ANNOTATION.abort]: null } },
  });
  await clearOnBlueGreen(site, [ANNOTATION.abort]);
}

/** Writes down that drains are held, or that one is tried again, and takes away the retry that asked for it; or takes the note away. */
export async function noteHold(site: Site, hold: DrainHold | undefined): Promise<void> {
  const isRetried = hold?.retriedAtMs !== undefined;
  const note = hold && {
    pod: hold.pod,
    uid: hold.uid,
    wanted: hold.wanted,
    heldAt: new Date(hold.heldAtMs).toISOString(),
    ...(hold.retriedAtMs !== undefined && { retriedAt: new Date(hold.retriedAtMs).toISOString() }),
  };
  await writeDeclaration(site, {
    metadata: {
      annotations: {
        [ANNOTATION.drainHeld]: note ? canonical(note) : null,
        ...(isRetried && { [ANNOTATION.retry]: null }),
      },
    },
  });
  if (isRetried) await clearOnBlueGreen(site, [ANNOTATION.retry]);
}

/** Takes triggers away, on the declaration and the BlueGreen, where they have these values. */
export async function clearTriggers(site: Site, triggers: Partial<Record<Trigger, string>>): Promise<void> {
  const { declaration, blueGreen } = site.view.raw;
  const keysOn = (object: JsonObject | undefined): string[] =>
    Object.entries(triggers)
      .map(([trigger, value]) => [ANNOTATION[trigger as Trigger], value] as const)
      .flatMap(([key, value]) => (object && annotationOf(object, key) === value ? [key] : []));
  await clearOnBlueGreen(site, keysOn(blueGreen));
  const own = keysOn(declaration);
  if (own.length === 0) return;
  await writeDeclaration(site, {
    metadata: { annotations: Object.fromEntries(own.map((key) => [key, null])) },
  });
}

/** Takes the refusal away, and the trigger that asked for it. */
export async function clearAborted(site: Site): Promise<void> {
  const gone = [ANNOTATION.aborted, ANNOTATION.retry];
  await writeDeclaration(site, {
    metadata: { annotations: Object.fromEntries(gone.map((key) => [key, null])) },
  });
  await clearOnBlueGreen(site, [ANNOTATION.retry]);
}

/**
 * Removes triggers that people put on the BlueGreen; after what they asked for was written, which a conflict may have kept from happening.
 * One that is left over by a death in between is found to be done with.
 */
async function clearOnBlueGreen({ view, tools, signal }: Site, keys: string[]): Promise<void> {
  const { raw, observed } = view;
  const present = keys.filter((key) => raw.blueGreen && annotationOf(raw.blueGreen, key) !== undefined);
  if (present.length === 0) return;
  const { namespace, name } = observed.declaration;
  const metadata: JsonObject = {
    resourceVersion: observed.blueGreen.resourceVersion,
    annotations: Object.fromEntries(present.map((key) => [key, null])),
  };
  await tools.kube.mergePatch(PATH.blueGreens(namespace, name), { metadata }, signal);
}

/** Gives the declaration the update strategy back that its user wrote. Its pods are all at its present template. */
export async function restoreStrategy(site: Site): Promise<void> {
  const { raw } = site.view;
  const held = objectAt(raw.declaration, 'spec', 'updateStrategy');
  const updateStrategy = replacing(held, ownStrategyOf(raw.declaration));
  await writeDeclaration(site, { spec: { updateStrategy } });
}

/** The user's own strategy as it was noted; without a note that can be read, the one that a StatefulSet has by default. */
function ownStrategyOf(declaration: JsonObject): JsonObject {
  const noted = readStrategy(annotationOf(declaration, ANNOTATION.updateStrategy) ?? '');
  return noted ?? { type: 'RollingUpdate', rollingUpdate: { partition: 0 } };
}

/** The merge patch after which `before` is `after`. */
function replacing(before: JsonObject, after: JsonObject): JsonObject {
  const gone = Object.keys(before).filter((key) => after[key] === undefined);
  const kept = Object.entries(after).map(([key, value]) => {
    const there = before[key];
    return [key, isObject(value) && isObject(there) ? replacing(there, value) : value] as const;
  });
  return Object.fromEntries([...gone.map((key) => [key, null] as const), ...kept]);
}

/**
 * Takes Sluice's last keys off, and the API key's Secret away: first off the declaration's ControllerRevisions, to which the StatefulSet
 * controller copies annotations, then off the declaration, which is not Sluice's from then on.
 */
export async function letGo(site: Site): Promise<void> {
  const { view, tools, signal } = site;
  const { namespace, uid } = view.observed.declaration;
  const labelSelector = selectorOf(view.raw.declaration);
  const revisions = await tools.kube.list(PATH.controllerRevisions(namespace), { labelSelector }, signal);
  for (const one of revisions) {
    if (controllerUidOf(one) !== uid || ownAnnotations(one).length === 0) continue;
    const resourceVersion = textAt(one, 'metadata', 'resourceVersion');
    const metadata = { resourceVersion, annotations: without(one) };
    await tools.kube.mergePatch(PATH.controllerRevisions(namespace, nameOf(one)), { metadata }, signal);
  }
  await dropKeeper(site);
  const metadata = { labels: { [LABEL.managed]: null }, annotations: without(view.raw.declaration) };
  await writeDeclaration(site, { metadata });
}

/** What of a merge patch takes Sluice's annotations away. */
function without(object: JsonObject): JsonObject {
  return Object.fromEntries(ownAnnotations(object).map((key) => [key, null]));
}

/** Merges `change` into the declaration as it was observed, and leaves no claim to its fields. */
async function writeDeclaration({ view, tools, signal }: Site, change: JsonObject): Promise<void> {
  const { namespace, name, resourceVersion } = view.observed.declaration;
  const path = PATH.statefulSets(namespace, name);
  const metadata = { ...(isObject(change['metadata']) ? change['metadata'] : {}), resourceVersion };
  const written = await tools.kube.mergePatch(path, { ...change, metadata }, signal);
  await disown(tools.kube, path, written, signal);
}
