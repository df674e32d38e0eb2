import type { JsonObject } from '../../lib/json.js';
import { ANNOTATION, keySecretName, LABEL } from '../../lib/names.js';
import { revisionOf } from '../../lib/revision.js';
import { inject } from '../inject/inject.js';
import { isAlreadyExists, isNotFound } from '../kube/errors.js';
import { PATH } from '../kube/paths.js';
import type { NodeSet, Observed, Step } from '../model.js';
import { controllerUidOf, labelOf, nameOf, objectAt, objectsAt, textAt } from '../../lib/fields.js';
import { comesBack } from '../situation.js';
import { templateIn } from '../observe/parse.js';
import { resizeDeclaration } from './declaration.js';
import { createKeySecret } from './key-secret.js';
import { ownerOf } from './owner.js';
import { DONE, type Outcome, type Site } from './tools.js';

type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

/** Makes a revision set from the declaration's present template; one that comes back, from its own. */
export async function makeSet(site: Site, step: StepOf<'makeSet'>): Promise<Outcome> {
  const { view, tools, signal } = site;
  const { declaration, blueGreen, sets } = view.observed;
  const former = sets.find((set) => set.revision === step.revision && comesBack(set, view.observed));
  const untold = tools.controlTrouble();
  if (untold !== undefined) return { kind: 'refused', message: untold };
  const lost = former ? undefined : lostTemplate(view.observed, step.revision);
  if (lost !== undefined) return { kind: 'refused', message: lost };
  const named = blueGreen.spec.emqx.apiKeySecret.name;
  const injection = inject((former ?? declaration).template, {
    revision: step.revision,
    spec: blueGreen.spec,
    sidecar: tools.sidecarSettings(),
    headlessService: textAt(view.raw.declaration, 'spec', 'serviceName'),
    secretName: named || keySecretName(declaration.name),
    isOwnSecret: named === '',
  });
  if (injection.kind === 'refused') return injection;
  if (named === '') await createKeySecret(site);
  const asked = revisionOf(declaration.name, (former ?? declaration).template);
  const body = revisionSet(view.raw.declaration, { ...step, asked }, injection.template);
  try {
    await tools.kube.create(PATH.statefulSets(declaration.namespace), body, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return whoseIs(site, step.name);
  }
  return DONE;
}

/** Makes a deleted set again from the ControllerRevision that its pods were made from, which was left behind with them. */
export async function restoreSet(site: Site, step: StepOf<'restoreSet'>): Promise<Outcome> {
  const { view, tools, signal } = site;
  const { declaration, sets } = view.observed;
  const { revision = '', pods = [] } = sets.find(({ name }) => name === step.set) ?? {};
  const left = view.raw.pods.find((pod) => pods.some(({ name }) => name === nameOf(pod)));
  const hash = left && labelOf(left, 'controller-revision-hash');
  const path = PATH.controllerRevisions(declaration.namespace, hash ?? 'none');
  const template = templateIn(await ifFound(tools.kube.get(path, signal)));
  if (!template) {
    const names = pods.map(({ name }) => name).join(', ');
    const message = `StatefulSet ${step.set} was deleted, and what its pods were made from is gone: delete ${names}; each is drained before it stops`;
    return { kind: 'refused', message };
  }
  const body = revisionSet(view.raw.declaration, { name: step.set, revision, size: step.size }, template);
  try {
    await tools.kube.create(PATH.statefulSets(declaration.namespace), body, signal);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  return DONE;
}

async function ifFound(object: Promise<JsonObject>): Promise<JsonObject | undefined> {
  try {
    return await object;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** A set of that name that has appeared since the observation is as good, if it is ours. */
async function whoseIs({ view, tools, signal }: Site, name: string): Promise<Outcome> {
  const { namespace, uid } = view.observed.declaration;
  const there = await tools.kube.get(PATH.statefulSets(namespace, name), signal);
  if (controllerUidOf(there) === uid) return DONE;
  const message = `a StatefulSet ${name} that is not Sluice's stands in the way: delete or rename it`;
  return { kind: 'refused', message };
}

/** An aborted upgrade goes back to a revision whose set somebody has deleted: its template is nowhere any more. */
function lostTemplate({ declaration }: Observed, revision: string): string | undefined {
  const { aborted, name, template } = declaration;
  if (aborted?.replacing !== revision || revisionOf(name, template) === revision) return undefined;
  return `the set of revision ${revision} is gone, and with it the template to go back to: edit the template of ${name}`;
}

function revisionSet(
  declaration: JsonObject,
  step: { name: string; revision: string; size: number; asked?: string },
  template: JsonObject,
): JsonObject {
  const spec = objectAt(declaration, 'spec');
  const labels = { [LABEL.declaration]: nameOf(declaration), [LABEL.revision]: step.revision };
  const selector = objectAt(spec, 'selector');
  // Not `ordinals`: numbers from 0 name the same pods in every set.
  const carried = ['minReadySeconds', 'revisionHistoryLimit'].flatMap((key) =>
    spec[key] === undefined ? [] : [[key, spec[key]] as const],
  );
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      name: step.name,
      namespace: textAt(declaration, 'metadata', 'namespace'),
      labels,
      // one that is made again for its pods has the template that they came back with
      ...(step.asked !== undefined && { annotations: { [ANNOTATION.madeFrom]: step.asked } }),
      ownerReferences: [ownerOf(declaration)],
    },
    spec: {
      ...Object.fromEntries(carried),
      replicas: step.size,
      serviceName: textAt(spec, 'serviceName'),
      // the order in which nodes come and go is the loop's to keep, and OrderedReady would stop at one that is broken
      podManagementPolicy: 'Parallel',
      // and pods that it takes over run on as they are
      updateStrategy: { type: 'OnDelete' },
      selector: {
        ...selector,
        matchLabels: { ...objectAt(selector, 'matchLabels'), [LABEL.revision]: step.revision },
      },
      template,
      volumeClaimTemplates: objectsAt(spec, 'volumeClaimTemplates').map(claimTemplate),
    },
  };
}

/** A claim template without what the API server has added to the declaration's. */
function claimTemplate(live: JsonObject): JsonObject {
  const rest = { ...live };
  delete rest['status'];
  return rest;
}

/** Sets the size of a set, the declaration itself included. */
export async function resize(site: Site, { set, to }: StepOf<'resize'>): Promise<void> {
  const target = setOf(site, set);
  if (target.kind === 'declaration') return resizeDeclaration(site, to);
  const { namespace } = site.view.observed.declaration;
  await site.tools.kube.mergePatch(
    PATH.statefulSets(namespace, set),
    { metadata: { resourceVersion: target.resourceVersion }, spec: { replicas: to } },
    site.signal,
  );
}

/** Deletes a revision set; its pods are drained as they go. */
export async function deleteSet(site: Site, name: string): Promise<void> {
  const { namespace } = site.view.observed.declaration;
  const raw = site.view.raw.sets.find((set) => nameOf(set) === name);
  await site.tools.kube.delete(
    PATH.statefulSets(namespace, name),
    {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions: {
        uid: textAt(raw, 'metadata', 'uid'),
        resourceVersion: setOf(site, name).resourceVersion,
      },
    },
    site.signal,
  );
}

function setOf({ view }: Site, name: string): NodeSet {
  const set = view.observed.sets.find((one) => one.name === name);
  if (!set) throw new Error(`a step names set ${name}, which was not observed`);
  return set;
}
