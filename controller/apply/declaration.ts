import { canonical, isObject, type JsonObject } from '../../lib/json.js';
import { ANNOTATION, FROZEN_PARTITION, LABEL } from '../../lib/names.js';
import { PATH } from '../kube/paths.js';
import { annotationOf, at } from '../../lib/fields.js';
import type { Aborted, DrainHold, Trigger } from '../model.js';
import { disown } from './disown.js';
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
  await clearOnBlueGreen(site, [ANNOTATION.abort]);
  await writeDeclaration(site, {
    metadata: { annotations: { [ANNOTATION.aborted]: aborted, [ANNOTATION.abort]: null } },
  });
}

/** Writes down that drains are held, or that one is tried again, and takes away the retry that asked for it; or takes the note away. */
export async function noteHold(site: Site, hold: DrainHold | undefined): Promise<void> {
  const isRetried = hold?.retriedAtMs !== undefined;
  if (isRetried) await clearOnBlueGreen(site, [ANNOTATION.retry]);
  const note = hold && {
    pod: hold.pod,
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
  await clearOnBlueGreen(site, [ANNOTATION.retry]);
  const gone = [ANNOTATION.aborted, ANNOTATION.retry];
  await writeDeclaration(site, {
    metadata: { annotations: Object.fromEntries(gone.map((key) => [key, null])) },
  });
}

/** Removes triggers that people put on the BlueGreen. */
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

/** Merges `change` into the declaration as it was observed, and leaves no claim to its fields. */
async function writeDeclaration({ view, tools, signal }: Site, change: JsonObject): Promise<void> {
  const { namespace, name, resourceVersion } = view.observed.declaration;
  const path = PATH.statefulSets(namespace, name);
  const metadata = { ...(isObject(change['metadata']) ? change['metadata'] : {}), resourceVersion };
  const written = await tools.kube.mergePatch(path, { ...change, metadata }, signal);
  await disown(tools.kube, path, written, signal);
}
