import { LABEL } from '../lib/names.js';
import type { Metadata } from './kube/watch.js';
import { PATH } from './kube/paths.js';

export type Watched = 'statefulSets' | 'pods' | 'services' | 'endpointSlices' | 'blueGreens';

/**
 * What is watched, as metadata only. Slices carry the label once their Service is managed. Services are all watched, for one that is made
 * anew has no label yet, and would go without its pin until the timer: they seldom change, and cost 0.3 KB each.
 */
export const WATCHES: { kind: Watched; path: string; labelSelector: string }[] = [
  { kind: 'statefulSets', path: PATH.statefulSets(''), labelSelector: LABEL.upgrade },
  // without the first label they are being handed back
  { kind: 'statefulSets', path: PATH.statefulSets(''), labelSelector: `${LABEL.managed},!${LABEL.upgrade}` },
  { kind: 'statefulSets', path: PATH.statefulSets(''), labelSelector: LABEL.declaration },
  { kind: 'blueGreens', path: PATH.blueGreens(''), labelSelector: '' },
  { kind: 'pods', path: PATH.pods(''), labelSelector: LABEL.revision },
  { kind: 'services', path: PATH.services(''), labelSelector: '' },
  { kind: 'endpointSlices', path: PATH.endpointSlices(''), labelSelector: `${LABEL.managed}=true` },
];

/**
 * Says which declarations a change concerns. It only saves passes that would find nothing: a pass reads everything
 * anew, and each declaration has one on a timer too.
 */
export interface WakeIndex {
  /** @returns keys (`namespace/name`) of the declarations to look at */
  concerned(kind: Watched, object: Metadata, change: 'seen' | 'gone'): string[];
  /**
   * @returns the namespace in which a Service may be left pinned for nobody: that Service, when it is seen; the end of a set, or of a pod
   * whose declaration is not there
   */
  vacated(kind: Watched, object: Metadata, change: 'seen' | 'gone'): string | undefined;
  /** What a pass found out: which Services a declaration has. */
  learn(key: string, services: string[]): void;
  forget(key: string): void;
}

/** Sets whose end is remembered: those of the last hours, of however many declarations. */
const MOST_FORMER = 1_000;

export function makeWakeIndex(): WakeIndex {
  const declarations = new Set<string>();
  /** Revision set → its declaration. */
  const setOwners = new Map<string, string>();
  /** The same of sets that have gone, whose pods may end after them: a set's name tells only a part of a long one. */
  const formerOwners = new Map<string, string>();
  /** Service → declarations that it is a client Service of. */
  const serviceUsers = new Map<string, Set<string>>();
  /** BlueGreen → what of it concerns us: its status changes with every pass of ours. */
  const prints = new Map<string, string>();

  const inNamespace = (namespace: string): string[] =>
    [...declarations].filter((key) => key.startsWith(`${namespace}/`));

  function ofService(namespace: string, service: string): string[] {
    return [...(serviceUsers.get(`${namespace}/${service}`) ?? inNamespace(namespace))];
  }

  /** A declaration that is gone while pods of its sets are ending, as their set's name tells it. */
  function gone({ namespace, labels, deleting }: Metadata, setName: string): string[] {
    const tail = `-${labels[LABEL.revision] ?? ''}`;
    return deleting && tail.length > 1 && setName.endsWith(tail)
      ? [`${namespace}/${setName.slice(0, -tail.length)}`]
      : [];
  }

  function remember(set: string, declaration: string): void {
    formerOwners.delete(set);
    formerOwners.set(set, declaration);
    const [oldest] = formerOwners.keys();
    if (formerOwners.size > MOST_FORMER && oldest !== undefined) formerOwners.delete(oldest);
  }

  return {
    concerned(kind, object, change) {
      const { namespace, name, labels } = object;
      const place = `${namespace}/${name}`;
      switch (kind) {
        case 'statefulSets': {
          const declaration = declarationOf(object);
          if (declaration === undefined) {
            if (change === 'gone') declarations.delete(place);
            else declarations.add(place);
            return [place];
          }
          const key = `${namespace}/${declaration}`;
          if (change === 'gone') {
            setOwners.delete(place);
            remember(place, key);
          } else setOwners.set(place, key);
          return [key];
        }
        case 'pods': {
          const owner = object.controller?.name ?? '';
          const key = setOwners.get(`${namespace}/${owner}`) ?? `${namespace}/${owner}`;
          if (declarations.has(key)) return [key];
          const former = formerOwners.get(`${namespace}/${owner}`);
          return [...inNamespace(namespace), ...(former === undefined ? gone(object, owner) : [former])];
        }
        case 'services':
          return ofService(namespace, name);
        case 'endpointSlices':
          return ofService(namespace, labels['kubernetes.io/service-name'] ?? '');
        case 'blueGreens': {
          const { generation, annotations, deleting } = object;
          const print = JSON.stringify([object.uid, change, generation, annotations, deleting]);
          if (prints.get(place) === print) return [];
          if (change === 'gone') prints.delete(place);
          else prints.set(place, print);
          // of one whose declaration has lost every label, too
          return [place];
        }
      }
    },
    vacated(kind, { namespace, labels, controller }, change) {
      const owner = `${namespace}/${controller?.name ?? ''}`;
      const isOver =
        change === 'gone' &&
        (kind === 'statefulSets' || (kind === 'pods' && !declarations.has(setOwners.get(owner) ?? owner)));
      const isPinned = kind === 'services' && change === 'seen' && labels[LABEL.managed] !== undefined;
      return isOver || isPinned ? namespace : undefined;
    },
    learn(key, services) {
      // the watch that it has left may speak after the one that it has come to
      declarations.add(key);
      const namespace = key.split('/')[0] ?? '';
      for (const service of services) {
        const place = `${namespace}/${service}`;
        const users = serviceUsers.get(place) ?? new Set();
        serviceUsers.set(place, users.add(key));
      }
    },
    forget(key) {
      declarations.delete(key);
      for (const [place, users] of serviceUsers) {
        users.delete(key);
        if (users.size === 0) serviceUsers.delete(place);
      }
    },
  };
}

/** The declaration of a revision set; undefined of any other StatefulSet, whoever gave it that label. */
function declarationOf({ labels, controller }: Metadata): string | undefined {
  const declaration = labels[LABEL.declaration];
  const isSet = controller ? controller.name === declaration : labels[LABEL.revision] !== undefined;
  return isSet ? declaration : undefined;
}
