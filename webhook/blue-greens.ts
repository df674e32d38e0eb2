import { ANNOTATION, BLUEGREEN, FIELD_MANAGER } from '../lib/names.js';
import type { AskApiServer } from '../lib/api-server.js';
import type { BlueGreens } from './scale.js';

/** The BlueGreens of a real cluster. */
export function makeBlueGreens(ask: AskApiServer): BlueGreens {
  return {
    async scale({ namespace, name, replicas, dryRun }, signal) {
      const path =
        `/apis/${BLUEGREEN.group}/${BLUEGREEN.version}/namespaces/${encodeURIComponent(namespace)}` +
        `/${BLUEGREEN.plural}/${encodeURIComponent(name)}?fieldManager=${FIELD_MANAGER.webhook}${dryRun ? '&dryRun=All' : ''}`;
      const body = JSON.stringify(sizeIfCarried(replicas));
      const { status } = await ask('PATCH', path, {
        signal,
        body,
        contentType: 'application/json-patch+json',
      });
      switch (status) {
        case 200:
          return 'recorded';
        case 404:
        case 422: // it exists, but the loop has never carried a size for it
          return 'notOurs';
        default:
          throw new Error(`patch of bluegreen/${name} refused: HTTP ${status}`);
      }
    },
  };
}

/**
 * Sets the size only where the loop has noted the size that it last carried: a BlueGreen that a user has made before
 * the set is labelled, or kept after the hand-back, must not swallow the scale of a StatefulSet that is not ours.
 * Moving a field onto itself is RFC 6902's way to demand that it exists (`test` needs its value, and the API
 * server's `copy` takes a missing one for null).
 */
function sizeIfCarried(replicas: number): object[] {
  const carried = `/metadata/annotations/${ANNOTATION.replicas.replace('/', '~1')}`;
  return [
    { op: 'move', from: carried, path: carried },
    { op: 'add', path: '/spec/replicas', value: replicas },
  ];
}
