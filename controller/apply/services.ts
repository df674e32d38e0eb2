import type { JsonObject } from '../../lib/json.js';
import { ANNOTATION, LABEL } from '../../lib/names.js';
import type { Kube } from '../kube/client.js';
import { PATH } from '../kube/paths.js';
import { pinnedTo } from '../observe/services.js';
import { nameOf, ownAnnotations, textAt } from '../../lib/fields.js';
import { disown } from './disown.js';
import type { Site } from './tools.js';

/** Points Services at a revision, one patch each. */
export async function pointServices(
  { view, tools, signal }: Site,
  names: string[],
  revision: string,
): Promise<void> {
  const { declaration, services, preview } = view.observed;
  const known = [...services, ...(preview?.kind === 'found' ? [preview] : [])];
  for (const { name, resourceVersion } of known.filter((service) => names.includes(service.name))) {
    const path = PATH.services(declaration.namespace, name);
    const written = await tools.kube.mergePatch(
      path,
      {
        metadata: { resourceVersion, labels: { [LABEL.managed]: 'true' } },
        spec: { selector: { [LABEL.revision]: revision } },
      },
      signal,
    );
    await disown(tools.kube, path, written, signal);
  }
}

/** Labels pods of an adopted set with their revision, which are not handed back any more. */
export async function labelPods(
  { view, tools, signal }: Site,
  names: string[],
  revision: string,
): Promise<void> {
  const { namespace } = view.observed.declaration;
  for (const pod of view.raw.pods.filter((one) => names.includes(nameOf(one)))) {
    const resourceVersion = textAt(pod, 'metadata', 'resourceVersion');
    const metadata = {
      resourceVersion,
      labels: { [LABEL.revision]: revision },
      annotations: { [ANNOTATION.handedBack]: null },
    };
    await tools.kube.mergePatch(PATH.pods(namespace, nameOf(pod)), { metadata }, signal);
  }
}

/** Writes annotations of a pod; null takes one away. A pod that has gone meanwhile is observed again. */
export async function annotatePod(
  { view, tools, signal }: Site,
  name: string,
  annotations: { [key: string]: string | null },
): Promise<void> {
  const { namespace } = view.observed.declaration;
  const pod = view.raw.pods.find((one) => nameOf(one) === name);
  // its uid, so that it is never written onto another pod of that name
  const metadata = { uid: textAt(pod, 'metadata', 'uid'), annotations };
  await tools.kube.mergePatch(PATH.pods(namespace, name), { metadata }, signal);
}

/** Gives a pod labels back; its StatefulSet then takes it again by itself. */
export async function relabelPod(
  { view, tools, signal }: Site,
  name: string,
  labels: Record<string, string>,
): Promise<void> {
  const pod = view.raw.pods.find((one) => nameOf(one) === name);
  const metadata = { resourceVersion: textAt(pod, 'metadata', 'resourceVersion'), labels };
  await tools.kube.mergePatch(PATH.pods(view.observed.declaration.namespace, name), { metadata }, signal);
}

/** Takes what Sluice has written off Services: they select by what their user wrote, and nothing keeps them from being edited. */
export async function unpinServices({ view, tools, signal }: Site, names: string[]): Promise<void> {
  for (const service of view.raw.services.filter((one) => names.includes(nameOf(one)))) {
    const path = PATH.services(view.observed.declaration.namespace, nameOf(service));
    const written = await tools.kube.mergePatch(
      path,
      {
        metadata: {
          resourceVersion: textAt(service, 'metadata', 'resourceVersion'),
          labels: { [LABEL.managed]: null },
        },
        spec: { selector: { [LABEL.revision]: null } },
      },
      signal,
    );
    await disown(tools.kube, path, written, signal);
  }
}

/**
 * One write towards a Service as its user wrote it, where no declaration is left: first its selector, free for anybody's apply; only then
 * the label, so that what a death leaves is found by that.
 * @param service as it was read; a change since is a conflict
 * @returns whether it was the last one
 */
export async function releaseService(kube: Kube, service: JsonObject, signal: AbortSignal): Promise<boolean> {
  const path = PATH.services(textAt(service, 'metadata', 'namespace'), nameOf(service));
  const resourceVersion = textAt(service, 'metadata', 'resourceVersion');
  if (pinnedTo(service) !== '') {
    const body = { metadata: { resourceVersion }, spec: { selector: { [LABEL.revision]: null } } };
    await disown(kube, path, await kube.mergePatch(path, body, signal), signal);
    return false;
  }
  if (await disown(kube, path, service, signal)) return false;
  const body = { metadata: { resourceVersion, labels: { [LABEL.managed]: null } } };
  await disown(kube, path, await kube.mergePatch(path, body, signal), signal);
  return true;
}

/** Notes on pods of the declaration that their label is about to go. */
export async function notePods({ view, tools, signal }: Site, names: string[]): Promise<void> {
  const { namespace } = view.observed.declaration;
  for (const pod of view.raw.pods.filter((one) => names.includes(nameOf(one)))) {
    const resourceVersion = textAt(pod, 'metadata', 'resourceVersion');
    const metadata = { resourceVersion, annotations: { [ANNOTATION.handedBack]: 'true' } };
    await tools.kube.mergePatch(PATH.pods(namespace, nameOf(pod)), { metadata }, signal);
  }
}

/** Takes what Sluice has written off pods of the declaration. */
export async function unlabelPods({ view, tools, signal }: Site, names: string[]): Promise<void> {
  const { namespace } = view.observed.declaration;
  for (const pod of view.raw.pods.filter((one) => names.includes(nameOf(one)))) {
    const resourceVersion = textAt(pod, 'metadata', 'resourceVersion');
    const annotations = Object.fromEntries(ownAnnotations(pod).map((key) => [key, null]));
    const metadata = { resourceVersion, labels: { [LABEL.revision]: null }, annotations };
    await tools.kube.mergePatch(PATH.pods(namespace, nameOf(pod)), { metadata }, signal);
  }
}
